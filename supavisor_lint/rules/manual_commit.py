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
Wrapping a phase is safe under the conditions on commits, early exits and handlers. This version reports only.
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
