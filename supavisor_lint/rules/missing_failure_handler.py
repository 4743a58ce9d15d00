"""Nothing catches a failure of a background task's phases.

## What it finds
A background task with a session of its own whose database work has no `try … except Exception` around it: no inner
handler in the session's block, and no outer handler that records the failure in a session of its own. For a task that
writes no status, an outer handler is enough. Tasks of queue frameworks and callbacks are left out.

## Why it matters
A failure ends the task where it stands. Nobody awaits it: the job keeps its status "processing" or "pending", and the
error is printed, if at all, when the task object is collected.

## Example
```python
async def process(job_id):
    from app.session import get_session

    async with get_session() as session, session.begin():
        job = await session.get(Job, job_id)
        job.status = "completed"
```

## Use instead
```python
async def process(job_id):
    from app.session import get_session

    try:
        async with get_session() as session:
            try:
                async with session.begin():
                    job = await session.get(Job, job_id)
                    job.status = "completed"
            except Exception:
                logger.exception("job %s failed", job_id)
                try:                                            # record it, in a transaction of its own
                    async with session.begin():
                        await session.execute(update(Job).where(Job.id == job_id).values(status="failed"))
                except Exception:
                    logger.exception("job %s: the failure could not be recorded", job_id)
    except Exception:
        logger.exception("job %s: no session", job_id)
```

## Fix safety
Unsafe: errors that left the task are caught, and whoever awaits it sees them no more. The handler goes round the
phases in the session's block, logs, rolls back, and writes the failed status in a transaction of its own, guarded;
where a task also works outside of that block, one handler round all of it does the same on a session of its own. The
failed status is the one that the project has beside the task's completed one, written by the same statement, or what
the setting `template.failure-update` says; where neither tells, there is no fix. Nor is there one where that statement,
once the task has changed rows, may find others: a row is read again by its primary key, by a unique column, or by other
columns that nothing changes, with `one()` or its like. A task without a status gets a handler round its body that logs.
The handler ends in `raise` where another one does more than log or the task returns a value, and in `return` before
code that has never run after a failure. There is no fix while SUP407 is selected: it asks for more than these handlers.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.node import Node
from supavisor_lint.findings import Finding
from supavisor_lint.flow.shape import Opening, TaskShape
from supavisor_lint.project.tasks import Task
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Tasks with an operation that no sufficient handler covers."""
    for task, shape in view.tasks_with_handlers:
        bare = first_bare(task, shape)
        if bare is not None:
            node, opening = bare
            yield RULE.at(
                view,
                task.node,
                _message(shape, opening),
                confidence=task.confidence,
                related=[
                    view.place(view.file, node, "not covered by a handler"),
                    *view.registrations_of(task),
                ],
            )


def first_bare(task: Task, shape: TaskShape) -> tuple[Node, Opening] | None:
    """The first operation of a task that no sufficient handler covers, and what opened its session."""
    return next(
        ((node, opening) for node, opening in _operations(shape) if not is_covered(task, shape, node, opening)), None
    )


def _operations(shape: TaskShape) -> Iterator[tuple[Node, Opening]]:
    """The operations with their openings, in source order; that of a `factory.begin()` is its `session.begin()` too."""
    found = [(op.node, opening) for op in shape.main_operations if (opening := shape.opening_of(op)) is not None]
    begun = [(opening.node, opening) for opening in shape.main_openings if opening.session.begun]
    return iter(sorted([*found, *begun], key=lambda operation: operation[0].order))


def _message(shape: TaskShape, opening: Opening) -> str:
    record = "log, and record the failed status" if shape.status_writes else "and log"
    advice = f"put `try … except Exception` round its database work, {record}"
    name = shape.function.name
    outer = shape.outer_handlers(opening)
    if outer:
        return f"a failure in `{name}` is only caught in line {outer[0].span.line}, not recorded: {advice}"
    return f"nothing catches a failure in `{name}`: {advice}"


def is_covered(task: Task, shape: TaskShape, node: Node, opening: Opening) -> bool:
    """Whether a sufficient handler stands around a node that works on the session of an opening."""
    if shape.inner_handlers(node, opening):
        return True
    outer = shape.outer_handlers(opening)
    if not shape.status_writes:
        return bool(outer) or task.guarded
    return any(shape.failure_update(handler) is not None for handler in outer)


RULE = Rule("SUP401", "missing-failure-handler", "warning", "template", "unsafe", __doc__, detect)
