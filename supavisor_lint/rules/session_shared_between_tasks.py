"""One session is used by several coroutines at the same time.

## What it finds
Coroutines that run at once and wait for the database on one and the same session: the arguments of `asyncio.gather`,
`wait` and `as_completed`, also through a list or comprehension; tasks from `create_task`, several, in a loop, or one
beside what the function itself does before it waits for it; task groups of asyncio and anyio, and the body of their
block. The session may be an argument, captured by a nested function, or kept by the object whose methods run; functions
of the project are followed to where they use it. All code outside the session modules is looked at. What nobody can
read is taken to leave the session alone, and so are uses under an `asyncio.Lock`.

## Why it matters
A session is one connection with one transaction. Used twice at once it raises, depending on timing: "This session is
provisioning a new connection; concurrent operations are not permitted", "A transaction is already begun", "Session is
already flushing", "another operation is in progress"; with commits in it, all writes can be lost. Where it works, it
does so by luck, and one after the other.

## Example
```python
async with get_session() as session, session.begin():
    await asyncio.gather(*[refresh_page(session, page_id) for page_id in page_ids])
```

## Use instead
```python
async def refresh_one(page_id):
    try:
        async with get_session() as session, session.begin():
            await refresh_page(session, page_id)
    except Exception:
        logger.exception("page %s not refreshed", page_id)

await asyncio.gather(*[refresh_one(page_id) for page_id in page_ids])
```

## Fix safety
No rewrite is offered: whether the work should run one after the other, or each coroutine gets a session and so a
transaction of its own, is for the author to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.tree import Expr
from supavisor_lint.findings import Finding, Place
from supavisor_lint.flow.concurrency import Concurrency, Shared
from supavisor_lint.flow.session_uses import Use
from supavisor_lint.flow.started import Start
from supavisor_lint.flow.wording import what
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The concurrent calls of this file that share a session."""
    for function, shared in Concurrency(view.flow, view.follower.uses, view.file).shared():
        if view.looks_at(function):
            yield RULE.at(
                view,
                shared.node,
                f"{_users(shared)} at the same time, but a session serves one coroutine at a time: give each a session "
                "of its own, or await them one after the other",
                confidence=shared.session.confidence,
                related=list(dict.fromkeys(_places(view, shared))),
                function=function,
            )


def _users(shared: Shared) -> str:
    """`session` is used by `load()` in line 4 and `save()` in line 5."""
    if len(shared.used) == 1:
        start, _ = shared.used[0]
        return f"`{shared.name}` is used by every {_named(start)} that line {start.node.span.line} starts"
    named = [f"{_named(start)} (line {start.node.span.line})" for start, _ in shared.used]
    return f"`{shared.name}` is used by {named[0]} and {named[1]}"


def _named(start: Start) -> str:
    return what(start.node)


def _places(view: FileView, shared: Shared) -> Iterator[Place]:
    for start, use in shared.used:
        if _stands_elsewhere(start.node, use):
            yield view.place(use.file, use.node, f"`{use.method}()` on the session here")


def _stands_elsewhere(node: Expr, use: Use) -> bool:
    return not node.contains(use.node)


RULE = Rule("SUP204", "session-shared-between-tasks", "error", "hazards", "none", __doc__, detect)
