"""Reading and setting the columns of ORM objects: what raises, and what begins a transaction (semantics, section 5)."""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, NameImport
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.facts.tree import Attribute, Await, Call, Constant, Expr, Name, Subscript
from supavisor_lint.flow import machine
from supavisor_lint.flow.at_hand import maybe_of_same_row, row_of
from supavisor_lint.flow.events import ExpiredRead
from supavisor_lint.flow.frame import ANY, DATABASE, PLAIN, REFUSED, Frame, Thrown
from supavisor_lint.flow.loading import is_column
from supavisor_lint.flow.locked_rows import Row
from supavisor_lint.flow.methods import answer_if_missing, reads_if_present, reads_of, reads_of_parameter
from supavisor_lint.flow.objects import absent, maybe_loaded, refreshed, was_set
from supavisor_lint.flow.sql import class_of
from supavisor_lint.flow.state import Condition, State
from supavisor_lint.flow.values import ANYTHING, CALLER, ConstantRef, ObjectRef, Tracked
from supavisor_lint.flow.witnesses import was_not_expired
from supavisor_lint.project.names import is_what_it_says
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import FunctionValue

_MAX_BASES = 8
_NOT_COLUMNS = frozenset({"awaitable_attrs", "metadata", "registry"})


def is_missing(frame: Frame, expr: Expr, state: State, value: Tracked) -> bool:
    """Whether an expression's value is None: by itself, or as an object that a query has not found.

    Others may have set what is no local name meanwhile.
    """
    if isinstance(expr, Attribute | Subscript):
        return False
    scope = frame.function.scope
    if isinstance(value, ConstantRef):
        is_local = not isinstance(expr, Name) or expr.id not in scope.globals | scope.nonlocals
        return value.value is None and is_local
    known = state.objects.get(value.site) if isinstance(value, ObjectRef) else None
    return known is not None and not known.conditions


def behind_missing(frame: Frame, state: State) -> list[State]:
    """The states behind an attribute of None, which raises: none, but for who goes on as if there were something."""
    if frame.follower.wary:
        return [state]
    frame.throw(state, Thrown("class", "AttributeError"))
    return [state] if frame.follower.tells_all else []


def read_attribute(frame: Frame, expr: Attribute, state: State, ref: ObjectRef) -> tuple[State, Tracked]:
    """Reading an attribute of an ORM object: raises where it has expired, and leaves a transaction open."""
    known = state.objects.get(ref.site)
    if known is None or not _is_column(expr, known.entity):
        return state, ANYTHING
    return _read(frame, expr, expr.attr, state, ref)


def read_by_name(frame: Frame, call: Call, state: State, ref: ObjectRef) -> tuple[State, Tracked]:
    """`getattr(job, "status", None)`: the default is only for a name that the class has not."""
    name = call.args[1].value if len(call.args) > 1 else None
    if not _may_raise(state, ref) or not isinstance(name, Constant) or not isinstance(name.value, str):
        return state, ANYTHING
    cls = class_of(frame.ev, state.objects[ref.site].entity)
    if cls is None or not _is_declared(name.value, cls):
        return state, ANYTHING
    return _read(frame, call, name.value, state, ref)


def read_by_method(frame: Frame, call: Call, name: str, state: State, ref: ObjectRef) -> State:
    """`row.decrypted()`: what the method reads of its own columns on every path."""
    cls = class_of(frame.ev, state.objects[ref.site].entity) if _may_raise(state, ref) else None
    bindings = cls.scope.bindings.get(name, []) if cls is not None else []
    method = bindings[0] if len(bindings) == 1 else None
    if cls is None or not isinstance(method, FunctionDef):
        return state
    if method.is_async and not isinstance(call.parent, Await):
        return state
    for attr in reads_of(method):
        if _is_declared(attr, cls):
            state, _ = _read(frame, call, attr, state, ref)
    return state


def _may_raise(state: State, ref: ObjectRef) -> bool:
    """Whether there is any attribute of an object that cannot be read."""
    known = state.objects.get(ref.site)
    return known is not None and any(condition.kind == "expired" for condition in known.conditions)


def read_by_function(
    frame: Frame, call: Call, function: FunctionValue, state: State, given: Sequence[Tracked]
) -> list[tuple[State, Tracked]]:
    """`next_number(job)`: what a function of the project, which gets no session, reads of an object on every path.

    With each state what the function answers, where that is told by there being no object.
    """
    if function.node.is_async and not isinstance(call.parent, Await):
        return [(state, ANYTHING)]
    values = {id(argument.value): value for argument, value in zip(call.args, given, strict=True)}
    for name, expr in bind_arguments(function, call.args).items():
        ref = values[id(expr)]
        if not isinstance(ref, ObjectRef | ConstantRef) or not is_what_it_says(frame.ev, function):
            continue
        reads = reads_of_parameter(function.node, name)
        if is_missing(frame, expr, state, ref):
            if reads:
                return [(after, ANYTHING) for after in behind_missing(frame, state)]
            return [(state, answer_if_missing(function.node, name))]
        if isinstance(ref, ObjectRef):
            state = _read_each(frame, call, reads, state, ref)
            there = _read_each(frame, call, reads_if_present(function.node, name), state, ref)
            if there is not state and not reads and not ref.exists:
                return [(there, ANYTHING), (_without(state, expr, ref), answer_if_missing(function.node, name))]
            state = there
    return [(state, ANYTHING)]


def _without(state: State, expr: Expr, ref: ObjectRef) -> State:
    """The state in which there is no object; a name that holds it keeps that apart where the paths meet again."""
    state = absent(state, ref.site)
    return state.with_variable(expr.id, ConstantRef(None)) if isinstance(expr, Name) else state


def _read_each(frame: Frame, call: Call, attrs: Sequence[str], state: State, ref: ObjectRef) -> State:
    known = state.objects.get(ref.site)
    for attr in attrs if known is not None else ():
        if known is not None and _names_column(attr, known.entity):
            state, _ = _read(frame, call, attr, state, ref)
    return state


def read_whole(frame: Frame, call: Call, state: State, ref: ObjectRef) -> tuple[State, Tracked]:
    """`JobOut.model_validate(job)`: Pydantic reads the attributes, and makes its own error of what that raises."""
    known = state.objects.get(ref.site)
    if known is None or any(condition.present for condition in known.conditions):
        return state, ANYTHING
    return _read(frame, call, "", state, ref, PLAIN)


def _read(
    frame: Frame, expr: Expr, attr: str, state: State, ref: ObjectRef, thrown: Thrown = REFUSED
) -> tuple[State, Tracked]:
    known = state.objects[ref.site]
    expired = [c for c in known.conditions if c.blocks(attr)]
    if not expired:
        return state, ANYTHING
    site = known.session
    event = frame.trace.record(ExpiredRead, expr, frame.opened[site], state.is_sure(site))
    if not state.ghost and not event.reached:  # what was told so far is of paths that nobody gets along
        event.because, event.detached, event.refused, event.reached = set(), False, False, True
    if state.ghost is not event.reached:
        event.because |= {c.by for c in expired if c.by is not None}
        if ref.site in frame.given:
            event.because.add(CALLER)  # the caller's object: it is the call that must not do this
        event.detached = event.detached or all(c.detached for c in expired)
        is_refused = site in state.sessions and state.sessions[site].hard in ("flush", "savepoint")
        event.refused = event.refused or is_refused
    frame.throw(_begun_by(state, site, expr, expired), thrown)
    rest = known.conditions - set(expired)
    if rest:
        state = state.with_object(ref.site, known._replace(conditions=rest))
        return was_not_expired(state, site, frozenset(c.by for c in expired)), ANYTHING
    return frame.behind_failure(refreshed(state, ref.site)), ANYTHING


def awaitable(expr: Await) -> tuple[Expr, str] | None:
    """`job` and "status" of `await job.awaitable_attrs.status`."""
    match expr.value:
        case Attribute(Attribute(owner, "awaitable_attrs"), attr):
            return owner, attr
        case _:
            return None


def load_attribute(frame: Frame, expr: Await, attr: str, state: State, owner: Tracked) -> State:
    """What has expired is loaded again, all of it at once; a relationship brings other objects with it."""
    known = state.objects.get(owner.site) if isinstance(owner, ObjectRef) else None
    if known is None or not isinstance(owner, ObjectRef):
        frame.throw(state)
        return state
    expired = [c for c in known.conditions if c.blocks(attr)]
    if expired and not all(c.detached for c in expired):
        state = _begun_by(state, known.session, expr.value, expired)
    frame.throw(state, DATABASE if expired else ANY)
    if expired:
        state = refreshed(state, owner.site)
    return state if is_column(frame, known.entity, attr) else maybe_loaded(state, known.session, None)


def set_attribute(frame: Frame, node: Expr, attr: str, state: State, owner: ObjectRef) -> list[State]:
    """Setting an attribute of a persistent object begins a transaction, and is a write."""
    known = state.objects[owner.site]
    if not may_be_column(attr, known.entity):
        return [state]
    for site in (owner.site, *maybe_of_same_row(frame, state, owner.site)):
        state = was_set(state, site, attr)
    idle = [c for c in known.conditions if c.kind in ("unknown", "added", "new", "gone") or c.detached]
    if len(idle) == len(known.conditions):
        return [state]
    row = row_of(owner.site, known)
    if row is not None:
        frame.rows[node] = row
    frame.changed[node] = frozenset((Row(known.entity, row[1] if row is not None else None),))
    use = machine.Use(node, "", writes=True, queries=False, updates=True)
    return [*([state] if idle else []), *machine.work(frame, state, known.session, use)]


def set_by_name(frame: Frame, call: Call, state: State, owner: ObjectRef) -> list[State] | None:
    """`setattr(job, "status", DONE)`; None for one whose name only the run knows."""
    name = call.args[1].value if len(call.args) == 3 else None
    if owner.site not in state.objects or not isinstance(name, Constant) or not isinstance(name.value, str):
        return None
    frame.updates.add(call)
    return set_attribute(frame, call, name.value, state, owner)


def _is_declared(attr: str, cls: ClassDef) -> bool:
    """Whether a class says of a name that it is a column or a relationship."""
    bindings = cls.scope.bindings.get(attr, [])
    return any(isinstance(b, Assigned) and (isinstance(b.value, Call) or b.annotation is not None) for b in bindings)


def may_be_column(attr: str, entity: object) -> bool:
    """Whether setting an attribute may change a row: not where its class, known whole, has none of that name."""
    if not isinstance(entity, ClassDef):
        return not attr.startswith("_")
    return _declares(attr, entity) is not False


def _declares(attr: str, cls: ClassDef, depth: int = 0) -> bool | None:
    """Whether a class binds a name, itself or in a base; None where a base is not known."""
    if attr in cls.scope.bindings:
        return True
    answers: list[bool | None] = []
    for base in cls.bases:
        owner = scope_of(base).lookup(base.id) if isinstance(base, Name) else None
        bindings = owner.bindings[base.id] if owner is not None and isinstance(base, Name) else []
        binding = bindings[0] if len(bindings) == 1 else None
        if isinstance(binding, ClassDef) and depth < _MAX_BASES:
            answers.append(_declares(attr, binding, depth + 1))
        else:
            answers.append(False if _is_sqlalchemys(binding) else None)
    return True if True in answers else None if None in answers else False


def _is_sqlalchemys(binding: object) -> bool:
    """`class Base(DeclarativeBase)`, `Base = declarative_base()`."""
    if isinstance(binding, NameImport):
        return binding.module.partition(".")[0] == "sqlalchemy" and binding.level == 0
    value = binding.value if isinstance(binding, Assigned) else None
    return isinstance(value, Call) and last_name(value.func) == "declarative_base"


def _begun_by(state: State, site: object, node: Node, expired: list[Condition]) -> State:
    session = state.sessions.get(site)
    if session is None or session.blocks or all(c.detached for c in expired):
        return state
    history = state.history(site)
    origins = history.origins or frozenset((node,))
    return state.with_session(site, session._replace(transaction="begun"), history._replace(origins=origins))


def _is_column(expr: Attribute, entity: object) -> bool:
    """Whether an attribute may be a column: not a method, property or constant of the class."""
    if isinstance(expr.parent, Call) and expr.parent.func is expr:
        return False
    return _names_column(expr.attr, entity)


def _names_column(attr: str, entity: object) -> bool:
    if attr.startswith("__") or attr in _NOT_COLUMNS:
        return False
    scope = getattr(entity, "scope", None)
    for binding in scope.bindings.get(attr, []) if scope is not None else []:
        if isinstance(binding, FunctionDef):
            return False
        if isinstance(binding, Assigned) and isinstance(binding.value, Constant) and binding.annotation is None:
            return False
    return True
