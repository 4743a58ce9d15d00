"""Tests of a statement's `rowcount`: where it is none, nothing was written."""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.tree import Attribute, Constant, Expr, Name, NamedExpr, Other
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ANYTHING, CountRef, ResultRef, Tracked

# Which side of a comparison with 0 or 1 means "no row": 0 where it is true, 1 where it is false. A statement that is
# to change one row and does not is taken for one that has changed none.
NONE_SIDE = {
    ("==", 0): 0,
    ("!=", 0): 1,
    (">", 0): 1,
    ("<=", 0): 0,
    ("<", 1): 0,
    (">=", 1): 1,
    ("==", 1): 1,
    ("!=", 1): 0,
}


def without_empty_writes(
    frame: Frame, test: Expr, split: tuple[list[State], list[State]]
) -> tuple[list[State], list[State]]:
    """The states where a comparison is true and false; where it says "no row changed", without the write.

    A wary follower asks whether a statement that has not changed one row can have changed several.
    """
    if not isinstance(test, Other) or len(test.parts) != 2:
        return split
    subject, limit = test.parts
    number = limit.value if isinstance(limit, Constant) and type(limit.value) is int else None
    side = NONE_SIDE.get((test.op, number)) if number is not None else None
    if side is None:
        return split
    count = _count(subject, next(iter((*split[0], *split[1])), None))
    if frame.follower.wary and number == 1 and test.op in ("==", "!=") and (not count or count.site not in frame.rows):
        return split
    yes, no = split
    return ([_compared(subject, s) for s in yes], no) if side == 0 else (yes, [_compared(subject, s) for s in no])


def compared_count(frame: Frame, expr: Expr, values: Sequence[Tracked]) -> Tracked:
    """What `result.rowcount == 1` is, `values` being its two sides: true where a row was changed, as the count is."""
    if not isinstance(expr, Other) or len(expr.parts) != 2 or not isinstance(values[0], CountRef):
        return ANYTHING
    limit = expr.parts[1]
    number = limit.value if isinstance(limit, Constant) and type(limit.value) is int else None
    is_exact = number == 1 and expr.op in ("==", "!=")
    says_none = number is not None and NONE_SIDE.get((expr.op, number)) == 1 and not (frame.follower.wary and is_exact)
    return values[0] if says_none else ANYTHING


def _compared(subject: Expr, state: State) -> State:
    count = _count(subject, state)
    return state if count is None else unwritten(state, count)


def unwritten(state: State, count: CountRef) -> State:
    """The state in which a statement has changed no row."""
    if count.session not in state.sessions:
        return state
    history = state.history(count.session)
    kept = history._replace(writes=history.writes - {count.site}, carried=history.carried - {count.site})
    return state.with_session(count.session, state.sessions[count.session], kept)


def _count(subject: Expr, state: State | None) -> CountRef | None:
    """The count that an expression has given: a name, `result.rowcount`, or `(count := …)`."""
    if state is None:
        return None
    if isinstance(subject, NamedExpr):
        subject = subject.target
    if isinstance(subject, Name):
        value = state.variables.get(subject.id)
        return value if isinstance(value, CountRef) else None
    if not (isinstance(subject, Attribute) and subject.attr == "rowcount" and isinstance(subject.value, Name)):
        return None
    result = state.variables.get(subject.value.id)
    return CountRef(result.session, result.site) if isinstance(result, ResultRef) else None
