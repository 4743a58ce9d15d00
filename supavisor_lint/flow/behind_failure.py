"""Uses of a session behind a failure that nobody has rolled back: they raise again.

In a handler (SUP406), and in a block that goes on because somebody has caught the error (SUP306).
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.handlers import broad_handlers, raises
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Handler, Try
from supavisor_lint.flow.events import FailedUse, Swallowed
from supavisor_lint.flow.frame import REFUSED, Frame
from supavisor_lint.flow.operations import handler_around
from supavisor_lint.flow.raised_later import raises_what_a_call_tells, raises_what_was_collected
from supavisor_lint.flow.session_state import History
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import CALLER, Site


def after_failure(frame: Frame, state: State, site: Site, node: Node, method: str) -> State:
    """A handler that uses a session whose failed write was not rolled back: it raises again.

    A commit raises only where it flushes, or where a flush or commit has failed: PostgreSQL answers the COMMIT of a
    transaction with a failed statement with a ROLLBACK, without an error. A failed flush leaves nothing to flush.
    """
    session = state.sessions[site]
    handler = handler_around(node)
    if session.failed is None or not session.hard or session.block is not None:
        return state
    if not _sends(state.history(site), method):
        return state
    frame.throw(state, REFUSED)
    in_handler = frame.in_handler or (handler is not None and not handler.contains(session.failed))
    if method == "begin_nested" or not in_handler:
        return frame.behind_failure(state)
    event = frame.trace.record(FailedUse, node, frame.opened[site], state.is_sure(site))
    event.because.add(session.failed)
    event.method = method
    return frame.behind_failure(state)


def _sends(history: History, method: str) -> bool:
    """Whether a method asks the database for anything, or notices that a flush or commit has failed."""
    if method == "flush":
        return bool(history.unsent & history.writes)
    return method != "commit" or bool(history.unsent)


def after_swallowed(frame: Frame, state: State, site: Site, node: Node, method: str) -> State:
    """Work in a block whose flush has failed, and nobody has left it: it raises."""
    session = state.sessions[site]
    failed = session.failed
    if failed is None or not session.hard or session.block is None:
        return state
    if not _sends(state.history(site), method) or not note_use_behind_failure(frame, state, site, node):
        return state
    frame.throw(state, REFUSED)
    return frame.behind_failure(state)


def note_use_behind_failure(frame: Frame, state: State, site: Site, node: Node) -> bool:
    """Note what has let a block go on behind a failure: work in it raises. Says whether anything has.

    In a called function that is up to the caller.
    """
    failed = state.sessions[site].failed
    if failed is None:
        return False
    if failed is CALLER:
        if any(not raises(handler) for handler in broad_handlers(node)):
            return True  # it raises, but the caller does not hear of that
        frame.trace.record(Swallowed, CALLER, frame.opened[site], state.is_sure(site)).used.add(node)
        return True
    found = frame.swallowers.get(failed, set()) | set(_handlers_between(node, failed))
    if frame.trace.current is not None:  # a nested function stands elsewhere than its call
        found |= set(_handlers_between(frame.trace.current, failed))
    swallowers = [swallower for swallower in found if not _is_raised_before(frame, swallower, node)]
    for swallower in swallowers:
        event = frame.trace.record(Swallowed, swallower, frame.opened[site], state.is_sure(site))
        event.because.add(failed)
        event.used.add(node)
        event.via = event.via or frame.caught_at.get(swallower)
    return bool(swallowers)


def _is_raised_before(frame: Frame, swallower: Node, node: Node) -> bool:
    """Whether the error comes out again in front of a place; a wary follower does not trust that.

    In the next round, what has swallowed it does so again.
    """
    if frame.follower.wary:
        return False
    if isinstance(swallower, Handler):
        is_next_round = isinstance(swallower.parent, Try) and any(s.contains(node) for s in swallower.parent.body)
        return raises_what_was_collected(
            frame.ev, frame.function, frame.file, swallower, None if is_next_round else node
        )
    before = None if swallower is node else node
    return raises_what_a_call_tells(frame.ev, frame.function, frame.file, swallower, before)


def _handlers_between(node: Node, failed: Node) -> Iterator[Handler]:
    """The handlers around a node whose `try` holds what has failed."""
    handler = handler_around(node)
    while handler is not None:
        statement = handler.parent
        if isinstance(statement, Try) and any(part.contains(failed) for part in statement.body):
            yield handler
        handler = handler_around(handler)
