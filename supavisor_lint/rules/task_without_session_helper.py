"""A background task works with a session that is neither its own nor handed over by its registrar.

## What it finds
A registered, marked or named background task whose body works on a session that somebody else owns: a parameter that
the registration fills with the caller's session, a variable of the function around it, a module's global, an
attribute of its object. Callbacks whose registrar opens a session for them are right by design. Work that happens
inside called functions is not guessed at.

## Why it matters
The owner closes, commits or rolls back the session while the task runs, or long before it starts. What the task
writes then is lost or committed by somebody else.

## Example
```python
async def rebuild_index(session, index_id):
    await session.execute(delete(Entry).where(Entry.index_id == index_id))

asyncio.create_task(rebuild_index(session, index_id))
```

## Use instead
```python
async def rebuild_index(index_id):
    from app.session import get_session

    async with get_session() as session, session.begin():
        await session.execute(delete(Entry).where(Entry.index_id == index_id))
```

## Fix safety
Unsafe: the callers change as well. This version reports only.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.tree import Param
from supavisor_lint.findings import Finding
from supavisor_lint.flow.handed import handed_sessions, is_structured
from supavisor_lint.flow.operations import Operation, is_own
from supavisor_lint.project.tasks import Task
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """One finding for each task that uses somebody else's session."""
    for task, shape in view.working_tasks:
        if task.provided or handed_sessions(view.project, view.flow, task):
            continue
        for operation in shape.operations:
            if not is_own(operation, task.node) and _is_foreign(view, task, operation):
                yield RULE.at(
                    view,
                    task.node,
                    f"background task `{task.node.name}` uses the session `{operation.key.text}`, which is "
                    f"{_owner(task, operation)}: it needs one of its own, from the session helper",
                    confidence=task.confidence,
                    related=[
                        view.place(view.file, operation.node, "the session is used here"),
                        *view.registrations_of(task),
                    ],
                )
                break


def _is_foreign(view: FileView, task: Task, operation: Operation) -> bool:
    if task.registrations and all(is_structured(registration) for registration in task.registrations):
        return False
    if operation.key.scope is not task.node.scope:
        return True
    binding = task.node.scope.bindings[operation.key.text.partition(".")[0]]
    if not any(isinstance(b, Param) for b in binding):
        return False
    return _is_filled(view, task, operation.key.text)


def _is_filled(view: FileView, task: Task, param: str) -> bool:
    """Whether a registration hands the parameter a session; a task by name or mark only is taken at its word."""
    if not task.registrations:
        return len(task.node.scope.bindings.get(param, ())) == 1
    for registration in task.registrations:
        expr = registration.given(task.function).get(param)
        if expr is not None and view.ev.session(registration.file, expr) is not None:
            return True
    return False


def _owner(task: Task, operation: Operation) -> str:
    if operation.key.scope is task.node.scope:
        return "not its own but its caller's"
    if operation.key.scope is not None and operation.key.scope.kind == "module":
        return "shared by the whole module"
    return "not its own"


RULE = Rule("SUP201", "task-without-session-helper", "error", "template", "unsafe", __doc__, detect)
