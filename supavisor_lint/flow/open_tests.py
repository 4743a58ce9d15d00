"""Tests that nothing answers: where no name in them holds what is followed, they send every path both ways.

That is most tests of real functions. Which ones they are does not depend on the path: it is found once.
"""

from __future__ import annotations

from supavisor_lint.facts.tree import BoolOp, Constant, Expr, Name, Other
from supavisor_lint.flow.condition_texts import (
    asked_text,
    condition_text,
    is_bool,
    is_none,
    switch_of,
    tie_of,
    truth_of,
)
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.inert import Inert, inert
from supavisor_lint.flow.optional import replaced


def open_test(frame: Frame, test: Expr) -> Inert | None:
    """What an open test reads and may raise; None for a test that something may answer (see `conditions`)."""
    known = frame.follower.open_tests
    try:
        return known[test]
    except KeyError:
        found = known[test] = inert(frame, test) if _is_open(frame, test) else None
        return found


def _is_open(frame: Frame, test: Expr) -> bool:
    memo = frame.memo
    if test in memo.asked or test in memo.others or test in memo.certain:
        return False
    inner = truth_of(test)
    if inner is not None:
        return _is_open(frame, inner)
    match test:
        case Constant():
            return False
        case BoolOp(values=operands):
            return all(_is_open(frame, operand) for operand in operands)
        case Other((part,), "not"):
            return _is_open(frame, part)
        case Other((subject, nothing), "is" | "is not") if is_none(nothing):
            text = condition_text(subject)
            return _is_told_by_nothing(frame, subject) and not _is_tied(frame, text and f"{text} is None")
        case Other((subject, answer), "is" | "is not" | "==" | "!=") if is_bool(answer):
            return _is_told_by_nothing(frame, subject) and not _is_tied(frame, condition_text(test))
        case _:
            return _is_told_by_nothing(frame, test) and not _is_tied(frame, asked_text(test))


def _is_told_by_nothing(frame: Frame, subject: Expr) -> bool:
    """Whether it is neither a constant, nor a parameter that may become a session."""
    if isinstance(subject, Constant) or switch_of(subject) is not None:
        return False
    return not isinstance(subject, Name) or subject.id not in replaced(frame)


def _is_tied(frame: Frame, text: str | None) -> bool:
    return text is not None and tie_of(text) in frame.life.repeated
