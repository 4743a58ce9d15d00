"""Which function a call runs, and what that function gets of the sessions and objects that are followed."""

from __future__ import annotations

from collections.abc import Container, Mapping

from supavisor_lint.facts.file import enclosing_function
from supavisor_lint.facts.spelling import dotted
from supavisor_lint.facts.tree import Argument, Attribute, Await, Call, Collection, Dict, Expr, Name, Starred
from supavisor_lint.flow.binding import foreign_session
from supavisor_lint.flow.flags import flags_of, literal
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.holders import is_called_in_place
from supavisor_lint.flow.lifetimes import life_of
from supavisor_lint.flow.modes import mode_of
from supavisor_lint.flow.operations import OPENED_HERE
from supavisor_lint.flow.session_keys import SessionKey
from supavisor_lint.flow.state import State
from supavisor_lint.flow.steady import names_bound_inside
from supavisor_lint.flow.values import (
    ANYTHING,
    SOMETHING,
    KeeperRef,
    ModeRef,
    RecordRef,
    SessionRef,
    Tracked,
)
from supavisor_lint.project.names import is_what_it_says
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import (
    ClassValue,
    External,
    FunctionValue,
    Session,
)


def passed_values(
    frame: Frame, node: Call, functions: list[FunctionValue], state: State, given: list[Tracked], receiver: Tracked
) -> dict[str, Tracked] | None:
    """What a followed function gets: by parameter, by its own object, by closure. None if it is not worth following."""
    if len(functions) != 1:
        return None
    function = functions[0]
    if not _may_get_session(function, state, [*given, receiver]) and not _is_part(frame, function):
        return None
    if function.node.is_generator or (function.node.is_async and not _is_awaited(frame, node)):
        return None
    if not is_what_it_says(frame.ev, function):
        return None  # a decorator may commit, retry or give it another session
    bound = bind_arguments(function, node.args)
    defaults = _defaults(frame, function, bound)
    if defaults and any(a.star for a in node.args):
        if any(name in life_of(function.node).tested for name in defaults):
            return None  # what the stars hide may decide what the function does
        defaults = {}
    passed = {**_by_closure(frame, function, state), **_by_receiver(node, function, state, receiver)}
    passed.update(
        {
            **_displays(function, bound),
            **_modes(frame, function, bound),
            **defaults,
            **_by_argument(bound, node.args, given),
        }
    )
    if any(isinstance(v, SessionRef | KeeperRef) for v in passed.values()) or _is_part(frame, function):
        return _as_it_stays(function, passed) if frame.follower.wary else passed
    return None


def _as_it_stays(function: FunctionValue, passed: dict[str, Tracked]) -> dict[str, Tracked]:
    """What is passed, without what a function nested in the called one may replace there."""
    inside = names_bound_inside(function.node)
    return {name: value for name, value in passed.items() if name not in inside or isinstance(value, SessionRef)}


def _may_get_session(function: FunctionValue, state: State, given: list[Tracked]) -> bool:
    """Whether a call may hand on a session: as an argument, on the function's own object, or by closure."""
    if any(isinstance(value, SessionRef | KeeperRef) for value in given):
        return True
    if not function.bound and enclosing_function(function.node) is None:
        return False
    return SessionRef in map(type, state.variables.values())


def _is_part(frame: Frame, function: FunctionValue) -> bool:
    """A nested function that opens sessions of its own: it is followed where it is called, and nowhere else."""
    if enclosing_function(function.node) is not frame.function or not is_called_in_place(function.node):
        return False
    return bool(frame.follower.flow.operations(function.file, function.node))


def _is_awaited(frame: Frame, node: Call) -> bool:
    if isinstance(node.parent, Await):
        return True
    holder = node.parent.parent if isinstance(node.parent, Argument) else None
    if not isinstance(holder, Call) or not isinstance(holder.parent, Await):
        return False
    callee = frame.ev.only(frame.file, holder.func)
    return isinstance(callee, External) and callee.dotted in ("asyncio.wait_for", "asyncio.shield")


def _by_argument(bound: Mapping[str, Expr], args: tuple[Argument, ...], given: list[Tracked]) -> dict[str, Tracked]:
    values = {id(argument.value): value for argument, value in zip(args, given, strict=True)}
    return {name: values[id(expr)] for name, expr in bound.items() if values[id(expr)] != ANYTHING}


def _displays(function: FunctionValue, bound: Mapping[str, Expr]) -> dict[str, Tracked]:
    """The parameters that get a display with elements, `[user_id]`, where the function tests them: it is true."""
    tested = life_of(function.node).tested
    return {name: SOMETHING for name, expr in bound.items() if name in tested and _has_elements(expr)}


def _modes(frame: Frame, function: FunctionValue, bound: Mapping[str, Expr]) -> dict[str, Tracked]:
    """The tested parameters that get one of several constants: `mode="flush"`, `Mode.FLUSH`."""
    tested = life_of(function.node).tested
    found = {name: mode_of(frame.ev, frame.file, expr) for name, expr in bound.items() if name in tested}
    return {name: value for name, value in found.items() if value != ANYTHING}


def _has_elements(expr: Expr) -> bool:
    if isinstance(expr, Dict):
        return any(item.key is not None for item in expr.items)
    return isinstance(expr, Collection) and any(not isinstance(item, Starred) for item in expr.items)


def _defaults(frame: Frame, function: FunctionValue, bound: Container[str]) -> dict[str, Tracked]:
    """The parameters that a call leaves at True, False or None: `commit: bool = True`."""
    left = {param.name: param.default for param in function.node.params if param.name not in bound}
    found = {name: _constant(frame, function, default) for name, default in left.items() if default is not None}
    tested = life_of(function.node).tested
    return {n: v for n, v in found.items() if v != ANYTHING and (n in tested or not isinstance(v, ModeRef))}


def _constant(frame: Frame, function: FunctionValue, default: Expr) -> Tracked:
    """What a default gives: a constant, or an object with constants, `options=Options()`."""
    made = frame.ev.only(function.file, default.func) if isinstance(default, Call) else None
    if isinstance(made, ClassValue) and isinstance(default, Call) and not frame.follower.wary:
        flags = flags_of(frame.ev, made, default.args, {})
        return RecordRef(flags) if flags else ANYTHING
    constant = literal(default)
    return mode_of(frame.ev, function.file, default) if constant is None else constant


def with_receivers_sessions(frame: Frame, node: Call, functions: list[FunctionValue], state: State) -> State:
    """`self._write()`: the sessions that the called method uses on its own object are this one's as well."""
    own = own_sessions(frame, node, functions)
    if not own or isinstance(state.value_of(frame.function.params[0].name), KeeperRef):
        return state  # the caller's
    for name, session in own:
        if name not in state.variables:
            state = foreign_session(frame, SessionKey(name, frame.function.scope), session, state)
    return state


def own_sessions(frame: Frame, node: Call, functions: list[FunctionValue]) -> list[tuple[str, Session]]:
    """The sessions that a method uses that is called on the followed one's own object, as this one names them."""
    func = node.func
    if len(functions) != 1 or not isinstance(func, Attribute) or not isinstance(func.value, Name):
        return []
    function, receiver = functions[0], func.value.id
    method = frame.function.params[:1]
    if not (function.bound and function.node.params and method and method[0].name == receiver):
        return []
    own = f"{function.node.params[0].name}."
    operations = frame.follower.flow.operations(function.file, function.node)
    return [
        (f"{receiver}.{operation.key.text.removeprefix(own)}", operation.session)
        for operation in operations
        if operation.key.text.startswith(own) and operation.session.source not in OPENED_HERE
    ]


def _by_receiver(node: Call, function: FunctionValue, state: State, receiver: Tracked) -> dict[str, Tracked]:
    """The sessions that a method finds on its own object."""
    if not function.bound or not isinstance(node.func, Attribute) or not function.node.params:
        return {}
    prefix, own = dotted(node.func.value), function.node.params[0].name
    kept: dict[str, Tracked] = {own: receiver} if isinstance(receiver, KeeperRef) else {}
    if prefix is None:
        return kept
    return kept | {
        f"{own}.{name[len(prefix) + 1 :]}": value
        for name, value in state.variables.items()
        if name.startswith(f"{prefix}.") and isinstance(value, SessionRef)
    }


def _by_closure(frame: Frame, function: FunctionValue, state: State) -> dict[str, Tracked]:
    """What a nested function sees of the variables around it, also when another nested function calls it."""
    home, around = enclosing_function(function.node), frame.function
    own = {*function.node.scope.bindings}
    while around is not home:
        outer = enclosing_function(around)
        if around is frame.text or outer is None:
            return {}
        own |= {*around.scope.bindings}
        around = outer
    return {n: v for n, v in state.variables.items() if n.partition(".")[0] not in own and v != ANYTHING}
