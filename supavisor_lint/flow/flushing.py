"""`session.flush()`, and what else sends what is unsent and does nothing more."""

from __future__ import annotations

from supavisor_lint.facts.tree import Call
from supavisor_lint.flow import machine
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.machine import Use
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import Site


def flush(frame: Frame, node: Call, state: State, site: Site) -> list[State]:
    """The states behind a flush; where nothing is unsent, it asks nobody."""
    session, history = state.sessions[site], state.history(site)
    # A failed flush has emptied the session: only what came since is left to flush.
    sends = history.unsent & (history.writes if session.failed is not None and session.hard else history.pending)
    if not sends and session.sure and session.transaction != "entry":
        return [state]
    return machine.work(frame, state, site, Use(node, "flush", begins=bool(sends)))
