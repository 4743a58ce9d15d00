"""A request's session is handed to a background task.

## What it finds
At a registration (`add_task`, `create_task`, a registrar of the project's own): an argument, keyword, partial, closure,
object or `self` that carries a session which the registering function was given, by `Depends` or as a parameter.
Tasks that the same function awaits are left out.

## Why it matters
The session is shared with the request, or closed by it: by FastAPI version the dependency's exit code runs before,
after or during the task. The task then meets "A transaction is already begun", loses its writes, or leaks a
connection.

## Example
```python
@router.post("/reports")
async def create(background_tasks: BackgroundTasks, session: AsyncSession = Depends(get_db)):
    background_tasks.add_task(build_report, session, report_id)
```

## Use instead
```python
@router.post("/reports")
async def create(background_tasks: BackgroundTasks, session: AsyncSession = Depends(get_db)):
    background_tasks.add_task(build_report, report_id)     # opens its own session
```

## Fix safety
No rewrite: the task's signature and all its callers change.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.flow.handed import handed_by
from supavisor_lint.project.definitions import place_of
from supavisor_lint.project.values import FunctionValue
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The registrations of this file."""
    for registration in view.project.table.registrations:
        if registration.file is not view.file:
            continue
        for handed in handed_by(view.follower.uses, registration):
            target = registration.target
            name = f"`{target.node.name}`" if isinstance(target, FunctionValue) else "a background task"
            place = place_of(target)
            yield RULE.at(
                view,
                handed.carrier,
                f"the session `{handed.name}` belongs to the request or caller, which shares it with {name} or closes "
                "it under it: pass ids, and let the task open its own session",
                related=[place] if place is not None else [],
            )


RULE = Rule("SUP202", "request-session-in-task", "error", "hazards", "none", __doc__, detect)
