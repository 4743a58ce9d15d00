"""Following the expressions of a function: each takes a state and gives the states behind it, with its value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from supavisor_lint.facts.file import scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import (
    Attribute,
    Await,
    BoolOp,
    Call,
    Collection,
    Comprehension,
    Constant,
    Dict,
    Expr,
    IfExp,
    Lambda,
    Name,
    NamedExpr,
    Param,
    Starred,
    Subscript,
    Yield,
)
from supavisor_lint.flow import calls, machine
from supavisor_lint.flow.conditions import elements, truth
from supavisor_lint.flow.events import ExpiredRead
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.objects import loaded, refreshed
from supavisor_lint.flow.operations import OPENED_HERE, SessionKey, session_key
from supavisor_lint.flow.state import Condition, SessionState, State
from supavisor_lint.flow.values import (
    ANYTHING,
    CALLER,
    BlockRef,
    ConstantRef,
    ManyRef,
    ObjectRef,
    ResultRef,
    SessionRef,
    Tracked,
    TransactionRef,
)
from supavisor_lint.project.values import Session

Results: TypeAlias = list[tuple[State, Tracked]]

_NO_KEY = SessionKey("", None)
_NOT_COLUMNS = frozenset({"awaitable_attrs", "metadata", "registry"})


def evaluate(frame: Frame, expr: Expr, state: State) -> Results:
    """The states behind an expression, each with the value that it has there."""
    match expr:
        case Constant(value):
            return [(state, ConstantRef(value) if value is None or isinstance(value, bool) else ANYTHING)]
        case Name():
            return [_name(frame, expr, state)]
        case Attribute():
            return _attribute(frame, expr, state)
        case Call():
            return calls.call(frame, expr, state)
        case Await(value):
            return [r for after, inner in evaluate(frame, value, state) for r in _awaited(frame, expr, after, inner)]
        case NamedExpr(target, value):
            return [(bind(frame, after, target, v), v) for after, v in evaluate(frame, value, state)]
        case IfExp(body, test, orelse):
            yes, no = truth(frame, test, state)
            return _distinct([*_all(frame, body, yes), *_all(frame, orelse, no)])
        case BoolOp():
            return _distinct(_short_circuit(frame, expr.values, state))
        case Lambda():
            return [(share_captured(state, expr), ANYTHING)]
        case Comprehension():
            return _comprehension(frame, expr, state)
        case Yield(value):
            return _yielded(frame, value, state)
        case Subscript(value):
            return [(after, _element(v[0])) for after, v in sequence(frame, [value, *expr.items], state)]
        case Starred(value):
            return evaluate(frame, value, state)
        case _:
            return _parts(frame, expr, state)


def _distinct(results: Results) -> Results:
    """The results without repetitions: most branches of an expression change nothing."""
    if len(results) > 1:
        results = [(state, ANYTHING if isinstance(value, ConstantRef) else value) for state, value in results]
    return list({(id(state), value): (state, value) for state, value in results}.values())


def _all(frame: Frame, expr: Expr, states: Iterable[State]) -> Results:
    return [result for state in states for result in evaluate(frame, expr, state)]


def sequence(frame: Frame, exprs: Sequence[Expr], state: State) -> list[tuple[State, list[Tracked]]]:
    """Several expressions, one after the other."""
    results: list[tuple[State, list[Tracked]]] = [(state, [])]
    for expr in exprs:
        results = [(after, [*known, v]) for s, known in results for after, v in evaluate(frame, expr, s)]
    return results


def arguments(frame: Frame, call: Call, state: State) -> list[tuple[State, list[Tracked]]]:
    """The arguments of a call, one after the other."""
    return sequence(frame, [argument.value for argument in call.args], state)


def _parts(frame: Frame, expr: Expr, state: State) -> Results:
    """Any other expression; a session that a display keeps may be used by whoever gets that."""
    keeps = isinstance(expr, Collection | Dict)
    return [
        (_shared_all(after, values) if keeps else after, ANYTHING)
        for after, values in sequence(frame, list(_sub_expressions(expr)), state)
    ]


def _sub_expressions(node: Node) -> Iterable[Expr]:
    for child in node.children():
        if isinstance(child, Expr):
            yield child
        else:
            yield from _sub_expressions(child)


def _shared_all(state: State, values: Iterable[Tracked]) -> State:
    for value in values:
        state = share(state, value)
    return state


def share(state: State, value: Tracked) -> State:
    """A session gets where others can use it at any time; from now on nothing is sure about it."""
    if not isinstance(value, SessionRef) or value.site not in state.sessions:
        return state
    session = state.sessions[value.site]
    return state.with_session(value.site, session._replace(sure=False, shared=True))


def share_captured(state: State, function: Node) -> State:
    """The same for every session that a nested function or lambda uses."""
    names = {node.id for node in walk(function) if isinstance(node, Name)}
    for name, value in state.variables.items():
        if name.partition(".")[0] in names:
            state = share(state, value)
    return state


# ---------------------------------------------------------------------------------------------------------- names


def _name(frame: Frame, expr: Name, state: State) -> tuple[State, Tracked]:
    if expr.id in state.variables:
        return state, state.variables[expr.id]
    if expr in frame.follower.plain:
        return state, ANYTHING
    owner = scope_of(expr).lookup(expr.id)
    bindings = owner.bindings[expr.id] if owner is not None else []
    if any(isinstance(b, FunctionDef) for b in bindings) and owner is frame.function.scope:
        nested = next(b for b in bindings if isinstance(b, FunctionDef))
        return share_captured(state, nested), ANYTHING
    if owner is frame.function.scope and not any(isinstance(b, Param) for b in bindings):
        frame.follower.plain.add(expr)
        return state, ANYTHING  # bound by something that is not followed
    return foreign(frame, expr, state)


def foreign(frame: Frame, expr: Name | Attribute, state: State) -> tuple[State, Tracked]:
    """A session that the function did not open: a parameter, an attribute, a variable of the function around."""
    session = None if expr in frame.follower.plain else frame.ev.session(frame.file, expr)
    key = session_key(expr) if session is not None else _NO_KEY
    if session is None or not key.text:
        frame.follower.plain.add(expr)
        return state, ANYTHING
    return foreign_session(frame, key, session, state, dotted(expr)), SessionRef(key)


def foreign_session(frame: Frame, key: SessionKey, session: Session, state: State, name: str | None = None) -> State:
    """The state in which a session of somebody else is followed, under its key's text or another name."""
    name = name or key.text
    if key not in frame.opened:
        frame.opened[key] = replace(frame.follower.openings.opened(key, name, session), own=False)
    if key not in state.sessions:
        state = state.with_session(key, SessionState("entry", sure=session.confidence == "high"))
    return state.with_variable(name, SessionRef(key))


def dotted(expr: Expr) -> str | None:
    """`a.b.c` as text, None for anything else."""
    if isinstance(expr, Name):
        return expr.id
    if isinstance(expr, Attribute):
        inner = dotted(expr.value)
        return None if inner is None else f"{inner}.{expr.attr}"
    return None


def _attribute(frame: Frame, expr: Attribute, state: State) -> Results:
    text = dotted(expr)
    if text is not None and text in state.variables:
        return [(state, state.variables[text])]
    results: Results = []
    for after, value in evaluate(frame, expr.value, state):
        if isinstance(value, ObjectRef):
            results += read_attribute(frame, expr, after, value)
        elif text is not None and isinstance(value, type(ANYTHING)):
            results.append(foreign(frame, expr, after))
        else:
            results.append((after, ANYTHING))
    return results


def read_attribute(frame: Frame, expr: Attribute, state: State, ref: ObjectRef) -> Results:
    """Reading an attribute of an ORM object: raises where it has expired, and leaves a transaction open."""
    known = state.objects.get(ref.site)
    if known is None or expr.attr in known.present or not _is_column(expr, known.entity):
        return [(state, ANYTHING)]
    expired = [c for c in known.conditions if c.kind == "expired"]
    if not expired:
        return [(state, ANYTHING)]
    site = known.session
    event = frame.trace.record(ExpiredRead, expr, frame.opened[site], machine.is_sure(state, site))
    event.because |= {c.by for c in expired if c.by is not None}
    if ref.site in frame.given:
        event.because.add(CALLER)  # the caller's object: it is the call that must not do this
    event.detached = event.detached or all(c.detached for c in expired)
    frame.throw(_begun_by(state, site, expr, expired))
    rest = known.conditions - set(expired)
    if rest:
        return [(state.with_object(ref.site, known._replace(conditions=rest)), ANYTHING)]
    return [(replace(refreshed(state, ref.site), ghost=True), ANYTHING)]


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
    if expr.attr.startswith("__") or expr.attr in _NOT_COLUMNS:
        return False
    scope = getattr(entity, "scope", None)
    for binding in scope.bindings.get(expr.attr, []) if scope is not None else []:
        if isinstance(binding, FunctionDef):
            return False
        if isinstance(binding, Assigned) and isinstance(binding.value, Constant) and binding.annotation is None:
            return False
    return True


def bind_name(frame: Frame, state: State, name: str, value: Tracked) -> State:
    """Bind a local name; only what can matter later is kept."""
    if isinstance(value, ConstantRef) and name not in frame.life.tested:
        value = ANYTHING
    if value == ANYTHING and frame.function.param(name) is None:
        return state.unbound(name)
    return state.with_variable(name, value)


def bind(frame: Frame, state: State, target: Expr, value: Tracked) -> State:
    """Bind a target to a value. What is put into an attribute or container may be used by others."""
    if isinstance(target, Name):
        scope = frame.function.scope
        if target.id in scope.globals or target.id in scope.nonlocals:
            state = share(state, value)
        return bind_name(frame, state, target.id, value)
    if isinstance(target, Collection | Starred):
        items = target.items if isinstance(target, Collection) else (target.value,)
        for item in items:
            state = bind(frame, state, item, ANYTHING)
        return state
    text = dotted(target)
    state = share(state, value)
    if text is None:
        return state
    if value == ANYTHING and text.partition(".")[0] in frame.function.scope.bindings and not _is_param(frame, text):
        return state.unbound(text)
    return state.with_variable(text, value)


def _is_param(frame: Frame, text: str) -> bool:
    return frame.function.param(text.partition(".")[0]) is not None


# ------------------------------------------------------------------------------------------------------ compounds


def _awaited(frame: Frame, expr: Await, state: State, value: Tracked) -> Results:
    if isinstance(value, BlockRef):
        if value.nested:
            states = machine.work(frame, state, value.session, machine.Use(value.call, "begin_nested"))
        else:
            states = machine.begin(frame, state, value.session, value.call, by_hand=True)
        return [(after, TransactionRef(value.session, value.call, value.nested)) for after in states]
    if value == ANYTHING and isinstance(expr.value, Call):
        session = frame.ev.session(frame.file, expr)
        if session is not None and session.source in OPENED_HERE:
            return [opened_session(frame, expr, state, session)]
    if not isinstance(expr.value, Call):
        frame.throw(state)
    return [(state, value)]


def opened_session(frame: Frame, expr: Expr, state: State, session: Session) -> tuple[State, Tracked]:
    """A session that an expression opens, without entering it."""
    name = _bound_name(expr)
    frame.opened[expr] = frame.follower.openings.opened(expr, name, session)
    state = replace(state, histories={s: h for s, h in state.histories.items() if s is not expr})
    return state.with_session(expr, SessionState("fresh", sure=session.confidence != "low")), SessionRef(expr)


def _bound_name(expr: Expr) -> str:
    parent = expr.parent
    targets = getattr(parent, "targets", None) or (getattr(parent, "target", None),)
    return dotted(targets[0]) or "session" if isinstance(targets[0], Expr) else "session"


def _short_circuit(frame: Frame, operands: Sequence[Expr], state: State) -> Results:
    results: Results = []
    current = [state]
    for index, operand in enumerate(operands):
        following: list[State] = []
        for before in current:
            for after, value in evaluate(frame, operand, before):
                results.append((after, value))
                following.append(after)
        if index < len(operands) - 1:
            current = following
    return results


def _element(value: Tracked) -> Tracked:
    return ObjectRef(value.site) if isinstance(value, ManyRef) else ANYTHING


def iterated(state: State, value: Tracked, node: Node) -> tuple[State, Tracked]:
    """What iterating a value gives, one element at a time."""
    if isinstance(value, ManyRef):
        return state, ObjectRef(value.site)
    if isinstance(value, ResultRef) and value.scalars:
        return loaded(state, value.site, value.session, value.entity), ObjectRef(value.site)
    return state, ANYTHING


def _comprehension(frame: Frame, expr: Comprehension, state: State) -> Results:
    """No iteration, one, and a second one that begins where the first has ended."""
    states = [state]
    done = elements(frame, expr.generators[0].iter, state)[1]
    for _ in range(2):
        states = [after for s in states for after in _one_iteration(frame, expr, s)]
        done += states
    return [(replace(s, variables=_outer_variables(s, state)), ANYTHING) for s in done]


def _outer_variables(inner: State, outer: State) -> dict[str, Tracked]:
    return {n: v for n, v in inner.variables.items() if n in outer.variables} | {
        n: v for n, v in inner.variables.items() if isinstance(v, SessionRef)
    }


def _one_iteration(frame: Frame, expr: Comprehension, state: State) -> list[State]:
    states = [state]
    for generator in expr.generators:
        entered = []
        for before in states:
            for after, value in evaluate(frame, generator.iter, before):
                for some in elements(frame, generator.iter, after)[0]:
                    element_state, element = iterated(some, value, generator.iter)
                    entered.append(bind(frame, element_state, generator.target, element))
        states = entered
        for condition in generator.conditions:
            states = [yes for s in states for yes in truth(frame, condition, s)[0]]
    return [after for s in states for after, _ in sequence(frame, expr.elements, s)]


def _yielded(frame: Frame, value: Expr | None, state: State) -> Results:
    """While a generator waits, its consumer may do anything with the sessions that it can see."""
    results: Results = []
    for after, given in evaluate(frame, value, state) if value is not None else [(state, ANYTHING)]:
        if isinstance(given, SessionRef) and given.site in after.sessions:
            session = after.sessions[given.site]
            after = after.with_session(given.site, session._replace(sure=False))
        frame.throw(after)
        results.append((after, ANYTHING))
    return results
