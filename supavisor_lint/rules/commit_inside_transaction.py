"""commit, rollback or close inside a `begin()` block.

## What it finds
`commit()`, `rollback()` or `close()` of a session, or of its transaction object, inside `async with
session.begin():`, also through a called function that is given the session. `flush()`, `refresh()` and
`begin_nested()` are fine there. A commit as the last thing that the block does to the session works, though it is
redundant; it is reported in the template profile only.

## Why it matters
The block is over with it. Any later use of the session in the block raises `InvalidRequestError: Can't operate on
closed transaction inside context manager`; after `rollback()` or `close()` everything the block has written is gone,
and where the block just ends there is not even an error.

## Example
```python
async with session.begin():
    session.add(parent)
    if not rows:
        await session.rollback()      # the parent row is lost
    await session.execute(query)      # InvalidRequestError
```

## Use instead
```python
async with session.begin():
    session.add(parent)
    if rows:
        await session.execute(query)
```

## Fix safety
A trailing commit can be deleted safely, unless a handler uses an object of the session without `rollback()`: when the
commit by hand fails the object keeps its values, when the block's own commit fails it has expired. A commit that
plain Python follows moves the point of no return when it goes: unsafe. Where the session is used behind a commit that
stands directly in the block, the block is cut in two there: unsafe, work that could only fail is done now. A rollback
is not rewritten: deleting it would turn "discard" into "commit". Nor is a commit in a loop, or one that an exception
follows.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.flow.events import EndedInBlock
from supavisor_lint.flow.wording import through
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Everything that ends a transaction inside its block."""
    for function, event in view.hazards(EndedInBlock):
        yield RULE.at(
            view,
            event.node,
            f"`{event.method}()` ends the transaction of `{event.opened.name}` inside its `begin()` block: "
            f"{_consequence(event)}",
            confidence=event.opened.session.confidence,
            related=[
                *view.places(event, "the block begins here", f"`{event.method}()` is called here"),
                *view.places_of(event.used, "the session is used here, in the finished block"),
                *view.places_of(event.discarded, "this is lost"),
            ],
            hazard=_fails(event),
            function=function,
            severity=None if _fails(event) else "warning",
        )


def _fails(event: EndedInBlock) -> bool:
    return event.opened.session.confidence != "medium" and bool(event.used or event.discarded)


def _consequence(event: EndedInBlock) -> str:
    if event.used:
        return f"the use behind it raises InvalidRequestError, see {through(event.used)}"
    if event.discarded:
        return f"what was written is lost without an error, see {through(event.discarded)}"
    if event.method == "commit":
        return "it is redundant, the block commits at its end; delete it"
    return "leave the block with an exception instead, or take the statement out of it"


RULE = Rule("SUP303", "commit-inside-transaction", "error", "hazards", "safe", __doc__, detect)
