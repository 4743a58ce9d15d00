"""A background task overwrites its session parameter with a session of its own.

## What it finds
A task that takes a session as a parameter and then binds the same name by opening a session. (Opening one only when
the parameter is missing, `if session is None:`, is right.)

## Why it matters
The caller believes that the task works in its session and transaction; in truth the argument is thrown away. The next
reader will pass a request's session in good faith.

## Example
```python
async def refresh(session: AsyncSession, feed_id: int):
    from app.session import get_session

    async with get_session() as session, session.begin():
        feed = await session.get(Feed, feed_id)
```

## Use instead
```python
async def refresh(feed_id: int):
    from app.session import get_session

    try:
        async with get_session() as session, session.begin():
            feed = await session.get(Feed, feed_id)
    except Exception:
        logger.exception("feed %s failed", feed_id)
```

## Fix safety
Unsafe: a caller may have meant its session to be used. The task's own session gets a name of its own; the parameter
stays, for its callers, and no rewrite takes it out of their calls.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import If
from supavisor_lint.facts.tree import BoolOp, IfExp, Name, Param
from supavisor_lint.findings import Finding
from supavisor_lint.flow.shape import Opening, TaskShape
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Tasks in which a parameter's name is bound again by an opening."""
    for task, shape in view.working_tasks:
        opening = next(shadowing(shape), None)
        if opening is not None:
            yield RULE.at(
                view,
                task.node,
                f"the parameter `{opening.key.text}` of `{task.node.name}` is overwritten by the task's own session: "
                "give that one a name of its own, and drop the parameter once no caller passes it",
                confidence=task.confidence,
                related=[
                    view.place(view.file, opening.node, "overwritten here"),
                    *view.registrations_of(task),
                ],
            )


def shadowing(shape: TaskShape) -> Iterator[Opening]:
    """The openings of a task that overwrite one of its parameters."""
    for opening in shape.openings:
        bindings = shape.function.scope.bindings.get(opening.key.text, ())
        if any(isinstance(b, Param) for b in bindings) and not _only_when_missing(opening.node, opening.key.text):
            yield opening


def _only_when_missing(node: Node, name: str) -> bool:
    """Whether the binding stands under a condition on the parameter, or uses it (`session or factory()`)."""
    parent: Node | None = node.parent
    while parent is not None:
        if isinstance(parent, If) and _mentions(parent.test, name):
            return True
        value = getattr(parent, "value", None)
        if isinstance(value, BoolOp | IfExp) and _mentions(value, name):
            return True
        parent = parent.parent
    return False


def _mentions(node: Node, name: str) -> bool:
    if isinstance(node, Name):
        return node.id == name
    return any(_mentions(child, name) for child in node.children())


RULE = Rule("SUP203", "session-parameter-shadowed", "warning", "template", "unsafe", __doc__, detect)
