"""Database work of a background task stands outside `session.begin()`.

## What it finds
In a background task: a run of consecutive operations on its own session (`execute`, `get`, `add`, … or a call that
works on the session) with no `async with session.begin():` around it. One finding for each run, at its first
operation. Work that a commit by hand covers is SUP304; helpers named in `phase-helpers` are a phase by themselves.

## Why it matters
The operation begins a transaction that stays open, with its connection, until the helper ends. The next
`session.begin()` raises "A transaction is already begun", the failure handler's as well: the status stays "processing".

## Example
```python
async with get_session() as session:
    job = await session.get(Job, job_id)      # begins a transaction, which stays open
    await build_report(job.url)
```

## Use instead
```python
async with get_session() as session:
    async with session.begin():
        job = await session.get(Job, job_id)
        url = job.url
    await build_report(url)
```

## Fix safety
Every run of statements up to a commit by hand becomes one `async with session.begin():`, and the commit goes; what only
reads, and what the helper's own commit saves at the end of its block, gets a block as well. One session is rewritten as
a whole. Safe where the program does the same to the database, whatever fails. Unsafe where an error or an early exit
would leave something else behind: a handler that swallows without `rollback()`, a `return` inside a handler's reach or
a `continue` with work pending, a call of something unknown that gets the session. Unsafe as well where a read and what
follows from it would get two blocks, on an engine of an isolation level (REPEATABLE READ, SERIALIZABLE) that lets one
transaction notice what others change. No fix where a block would fail, or lose work: a called function that commits, a
commit on a condition, an error swallowed inside a run, a handler that reads an object of the session, a session that
does not come from a helper that commits.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.node import Node
from supavisor_lint.findings import Finding
from supavisor_lint.flow.events import BegunTwice, LostWrite, Trace, Uncovered
from supavisor_lint.flow.wording import what
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The first operation of each run on a task's own session that neither a block nor a commit covers."""
    for task, _ in view.working_tasks:
        trace = view.follower.trace(view.file, task.node)
        causes = _causes(trace)
        for event in trace.of(Uncovered):
            stood_for = not view.tells_all and (event.continued or event.node in causes)
            if event.opened.own and not event.commits and not stood_for:
                yield _finding(view, event)


def _causes(trace: Trace) -> set[Node]:
    """The operations that are reported by what they lead to: SUP302, SUP308, SUP406."""
    begun = {node for event in trace.of(BegunTwice) if event.sure for node in event.because}
    return begun | {event.node for event in trace.of(LostWrite) if event.sure}


def _finding(view: FileView, event: Uncovered) -> Finding:
    name = event.opened.name
    subject = what(event.node) if event.via is None else "this call's database work"
    return RULE.at(
        view,
        event.node,
        f"{subject} stands outside `{name}.begin()`: the transaction that it begins has no end of its own; "
        f"give the phase its own `async with {name}.begin():`",
        confidence=event.opened.session.confidence,
        related=view.places(event, "", "the session is used here, outside a transaction block"),
    )


RULE = Rule("SUP301", "operation-outside-transaction", "warning", "template", "safe", __doc__, detect)
