"""Cancelling a background task skips its failure handlers: the status stays "processing".

## What it finds
A background task that writes a status, awaits something, and writes the next status, where the handlers that record a
failure catch `Exception` only: neither an `except asyncio.CancelledError`, `except BaseException` or bare `except`
that writes a status, nor a `finally` that does.

## Why it matters
A deploy, a shutdown or a timeout cancels the task: `CancelledError` is no `Exception`, so the handler that would write
the failed status never runs. The row says "processing", for ever.

## Example
```python
try:
    async with session.begin():
        job = await session.get(Job, job_id)
        job.status = "processing"
    await build_report(job_id)                # cancelled here, the job stays "processing"
    async with session.begin():
        job = await session.get(Job, job_id)
        job.status = "completed"
except Exception:
    logger.exception("job %s failed", job_id)
    try:
        await set_status(job_id, "failed")
    except Exception:
        logger.exception("job %s: the failure could not be recorded", job_id)
```

## Use instead
```python
try:
    async with session.begin():
        job = await session.get(Job, job_id)
        job.status = "processing"
    await build_report(job_id)
    async with session.begin():
        job = await session.get(Job, job_id)
        job.status = "completed"
except asyncio.CancelledError:
    await asyncio.shield(set_status(job_id, "cancelled"))
    raise
except Exception:
    logger.exception("job %s failed", job_id)
    try:
        await set_status(job_id, "failed")
    except Exception:
        logger.exception("job %s: the failure could not be recorded", job_id)
```

## Fix safety
No rewrite is offered: which status a cancelled job gets, and whether it is started again, is for the author to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from supavisor_lint.facts.handlers import enclosing_tries, own_nodes_in
from supavisor_lint.facts.statements import FunctionDef, Handler, Try
from supavisor_lint.facts.tree import Await
from supavisor_lint.findings import Finding
from supavisor_lint.flow.handlers import class_names
from supavisor_lint.flow.operations import ENDS
from supavisor_lint.flow.shape import TaskShape
from supavisor_lint.flow.status import StatusWrite, status_writes
from supavisor_lint.rules.base import FileView, Rule

_CANCELLED = frozenset({"CancelledError", "BaseException", "BaseExceptionGroup"})


def detect(view: FileView) -> Iterator[Finding]:
    """Tasks whose status outlives their cancellation."""
    for task, shape in view.tasks_with_handlers:
        found = _unprotected(shape, task.node)
        if found is not None:
            write, wait, handler = found
            yield RULE.at(
                view,
                task.node,
                f"cancelling `{task.node.name}` leaves the status of line {write.node.span.line} as it is: the handler "
                f"in line {handler.span.line} does not catch CancelledError; record the status in an "
                "`except asyncio.CancelledError` that raises again, or in a `finally`",
                confidence=task.confidence,
                related=[
                    view.place(view.file, write.node, "the status that stays"),
                    view.place(view.file, wait, "cancelled here"),
                    view.place(view.file, handler, "records failures, but not this one"),
                ],
            )


def _unprotected(shape: TaskShape, function: FunctionDef) -> tuple[StatusWrite, Await, Handler] | None:
    """A status, an await before the next one, and the handler that records failures of that await alone."""
    writes = [write for write in shape.status_writes if not write.failed]
    for write, following in pairwise(writes):
        for wait in _waits_between(write, following, function):
            tries = [statement for statement, part in enclosing_tries(wait) if part == "body"]
            handlers = [handler for statement in tries for handler in statement.handlers]
            recording = [h for h in handlers if shape.failure_update(h) is not None]
            if recording and not _in_one_block(shape, write, wait) and not _records_cancellation(shape, tries):
                return write, wait, recording[0]
    return None


def _in_one_block(shape: TaskShape, write: StatusWrite, wait: Await) -> bool:
    """Whether the cancellation rolls the status back as well: nobody has seen it yet (SUP305)."""
    for opening in shape.openings:
        block = shape.block_around(write.node, opening.key)
        if block is not None and block.contains(wait):
            return True
    return False


def _waits_between(write: StatusWrite, following: StatusWrite, function: FunctionDef) -> Iterator[Await]:
    """The awaits between two status writes, other than the end of the first one's transaction."""
    for node in own_nodes_in(function):
        if isinstance(node, Await) and write.node.order < node.order < following.node.order:
            called = getattr(node.value, "func", None)
            method = getattr(called, "attr", "")
            if not node.contains(write.node) and not node.contains(following.node) and method not in {*ENDS, "flush"}:
                yield node


def _records_cancellation(shape: TaskShape, tries: list[Try]) -> bool:
    for statement in tries:
        for handler in statement.handlers:
            if _catches_cancellation(handler) and shape.failure_update(handler) is not None:
                return True
        if next(iter(status_writes(statement.finalbody)), None) is not None:
            return True
        if any(op.node for op in shape.operations if any(s.contains(op.node) for s in statement.finalbody)):
            return True
    return False


def _catches_cancellation(handler: Handler) -> bool:
    return handler.type is None or not _CANCELLED.isdisjoint(class_names(handler.type))


RULE = Rule("SUP407", "cancellation-leaves-status", "info", "template", "none", __doc__, detect, default=False)
