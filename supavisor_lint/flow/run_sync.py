"""`session.run_sync(function)`: what the function does with the synchronous session."""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.file import FileFacts, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Attribute, Call, Lambda, Name
from supavisor_lint.flow import machine
from supavisor_lint.flow.binding import share
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.machine import Use
from supavisor_lint.flow.state import State
from supavisor_lint.flow.sync_loads import may_ask, seen_by, with_loaded
from supavisor_lint.flow.values import SessionRef, Site, Tracked
from supavisor_lint.project.values import FunctionValue

ENDS = {"commit": "commit", "rollback": "rollback", "close": "close", "reset": "close"}
"""The methods that end a session's transaction, each as `machine.end` knows it."""
HARMLESS = frozenset(
    {"close_all", "get_bind", "identity_key", "in_nested_transaction", "in_transaction"}
    | {"is_modified", "object_session"}
)
"""The methods that need no transaction."""
HARMLESS_ATTRIBUTES = frozenset(
    {"autoflush", "bind", "binds", "deleted", "dirty", "identity_map", "info", "is_active", "new", "no_autoflush"}
)
"""What reading of a session tells nothing but how it stands; anything else is a part of it, or a method for later."""


def run_sync(frame: Frame, node: Call, state: State, site: Site, given: Sequence[Tracked]) -> list[State]:
    """The states behind the call: work, unless the function ignores its session, or does nothing but end it."""
    file, body = _body(frame, node)
    seen = seen_by(frame, state, body, given)
    if isinstance(body, Lambda) and len(body.params) == 1:
        session = body.params[0].name
        ends = _only_end(body, session)
        if ends is not None:
            return machine.end(frame, state, site, node, ENDS[ends])
        if _leaves_alone(body, session) and not may_ask(frame, state, seen, body):
            return [state]
    called = {n.attr for n in walk(body) if isinstance(n, Attribute)} if body is not None else set[str]()
    if not called.isdisjoint(ENDS.keys() - {"commit"}):
        state = share(state, SessionRef(site))  # it may end a failed transaction first
    states = machine.work(frame, state, site, Use(node, "run_sync"))
    if frame.follower.wary or body is None or not called.isdisjoint(ENDS):
        states = [share(after, SessionRef(site)) for after in states]
    return [with_loaded(frame, after, site, seen, file, body) for after in states]


def _body(frame: Frame, node: Call) -> tuple[FileFacts, Node | None]:
    """The lambda or function that is run, with its file; None if it is not known."""
    function = node.args[0].value if node.args else None
    if function is None or isinstance(function, Lambda):
        return frame.file, function
    values = frame.ev.values(frame.file, function)
    found = next((v for v in values if isinstance(v, FunctionValue)), None)
    return (frame.file, None) if found is None else (found.file, found.node)


def _only_end(body: Lambda, session: str) -> str | None:
    """The one method of its session that a lambda calls, where that ends it: `lambda s: s.rollback()`."""
    call = body.body
    func = call.func if isinstance(call, Call) and not call.args else None
    if not isinstance(func, Attribute) or not isinstance(func.value, Name) or func.value.id != session:
        return None
    return func.attr if func.attr in ENDS else None


def _leaves_alone(body: Lambda, session: str) -> bool:
    """Whether a lambda asks its session for nothing, or only for what needs no transaction."""
    return all(_asks_nothing(n) for n in walk(body) if isinstance(n, Name) and n.id == session)


def _asks_nothing(session: Name) -> bool:
    asked = session.parent
    if not isinstance(asked, Attribute):
        return False
    if isinstance(asked.parent, Call) and asked.parent.func is asked:
        return asked.attr in HARMLESS
    return asked.attr in HARMLESS_ATTRIBUTES
