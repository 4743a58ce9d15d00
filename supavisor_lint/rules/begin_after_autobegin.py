"""`begin()` on a session that has a transaction already.

## What it finds
`session.begin()`, entered or awaited, that some path reaches with a transaction open: after an operation outside any
block (`get`, `execute`, `add`, an attribute set on a persistent object …), inside another `begin()` block, or through a
called function that is given the session and begins on it. A `get()` of a row that the session has loaded and not
expired begins nothing; where a query may have loaded it, nothing is said. All code outside the session modules is
looked at. In the failure handler of a background task, where only the exception brings the open transaction along, it
is SUP406; where the first `begin()` is reported already, it is not reported again there (0.6 % of 20,000 generated
programs). Functions with too many paths are not judged (0.01 %; `check --verbose` names them), but for what they do
themselves where only the paths of the functions that they call are too many.

## Why it matters
SQLAlchemy begins a transaction with the first operation ("autobegin"). `begin()` then raises `InvalidRequestError: A
transaction is already begun on this Session`, and the failure handler's `begin()` as well: the job keeps its old
status.

## Example
```python
async with get_session() as session:
    job = await session.get(Job, job_id)          # begins a transaction
    async with session.begin():                   # InvalidRequestError
        job.status = "processing"
```

## Use instead
```python
async with get_session() as session:
    async with session.begin():
        job = await session.get(Job, job_id)
        job.status = "processing"
```

## Fix safety
Whether the operation belongs into the block, or a commit in front of it, is for the author to say: a rewrite is
unsafe. It moves the block up, round the operations, where they stand in front of it in the same list of statements.
Paths are followed through branches, loops and handlers. Conditions are tied together only where the same test
over local variables is asked again; other impossible combinations count as possible.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.flow.events import BegunTwice
from supavisor_lint.flow.unawaited import not_awaited
from supavisor_lint.flow.wording import through, what
from supavisor_lint.rules.base import FileView, Rule

_ENDS = ("commit", "rollback", "close", "reset")


def detect(view: FileView) -> Iterator[Finding]:
    """Every `begin()` that meets an open transaction."""
    for function, event in view.hazards(BegunTwice):
        if event.inherited and view.runs_in_task(function):
            continue  # SUP406
        begins = "the transaction begins in here" if _is_within(event) else "the transaction begins here"
        yield RULE.at(
            view,
            event.node,
            f"{_what_happens(event)}: this raises InvalidRequestError; put that work into the block, or end the "
            f"transaction before{not_awaited(view.file, view.follower.trace(view.file, function), event, _ENDS)}",
            confidence=event.opened.session.confidence,
            related=view.places(event, begins, "begun again here"),
            function=function,
        )


def _is_within(event: BegunTwice) -> bool:
    """Whether a called function does both, with a session of which only its caller knows what it is."""
    return event.via is not None and event.because == {event.node}


def _what_happens(event: BegunTwice) -> str:
    name = event.opened.name
    if _is_within(event):
        return f"{what(event.node)} begins a transaction on `{name}` where it has begun one already"
    where = "inside the block of" if event.in_block else "on the path through"
    return f"a transaction is already begun on `{name}` here, {where} {through(event.because)}"


RULE = Rule("SUP302", "begin-after-autobegin", "error", "hazards", "unsafe", __doc__, detect)
