"""Names and what they are bound to: sessions and objects under their names, and who else can get at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supavisor_lint.facts.file import scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import dotted
from supavisor_lint.facts.statements import FunctionDef, WithItem
from supavisor_lint.facts.tree import Attribute, Collection, Expr, Name, Param, Starred
from supavisor_lint.flow import wary
from supavisor_lint.flow.ends import note_end
from supavisor_lint.flow.flags import flag
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.machine import lost
from supavisor_lint.flow.memos import removed
from supavisor_lint.flow.session_keys import SessionKey, session_key
from supavisor_lint.flow.session_state import OpenBlock, SessionState
from supavisor_lint.flow.state import State
from supavisor_lint.flow.steady import names_bound_inside
from supavisor_lint.flow.values import (
    ANYTHING,
    EMPTY_COLLECTION,
    BlockRef,
    ConstantRef,
    KeeperRef,
    ModeRef,
    Opened,
    RecordRef,
    SessionRef,
    Tracked,
    TransactionRef,
    TupleRef,
)
from supavisor_lint.project.values import Session


def share(state: State, value: Tracked) -> State:
    """A session gets where others can use it at any time; from now on nothing is sure about it."""
    if isinstance(value, KeeperRef):
        for site in value.sites:
            state = share(state, SessionRef(site))
    if isinstance(value, BlockRef | TransactionRef):
        value = SessionRef(value.session)
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


def read_name(frame: Frame, expr: Name, state: State) -> tuple[State, Tracked]:
    """What a name is where it is read."""
    if expr.id in state.variables:
        return state, state.variables[expr.id]
    if is_plain(frame, expr):
        return state, ANYTHING
    nested = _nested_function(frame, expr)
    return foreign(frame, expr, state) if nested is None else (share_captured(state, nested), ANYTHING)


def is_plain(frame: Frame, expr: Name | Attribute) -> bool:
    """Whether an expression, where its name holds nothing that is followed, means no session and uses none."""
    plain = frame.follower.plain
    if expr not in plain:
        plain[expr] = _find_plain(frame, expr)
    return plain[expr]


def _find_plain(frame: Frame, expr: Name | Attribute) -> bool:
    if isinstance(expr, Name):
        if expr in frame.unbound or _nested_function(frame, expr) is not None:
            return False
        owner = scope_of(expr).lookup(expr.id)
        if owner is frame.function.scope and not any(isinstance(b, Param) for b in owner.bindings[expr.id]):
            return True  # bound by something that is not followed
    return frame.ev.session(frame.file, expr) is None or not session_key(expr).text


def _nested_function(frame: Frame, expr: Name) -> FunctionDef | None:
    """The function of the followed one's own text that a name means: whoever has it may use what it captures."""
    owner = scope_of(expr).lookup(expr.id)
    if owner is not frame.function.scope:
        return None
    return next((b for b in owner.bindings[expr.id] if isinstance(b, FunctionDef)), None)


def foreign(frame: Frame, expr: Name | Attribute, state: State) -> tuple[State, Tracked]:
    """A session that the function did not open: a parameter, an attribute, a variable of the function around."""
    session = None if is_plain(frame, expr) else frame.ev.session(frame.file, expr)
    if session is None:
        return state, ANYTHING
    key = session_key(expr)
    return foreign_session(frame, key, session, state, dotted(expr)), SessionRef(key)


def foreign_session(frame: Frame, key: SessionKey, session: Session, state: State, name: str | None = None) -> State:
    """The state in which a session of somebody else is followed, under its key's text or another name."""
    name = name or key.text
    if key not in frame.opened:
        frame.opened[key] = replace(frame.follower.openings.opened(key, name, session, frame.file), own=False)
    if key not in state.sessions:
        state = state.with_session(key, SessionState("entry", sure=session.confidence == "high"))
    return state.with_variable(name, SessionRef(key)).but(remembered=state.remembered)  # the name held it before


def bind_name(frame: Frame, state: State, name: str, value: Tracked) -> State:
    """Bind a local name; only what can matter later is kept."""
    if isinstance(value, TupleRef) or (isinstance(value, ConstantRef | ModeRef) and name not in frame.life.tested):
        value = ANYTHING
    if frame.follower.wary and not isinstance(value, SessionRef) and name in names_bound_inside(frame.function):
        value = ANYTHING
    if value == EMPTY_COLLECTION and name not in frame.life.weighed:
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
        for item, given in zip(items, _unpacked(value, items), strict=True):
            state = bind(frame, state, item, given)
        return state
    text = dotted(target)
    state = share(state, value)
    if isinstance(target, Attribute):
        state = removed(frame, target, _without_flag(frame, state, target))
    if frame.follower.wary and wary.sets_row(frame, target):
        state = wary.write(frame, state, target)
    if not text:
        return state
    if value == ANYTHING and text.partition(".")[0] in frame.function.scope.bindings and not _is_param(frame, text):
        return state.unbound(text)
    return state.with_variable(text, value)


def _without_flag(frame: Frame, state: State, target: Attribute) -> State:
    """The state after an attribute is set, under whatever name its object is known; a called function has its own."""
    owner = state.variables.get(dotted(target.value) or "")
    if not isinstance(owner, KeeperRef | RecordRef) or flag(owner.flags, target.attr) is None:
        return state
    left = replace(owner, flags=tuple(pair for pair in owner.flags if pair[0] != target.attr))
    state = state.but(variables={name: left if v == owner else v for name, v in state.variables.items()})
    return share(state, owner) if frame.depth > 0 else state


def _unpacked(value: Tracked, targets: Sequence[Expr]) -> Sequence[Tracked]:
    """What each of several targets gets."""
    is_plain = not any(isinstance(target, Starred) for target in targets)
    if isinstance(value, TupleRef) and is_plain and len(value.items) == len(targets):
        return value.items
    return [ANYTHING] * len(targets)


def _is_param(frame: Frame, text: str) -> bool:
    return frame.function.param(text.partition(".")[0]) is not None


def opened_session(frame: Frame, expr: Expr, state: State, session: Session) -> tuple[State, Tracked]:
    """A session that an expression opens, without entering it."""
    name = _bound_name(expr)
    if expr in state.sessions and expr in frame.opened:
        note_end(frame, state, expr, expr)  # of the last round's session
        if isinstance(expr.parent, WithItem):  # which was closed, and somebody has used it behind that
            lost(frame, state, expr, expr)
    frame.opened[expr] = frame.follower.openings.opened(expr, name, session, frame.file)
    frame.trace.opened.add(expr)
    state = state.but(histories={s: h for s, h in state.histories.items() if s is not expr})
    return state.with_session(expr, fresh(frame.opened[expr])), SessionRef(expr)


def fresh(opened: Opened, blocks: tuple[OpenBlock, ...] = ()) -> SessionState:
    """How a session is that has just been opened."""
    sure = opened.session.confidence != "low" and not opened.at_hand
    return SessionState("fresh", blocks, sure=sure, shared=opened.at_hand)


def _bound_name(expr: Expr) -> str:
    parent = expr.parent
    targets = getattr(parent, "targets", None) or (getattr(parent, "target", None),)
    return dotted(targets[0]) or "session" if isinstance(targets[0], Expr) else "session"
