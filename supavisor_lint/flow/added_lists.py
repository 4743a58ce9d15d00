"""`session.add_all(jobs)`, and a test that says there were none: then it has added nothing."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.tree import Attribute, Call, Collection, Comprehension, Constant, Expr, Name, Other
from supavisor_lint.flow.collected import changed_in_place
from supavisor_lint.flow.counts import NONE_SIDE
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.session_state import EMPTY_HISTORY
from supavisor_lint.flow.state import State

_EXACTLY_ONE = frozenset({("==", 1), ("!=", 1)})  # where there is not one, there may be several
_OF_THE_SAME = frozenset({"list", "tuple", "set", "sorted", "reversed", "enumerate", "filter"})
_MAX_DEPTH = 4


def without_empty_adds(
    frame: Frame, test: Expr, split: tuple[list[State], list[State]]
) -> tuple[list[State], list[State]]:
    """The states where a test is true and false; where it says that a collection is empty, without its `add_all()`."""
    asked = _emptiness(test)
    if asked is None:
        return split
    name, side = asked
    if name in changed_in_place(frame.function):
        return split
    yes, no = split
    return ([_unadded(frame, s, name) for s in yes], no) if side == 0 else (yes, [_unadded(frame, s, name) for s in no])


def _emptiness(test: Expr) -> tuple[str, int] | None:
    """The name of a collection that a test asks about, and the side that says that it is empty: 0 is true."""
    if isinstance(test, Name):
        return test.id, 1
    if not isinstance(test, Other) or len(test.parts) != 2:
        return None
    subject, other = test.parts
    if isinstance(subject, Name) and isinstance(other, Collection) and not other.items and test.op in ("==", "!="):
        return subject.id, 0 if test.op == "==" else 1
    if not isinstance(subject, Call) or not isinstance(subject.func, Name) or subject.func.id != "len":
        return None
    counted = subject.argument(0)
    limit = other.value if isinstance(other, Constant) and type(other.value) is int else None
    side = NONE_SIDE.get((test.op, limit)) if limit is not None and (test.op, limit) not in _EXACTLY_ONE else None
    return (counted.id, side) if isinstance(counted, Name) and side is not None else None


def _unadded(frame: Frame, state: State, name: str) -> State:
    for site in state.sessions:
        history = state.history(site)
        empty = frozenset(w for w in history.pending | history.unsent if _adds_only(frame, w, name))
        if empty:
            kept = history._replace(
                writes=history.writes - empty, carried=history.carried - empty, unsent=history.unsent - empty
            )
            session = state.sessions[site]
            if history.begun_by <= empty and not (session.blocks or kept.pending or kept.queries):
                session, kept = session._replace(transaction="fresh"), EMPTY_HISTORY  # nothing else has begun it
            state = state.with_session(site, session, kept)
    return state


def _adds_only(frame: Frame, write: object, name: str) -> bool:
    """Whether a write is an `add_all()` of a collection, or of what was made of its elements."""
    if not isinstance(write, Call) or not isinstance(write.func, Attribute) or write.func.attr != "add_all":
        return False
    return name in _sources(frame, write.argument(0, "instances"), 0)


def _sources(frame: Frame, expr: Expr | None, depth: int) -> Iterator[str]:
    """The names of the collections without whose elements an expression has none; each is bound once."""
    if isinstance(expr, Name):
        bindings = frame.function.scope.bindings.get(expr.id, [])
        if len(bindings) == 1 and depth < _MAX_DEPTH and expr.id not in changed_in_place(frame.function):
            yield expr.id
            yield from _sources(frame, frame.function.scope.only_value(expr.id), depth + 1)
    elif isinstance(expr, Comprehension):
        for generator in expr.generators:
            yield from _sources(frame, generator.iter, depth + 1)
    elif isinstance(expr, Call) and isinstance(expr.func, Name) and expr.func.id in _OF_THE_SAME and expr.args:
        yield from _sources(frame, expr.args[0].value, depth + 1)
