"""Compares what happened with what the rules said.

*Missed*: an event that a finding must explain, and none does. *Alarm*: a finding that no input can trigger, faults of
the database included. The lines and codes that explain an event are in `_answers`. A difference that is by design has
a class in `BY_DESIGN`, with the predicate that recognises it: it is counted, and its finding may not be of high
confidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from .events import Event
from .findings import GIVEN_UP, Found
from .lines import Lines
from .run_program import Outcome, Run


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


def compare(lines: Lines, outcome: Outcome, found: Iterable[Found]) -> list[Disagreement]:
    """All disagreements about one program. Alarms are only sure when the outcome is complete, faults included."""
    placed = [_at_start(item, lines) for item in found]
    wrong: dict[tuple[str, int], Disagreement] = {}
    for missed in _missed(outcome, placed, lines):
        known = wrong.get((missed.kind, missed.line))
        if known is None or (known.by_design is not None and missed.by_design is None):
            wrong[missed.kind, missed.line] = missed
    for item in _never_shown(outcome, placed, lines):
        if _is_decided(item, outcome, lines):
            alarm = _judged(Disagreement(f"alarm {item.code}", item.line, found=item), lines, placed)
            wrong.setdefault((alarm.kind, alarm.line), alarm)
    return list(wrong.values())


def undecided(lines: Lines, outcome: Outcome, found: Iterable[Found]) -> list[Found]:
    """The findings that no run shows, where it is not known that none can."""
    placed = [_at_start(item, lines) for item in found]
    return [item for item in _never_shown(outcome, placed, lines) if not _is_decided(item, outcome, lines)]


def _missed(outcome: Outcome, placed: list[Found], lines: Lines) -> Iterator[Disagreement]:
    """The events that a finding has to explain, and none does."""
    for run in outcome.runs:
        for event in run.events:
            if event.required and not run.faults and not _goes_on(event, lines) and not _fitting(event, placed, lines):
                line = event.lines[0] if event.lines else 0
                yield _judged(Disagreement(f"missed {event.kind}", line, event, run), lines, placed)


def _never_shown(outcome: Outcome, placed: list[Found], lines: Lines) -> list[Found]:
    """The findings that no event explains."""
    shown = {item for run in outcome.runs for event in run.events for item in _fitting(event, placed, lines)}
    return [item for item in placed if item.hazard and item not in shown]


def _is_decided(item: Found, outcome: Outcome, lines: Lines) -> bool:
    """Whether all that a finding may be about was tried.

    Nobody knows what a helper does that is not called, nor what comes behind a wait that never ends.
    """
    entered = {None}.union(*(run.entered for run in outcome.runs))
    stands_still = any(event.kind == "locked" for run in outcome.runs for event in run.events)
    return outcome.complete and not stands_still and lines.helper_of(item.line) in entered


def _fitting(event: Event, placed: list[Found], lines: Lines) -> set[Found]:
    """The findings that explain an event."""
    answers = set(_answers(event, lines))
    fitting = {item for item in placed if (item.code, item.line) in answers}
    if event.kind == "lost":  # neighbouring writes share one finding
        about = {*event.lines, *event.causes}
        fitting |= {i for i in placed if i.code == "SUP308" and not about.isdisjoint(i.related)}
    return fitting


def _goes_on(event: Event, lines: Lines) -> bool:
    """In a `finally` an error may be on its way: behind a failed flush it goes on under another name."""
    may_go_on = event.kind == "lost" or (event.kind == "closed" and not event.causes)
    return may_go_on and lines.in_finally(event.lines[0])


def unexplained(lines: Lines, outcome: Outcome, found: Iterable[Found]) -> set[Found]:
    """The findings that no run of an outcome explains."""
    events = {event for run in outcome.runs for event in run.events}
    answers = {answer for event in events for answer in _answers(event, lines)}
    return {item for item in found if item.hazard and (item.code, lines.start(item.line)) not in answers}


def _at_start(item: Found, lines: Lines) -> Found:
    return replace(item, line=lines.start(item.line))


def _answers(event: Event, lines: Lines) -> Iterable[tuple[str, int]]:
    """The codes, each with a line, that explain an event."""
    here = set(event.lines)
    caught = {
        line
        for cause in (*event.failed, *(event.lines if event.kind == "swallowed" else ()))
        for line in lines.handlers_around(cause, event.within)
    }
    if event.kind == "begun":
        yield from (("SUP302", line) for line in here)
    elif event.kind == "closed":
        yield from (("SUP303", line) for line in here.union(event.causes, event.failed))  # or a commit that failed
        yield from (("SUP306", line) for line in caught.union(event.lines[1:]))
        yield from (("SUP309", line) for line in here)
    elif event.kind in ("pending", "aborted"):
        yield from (("SUP306", line) for line in caught.union(event.lines[1:]))  # told at the call
        yield from (("SUP309", line) for line in here if event.kind == "pending" and event.reads)
    elif event.kind in ("greenlet", "detached"):
        yield from (("SUP309", line) for line in here)
    elif event.kind == "lost":
        yield from (("SUP308", line) for line in here.union(event.causes))
    elif event.kind in ("discarded", "committed-early"):
        yield from (("SUP303", line) for line in here)
    elif event.kind == "swallowed":
        yield from (("SUP306", line) for line in caught.union(event.lines[1:]))
        yield from (("SUP303", line) for line in event.failed)
    if event.kind in ("begun", "greenlet", "detached", "pending", "aborted", "locked", "closed"):
        yield from (("SUP406", line) for line in here if lines.in_handler(line))


# ------------------------------------------------------------------------------------------------------------ by design


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
    """A wait for a lock of the own task that is not in a failure handler: no rule speaks of it."""
    return item.kind == "missed locked" and not lines.in_handler(item.line)


def _narrow_handler(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """A narrow handler that gives up what its own `try` has attempted does what it says (SUP306)."""
    return item.kind == "missed swallowed" and item.event is not None and lines.is_caught_narrowly(item.event.lines[0])


def _too_many_paths(item: Disagreement, lines: Lines, found: list[Found]) -> bool:
    """A function with more different states than the rules follow; `check --verbose` names it."""
    return item.kind.startswith("missed") and any(one.code == GIVEN_UP for one in found)


BY_DESIGN: dict[str, Callable[[Disagreement, Lines, list[Found]], bool]] = {
    "handler of a SUP302": _handler_of_a_302,
    "flush of a savepoint": _flush_of_a_savepoint,
    "lock of another row": _lock_of_another_row,
    "lock outside of a handler": _lock_outside_handler,
    "narrow handler": _narrow_handler,
    "second of a handler": _second_of_a_handler,
    "lost behind an exception": _lost_behind_an_exception,
    "may have been loaded again": _may_be_loaded,
    "return in a finally": _return_in_finally,
    "too many paths": _too_many_paths,
}
"""Differences that are meant: each name stands, with its rate, in the docstring of the rule that it concerns."""


def _judged(item: Disagreement, lines: Lines, found: list[Found]) -> Disagreement:
    for name, is_it in BY_DESIGN.items():
        if (item.found is None or item.found.confidence != "high") and is_it(item, lines, found):
            return replace(item, by_design=name)
    return item
