"""From an ORM object to the session that it belongs to: `async_object_session(job)`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.facts.file import nodes_of_kind
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Attribute, Call, Name
from supavisor_lint.flow.binding import share
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ANYTHING, ManyRef, ObjectRef, SessionRef, Tracked
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.values import External, FunctionValue

_ASYNC, _SYNC = "async_object_session", "object_session"
_NAMES = frozenset({_ASYNC, _SYNC, "async_session"})  # the last one of `inspect(job)`
_MAX_DEPTH = 4


def session_of_object(frame: Frame, node: Call, state: State, given: list[Tracked]) -> tuple[State, Tracked] | None:
    """What a call that asks an object for its session gives; None for any other call."""
    first = given[0] if given else ANYTHING
    known = state.objects.get(first.site) if isinstance(first, ObjectRef) else None
    if known is None or known.session not in state.sessions:
        return None
    callee = frame.ev.only(frame.file, node.func)
    if not isinstance(callee, External) or callee.root != "sqlalchemy":
        return None
    if callee.last == "inspect" and _NAMES.isdisjoint(_mentioned(frame.function)):
        return None
    if callee.last not in (_ASYNC, _SYNC, "inspect"):
        return None
    session = SessionRef(known.session)
    if callee.last == _ASYNC and not any(condition.detached for condition in known.conditions):
        return state, session
    return share(state, session), ANYTHING


def shared_by_objects(frame: Frame, functions: list[FunctionValue], state: State, given: Iterable[Tracked]) -> State:
    """The state after functions got objects, where they may ask these for their sessions."""
    for value in given:
        known = state.objects.get(value.site) if isinstance(value, ObjectRef | ManyRef) else None
        if known is not None and any(_asks(frame, function) for function in functions):
            state = share(state, SessionRef(known.session))
    return state


def _asks(frame: Frame, function: FunctionValue) -> bool:
    """Whether a function, or one that it calls, asks an object for its session."""
    known = frame.follower.asking
    if function.node not in known:
        known[function.node] = any(not _NAMES.isdisjoint(_mentioned(node)) for node in _reached(frame, function))
    return known[function.node]


def _reached(frame: Frame, function: FunctionValue) -> Iterator[FunctionDef]:
    """A function, and those that it calls."""
    seen, waiting = {function.node}, [(function, 0)]
    while waiting:
        current, depth = waiting.pop()
        yield current.node
        for call in nodes_of_kind(current.node, Call) if depth < _MAX_DEPTH else ():
            for inner in functions_called(frame.ev, current.file, call):
                if inner.node not in seen:
                    seen.add(inner.node)
                    waiting.append((inner, depth + 1))


@kept
def _mentioned(function: FunctionDef) -> frozenset[str]:
    names = (node.id for node in nodes_of_kind(function, Name))
    return frozenset((*names, *(node.attr for node in nodes_of_kind(function, Attribute)))) & _NAMES
