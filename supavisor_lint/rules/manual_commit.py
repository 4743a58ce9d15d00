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
from supavisor_lint.flow.runs import runs
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The commits that end a run of each task's own sessions."""
    for _, shape in view.working_tasks:
        for run in runs(shape):
            if run.commit is not None:
                commit = run.commit
                related = [view.place(view.file, run.first.node, "the transaction begins here")]
                if commit.via is not None:
                    related.append(view.place(*commit.via, "committed here"))
                yield RULE.at(
                    view,
                    commit.node,
                    f"`{commit.key.text}` is committed by hand: give the phase its own `async with "
                    f"{commit.key.text}.begin():`",
                    confidence=commit.session.confidence,
                    related=related,
                )


RULE = Rule("SUP304", "manual-commit", "warning", "template", "safe", __doc__, detect)
