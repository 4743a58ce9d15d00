"""A background task says nothing before the first thing that can fail.

## What it finds
A background task with database work whose first statement, after the docstring, imports, constants and nested
functions, is no log call. Off by default.

## Why it matters
When a task dies before its first log line, nobody can tell "never started" from "failed at once".

## Example
```python
async def process(job_id):
    from app.session import get_session

    try:
        async with get_session() as session, session.begin():
            logger.info("processing %s", job_id)
            job = await session.get(Job, job_id)
    except Exception:
        logger.exception("job %s failed", job_id)
```

## Use instead
```python
async def process(job_id):
    logger.info("processing %s started", job_id)
    from app.session import get_session

    try:
        async with get_session() as session, session.begin():
            job = await session.get(Job, job_id)
    except Exception:
        logger.exception("job %s failed", job_id)
```

## Fix safety
Unsafe: which logger to use, and which parameters to tell, is a judgement. The line uses the logger that the file uses;
a file that has none gets `logging.getLogger(__name__)`. What looks like a secret is not logged.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.handlers import starts_with_log
from supavisor_lint.findings import Finding
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Tasks whose first failing statement comes before a log call."""
    for task, shape in view.working_tasks:
        if not task.provided and shape.main_openings and not starts_with_log(task.node.body):
            yield RULE.at(
                view,
                task.node,
                f"`{task.node.name}` logs nothing before the first statement that can fail; begin with a log line",
                confidence=task.confidence,
            )


RULE = Rule("SUP408", "missing-start-log", "info", "template", "unsafe", __doc__, detect, default=False)
