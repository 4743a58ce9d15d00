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
shared = AsyncSession(engine)     # one session for the whole process

async def rebuild_index(index_id):
    await shared.execute(delete(Entry).where(Entry.index_id == index_id))

asyncio.create_task(rebuild_index(index_id))
```

## Use instead
```python
async def rebuild_index(index_id):
    from app.session import get_session

    try:
        async with get_session() as session, session.begin():
            await session.execute(delete(Entry).where(Entry.index_id == index_id))
    except Exception:
        logger.exception("index %s failed", index_id)

asyncio.create_task(rebuild_index(index_id))
```

## Fix safety
Unsafe: the task no longer sees what the other session has not committed, and commits its own work at its end. The work
goes into one transaction of a session of its own, with a handler round it that logs. There is no fix where the session
is a parameter, where it is used in any other way than by calling its methods in the task itself, where a called
function works on it as well, where the task writes a status, and where it ends transactions by hand.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Param
from supavisor_lint.findings import Finding
from supavisor_lint.flow.handed import handed_sessions
from supavisor_lint.flow.operations import is_own
from supavisor_lint.flow.shape import TaskShape
from supavisor_lint.project.tasks import Task
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """One finding for each task that uses somebody else's session."""
    for task in view.tasks:
        if task.provided or handed_sessions(view.follower.uses, task):
            continue
        use = next(_foreign_uses(view, task, view.shape(task)), None)
        if use is not None:
            name, owner, file, node = use
            yield RULE.at(
                view,
                task.node,
                f"background task `{task.node.name}` uses the session `{name}`, which is {owner}: it needs one of its "
                "own, from the session helper",
                confidence=task.confidence,
                related=[view.place(file, node, "the session is used here"), *view.registrations_of(task)],
            )


def _foreign_uses(view: FileView, task: Task, shape: TaskShape) -> Iterator[tuple[str, str, FileFacts, Node]]:
    """Name of the session, whose it is, and where it is used."""
    for param in task.node.params:
        if _is_filled(view, task, param) and len(task.node.scope.bindings.get(param.name, ())) == 1:
            effects = view.flow.effects(task.function, param.name)
            use = effects.work or effects.begin or effects.commit
            if use is not None:
                yield param.name, "not its own but its caller's", *use
    for operation in shape.operations:
        if operation.key.scope is not task.node.scope and not is_own(operation, task.node):
            shared = operation.key.scope is not None and operation.key.scope.kind == "module"
            yield (
                operation.key.text,
                "shared by the whole module" if shared else "not its own",
                view.file,
                operation.node,
            )


def _is_filled(view: FileView, task: Task, param: Param) -> bool:
    """Whether a registration hands the parameter a session; a task by name or mark only is taken at its word."""
    if not task.registrations:
        return view.ev.is_session_type(view.file, param)
    for registration in task.registrations:
        expr = registration.given(task.function).get(param.name)
        if expr is not None and view.ev.session(registration.file, expr) is not None:
            return True
    return False


RULE = Rule("SUP201", "task-without-session-helper", "error", "template", "unsafe", __doc__, detect)
