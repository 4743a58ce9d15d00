"""An `except` or `suppress()` in a transaction that lets it go on: the database has given up the work (SUP306).

What is caught may be raised again behind the handler: only a block that ends normally has lost its work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.facts.file import block_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import ExprStmt, Handler, Try, With
from supavisor_lint.facts.tree import Await, Call, Stmt
from supavisor_lint.flow.events import CaughtForCaller, Swallowed
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.raised_later import raises_what_a_call_tells, raises_what_was_collected
from supavisor_lint.flow.session_state import SessionState
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import CALLER, Site


def note_swallowed(
    frame: Frame, statement: Try | With, swallower: Node, states: Iterable[State], *, broad: bool
) -> None:
    """Note what lets a block go on although a database operation in it has failed.

    `swallower` is the handler, or the call of `suppress()` that the statement enters; `broad` if it takes any error.
    """
    for state in states:
        for site, session in state.sessions.items():
            failed = _failed_here(statement, session)
            if failed is None:
                continue
            frame.swallowers.setdefault(failed, set()).add(swallower)
            if session.block is not None and session.block.node is CALLER:
                frame.trace.record(CaughtForCaller, swallower, frame.opened[site], state.is_sure(site))
            writes = state.history(site).carried - {failed}
            if session.hard == "savepoint":
                continue  # what it flushes first may fail, but the author has done the right thing
            if _loses(statement, broad, writes) or (session.doomed and broad):
                frame.losses.setdefault((site, failed), {}).setdefault(swallower, set()).update(writes - {CALLER})


def tell_swallowed(frame: Frame, state: State, site: Site) -> None:
    """Record what has swallowed the failure that a session still has, where its block ends as if all were well."""
    session = state.sessions[site]
    failed = session.failed
    if failed is None:
        return
    is_refused = session.hard == "statement" and bool(state.history(site).unsent)
    for swallower, writes in frame.losses.get((site, failed), {}).items():
        if isinstance(swallower, Handler) and _is_raised_later(frame, swallower):
            continue
        event = frame.trace.record(Swallowed, swallower, frame.opened[site], state.is_sure(site))
        event.because.add(failed)
        event.writes |= writes
        event.silent = event.silent or (not is_refused and state.is_sure(site))
    left = frame.left_failed.get((site, failed))
    if left is not None and (
        frame.follower.wary or not raises_what_a_call_tells(frame.ev, frame.function, frame.file, left.node)
    ):
        event = frame.trace.record(Swallowed, left.node, left.opened, left.sure and state.is_sure(site))
        event.take(left)
        event.via = event.via or left.via


def _is_raised_later(frame: Frame, swallower: Handler) -> bool:
    """Whether what a handler keeps is raised behind it; not always, so that a wary follower asks for none of it."""
    return not frame.follower.wary and raises_what_was_collected(frame.ev, frame.function, frame.file, swallower)


def _failed_here(statement: Try | With, session: SessionState) -> Node | None:
    """The operation in the statement's body that has failed inside a block, which goes on behind the statement."""
    failed, block = session.failed, session.block
    if failed is None or block is None or session.is_over is not None:
        return None
    if block.node is not CALLER and statement.contains(block.node):
        return None
    return failed if any(part.contains(failed) for part in statement.body) else None


def _loses(statement: Try | With, broad: bool, writes: frozenset[Node]) -> bool:
    """A narrow handler that gives up nothing but what its own `try` attempted does what it says.

    That is also what is added right in front of it, if all that the `try` does is to flush.
    """
    if broad:
        return bool(writes)
    others = [write for write in writes if not statement.contains(write)]
    return bool(others) and not all(any(s.contains(w) for s in _added_in_front_of(statement)) for w in others)


def _added_in_front_of(statement: Try | With) -> Iterator[Stmt]:
    """The statements that only add objects, directly in front of a `try` that does nothing but flush."""
    if not isinstance(statement, Try) or len(statement.body) != 1 or not _is_flush(statement.body[0]):
        return
    block = block_of(statement)
    for before in reversed(block[: block.index(statement)]):
        call = before.value if isinstance(before, ExprStmt) else None
        if not isinstance(call, Call) or last_name(call.func) not in ("add", "add_all"):
            return
        yield before


def _is_flush(statement: Stmt) -> bool:
    value = statement.value if isinstance(statement, ExprStmt) else None
    return isinstance(value, Await) and isinstance(value.value, Call) and last_name(value.value.func) == "flush"
