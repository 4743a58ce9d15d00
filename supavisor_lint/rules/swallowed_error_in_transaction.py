"""An `except` or `suppress()` inside a `begin()` block lets the block go on after a database error.

## What it finds
A `try` inside `async with session.begin():` whose body uses the session, with a handler that catches database errors
and does not raise, or a `with contextlib.suppress(…)` of such errors, where the block then ends as if all were well; an
error that is raised again behind the handler (`if failed: raise …`) is none. A `try` round `begin_nested()` is right:
the savepoint is what makes it so, although what it flushes first is not in it (0.02 %). A narrow handler such as
`except IntegrityError:` that gives up only what its own `try` has attempted is left alone (0.05 %; an `add()` right in
front of one that only flushes included), and so is a handler behind which nothing was written. A `return` in a
`finally`, which swallows any error, is not looked at (0.02 %). (The percentages are of 20,000 generated programs, run
against SQLAlchemy: how often this hides a fault.)

## Why it matters
After a failed flush SQLAlchemy has rolled the whole transaction back; after a failed statement PostgreSQL answers the
block's COMMIT with a ROLLBACK. The block ends without an error, and everything written in it is lost.

## Example
```python
async with session.begin():
    session.add(parent)
    try:
        await session.execute(insert(Child).values(rows))
    except Exception:
        logger.exception("children skipped")      # the parent is lost, too
```

## Use instead
```python
async with session.begin():
    session.add(parent)
    try:
        async with session.begin_nested():
            await session.execute(insert(Child).values(rows))
    except Exception:
        logger.exception("children skipped")
```

## Fix safety
No rewrite is offered: whether the rest of the block should survive is for the author to say. SQLite keeps the rest
after a failed statement (not after a failed flush); PostgreSQL never does.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.flow.events import Swallowed
from supavisor_lint.flow.wording import through, what
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Every handler or `suppress()` that swallows a database error inside a block."""
    for function, event in view.hazards(Swallowed):
        used = event.used - {event.node}
        yield RULE.at(
            view,
            event.node,
            f"{_ends(event)}, but the transaction of `{event.opened.name}` goes on: {_loss(event)}; use "
            "`begin_nested()` round the part that may fail, or raise",
            confidence=event.opened.session.confidence,
            related=[
                *view.places(event, "this may fail", "the error ends here"),
                *view.places_of(event.writes, "this is lost with it"),
                *view.places_of(used, "this raises then"),
            ],
            function=function,
        )


def _loss(event: Swallowed) -> str:
    used = event.used - {event.node}
    if event.silent and (event.writes or not used):
        return "its work is lost without an error"
    if used:
        return f"{through(used)} raises then"
    return "its work is lost, and its end raises on PostgreSQL"


def _ends(event: Swallowed) -> str:
    if event.node in event.because:  # all of it happens in the called function
        return f"a database error ends inside {what(event.node)}"
    return f"a database error from {through(event.because)} ends here"


RULE = Rule("SUP306", "swallowed-error-in-transaction", "error", "hazards", "none", __doc__, detect)
