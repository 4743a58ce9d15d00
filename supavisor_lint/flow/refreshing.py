"""`session.refresh(job)`: what it forgets, asks for again, and refuses."""

from __future__ import annotations

from supavisor_lint.facts.file import enclosing_function, nodes_of_kind
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign
from supavisor_lint.facts.tree import Argument, Attribute, Call, Collection, Constant, Expr, Name
from supavisor_lint.flow import machine, objects
from supavisor_lint.flow.adding import made_as
from supavisor_lint.flow.frame import REFUSED, Frame
from supavisor_lint.flow.just_made import is_made
from supavisor_lint.flow.loading import after_query, is_column, loads_only_itself
from supavisor_lint.flow.meant import meant
from supavisor_lint.flow.state import Condition, State
from supavisor_lint.flow.values import ANYTHING, ObjectRef, Site, Tracked
from supavisor_lint.project.mapped import class_behind

_SAYS_WHAT_IT_DOES = frozenset({"add", "delete", "expunge", "refresh"})


def refresh(frame: Frame, node: Call, state: State, site: Site, given: list[Tracked]) -> list[State]:
    """The states behind the call."""
    target = next((value.site for value in given if isinstance(value, ObjectRef)), None)
    instance, some = node.argument(0, "instance"), node.argument(1, "attribute_names")
    is_foreign = _was_never_added(frame, state, instance) if target is None else _is_not_persistent(state, target, site)
    if is_foreign:
        frame.throw(state, REFUSED)  # "not persistent within this Session"
        return [frame.behind_failure(state)]
    state = _without_changes(state, site, node)
    given_name = _unknown_parameter(frame, state, instance) if target is None and some is None else None
    if given_name is not None:
        state, target = _from_caller(frame, state, node, site, given_name), node
    if target is None or some is not None:
        states = machine.work(frame, state, site, machine.Use(node, "refresh"))
        if target is None:
            return [_any_loaded(frame, s, site, instance, some) for s in states]
        return [_some_loaded(frame, s, target, _texts(some)) for s in states]
    expired = objects.expired(state, target, node)  # it forgets first what it then asks for
    states = machine.work(frame, expired, site, machine.Use(node, "refresh"))
    return [objects.refreshed(_others_loaded(frame, s, target), target) for s in states]


def _unknown_parameter(frame: Frame, state: State, expr: Expr | None) -> Name | None:
    """The parameter of the function that an expression names, if nothing more is known of it."""
    if not isinstance(expr, Name) or frame.function.param(expr.id) is None or frame.depth > 0:
        return None
    return expr if state.value_of(expr.id) == ANYTHING else None


def _from_caller(frame: Frame, state: State, node: Call, site: Site, name: Name) -> State:
    """An object that can be refreshed is one of the session's: the caller's, and known from here on."""
    state = _any_loaded(frame, state, site, name, None)
    return objects.loaded(state, node, site, made_as(frame, name)).with_variable(name.id, ObjectRef(node))


def _any_loaded(frame: Frame, state: State, site: Site, expr: Expr | None, some: Expr | None) -> State:
    """An object that is not followed was read again: it may be one that is, under another name."""
    sites = None if expr is None else meant(frame, state, expr)
    names = None if some is None else _texts(some)
    for node, known in state.objects.items():
        if known.session == site and (sites is None or node in sites):
            state = objects.may_be_loaded(state, node, names)
    return state


def _some_loaded(frame: Frame, state: State, site: Node, names: frozenset[str] | None) -> State:
    """Some attributes of an object were read again; a relationship among them brings other objects."""
    known = state.objects.get(site)
    if known is not None and not (names and all(is_column(frame, known.entity, name) for name in names)):
        state = objects.maybe_loaded(state, known.session, None)
    return objects.loaded_again(state, site, names)


def _is_not_persistent(state: State, node: Node, site: Site) -> bool:
    """Whether an object was added and not flushed, belongs to another session, or its session is closed."""
    known = state.objects.get(node)
    if known is None:
        return False
    return known.session != site or all(map(_is_out, known.conditions))


def _was_never_added(frame: Frame, state: State, expr: Expr | None) -> bool:
    """Whether a variable holds an object that was made here, and that no session was given on the way.

    It is known under another value once it was; what else is done with it may have given it to one.
    """
    if not isinstance(expr, Name) or state.value_of(expr.id) != ANYTHING:
        return False
    made = frame.function.scope.only_value(expr.id)
    if not isinstance(made, Call) or class_behind(frame.ev, frame.file, made.func) is None:
        return False
    names = [name for name in nodes_of_kind(frame.function, Name) if name.id == expr.id]
    return all(enclosing_function(name) is frame.function and _gives_nothing_away(name) for name in names)


def _gives_nothing_away(name: Name) -> bool:
    """Whether a name is bound, a column of it read or set, or it is handed to a method that says what it does."""
    around = name.parent
    if isinstance(around, Attribute):
        return not (isinstance(around.parent, Call) and around.parent.func is around)
    if isinstance(around, Argument):
        call = around.parent
        return isinstance(call, Call) and isinstance(call.func, Attribute) and call.func.attr in _SAYS_WHAT_IT_DOES
    return isinstance(around, Assign) and around.value is not name


def _is_out(condition: Condition) -> bool:
    """Whether an object in a condition is none that its session has stored."""
    return condition.kind == "added" or condition.detached or (condition.kind == "unknown" and condition.by is not None)


def _without_changes(state: State, site: Site, node: Call) -> State:
    """What was set on the object and not sent is undone: that is no write any more."""
    argument = node.args[0].value if node.args else None
    history = state.history(site)
    undone = frozenset(
        w
        for w in history.unsent
        if isinstance(w, Attribute) and isinstance(w.value, Name) and isinstance(argument, Name)
        if w.value.id == argument.id
    )
    history = history._replace(writes=history.writes - undone, unsent=history.unsent - undone)
    return state.with_session(site, state.sessions[site], history)


def expire(state: State, site: Site, node: Call, given: list[Tracked]) -> State | None:
    """`session.expire(job)`, `expire(job, ["status"])`; None where it is not known what that forgets."""
    target = next((value.site for value in given if isinstance(value, ObjectRef)), None)
    known = state.objects.get(target) if target is not None else None
    some = node.argument(1, "attribute_names")
    names = None if some is None else _texts(some)
    if target is None or known is None or known.session != site or (some is not None and not names):
        return None
    if any(c.kind not in ("live", "kept") or c.detached for c in known.conditions):
        return None
    return objects.expired(state.without_loaded(site), target, node, names)


def _others_loaded(frame: Frame, state: State, site: Node) -> State:
    """What was read may be the row of other objects, too; not that of one which was made here."""
    known = state.objects.get(site)
    is_alone = known is None or (is_made(frame, site) and loads_only_itself(frame, site, known.entity))
    return state if known is None or is_alone else after_query(frame, state, known.session, site, known.entity)


def _texts(names: Expr | None) -> frozenset[str] | None:
    """The texts of a display of constants; None for anything else."""
    if not isinstance(names, Collection):
        return None
    found = [item.value if isinstance(item, Constant) else None for item in names.items]
    texts = frozenset(text for text in found if isinstance(text, str))
    return texts if len(texts) == len(found) else None
