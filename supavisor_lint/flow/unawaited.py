"""A method of a session that is called, and not awaited: its coroutine is thrown away, and never runs."""

from __future__ import annotations

from collections.abc import Collection

from supavisor_lint.facts.file import FileFacts, enclosing_function
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import dotted, last_name
from supavisor_lint.facts.statements import ExprStmt, FunctionDef
from supavisor_lint.facts.tree import Attribute, Call
from supavisor_lint.flow.events import Event, NeverRun, Trace
from supavisor_lint.flow.wording import what

_COROUTINES = frozenset({"commit", "rollback", "flush", "close", "reset"})
_ASKS = frozenset({"isinstance", "issubclass", "hasattr", "iscoroutinefunction", "is_async"})


def never_runs(call: Node) -> bool:
    """Whether a call, of a method of an asynchronous session, is a statement of its own: nobody has the coroutine.

    Where the function asks what kind of session it has, this may be the branch for the synchronous one.
    """
    func = call.func if isinstance(call, Call) else None
    if not isinstance(func, Attribute) or func.attr not in _COROUTINES or not isinstance(call.parent, ExprStmt):
        return False
    function = enclosing_function(call)
    return function is None or dotted(func.value) not in _asked_about(function)


@kept
def _asked_about(function: FunctionDef) -> frozenset[str]:
    """What a function asks the type of, by name."""
    asked = (node for node in own_nodes_in(function) if isinstance(node, Call) and last_name(node.func) in _ASKS)
    things = [argument.value for call in asked for argument in call.args[:1]]
    owners = [thing.value for thing in things if isinstance(thing, Attribute)]  # `iscoroutinefunction(session.commit)`
    return frozenset(name for thing in (*things, *owners) if (name := dotted(thing)) is not None)


def not_awaited(file: FileFacts, trace: Trace, event: Event, methods: Collection[str]) -> str:
    """`; … is not awaited, so it does nothing`: what would have spared the session of an event that."""
    since = min(node.order for node in (event.node, *event.because))
    for idle in trace.of(NeverRun):
        if idle.opened.site == event.opened.site and idle.method in methods and since <= idle.node.order:
            home, call = idle.via or (file, idle.node)
            elsewhere = "" if home is file else f" of {home.path}"
            return f"; {what(call)} at line {call.span.line}{elsewhere} is not awaited, so it does nothing"
    return ""
