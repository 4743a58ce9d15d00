"""A background task writes its status and does its work in one and the same transaction.

## What it finds
A task that writes a status, where two or more status writes (or the status "processing" and the work after it) stand
in one transaction: one `begin()` block, or one helper block without any. Two statuses with work between them count as
well where a function writes them that the task calls in a transaction.

## Why it matters
A status is visible to others only when its transaction is committed. With one transaction the job says "pending" to
the end, and an error rolls the status back together with the work.

## Example
```python
async with get_session() as session, session.begin():
    job.status = "processing"
    await do_the_work(session)
    job.status = "completed"
```

## Use instead
```python
async with get_session() as session:
    async with session.begin():
        job.status = "processing"
    async with session.begin():
        await do_the_work(session)
    async with session.begin():
        job.status = "completed"
```

## Fix safety
Unsafe: work that is committed before the end stays when a later phase fails. The block is cut in two behind the first
status write; not where an object that the first commit expires is read behind it, nor where the status is written
inside a branch or loop.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding, Place
from supavisor_lint.flow.shape import TaskShape
from supavisor_lint.flow.transactions import status_shares_transaction, statuses_in_called
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Tasks whose status writes all fall into one transaction, with other work."""
    for task, shape in view.working_tasks:
        if task.provided or not shape.main_openings:
            continue
        written = _statuses(view, shape)
        if written:
            yield RULE.at(
                view,
                task.node,
                f"`{task.node.name}` writes its status and does its work in one transaction: no status is visible "
                "before the end; give each status a transaction of its own",
                confidence=task.confidence,
                related=written[:3],
            )


def _statuses(view: FileView, shape: TaskShape) -> list[Place]:
    """Where the statuses of one transaction are written; none if each has its own."""
    if status_shares_transaction(shape):
        return [view.place(view.file, write.node, "a status is written here") for write in shape.status_writes]
    found = statuses_in_called(shape)
    if found is None:
        return []
    call, file, writes = found
    places = [view.place(file, write.node, "a status is written here") for write in writes]
    return [view.place(view.file, call, "in the transaction of this call"), *places]


RULE = Rule("SUP305", "single-transaction-task", "warning", "template", "unsafe", __doc__, detect)
