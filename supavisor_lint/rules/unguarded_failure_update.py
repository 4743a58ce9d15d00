"""The update that records a failure is not itself guarded and logged.

## What it finds
In a background task: a broad handler that records the failure (a status write, an operation on a session, a call of a
function that writes the status) without a `try … except Exception` with a log line round that update.

## Why it matters
What broke the task (a lost connection, a transaction already begun) usually breaks the update as well. The second
error replaces the first, leaves the handler, and neither is logged.

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

from supavisor_lint.findings import Finding
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The failure updates of each task's broad handlers."""
    for task, shape in view.tasks_with_handlers:
        for handler in shape.phase_handlers:
            update = shape.failure_update(handler)
            if update is not None and not update.guarded:
                yield RULE.at(
                    view,
                    update.node,
                    f"the failure update of `{task.node.name}` is not guarded: when it fails as well, nothing logs "
                    "either error; put `try … except Exception` with a log line round it",
                    confidence=task.confidence,
                    related=[view.place(view.file, handler, "in this handler")],
                )


RULE = Rule("SUP403", "unguarded-failure-update", "warning", "template", "unsafe", __doc__, detect)
