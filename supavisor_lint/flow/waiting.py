"""Two sessions of one task: the second waits for a row that the first one's open transaction has changed (SUP406)."""

from __future__ import annotations

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Attribute
from supavisor_lint.flow.events import WaitsForLock
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.operations import handler_around
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import Site


def note_lock(frame: Frame, state: State, site: Site, node: Node, *, sure: bool) -> None:
    """Record a handler's update of rows while another session's open transaction has updated some."""
    if handler_around(node) is None:
        return
    for other, session in state.sessions.items():
        locks = _locks(frame, state, other)
        if other == site or not locks or not session.is_begun or session.is_over is not None:
            continue
        engine = frame.opened[site].engine
        if engine is not None and engine == frame.opened[other].engine:
            event = frame.trace.record(WaitsForLock, node, frame.opened[site], sure and session.sure)
            event.because |= locks
            row = frame.rows.get(node)
            event.same_row = event.same_row or (row is not None and any(frame.rows.get(lock) == row for lock in locks))


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
