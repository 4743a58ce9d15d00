"""Compares what happened with what the rules said.

*Missed*: an event that a finding must explain, and none does. *Alarm*: a finding that no input can trigger, faults of
the database included. The lines and codes that explain an event are in `_answers`; the differences that are meant are
in `by_design`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .by_design import Disagreement, judged
from .events import Event
from .findings import Found
from .lines import Lines
from .run_program import MOST_FAULTS, Outcome, Run


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
            alarm = judged(Disagreement(f"alarm {item.code}", item.line, found=item), lines, placed)
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
                yield judged(Disagreement(f"missed {event.kind}", line, event, run), lines, placed)


def _never_shown(outcome: Outcome, placed: list[Found], lines: Lines) -> list[Found]:
    """The findings that no event explains."""
    shown = {item for run in outcome.runs for event in run.events for item in _fitting(event, placed, lines)}
    return [item for item in placed if item.hazard and item not in shown]


def _is_decided(item: Found, outcome: Outcome, lines: Lines) -> bool:
    """Whether all that a finding may be about was tried.

    Nobody knows what a helper does that is not called, or that fails for its only callers before it gets there, nor
    what comes behind a wait that never ends, nor what takes more faults at once than a run has.
    """
    stands_still = any(event.kind == "locked" for run in outcome.runs for event in run.events)
    about = (item.line, *item.related)
    if not outcome.complete or stands_still or not all(_may_fail(line, outcome, lines) for line in about):
        return False
    helper = lines.helper_of(item.line)
    if helper is None:
        return True
    entering = [run for run in outcome.runs if helper in run.entered and not run.faults]
    return not all(_fails_before(run, item.line, helper, lines) for run in entering)


def _may_fail(line: int, outcome: Outcome, lines: Lines) -> bool:
    """Whether a fault is left for a line, of those that a run has, when the handlers around it have taken theirs."""
    for handler in lines.handlers_with(line):
        faults = [len(run.faults) for run in outcome.runs if handler in run.entered]
        if faults:
            return min(faults) < MOST_FAULTS
    return True


def _fails_before(run: Run, line: int, helper: str, lines: Lines) -> bool:
    """Whether a helper's own `begin()` in front of a line has met an open transaction."""
    here = (at for event in run.events if event.kind == "begun" for at in event.lines)
    return any(at < line and lines.helper_of(at) == helper for at in here)


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
    return may_go_on and any(map(lines.in_finally, event.lines))


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
    told_at_call = (*event.lines[1:], *event.failed[1:])
    if event.kind == "begun":
        yield from (("SUP302", line) for line in here)
    elif event.kind == "closed":
        yield from (("SUP303", line) for line in here.union(event.causes, event.failed))  # or a commit that failed
        yield from (("SUP306", line) for line in caught.union(told_at_call))
        yield from (("SUP309", line) for line in here)
    elif event.kind in ("pending", "aborted"):
        yield from (("SUP306", line) for line in caught.union(told_at_call))
        yield from (("SUP309", line) for line in here if event.kind == "pending" and event.reads)
    elif event.kind in ("greenlet", "detached"):
        yield from (("SUP309", line) for line in here)
    elif event.kind == "lost":
        yield from (("SUP308", line) for line in here.union(event.causes))
        yield from (("SUP103", line) for at in here for line in lines.session_loops_around(at))
    elif event.kind in ("discarded", "committed-early"):
        yield from (("SUP303", line) for line in here)
    elif event.kind == "swallowed":
        yield from (("SUP306", line) for line in caught.union(told_at_call))
        yield from (("SUP303", line) for line in event.failed)
    if event.kind in ("begun", "greenlet", "detached", "pending", "aborted", "locked", "closed"):
        yield from (("SUP406", line) for line in here if lines.in_handler(line))
