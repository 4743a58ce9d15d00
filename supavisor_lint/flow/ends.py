"""How a session's life ends where nothing raises: what a commit at that place would save, and whether it could.

A session helper commits there, a bare session discards: the two agree where nothing is pending.
"""

from __future__ import annotations

from supavisor_lint.facts.node import Node
from supavisor_lint.flow.events import Ended
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import Site


def note_end(frame: Frame, state: State, site: Site, node: Node) -> None:
    """Record a normal end of a session's life at a node, if the session is the function's own."""
    session = state.sessions.get(site)
    if session is None or not frame.opened[site].own or (state.ghost and session.sure):
        return
    event = frame.trace.record(Ended, node, frame.opened[site], session.sure)
    event.pending |= state.history(site).pending
    event.failed |= {session.failed} if session.failed is not None else set()
    event.unsure = event.unsure or not session.sure
