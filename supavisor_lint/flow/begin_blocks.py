"""The end of a `begin()` or `begin_nested()` block: what it does to the session, be it normal or an exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import WithItem
from supavisor_lint.flow.events import EndedInBlock
from supavisor_lint.flow.frame import DATABASE, Frame
from supavisor_lint.flow.objects import after_commit, after_flush, after_rollback, forgotten
from supavisor_lint.flow.session_state import EMPTY_HISTORY, History, SessionState
from supavisor_lint.flow.state import State
from supavisor_lint.flow.swallowing import tell_swallowed
from supavisor_lint.flow.values import BlockRef, Site

Leave: TypeAlias = Callable[[Frame, State], list[State]]


def leaving(ref: BlockRef) -> Leave:
    """What the normal end of a block does."""
    if ref.nested:
        return _leave_nested(ref)
    return lambda frame, state: leave_block(frame, state, ref.session, ref.call)


def failing(ref: BlockRef) -> Leave:
    """What an exception that leaves a block does."""
    if ref.nested:
        return _fail_nested(ref)
    return lambda frame, state: [_fail_block(state, ref.session, ref.call)]


def leave_block(frame: Frame, state: State, site: Site, node: Node) -> list[State]:
    """The end of a `begin()` block: commit, unless the transaction is over already."""
    session, history = state.sessions[site], state.history(site)
    if session.is_over is not None:
        if history.pending and state.is_sure(site):
            event = frame.trace.record(EndedInBlock, session.is_over, frame.opened[site], False)
            event.discarded |= history.pending
    else:
        tell_swallowed(frame, state, site)
        if history.pending:
            frame.throw(_fail_block(state, site, node), DATABASE)
        if session.hard in ("flush", "savepoint"):  # SQLAlchemy knows that there is nothing to commit
            state = after_rollback(state, site, node)
            if frame.follower.wary:  # what was added since stays in the session, for a later commit
                outside = _outside(state, site)
                return [outside.with_session(site, outside.sessions[site], History(writes=history.writes))]
        else:
            state = after_commit(state, frame.opened[site], node)
    return [_outside(state, site)]


def _fail_block(state: State, site: Site, node: Node) -> State:
    """An exception leaves a `begin()` block: rollback."""
    if state.sessions[site].is_over is None:
        state = after_rollback(state, site, node)
    return _outside(state, site)


def _outside(state: State, site: Site) -> State:
    session = state.sessions[site]
    blocks = session.blocks[:-1]
    outside = SessionState("fresh", blocks, sure=not session.shared and session.sure, shared=session.shared)
    return state.with_session(site, outside, EMPTY_HISTORY)


def _leave_nested(ref: BlockRef) -> Leave:
    def leave(frame: Frame, state: State) -> list[State]:
        session, history = state.sessions[ref.session], state.history(ref.session)
        session = session._replace(blocks=session.blocks[:-1])
        flushed = after_flush(state, ref.session)
        return [flushed.with_session(ref.session, session, history._replace(unsent=frozenset()))]

    return leave


def _fail_nested(ref: BlockRef) -> Leave:
    """Only what the savepoint holds is undone."""

    def fail(frame: Frame, state: State) -> list[State]:
        session, history = state.sessions[ref.session], state.history(ref.session)
        parent = ref.call.parent
        around = parent.parent if isinstance(parent, WithItem) else None
        undone = history._replace(unsent=frozenset()) if around is None else _without(history, around)
        if session.is_over is None:
            state = forgotten(state, ref.session)
        session = session._replace(blocks=session.blocks[:-1], failed=None, hard=None)
        return [state.with_session(ref.session, session, undone)]

    return fail


def _without(history: History, around: Node) -> History:
    """What is left when everything below a node is undone."""
    writes, unsent = (frozenset(w for w in some if not around.contains(w)) for some in (history.writes, history.unsent))
    return history._replace(writes=writes, unsent=unsent)
