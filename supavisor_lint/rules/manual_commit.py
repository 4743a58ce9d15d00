"""A background task commits by hand instead of by phase.

## What it finds
`await session.commit()` on a task's own session, outside `begin()`, that ends work done since the last commit or block.
A commit directly behind a block (nothing to commit) is silent.

## Why it matters
Between the commits nothing says where a phase begins and ends: an error leaves half a phase pending, the failure
handler then commits it with the status, or meets "A transaction is already begun".

## Example
```python
job.status = "processing"
await session.commit()
```

## Use instead
```python
async with session.begin():
    job = await session.get(Job, job_id)
    job.status = "processing"
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

from supavisor_lint.findings import Finding
from supavisor_lint.flow.events import ManualCommit
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The commits outside blocks that end work on each task's own sessions."""
    for task, _ in view.working_tasks:
        for event in view.follower.trace(view.file, task.node).of(ManualCommit):
            if event.opened.own:
                name = event.opened.name
                yield RULE.at(
                    view,
                    event.node,
                    f"`{name}` is committed by hand: give the phase its own `async with {name}.begin():`",
                    confidence=event.opened.session.confidence,
                    related=view.places(event, "the transaction begins here", "committed here"),
                )


RULE = Rule("SUP304", "manual-commit", "warning", "template", "safe", __doc__, detect)
