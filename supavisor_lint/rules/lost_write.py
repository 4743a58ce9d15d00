"""A write that nothing commits.

## What it finds
`add`, `delete`, `merge`, an executed insert, update or delete, or an attribute set on a persistent object, that some
path carries to the end of its session without a commit: no `begin()` block, no `commit()`, and a factory or helper that
only closes. A rollback on the path is taken for what the author wants, and so is an exception (0.03 % of 20,000
generated programs lose a write so). Sessions that are returned, kept, or handed to somebody unknown are left alone. So
are a test's writes that a later query of the test can see: closing the session leaves nothing behind. Where a commit
hangs on what the function has collected (`if new:`, `if session.dirty:`) or on its last round, there or in a called
function, the finding has medium confidence and is no hazard; what is collected right beside the write
(`new.append(row)`) is committed. A statement whose `rowcount` or returned row says that it changed nothing has written
nothing. Sessions on an engine with `isolation_level="AUTOCOMMIT"` lose nothing.

## Why it matters
`close()` rolls back. Nothing is raised and nothing is logged: the row just is not there. What is lost because the loop
`async for session in dependency():` is left early is told at that loop (SUP103).

## Example
```python
async with async_session_factory() as session:
    session.add(Job(status="pending"))
```

## Use instead
```python
async with get_session() as session:
    async with session.begin():
        session.add(Job(status="pending"))
```

## Fix safety
No rewrite is offered: nobody but the author knows whether the write or the missing commit is the mistake.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace

from supavisor_lint.facts.file import block_of
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.findings import Confidence, Finding
from supavisor_lint.flow.collected import (
    commits_what_was_collected,
    is_committed_with_it,
    may_commit_collected,
)
from supavisor_lint.flow.events import LostWrite
from supavisor_lint.flow.unawaited import not_awaited
from supavisor_lint.flow.wording import through, what
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """The first of each group of neighbouring writes that are lost."""
    for function, group in _groups(view):
        first = group[0]
        yield RULE.at(
            view,
            first.node,
            f"{what(first.node)} is lost: nothing commits `{first.opened.name}` before it is closed at "
            f"{through(first.because)}; commit it, or write inside `async with {first.opened.name}.begin():`"
            f"{not_awaited(view.file, view.follower.trace(view.file, function), first, ('commit',))}",
            confidence=_confidence(view, function, first),
            related=[
                *view.places(first, "the session ends here", "written here"),
                *view.places_of((event.node for event in group[1:]), "lost as well"),
            ],
            function=function,
        )


def _confidence(view: FileView, function: FunctionDef, event: LostWrite) -> Confidence:
    if commits_what_was_collected(function, event.opened.name, event.node):
        return "medium"
    if may_commit_collected(view.ev, view.file, event.node):
        return "medium"
    return event.opened.session.confidence


def _events(view: FileView) -> Iterator[tuple[FunctionDef, LostWrite]]:
    """The writes that are lost elsewhere than where a loop over a dependency is left early, which SUP103 tells."""
    for function, event in view.hazards(LostWrite):
        ends = {node for node in event.because if view.tells_all or not view.tells_of_loop(node)}
        if ends:
            yield function, replace(event, because=ends)


def _groups(view: FileView) -> Iterator[tuple[FunctionDef, list[LostWrite]]]:
    groups: dict[Hashable, tuple[FunctionDef, list[LostWrite]]] = {}
    for function, event in _events(view):
        if view.is_test and not event.unseen:
            continue  # the test looks at its rows and leaves none behind
        if is_committed_with_it(function, event.opened.name, event.node):
            continue
        place = event.node if view.tells_all else block_of(event.node)
        key = (function, event.opened.site, place)
        groups.setdefault(key, (function, []))[1].append(event)
    yield from groups.values()


RULE = Rule("SUP308", "lost-write", "error", "hazards", "none", __doc__, detect)
