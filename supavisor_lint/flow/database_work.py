"""Does a function of the project reach the database: itself, or through the functions that it calls?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.statements import For, FunctionDef, WithItem
from supavisor_lint.facts.tree import Await, Call
from supavisor_lint.flow.operations import OPENED_HERE, SessionFlow
from supavisor_lint.project.calls import entered, iterated
from supavisor_lint.project.values import FactoryBlock, FunctionValue, Manager, Session

_MAX_CALLS = 4


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A call that opens a session: where it stands, and what it opens."""

    file: FileFacts
    node: Call
    session: Session


def opens_session(flow: SessionFlow, function: FunctionValue) -> bool:
    """Whether a function, or one that it calls, opens a session."""
    return next(sessions_opened(flow, function), None) is not None


def sessions_opened(flow: SessionFlow, function: FunctionValue) -> Iterator[OpenedSession]:
    """The sessions that a function, or one that it calls, opens: its own first, callees in the order of the calls."""
    return _opened(flow, function, set(), 0)


def callees_that_open(flow: SessionFlow, file: FileFacts, call: Call) -> list[FunctionValue]:
    """The functions that a call runs, as far as they or their callees open a session."""
    called = (value for value in flow.ev.values(file, call.func) if isinstance(value, FunctionValue))
    return [function for function in called if opens_session(flow, function)]


def _opened(flow: SessionFlow, function: FunctionValue, seen: set[FunctionDef], depth: int) -> Iterator[OpenedSession]:
    if function.node in seen or depth > _MAX_CALLS:
        return
    seen.add(function.node)
    calls = [node for node in own_nodes_in(function.node) if isinstance(node, Call)]
    opened = {call: session for call in calls if (session := _given_by(flow, function.file, call)) is not None}
    for call, session in opened.items():
        yield OpenedSession(function.file, call, session)
    for call in calls:
        for called in flow.ev.values(function.file, call.func) if call not in opened else ():
            if isinstance(called, FunctionValue):
                yield from _opened(flow, called, seen, depth + 1)


def _given_by(flow: SessionFlow, file: FileFacts, call: Call) -> Session | None:
    """The session that a call opens: at once, or when what it gives is awaited, entered or iterated over."""
    around = call.parent
    values = flow.ev.values(file, around if isinstance(around, Await) else call)
    if isinstance(around, WithItem) or any(isinstance(v, Manager | FactoryBlock) for v in values):
        values = (*values, *entered(flow.ev, file, [v for v in values if not isinstance(v, Session)]))
    elif isinstance(around, For) and around.iter is call:
        values = (*values, *iterated(flow.ev, file, values))
    return next((v for v in values if isinstance(v, Session) and v.source in OPENED_HERE), None)
