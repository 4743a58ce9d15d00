"""Two sessions of one task: the second waits for a row that the first one's open transaction has changed (SUP406)."""

from __future__ import annotations

from collections.abc import Iterable

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Attribute, Expr
from supavisor_lint.flow.events import WaitsForLock
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.locked_rows import ANY_ROW, Change, Row, for_caller, is_same, may_meet
from supavisor_lint.flow.operations import handler_around
from supavisor_lint.flow.renaming import Renaming
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import CALLER, Site
from supavisor_lint.project.values import FunctionValue


def note_lock(frame: Frame, state: State, site: Site, node: Node, *, sure: bool) -> None:
    """Note an update of rows: a handler's may wait for those that another session's open transaction has updated."""
    _note(frame, state, site, node, frame.changed.get(node, ANY_ROW), sure=sure)


def note_locks_of_call(
    frame: Frame, state: State, node: Expr, function: FunctionValue, changes: Iterable[Change], back: Renaming
) -> None:
    """Note what a called function updates in the sessions that it is given; `state` is that in front of the call."""
    for change in changes:
        site = back.site(change.site)
        if change.site in back.sites and site in state.sessions:
            rows = for_caller((change.row,), function, node)
            released = frozenset(map(back.site, change.released))
            _note(frame, state, site, node, rows, released, sure=state.sessions[site].sure and not state.ghost)


def _note(
    frame: Frame,
    state: State,
    site: Site,
    node: Node,
    rows: frozenset[Row],
    released: frozenset[Site] = frozenset(),
    *,
    sure: bool,
) -> None:
    if frame.depth > 0 and sure:
        ended = released | {other for other in state.sessions if not _is_as_given(state, other)}
        frame.changes |= {Change(site, row, ended) for row in rows}
    engine = frame.opened[site].engine
    if handler_around(node) is None or engine is None:
        return
    for other, session in state.sessions.items():
        if other == site or other in released or not session.is_begun or session.is_over is not None:
            continue
        if engine != frame.opened[other].engine:
            continue
        pairs = {
            lock: [(row, held) for row in rows for held in frame.changed.get(lock, ANY_ROW)]
            for lock in _locks(frame, state, other)
        }
        met = {
            lock
            for lock, found in pairs.items()
            if any(may_meet(frame.ev, frame.function, row, held) for row, held in found)
        }
        if met:
            event = frame.trace.record(WaitsForLock, node, frame.opened[site], sure and session.sure)
            event.because |= met
            event.same_row = event.same_row or any(is_same(row, held) for lock in met for row, held in pairs[lock])


def _is_as_given(state: State, site: Site) -> bool:
    """Whether a session's transaction is still that in which the caller has written."""
    session = state.sessions[site]
    return CALLER in state.history(site).pending and session.is_begun and session.is_over is None


def _locks(frame: Frame, state: State, site: Site) -> set[Node]:
    """The rows' updates that have reached the database: statements, and changed objects that were flushed.

    A statement that has failed holds nothing; a flush or commit that has failed has rolled back.
    """
    history, failed = state.history(site), state.sessions[site].failed
    if failed is not None and failed in history.unsent:
        return set()
    return {
        write
        for write in history.pending - history.unsent
        if write is not failed and (write in frame.updates or isinstance(write, Attribute))
    }
