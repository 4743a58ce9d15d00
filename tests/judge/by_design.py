"""One difference between the rules and SQLAlchemy, and the classes of those that are meant.

Each class has a predicate that recognises it: it is counted, and its finding may not be of high confidence. The rule
that it concerns says so in its docstring, with the rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .events import Event
from .findings import GIVEN_UP, Found
from .lines import Lines
from .run_program import Run


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One difference: what kind, on which line, the event (with its run) or the finding."""

    kind: str
    line: int
    event: Event | None = None
    run: Run | None = None
    found: Found | None = None
    by_design: str | None = None

    def __str__(self) -> str:
        if self.event is not None and self.run is not None:
            answers = "".join("10"[not answer] for answer in self.run.flags)
            return f"{self.kind} on line {self.line}, flags {answers or '-'}: {self.event}"
        return f"{self.kind} on line {self.line}: {self.found}"


def _handler_of_a_302(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """A begin() in a handler, where what began the transaction has its SUP302 already: one fault, one finding.

    Or a SUP302 stands in the `try` of the handler (section 5).
    """
    if item.kind != "missed begun" or item.event is None or not any(map(lines.in_handler, item.event.lines)):
        return False
    return any(
        not set(item.event.causes).isdisjoint(one.related)
        or any(item.line > handler for handler in lines.handlers_around(one.line, 0))
        for one in found
        if one.code == "SUP302"
    )


def _second_of_a_handler(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """What the same missing rollback does on another path through a handler: one finding for both (SUP406)."""
    return item.kind == "missed begun" and any(
        one.code == "SUP406" and "`begin()` raises" in one.message and lines.share_handler(one.line, item.line)
        for one in found
    )


def _lost_behind_an_exception(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """A write in front of a `try` whose exception is caught: whoever caught it may want the work undone (SUP308)."""
    return (
        item.kind == "missed lost"
        and item.event is not None
        and (bool(item.event.failed) or any(map(lines.raises_behind, item.event.lines)))
    )


def _may_be_loaded(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """An expired object that was not loaded again, or set, but might have been: rows cannot be told apart (SUP309)."""
    return item.kind == "missed greenlet" and item.event is not None and bool(item.event.causes)


def _return_in_finally(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """A `return` in a `finally` swallows any error: there is no handler to blame (SUP306)."""
    return item.kind == "missed swallowed" and item.event is not None and lines.is_left_in_finally(item.event.lines[0])


def _flush_of_a_savepoint(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """What `begin_nested()` flushes first fails outside of the savepoint: who swallows it has used one (SUP306)."""
    return (
        item.kind == "missed swallowed"
        and item.event is not None
        and any("begin_nested()" in lines.text_of(line) for line in item.event.failed)
    )


def _lock_of_another_row(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """A second session that would only wait if it met a row of the first: rows cannot be told apart."""
    return item.kind == "alarm SUP406" and item.found is not None and "lock" in item.found.message


def _lock_outside_handler(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """A wait for a lock of the own task that is not in a failure handler, or of a write that is lost in any case."""
    is_lost = any(one.code == "SUP308" and one.line == item.line for one in found)
    return item.kind == "missed locked" and (is_lost or not lines.in_handler(item.line))


def _narrow_handler(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """A narrow handler that gives up what its own `try` has attempted does what it says (SUP306)."""
    return item.kind == "missed swallowed" and item.event is not None and lines.is_caught_narrowly(item.event.lines[0])


def _too_many_paths(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """A function with more different states than the rules follow; `check --verbose` names it."""
    return item.kind.startswith("missed") and any(one.code == GIVEN_UP for one in found)


@dataclass(frozen=True, slots=True)
class Meant:
    """A class of differences: what recognises it, the rule that it concerns, how that rule's docstring puts it."""

    is_it: Callable[[Disagreement, Lines, list[Found]], bool]
    code: str
    words: str


BY_DESIGN: dict[str, Meant] = {
    "handler of a SUP302": Meant(_handler_of_a_302, "SUP302", "it is not reported again there"),
    "flush of a savepoint": Meant(_flush_of_a_savepoint, "SUP306", "although what it flushes first is not in it"),
    "lock of another row": Meant(_lock_of_another_row, "SUP406", "a finding about a lock has medium confidence"),
    "lock outside of a handler": Meant(
        _lock_outside_handler, "SUP406", "the same wait elsewhere, or of a write that SUP308 reports"
    ),
    "narrow handler": Meant(_narrow_handler, "SUP306", "what its own `try` has attempted is left alone"),
    "second of a handler": Meant(_second_of_a_handler, "SUP406", "where several paths through it fail"),
    "lost behind an exception": Meant(_lost_behind_an_exception, "SUP308", "and so is an exception"),
    "may have been loaded again": Meant(_may_be_loaded, "SUP309", "it cannot be told which rows that gives"),
    "return in a finally": Meant(_return_in_finally, "SUP306", "which swallows any error, is not looked at"),
    "too many paths": Meant(_too_many_paths, "SUP302", "Functions with too many paths are not judged"),
}


def judged(item: Disagreement, lines: Lines, found: list[Found]) -> Disagreement:
    """A difference with the class that it belongs to, if it is meant."""
    for name, meant in BY_DESIGN.items():
        if (item.found is None or item.found.confidence != "high") and meant.is_it(item, lines, found):
            return replace(item, by_design=name)
    return item
