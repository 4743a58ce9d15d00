"""The update that records a failure is not itself guarded and logged.

## What it finds
In a background task: a broad handler that records the failure (a status write, an operation on a session, a call of a
function that writes the status) without a `try … except Exception` with a log line round that update.

## Why it matters
What broke the task (a lost connection, a transaction already begun) usually breaks the update as well. The second
error leaves the handler in the place of the first, and what the handler has not logged by then is lost; at best an
outer handler logs the second one, as any error of the task.

## Example
```python
except Exception:
    logger.exception("job %s failed", job_id)
    async with session.begin():
        await session.execute(mark_failed(job_id))
```

## Use instead
```python
except Exception:
    logger.exception("job %s failed", job_id)
    try:
        async with session.begin():
            await session.execute(mark_failed(job_id))
    except Exception:
        logger.exception("job %s: the failure could not be recorded", job_id)
```

## Fix safety
Unsafe: the update, and what follows it in the handler, goes into a `try` that logs: an error that left the handler is
caught. A `raise` or `return` at its end stays outside.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.handlers import broad_handlers, raises
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Handler
from supavisor_lint.facts.tree import Call
from supavisor_lint.findings import Finding
from supavisor_lint.flow.shape import TaskShape
from supavisor_lint.flow.status import status_writes
from supavisor_lint.project.tasks import Task
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The failure updates of each task's broad handlers."""
    for task, shape in view.tasks_with_handlers:
        for handler in shape.phase_handlers:
            update = shape.failure_update(handler)
            if update is not None and not update.guarded:
                lost = _what_is_lost(task, shape, handler, update.node)
                yield RULE.at(
                    view,
                    update.node,
                    f"the failure update of `{task.node.name}` is not guarded: when it fails as well, {lost}; put "
                    "`try … except Exception` with a log line round it",
                    confidence=task.confidence,
                    related=[view.place(view.file, handler, "in this handler")],
                )


def _what_is_lost(task: Task, shape: TaskShape, handler: Handler, update: Node) -> str:
    """Which of the two errors nothing logs; where both are logged, who logs the second."""
    catcher = next((h for h in broad_handlers(update) if shape.speaks(h) or not raises(h)), None)
    if _is_swallowed_below(shape, update):
        return _unlogged(shape.speaks(handler, lambda node: not update.contains(node)))
    if catcher is not None and handler.contains(catcher):  # the handler goes on behind it
        guard = catcher.parent
        first = shape.speaks(handler, lambda node: guard is None or not guard.contains(node))
    else:
        first = shape.speaks(handler, lambda node: node.order < update.order)
    if catcher is None and task.guarded:
        return (
            "only what runs the task logs that" if first else "what runs the task gets that error instead of the first"
        )
    if catcher is None or not shape.speaks(catcher):
        return _unlogged(first)
    line = catcher.span.line
    if first:
        return f"only the handler in line {line} logs that, as any error of the task"
    return f"the handler in line {line} gets that error instead of the first"


def _unlogged(first: bool) -> str:
    return "nothing logs that second error" if first else "nothing logs either error"


def _is_swallowed_below(shape: TaskShape, update: Node) -> bool:
    """Whether the function that is called to record the failure catches what goes wrong there."""
    called = shape.functions_called(update) if isinstance(update, Call) else ()
    writes = [write.node for function in called for write in status_writes(function.node.body)]
    catchers = [next(broad_handlers(write), None) for write in writes]
    return bool(catchers) and all(catcher is not None and not raises(catcher) for catcher in catchers)


RULE = Rule("SUP403", "unguarded-failure-update", "warning", "template", "unsafe", __doc__, detect)
