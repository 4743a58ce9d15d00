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
    job = await session.get(Job, job_id)          # begins a transaction
    async with session.begin():                   # InvalidRequestError
        job.status = "processing"
```

## Use instead
```python
async with get_session() as session:
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
from supavisor_lint.flow.operations import Operation
from supavisor_lint.flow.runs import runs
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The runs of each task's own sessions that no commit covers."""
    for _, shape in view.working_tasks:
        for run in runs(shape):
            if run.commit is None:
                yield _finding(view, run.first)


def _finding(view: FileView, operation: Operation) -> Finding:
    what = f"`{operation.key.text}.{operation.method}()`" if operation.method else "this call's database work"
    related = []
    if operation.via is not None:
        related.append(view.place(*operation.via, "the session is used here, outside a transaction block"))
    return RULE.at(
        view,
        operation.node,
        f"{what} stands outside `{operation.key.text}.begin()`: it begins a transaction that stays open",
        confidence=operation.session.confidence,
        related=related,
    )


RULE = Rule("SUP301", "operation-outside-transaction", "warning", "template", "safe", __doc__, detect)
