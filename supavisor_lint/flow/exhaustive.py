"""A `match` whose cases leave nothing: nobody gets past it though it has no `case _`."""

from __future__ import annotations

from collections.abc import Iterable

from supavisor_lint.facts.statements import Match
from supavisor_lint.facts.tree import Attribute, Constant, Expr, Name
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.modes import member_of, mode_of
from supavisor_lint.flow.values import ModeRef
from supavisor_lint.project.values import ClassValue


def is_exhaustive(frame: Frame, statement: Match) -> bool:
    """Whether the cases without a guard name both booleans, None and a class, or all members of an enumeration.

    A function is called with what it was written for. A wary follower does not rely on that.
    """
    if frame.follower.wary:
        return False
    plain = [case.values for case in statement.cases if case.guard is None and not case.names and case.values]
    alone = [values for values in plain if all(isinstance(value, Constant | Attribute) for value in values)]
    constants = [value.value for values in alone for value in values if isinstance(value, Constant)]
    if any(value is True for value in constants) and any(value is False for value in constants):
        return True
    nones = any(isinstance(value, Constant) and value.value is None for values in plain for value in values)
    if nones and any(_is_any_of_class(frame, values) for values in plain):
        return True
    return any(_all_members(frame, cls) <= words for cls, words in _members(frame, alone).items())


def _is_any_of_class(frame: Frame, values: tuple[Expr, ...]) -> bool:
    """`case Job():`, also `case Job() | None:`; a name alone stands for a class, or it would be bound."""
    named = [value for value in values if not (isinstance(value, Constant) and value.value is None)]
    if len(named) != 1:
        return False
    return isinstance(named[0], Name) or (
        isinstance(named[0], Attribute) and isinstance(frame.ev.only(frame.file, named[0]), ClassValue)
    )


def _members(frame: Frame, cases: Iterable[tuple[Expr, ...]]) -> dict[ClassValue, set[str]]:
    """The members of enumerations that stand alone, or as alternatives, in some cases."""
    found: dict[ClassValue, set[str]] = {}
    for value in (value for values in cases for value in values if isinstance(value, Attribute)):
        mode, owner = mode_of(frame.ev, frame.file, value), frame.ev.only(frame.file, value.value)
        if isinstance(mode, ModeRef) and isinstance(owner, ClassValue):
            found.setdefault(owner, set()).add(mode.word)
    return found


def _all_members(frame: Frame, cls: ClassValue) -> set[str]:
    """The members of an enumeration, by the first names that they have."""
    modes = (member_of(frame.ev, cls, name) for name in cls.node.scope.bindings)
    return {mode.word for mode in modes if isinstance(mode, ModeRef)}
