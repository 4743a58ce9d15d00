"""An attribute of an ORM object is read where it has expired.

## What it finds
Reading a column (`job.id` as well) of an object that a query of the session gave, or that was added to it, on a path
behind a commit whose factory leaves `expire_on_commit` on, behind any rollback, or behind a flush that has failed
(the one in a `commit()` as well: `except Exception: logger.error("%s", job.id)`). Reading it again with `get`, a
query or `refresh()` makes it valid; any query of its class counts, since it cannot be told which rows that gives
(which hides a fault in 0.02 % of 20,000 generated programs), of a class above or below it, or one that brings it by
loader options. What is set on one object can be read of another that may be the same row (not of one asked for by
another key). Methods, properties and class constants are not counted. In the failure handler of a background task it
is SUP406. Where the definition of the factory is not known, only rollbacks count. A function that expires an object
and reads it itself is told once: there, or in a file at its first call.

## Why it matters
An expired attribute is loaded again when it is read; in async code that read raises
`MissingGreenlet: greenlet_spawn has not been called`, and leaves a transaction open, so that the next `begin()` fails,
too. After the session is closed it is a DetachedInstanceError; after a failed flush, until somebody rolls back, a
PendingRollbackError.

## Example
```python
async with session.begin():
    job = await session.get(Job, job_id)
    job.status = "processing"
await fetch(job.url)                    # expired by the commit of the block
```

## Use instead
```python
async with session.begin():
    job = await session.get(Job, job_id)
    job.status = "processing"
    url = job.url
await fetch(url)
```

## Fix safety
No rewrite is offered: copy the value before the commit, or load the object again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Call
from supavisor_lint.findings import Finding
from supavisor_lint.flow.events import ExpiredRead
from supavisor_lint.flow.operations import handler_around
from supavisor_lint.flow.wording import attribute_by_name, read_by, through, what
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Every read of an expired attribute outside the failure handlers of tasks."""
    reads = [
        (function, event)
        for function, event in view.expired_reads()
        if not view.runs_in_task(function) or handler_around(event.node) is None  # else SUP406
    ]
    inside: dict[Hashable, list[Node]] = {}  # reads in called functions: the calls
    for _, event in reads:
        if _is_within(event):
            inside.setdefault(_read_of(event), []).append(event.node)
    for function, event in reads:
        first, *others = inside[_read_of(event)] if _is_within(event) else [event.node]
        if first is not event.node:
            continue
        yield RULE.at(
            view,
            event.node,
            f"{_what_happens(event)}; copy the value before, or load the object again",
            confidence=event.opened.session.confidence,
            related=[
                *view.places(event, "this expires the object", "read here"),
                *view.places_of(others, "and through this call"),
            ],
            function=function,
        )


def _is_within(event: ExpiredRead) -> bool:
    """Whether the called function does it all: it expires the object, and reads it."""
    return event.via is not None and event.because == {event.node}


def _read_of(event: ExpiredRead) -> Hashable:
    """What every call of the function that does it all comes to: one finding in a file is enough for all of them."""
    return (event.via, event.refused, event.detached)


def _what_happens(event: ExpiredRead) -> str:
    if event.via is not None and _is_within(event):
        read = event.via[1]
        return f"{what(event.node)} reads {what(read)} (line {read.span.line}) where it has expired: {_error(event)}"
    path = f"on the path through {through(event.because)}"
    return f"{_subject(event.node)} has expired here, {path}: this raises {_error(event)}"


def _error(event: ExpiredRead) -> str:
    if event.refused:
        return "PendingRollbackError"
    return "DetachedInstanceError" if event.detached else "MissingGreenlet"


def _subject(node: Node) -> str:
    return (
        f"an object that {what(node)} reads"
        if isinstance(node, Call) and attribute_by_name(node) is None
        else read_by(node)
    )


RULE = Rule("SUP309", "expired-attribute-access", "error", "hazards", "none", __doc__, detect)
