"""An `except` inside a transaction that lets it go on: the database has given up the work (SUP306)."""

from __future__ import annotations

from collections.abc import Iterable

from supavisor_lint.facts.handlers import is_broad
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Handler, Try
from supavisor_lint.flow.events import Swallowed
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.machine import is_sure
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import CALLER


def note_swallowed(frame: Frame, statement: Try, handler: Handler, states: Iterable[State]) -> None:
    """Record a handler behind which a block goes on although a database operation in it has failed."""
    for state in states:
        for site, session in state.sessions.items():
            block = session.block
            if session.failed is None or block is None or session.is_over is not None:
                continue
            if not _is_around(block.node, statement) or not statement.contains(session.failed):
                continue
            writes = state.history(site).pending
            if not _loses(statement, handler, writes):
                continue
            event = frame.trace.record(Swallowed, handler, frame.opened[site], is_sure(state, site))
            event.because.add(session.failed)
            event.writes |= writes - {CALLER}


def _is_around(block: Node, statement: Try) -> bool:
    """Whether the `try` stands inside the block, so that the block goes on behind it."""
    return block is CALLER or not statement.contains(block)


def _loses(statement: Try, handler: Handler, writes: frozenset[Node]) -> bool:
    """A narrow handler that gives up nothing but what its own `try` attempted does what it says."""
    return bool(writes) if is_broad(handler) else any(not statement.contains(write) for write in writes)
