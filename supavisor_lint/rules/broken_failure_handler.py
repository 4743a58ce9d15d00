"""A failure handler that cannot work.

## What it finds
In a background task, or a function that a task runs (called there, or passed to a function that calls it), a statement
of an `except` that fails because of the failure itself: `begin()` while the `try` has left a transaction open; work or
a commit on a session whose failed write was not rolled back; an attribute of an ORM object read after the rollback has
expired it; a write in a second session to a table that the first one's open transaction has written. What a called
function does with the session counts, at its call. A missing rollback gives one finding for each handler, also where
several paths through it fail (0.04 % of 5,000 generated programs, run against SQLAlchemy, have such a second path).

## Why it matters
The handler is there to record the failure. It raises "A transaction is already begun", PendingRollbackError or
MissingGreenlet instead, or waits for a lock that its own task holds: the job stays "processing" for ever.

## Example
```python
try:
    job = await session.get(Job, job_id)
    await build_report(job.url)
except Exception:
    logger.exception("job %s failed", job_id)
    try:
        async with session.begin():               # the transaction of get() is still open
            await session.execute(mark_failed(job_id))
    except Exception:
        logger.exception("job %s: the failure could not be recorded", job_id)
```

## Use instead
```python
try:
    async with session.begin():
        job = await session.get(Job, job_id)
        url = job.url
    await build_report(url)
except Exception:
    logger.exception("job %s failed", job_id)
    try:
        await session.rollback()                  # ends what the try may have left open
        async with session.begin():
            await session.execute(mark_failed(job_id))
    except Exception:
        logger.exception("job %s: the failure could not be recorded", job_id)
```

## Fix safety
`await session.rollback()` as the first statement on the session is always harmless outside a block, and cures a
`begin()` that finds a transaction open, work on a session whose write has failed, and a second session that waits for
the first one. It is unsafe where the handler could save what an error of the program's own has left half done, and on
a session that belongs to the caller. It does not cure the expired attribute (copy the value before). What a task has
left half done is saved when its session ends, if the failure of the handler is caught: with the rollback it is not.
Where two sessions cannot be seen to meet in the same row, a finding about a lock has medium confidence (wrong in less
than 0.02 % of the generated programs), and there is none for two tables, two constants, or two parameters, as keys; the
same wait elsewhere, or of a write that SUP308 reports, is not looked at (in less than 0.02 %).
PostgreSQL refuses further statements after any failed one; SQLite only after a failed flush or commit.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.findings import Confidence, Finding
from supavisor_lint.flow.events import BegunTwice, Event, ExpiredRead, FailedUse, WaitsForLock
from supavisor_lint.flow.operations import handler_around
from supavisor_lint.flow.wording import read_by, through, what
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The failures of handlers: each expired read, and the first statement that fails for want of a rollback."""
    seen: set[tuple[int, type[Event]]] = set()
    for function, event, message in _failures(view):
        handler = handler_around(event.node)
        key = (id(handler), type(event))
        if handler is None or (key in seen and not view.tells_all):
            continue
        if not isinstance(event, ExpiredRead):  # each read is mended where it stands
            seen.add(key)
        yield RULE.at(
            view,
            event.node,
            message,
            confidence=_confidence(event),
            related=[
                view.place(view.file, handler, "the failure handler"),
                *view.places(event, "because of this", "it fails here"),
            ],
            function=function,
        )


def _failures(view: FileView) -> Iterator[tuple[FunctionDef, Event, str]]:
    for function, begun in view.hazards(BegunTwice):
        if begun.inherited and view.runs_in_task(function) and not _is_known(view, function, begun):
            yield (
                function,
                begun,
                f"this handler's `begin()` raises: the transaction of {through(begun.because)} is still open; "
                f"put `await {begun.opened.name}.rollback()` in front",
            )
    for function, failed in view.hazards(FailedUse):
        if view.runs_in_task(function):
            yield (
                function,
                failed,
                f"{what(failed.node)} raises here when {through(failed.because)} has failed: the session must be "
                f"rolled back first; put `await {failed.opened.name}.rollback()` in front",
            )
    for function, read in view.expired_reads():
        if view.runs_in_task(function):
            yield (
                function,
                read,
                f"{read_by(read.node)} raises in this handler: the object has expired, on the path through "
                f"{through(read.because)}; copy the value before the `try`",
            )
    for function, waits in view.hazards(WaitsForLock):
        if view.runs_in_task(function):
            yield (
                function,
                waits,
                f"{what(waits.node)} waits for a lock of this task's own open transaction, see "
                f"{through(waits.because)}; roll the first session back before",
            )


def _confidence(event: Event) -> Confidence:
    if isinstance(event, WaitsForLock) and not event.same_row:
        return "medium"
    return event.opened.session.confidence


def _is_known(view: FileView, function: FunctionDef, event: BegunTwice) -> bool:
    """Whether the operations that leave the transaction open are those of a SUP302 already."""
    if view.tells_all:
        return False
    reported: set[Node] = set()
    for other in view.follower.trace(view.file, function).of(BegunTwice):
        if other.sure and not other.inherited:
            reported |= other.because
    return event.because <= reported


RULE = Rule("SUP406", "broken-failure-handler", "error", "hazards", "safe", __doc__, detect)
