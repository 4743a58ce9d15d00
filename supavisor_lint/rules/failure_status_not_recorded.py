"""A failure handler only logs: the job keeps its old status.

## What it finds
In a background task that writes a status: the broad handler round the phases neither writes a status (itself, through
a function that it calls, or on a session of its own) nor passes the error on to a handler that does.

## Why it matters
The log says that the job failed, the row says "processing", for ever. Whoever polls the row waits.

## Example
```python
except Exception:
    logger.exception("job %s failed", job_id)
```

## Use instead
```python
except Exception as error:
    logger.exception("job %s failed", job_id)
    try:
        async with session.begin():
            await session.execute(update(Job).where(Job.id == job_id).values(status="failed"))
    except Exception:
        logger.exception("job %s: the failure could not be recorded", job_id)
```

## Fix safety
Unsafe: the session is rolled back, which discards what the handler left to be committed, and the failed status is
taken from the project: the statement that writes the completed one, with the sibling that the project defines, or the
setting `template.failure-update`. There is no fix where neither tells, where that statement may find another row once
the task has changed some (SUP401), inside a `begin()` block, and in a loop where
the rollback would expire what the next round needs.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Handler
from supavisor_lint.findings import Finding
from supavisor_lint.flow.shape import TaskShape
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The inner handlers round the status writes that record nothing."""
    for task, shape in view.tasks_with_handlers:
        reported: set[Handler] = set()
        for write in shape.status_writes:
            handler = responsible(shape, write.node)
            if handler is not None and handler not in reported:
                reported.add(handler)
                yield RULE.at(
                    view,
                    handler,
                    f"this handler of `{task.node.name}` only logs: the job keeps its old status; write the failed "
                    "status in a transaction of its own",
                    confidence=task.confidence,
                    related=[view.place(view.file, write.node, "the status that stays")],
                )


def responsible(shape: TaskShape, node: Node) -> Handler | None:
    """The handler that should have recorded the failure of a status write and did not; None if all is well."""
    chain = shape.handlers_of_status(node)
    if chain is None:
        return None
    inner, outer = chain
    for handler in (*inner, *outer):
        if shape.failure_update(handler) is not None:
            return None
        if shape.swallows(handler):
            break
    return inner[-1] if inner else None


RULE = Rule("SUP402", "failure-status-not-recorded", "warning", "template", "unsafe", __doc__, detect)
