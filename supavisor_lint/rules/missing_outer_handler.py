"""Nothing logs a failure of the session itself.

## What it finds
A background task that opens its session with no `try … except Exception` around the opening: neither in the task nor
in the registrar of the project that starts it. Tasks of queue frameworks and callbacks are left out.

## Why it matters
The inner handler lives inside the session's block. When the connection cannot be had, or the commit at the end of the
helper fails, it never runs; the task ends without a word.

## Example
```python
async def process(job_id):
    from app.session import get_session

    async with get_session() as session:
        try:
            async with session.begin():
                job = await session.get(Job, job_id)
        except Exception:
            logger.exception("job %s failed", job_id)
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
            except Exception:
                logger.exception("job %s failed", job_id)
    except Exception:
        logger.exception("job %s: no session", job_id)
```

## Fix safety
Unsafe: the body of the task goes into a `try` that logs, so an error that left the task is caught, and whoever awaits
it sees it no more. Where the task returns a value, or says so, the handler raises it again.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Tasks with an opening that no broad handler surrounds."""
    for task, shape in view.tasks_with_handlers:
        bare = next((o for o in shape.guarded_openings if not shape.outer_handlers(o)), None)
        if bare is not None and not task.guarded:
            yield RULE.at(
                view,
                task.node,
                f"nothing logs a failure of the session of `{task.node.name}`: put `try … except Exception` with a log "
                "line round its opening",
                confidence=task.confidence,
                related=[
                    view.place(view.file, bare.node, "the session is opened here"),
                    *view.registrations_of(task),
                ],
            )


RULE = Rule("SUP404", "missing-outer-handler", "warning", "template", "unsafe", __doc__, detect)
