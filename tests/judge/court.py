"""One program before the judge: run it, ask the rules, compare, and make what is left small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .by_design import Disagreement
from .findings import Ask, Found
from .lines import Lines
from .reduce import reduced
from .run_program import Outcome, World
from .verdict import compare, undecided, unexplained


@dataclass(frozen=True, slots=True)
class Case:
    """A program, what it did, what the rules said, and where the two differ; `undecided` says where that is unknown."""

    text: str
    outcome: Outcome
    found: tuple[Found, ...]
    disagreements: tuple[Disagreement, ...]
    undecided: tuple[Found, ...]

    @property
    def wrong(self) -> tuple[Disagreement, ...]:
        """The disagreements that are not by design."""
        return tuple(item for item in self.disagreements if item.by_design is None)


def try_cases(world: World, texts: Sequence[str], ask: Ask) -> list[Case]:
    """Judge some programs; the rules are asked about all of them at once."""
    return [_case(world, text, found) for text, found in zip(texts, ask(texts), strict=True)]


def _case(world: World, text: str, found: tuple[Found, ...]) -> Case:
    open_findings, lines = set(found), Lines(text)

    def is_explained(outcome: Outcome) -> bool:
        nonlocal open_findings
        open_findings &= unexplained(lines, outcome, found)
        return not open_findings

    outcome = world.outcome(text, is_explained)
    differences, unknown = compare(lines, outcome, found), undecided(lines, outcome, found)
    return Case(text, outcome, found, tuple(differences), tuple(unknown))


def small(world: World, case: Case, ask: Ask) -> Case:
    """The same kind of disagreement in a program that is as small as can be."""
    kind = case.wrong[0].kind

    def is_still_wrong(text: str) -> bool:
        try:
            again = try_cases(world, [text], ask)[0]
        except (SyntaxError, AssertionError):
            return False
        return any(item.kind == kind for item in again.wrong)

    return try_cases(world, [reduced(case.text, is_still_wrong)], ask)[0]


def report(case: Case) -> str:
    """A disagreement for reading: the program with numbered lines, what happened, what was found."""
    lines = case.text.rstrip().split("\n")
    first = next((n for n, line in enumerate(lines) if line.startswith(("async def", "# supavisor-lint"))), 0)
    shown = [f"{number:4} {line}" for number, line in enumerate(lines, 1) if number > first]
    wrong = [f"  ! {item}" for item in case.wrong]
    said = [f"  found {item.code} on line {item.line}: {item.message}" for item in case.found] or ["  found nothing"]
    return "\n".join([*shown, *wrong, *said])
