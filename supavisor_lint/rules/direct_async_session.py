"""An `AsyncSession` is made directly, or from a factory that is built on the spot.

## What it finds
`AsyncSession(…)` (SQLAlchemy's, SQLModel's or a subclass of them), and an `async_sessionmaker(…)` that is called at
once or kept in a local variable of the function that opens the session.

## Why it matters
Such a session knows nothing of the project's engine options, `expire_on_commit`, commit and rollback rules: it is a
second way into the database that nobody looks after when the pooler's settings change.

## Example
```python
async def refresh_report(report_id):
    async with AsyncSession(engine) as session:
        await rebuild(session, report_id)
```

## Use instead
```python
async def refresh_report(report_id):
    from app.session import get_session

    try:
        async with get_session() as session, session.begin():
            await rebuild(session, report_id)
    except Exception:
        logger.exception("report %s failed", report_id)
```
A session of its own kind on purpose (another engine, AUTOCOMMIT) belongs into a helper in a session module.

## Fix safety
Unsafe: another engine or other session options may be meant. The session is opened with the project's helper for the
statements that use it; a factory that is kept in a variable for this one session goes with it. There is no fix where
the session is bound to a connection, whose transaction the helper's sessions would not join, where it is returned,
kept, captured, given to a task or used elsewhere, or where the factory is used again.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.project.values import Factory, Session
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Sessions made from the class, and local factories."""
    for call in view.session_calls:
        made = view.ev.only(view.file, call)
        if isinstance(made, Session) and made.source == "class":
            what = "an AsyncSession is made directly"
        elif isinstance(made, Factory) and made.node is call and made.on_the_spot:
            what = "a session factory is built on the spot"
        else:
            continue
        if not view.may_open_sessions(call):
            yield RULE.at(
                view,
                call,
                f"{what}: nothing of the project's session settings applies to it; use the session helper",
            )


RULE = Rule("SUP102", "direct-async-session", "error", "template", "unsafe", __doc__, detect)
