"""What a function would do to the session of a caller that called it inside a `begin()` block."""

from __future__ import annotations

from dataclasses import replace

from supavisor_lint.flow.events import BegunTwice, EndedInBlock, Event, Swallowed, Trace
from supavisor_lint.flow.follower import Follower, run_function
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.session_state import EMPTY_HISTORY, OpenBlock, SessionState
from supavisor_lint.flow.state import EMPTY, TooManyStates
from supavisor_lint.flow.values import CALLER, Opened, SessionRef
from supavisor_lint.project.values import FunctionValue

_SITE = "<session 0>"


def first_fault_in_block(
    follower: Follower, function: FunctionValue, param: str, opened: Opened, *, has_written: bool
) -> Event | None:
    """What ends, begins or spoils the caller's transaction first; None where nothing does, or nobody can tell.

    `param` is the parameter that gets the session, of which `opened` says what is known; `has_written`: the block has
    work of its own to lose.
    """
    frame = Frame(follower, function.file, function.node, Trace(), 1)
    frame.opened = {_SITE: replace(opened, site=_SITE, own=False, given=True)}
    by_caller = frozenset((CALLER,))
    written = by_caller if has_written else frozenset()
    history = EMPTY_HISTORY._replace(writes=written, unsent=written, queries=by_caller)
    session = SessionState("fresh", (OpenBlock(CALLER, nested=False),))
    entry = EMPTY.but(variables={param: SessionRef(_SITE)}).with_session(_SITE, session, history)
    follower.start()
    try:
        run_function(frame, entry)
    except TooManyStates:
        return None
    faults = [event for kind in (EndedInBlock, BegunTwice, Swallowed) for event in frame.trace.of(kind) if event.sure]
    return min(faults, key=lambda event: event.node.order, default=None)
