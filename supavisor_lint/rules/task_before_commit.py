"""A background task is started before the rows that it will read are committed.

## What it finds
A registration (`add_task`, `create_task`, a registrar of the project's own) that some path reaches with uncommitted
writes on a session, where the task opens a session of its own. `create_task` and its like are reported wherever writes
are pending: the task runs as soon as its caller awaits anything, the commit included. `add_task` runs after the
response: it is reported where the writes are left to the commit in the exit code of a FastAPI dependency.

## Why it matters
The task's own session sees only what is committed. It does not find the row, or finds it with its old status, and
nobody starts it again. With `BackgroundTasks` it depends on the version: the exit code of a dependency runs before the
tasks in FastAPI 0.106 to 0.117, and after them in all others.

## Example
```python
job = Job(status="pending")
session.add(job)
await session.flush()
asyncio.create_task(process_job(job.id))
await session.commit()
```

## Use instead
```python
job = Job(status="pending")
session.add(job)
await session.commit()
await session.refresh(job)                 # the commit has expired its attributes
asyncio.create_task(process_job(job.id))
```

## Fix safety
No rewrite is offered: a commit in the middle splits what the caller may want to commit as one.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.findings import Finding
from supavisor_lint.flow.database_work import opens_session
from supavisor_lint.flow.events import LeftToCaller, StartedTask
from supavisor_lint.flow.handed import handed_by
from supavisor_lint.flow.wording import through
from supavisor_lint.project.registration import Registration
from supavisor_lint.project.values import FunctionValue
from supavisor_lint.rules.base import FileView, Rule

_AFTER_RESPONSE = ("BackgroundTasks.add_task", "BackgroundTask")
_AT_ONCE = ("create_task", "ensure_future", "run_coroutine_threadsafe")


def detect(view: FileView) -> Iterator[Finding]:
    """The registrations that come too early."""
    left: dict[FunctionDef, set[Node]] = {}
    for function, write in view.hazards(LeftToCaller):
        left.setdefault(function, set()).add(write.node)
    for function, event in view.hazards(StartedTask):
        registration = _reading(view, event.node)
        if registration is None:
            continue
        name = event.opened.name
        if registration.how.endswith(_AFTER_RESPONSE):
            pending = event.because & left.get(function, set())
            if event.opened.session.source != "request" or not pending:
                continue
            message = (
                f"the writes on `{name}` at {through(pending)} are left to the dependency's commit, which FastAPI "
                "(all versions but 0.106 to 0.117) runs after the background tasks: the task does not see them; commit "
                "before it is added"
            )
        else:
            pending = event.because
            message = (
                f"the task starts while the writes on `{name}` at {through(pending)} are not committed: it may run "
                "before and not see them; commit first"
            )
        yield RULE.at(
            view,
            event.node,
            message,
            confidence=event.opened.session.confidence,
            related=view.places_of(pending, "not committed yet"),
            function=function,
        )


def _reading(view: FileView, node: Node) -> Registration | None:
    """The registration at a node whose task opens a session of its own, and was not handed the caller's."""
    for registration in view.follower.registrations.get(node, ()):
        target = registration.target
        runs_soon = registration.how.endswith((*_AFTER_RESPONSE, *_AT_ONCE))
        if runs_soon and isinstance(target, FunctionValue) and opens_session(view.flow, target):
            return registration if not handed_by(view.follower.uses, registration) else None
    return None


RULE = Rule("SUP206", "task-before-commit", "info", "template", "none", __doc__, detect, default=False)
