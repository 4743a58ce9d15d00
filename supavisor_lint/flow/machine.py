"""What an operation does to a session: sections 1 to 3 of the session semantics as transitions between states.

Every function takes one state and gives the states in which the code goes on; the exceptions leave through the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Attribute, Call, Name
from supavisor_lint.flow.behind_failure import after_failure, after_swallowed
from supavisor_lint.flow.ends import note_end
from supavisor_lint.flow.events import (
    BegunTwice,
    EndedInBlock,
    LeftToCaller,
    LostWrite,
    ManualCommit,
    Uncovered,
)
from supavisor_lint.flow.frame import DATABASE, REFUSED, Frame
from supavisor_lint.flow.memos import FAILS_AGAIN, settled
from supavisor_lint.flow.objects import after_commit, after_flush, after_rollback, detached, forgotten
from supavisor_lint.flow.operations import handler_around
from supavisor_lint.flow.seen import may_be_seen
from supavisor_lint.flow.session_state import EMPTY_HISTORY, OpenBlock, SessionState
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import CALLER, Site
from supavisor_lint.flow.waiting import note_lock

_FLUSHES = frozenset({"flush", "begin_nested"})


@dataclass(frozen=True, slots=True)
class Use:
    """What a piece of work does: whether it writes, asks the database now, and how it is called.

    `flushes`: it sends what it has written itself, which may fail as a flush does.
    """

    node: Node
    method: str
    writes: bool = False
    queries: bool = True
    begins: bool = True
    is_dml: bool = False
    flushes: bool = False
    updates: bool = False


def work(frame: Frame, state: State, site: Site, use: Use) -> list[State]:
    """An operation that autobegins (or a flush, which does not)."""
    session = state.sessions[site]
    if session.is_over is not None:
        return _in_finished_block(frame, state, site, use.node)
    state = after_failure(frame, state, site, use.node, use.method) if use.queries else state
    state = after_swallowed(frame, state, site, use.node, use.method) if use.queries else state
    session, history = state.sessions[site], state.history(site)
    if use.updates and use.is_dml:
        frame.updates.add(use.node)
    if use.updates:
        note_lock(frame, state, site, use.node, sure=state.is_sure(site))
    if use.begins and not session.block:
        note_uncovered(frame, state, site, use.node)
        history = history._replace(origins=history.origins or frozenset((use.node,)))
    if use.begins and session.block is None:
        session = session._replace(transaction="begun")
    if use.writes:
        history = history._replace(writes=history.writes | {use.node})
    flushes = True if use.flushes or use.method in _FLUSHES else frame.opened[site].autoflush
    unsent = history.unsent if flushes is False else frozenset[Node]()  # behind the query
    if use.queries:
        history = history._replace(queries=history.queries | {use.node})
        state = after_flush(state, site) if history.unsent and flushes is not False else state
        doomed = bool(history.pending - {use.node})
        failing = session._replace(failed=use.node, hard="statement", doomed=doomed)
        if use.method == "begin_nested":
            if state.history(site).queries or session.transaction == "entry":  # else it waits for the first statement
                frame.throw(state.with_session(site, session, history._replace(unsent=unsent)), DATABASE)
        elif use.method != "flush":
            frame.throw(state.with_session(site, failing, history._replace(unsent=unsent)), DATABASE)
        changed = history.unsent - {session.failed}  # a commit that has failed is no change
        sends = (changed and flushes) or use.method == "flush" or use.flushes
        if sends and FAILS_AGAIN not in state.remembered:
            left = history._replace(unsent=frozenset((use.node,)))
            flushing = failing._replace(hard="savepoint" if use.method == "begin_nested" else "flush")
            failed = state.with_session(site, flushing, left)
            in_savepoint = bool(session.blocks) and session.blocks[-1].nested  # of the others nothing is undone
            frame.throw(forgotten(failed, site) if in_savepoint else after_rollback(failed, site, use.node), DATABASE)
    if use.queries:
        history = history._replace(unsent=unsent)
    if use.writes and is_object_change(use.node):
        history = history._replace(unsent=history.unsent | {use.node})
    return [state.with_session(site, session, history)]


def note_uncovered(frame: Frame, state: State, site: Site, node: Node) -> Uncovered:
    """Record work outside any block: the first of its run, or one that goes on with it."""
    event = frame.trace.record(Uncovered, node, frame.opened[site], state.is_sure(site))
    event.continued = event.continued or bool(state.history(site).origins - {node})
    return event


def _in_finished_block(frame: Frame, state: State, site: Site, node: Node) -> list[State]:
    """Any use of the session after its block is over raises."""
    session = state.sessions[site]
    over = session.is_over
    if over is not None:
        event = frame.trace.record(EndedInBlock, over, frame.opened[site], state.is_sure(site))
        if (
            isinstance(over, Call)
            and isinstance(over.func, Attribute)
            and over.func.attr in ("rollback", "close", "reset")
        ):
            event.method = over.func.attr
        if state.is_sure(site):
            event.used.add(node)
    frame.throw(state, REFUSED)
    return [frame.behind_failure(state)]


def is_object_change(write: Node) -> bool:
    """Whether a write only changes an object: the next flush sends it."""
    if not isinstance(write, Call):
        return True
    if isinstance(write.func, Name):
        return write.func.id == "setattr"
    return isinstance(write.func, Attribute) and write.func.attr in ("add", "add_all", "delete", "merge")


def begin(frame: Frame, state: State, site: Site, node: Node, *, by_hand: bool = False) -> list[State]:
    """`begin()`, entered or awaited. Raises where a transaction is open; the path behind that is a ghost."""
    session, history = state.sessions[site], state.history(site)
    if session.is_over is not None:
        state = _in_finished_block(frame, state, site, node)[0]
    elif session.is_begun:
        note_begun_twice(frame, state, site, node)
        frame.throw(state, REFUSED)
        state = frame.behind_failure(state)
    if by_hand:
        origins = history.origins or frozenset((node,))
        begun = session._replace(transaction="begun")
        return [state.with_session(site, begun, history._replace(origins=origins))]
    inside = SessionState("fresh", (*session.blocks, OpenBlock(node, nested=False)), sure=session.sure)
    kept = EMPTY_HISTORY if not session.is_begun else history
    return [state.with_session(site, inside._replace(shared=session.shared), kept)]


def note_begun_twice(frame: Frame, state: State, site: Site, node: Node) -> None:
    """Record a `begin()` (or a call that begins) while a transaction is open."""
    session, history = state.sessions[site], state.history(site)
    event = frame.trace.record(BegunTwice, node, frame.opened[site], False)
    if not state.is_sure(site):
        return
    block = session.block
    own = history.origins if history.origins or block is not None else frozenset[Node]()
    inherited = block is None and not own and handler_around(node) is not None
    event.inherited = inherited if not event.sure else event.inherited and inherited
    event.in_block = event.in_block or block is not None
    event.because |= {block.node} if block is not None else history.begun_by
    event.sure = True


def begin_nested(frame: Frame, state: State, site: Site, node: Node) -> list[State]:
    """`begin_nested()`, entered: a savepoint, in a transaction that it begins if there is none."""
    states = work(frame, state, site, Use(node, "begin_nested"))
    return [s.with_session(site, _with_block(s.sessions[site], node)) for s in states]


def _with_block(session: SessionState, node: Node) -> SessionState:
    return session._replace(blocks=(*session.blocks, OpenBlock(node, nested=True)))


def end(frame: Frame, state: State, site: Site, node: Node, method: str) -> list[State]:
    """`commit`, `rollback`, `close` or `reset` (as "close")."""
    session = state.sessions[site]
    if session.is_over is not None and method == "commit" and not frame.follower.tells_all:
        return _in_finished_block(frame, state, site, node)
    state = settled(state, session)
    if session.block is not None:
        if method == "commit":
            state = after_swallowed(frame, state, site, node, method)
        return _end_in_block(frame, state, site, node, method)
    if method == "commit":
        state = after_failure(frame, state, site, node, method)
        return _commit(frame, state, site, node)
    return [_give_up(frame, state, site, node, method)]


def _end_in_block(frame: Frame, state: State, site: Site, node: Node, method: str) -> list[State]:
    session, history = state.sessions[site], state.history(site)
    if session.is_over is not None and not frame.follower.tells_all:
        return [detached(state, site) if method == "close" else state]  # what has ended it is reported
    event = frame.trace.record(EndedInBlock, node, frame.opened[site], not state.ghost)
    event.method = method
    event.because |= {b.node for b in session.blocks if not b.nested}
    if method == "commit" and history.unsent and not session.blocks[-1].nested and not frame.follower.wary:
        flushing = session._replace(failed=node, hard="flush")  # the block is still open then
        refused = state.with_session(site, flushing, history._replace(unsent=frozenset((node,))))
        frame.throw(after_rollback(refused, site, node), DATABASE)
    blocks = tuple(b._replace(over=node) for b in session.blocks)
    session = session._replace(blocks=blocks, failed=None, hard=None, sure=not session.shared)
    if method == "commit":
        left = session._replace(sure=False)  # what a commit that fails leaves of the block depends on how it failed
        frame.throw(after_rollback(state.with_session(site, left, EMPTY_HISTORY), site, node), DATABASE)
        state = after_commit(state, frame.opened[site], node)
        history = history._replace(writes=frozenset(), carried=frozenset(), unsent=frozenset())
    else:
        state = after_rollback(state, site, node) if method == "rollback" else detached(state, site)
    return [state.with_session(site, session, history)]


def _commit(frame: Frame, state: State, site: Site, node: Node) -> list[State]:
    session, history = state.sessions[site], state.history(site)
    for origin in history.origins:
        frame.trace.record(Uncovered, origin, frame.opened[site], False).commits.add(node)
    if history.origins or (history.inherited and history.pending):
        event = frame.trace.record(ManualCommit, node, frame.opened[site])
        event.because |= history.begun_by
    if session.transaction != "fresh" or session.blocks:
        hard = bool(history.pending) or (frame.depth == 0 and not frame.opened[site].own)
        left = history._replace(unsent=frozenset((node,)))  # as behind a failed flush: the next commit raises
        # where it has nothing to write it hardly fails: nothing is said of what comes behind that
        failed = session._replace(failed=node, hard="flush" if hard else None, sure=session.sure and hard)
        refused = state.with_session(site, failed, left)
        if FAILS_AGAIN not in state.remembered:
            frame.throw(refused, DATABASE)
        if history.unsent and FAILS_AGAIN not in state.remembered:  # its flush may have failed, which rolls back
            frame.throw(after_rollback(refused, site, node), DATABASE)
        state = after_commit(state, frame.opened[site], node)
    return [state.with_session(site, _ended(session, node), EMPTY_HISTORY)]


def _give_up(frame: Frame, state: State, site: Site, node: Node, method: str) -> State:
    """rollback or close outside any block."""
    session = state.sessions[site]
    if method == "rollback":
        if session.transaction != "fresh":
            state = after_rollback(state, site, node)
        return state.with_session(site, _ended(session, node), EMPTY_HISTORY)
    if not frame.unwinding:
        note_end(frame, state, site, node)
    if not frame.unwinding and handler_around(node) is None:
        lost(frame, state, site, node, by_close=True)
    state = detached(state, site)
    return state.with_session(site, _ended(session, node), EMPTY_HISTORY)


def _ended(session: SessionState, node: Node) -> SessionState:
    blocks = tuple(b._replace(over=node) for b in session.blocks)
    return SessionState("fresh", blocks, sure=not session.shared, shared=session.shared)


def left_to_caller(frame: Frame, state: State, site: Site) -> None:
    """The function ends with writes on a session that is not its own: its caller may commit them."""
    for write in state.history(site).pending - {CALLER}:
        frame.trace.record(LeftToCaller, write, frame.opened[site], state.is_sure(site))


def lost(frame: Frame, state: State, site: Site, node: Node, *, by_close: bool = False) -> None:
    """The session ends here without a commit: what it has written is lost. A `close()` ends anybody's session."""
    opened = frame.opened[site]
    if state.is_sure(site) and (opened.own or by_close) and not opened.others_commit:
        for write in state.history(site).writes:
            event = frame.trace.record(LostWrite, write, opened)
            event.because.add(node)
            event.unseen = event.unseen or not may_be_seen(write, state.history(site))
