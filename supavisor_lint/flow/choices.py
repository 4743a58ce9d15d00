"""Expressions that give one of several values: `session or factory()`, `first if test else second`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from supavisor_lint.facts.tree import Attribute, BoolOp, Expr, IfExp, Name, Other
from supavisor_lint.flow.condition_texts import asked_text
from supavisor_lint.flow.conditions import assume, truth
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.optional import there_or_none
from supavisor_lint.flow.state import State, States
from supavisor_lint.flow.values import (
    ANYTHING,
    NOTHING,
    SOMETHING,
    ConstantRef,
    ModeRef,
    ObjectRef,
    SessionRef,
    Tracked,
)

Results: TypeAlias = list[tuple[State, Tracked]]

MAX_RESULTS = 16  # ways through the parts of one expression; beyond that their values are given up
_COMPARISONS = frozenset({"not", "is", "is not", "==", "!=", "<", "<=", ">", ">=", "in", "not in"})


def chosen(frame: Frame, expr: IfExp, state: State) -> Results:
    """What either branch gives, where the test sends a path there."""
    yes, no = truth(frame, expr.test, state)
    return _distinct(_absent_where_none(expr, [*_all(frame, expr.body, yes), *_all(frame, expr.orelse, no)]))


def _absent_where_none(expr: IfExp, results: Results) -> Results:
    """`await session.get(Job, key) if key else None`: an object that may be missing, as it may behind a `get()`."""
    found = next(((s, v.site) for s, v in results if isinstance(v, ObjectRef) and expr.contains(v.site)), None)
    known = found[0].objects.get(found[1]) if found is not None else None
    if found is None or known is None:
        return results
    missing = known._replace(conditions=frozenset())
    return [
        (state.with_object(found[1], missing), ObjectRef(found[1])) if value == ConstantRef(None) else (state, value)
        for state, value in results
    ]


def _all(frame: Frame, expr: Expr, states: Iterable[State]) -> Results:
    from supavisor_lint.flow.expressions import evaluate

    return [result for state in states for result in evaluate(frame, expr, state)]


def short_circuit(frame: Frame, expr: BoolOp, state: State) -> Results:
    """`first or second`: what is known to be true ends it. `first and second`: what may be false does."""
    results: Results = []
    current = [state]
    for operand in expr.values[:-1]:
        following: list[State] = []
        for before in current:
            for after, value in _there_or_none(frame, operand, before):
                ends = _ends(expr, value)
                if ends is not False:
                    results.append((after, value if ends else _ending(expr, operand, value)))
                if ends is not True:
                    following.append(after)
        current = following if len(following) <= MAX_RESULTS else list(States(following))
    results += _all(frame, expr.values[-1], current)
    if len(results) > MAX_RESULTS:
        results = [(after, ANYTHING) for after in States(after for after, _ in results)]
    return _distinct(results)


def _ends(expr: BoolOp, value: Tracked) -> bool | None:
    """Whether the value of an operand is that of the whole; None where that is not known."""
    if isinstance(value, SessionRef):
        return expr.op == "or"
    if isinstance(value, ModeRef) and value.true is not None:
        return value.true is (expr.op == "or")
    return bool(value.value) is (expr.op == "or") if isinstance(value, ConstantRef) else None


def _ending(expr: BoolOp, operand: Expr, value: Tracked) -> Tracked:
    """What an operand is where it ends the whole, which nothing else tells: an `and` ends with what is false."""
    if value != ANYTHING:
        return value
    is_bool = isinstance(operand, Other) and operand.op in _COMPARISONS
    if expr.op == "and":
        return ConstantRef(False) if is_bool else NOTHING
    return ConstantRef(True) if is_bool else value


def _there_or_none(frame: Frame, operand: Expr, before: State) -> Results:
    """An operand's values; a session that may be None is asked for: `session or factory()`."""
    results: Results = []
    for state, value in _all(frame, operand, [before]):
        split = there_or_none(frame, operand, state, value)
        if split is None:
            results += _tied(frame, operand, state, value)
            continue
        there = SOMETHING if value == ANYTHING else value
        results += [(after, there) for after in split[0]]
        results += [(after, ConstantRef(None)) for after in split[1]]
    return results


def _tied(frame: Frame, operand: Expr, state: State, value: Tracked) -> Results:
    """An unknown operand whose truth other conditions ask for, too: `scope.session or factory()`."""
    is_switch = value == ANYTHING and isinstance(operand, Name | Attribute)
    yes, no = assume(frame, asked_text(operand) if is_switch else None, state)
    if yes == no:
        return [(state, value)]
    return [*((after, SOMETHING) for after in yes), *((after, NOTHING) for after in no)]


def _distinct(results: Results) -> Results:
    """The results without repetitions: most branches of an expression change nothing.

    A constant tells something only where all that goes with its state is true, or false, as well.
    """
    values: dict[int, list[Tracked]] = {}
    for state, value in results:
        values.setdefault(id(state), []).append(value)
    told = {known: _in_common(found) for known, found in values.items() if len(found) > 1}
    results = [(s, told.get(id(s), v) if isinstance(v, ConstantRef) else v) for s, v in results]
    return list({(id(state), value): (state, value) for state, value in results}.values())


def _in_common(values: list[Tracked]) -> Tracked:
    """What is known of something that is one of several values, some of them constants."""
    if len(set(values)) == 1:
        return values[0]
    truths = {bool(value.value) if isinstance(value, ConstantRef) else None for value in values}
    return ANYTHING if len(truths) > 1 or None in truths else SOMETHING if True in truths else NOTHING
