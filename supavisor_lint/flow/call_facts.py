"""What is known of a call whatever path leads to it: found once, and kept."""

from __future__ import annotations

from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Await, Call
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.operations import OPENED_HERE
from supavisor_lint.flow.slow import slow_call
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.values import External, FactoryBlock, FunctionValue, Manager, Session


def opens(frame: Frame, node: Call) -> Session | bool | None:
    """The session that a call opens; True for a block that has to be entered first."""
    known = frame.follower.opens
    if node not in known:
        known[node] = _find_opened(frame, node)
    return known[node]


def opens_awaited(frame: Frame, node: Await) -> Session | bool | None:
    """The session that awaiting a call opens."""
    known = frame.follower.opens
    if node not in known:
        session = frame.ev.session(frame.file, node)
        known[node] = session if session is not None and session.source in OPENED_HERE else None
    return known[node]


def functions_of(frame: Frame, node: Call) -> list[FunctionValue]:
    """The functions of the project that a call runs."""
    known = frame.follower.functions
    if node not in known:
        known[node] = functions_called(frame.ev, frame.file, node)
    return known[node]


def _find_opened(frame: Frame, node: Call) -> Session | bool | None:
    values = frame.ev.values(frame.file, node)
    session = frame.ev.session(frame.file, node)
    if session is not None and session.source in OPENED_HERE:
        return session
    return True if any(isinstance(v, Manager | FactoryBlock) for v in values) else None


def slow(frame: Frame, node: Call) -> str | None:
    """What a call waits for that is slow."""
    known = frame.follower.slow
    if node not in known:
        known[node] = slow_call(frame.ev, frame.file, node)
    return known[node]


def is_cast(frame: Frame, node: Call) -> bool:
    """`typing.cast(Class, value)` is the value."""
    if last_name(node.func) != "cast" or len(node.args) != 2:
        return False
    callee = frame.ev.only(frame.file, node.func)
    return isinstance(callee, External) and callee.dotted == "typing.cast"


def is_builtin(frame: Frame, node: Call, name: str) -> bool:
    """Whether a call is of the builtin function of a name."""
    if last_name(node.func) != name:
        return False
    callee = frame.ev.only(frame.file, node.func)
    return isinstance(callee, External) and callee.dotted in (name, f"builtins.{name}")
