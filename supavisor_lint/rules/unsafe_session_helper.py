"""The session helper itself breaks the template.

## What it finds
In an `@asynccontextmanager` that yields a session (or a class with `__aenter__` and `__aexit__`): SQL or `begin()`
before the `yield`, an `except` around it that does not raise again, no commit after it, and a session that nothing
closes. (`close()` rolls back, so that a missing `rollback()` is no fault. A helper whose name says that its sessions
only read, such as `read_session`, need not commit.)

## Why it matters
Every task inherits the fault. A session that is yielded with a transaction begun makes the template's first
`session.begin()` raise; a swallowed error lets the task go on as if its work had been saved; without the commit, what
a task writes outside `begin()` is lost without an error.

## Example
```python
@asynccontextmanager
async def get_session():
    session = async_session_factory()
    try:
        yield session
        await session.commit()
    except Exception:
        await session.rollback()      # swallowed: the task goes on
```

## Use instead
```python
@asynccontextmanager
async def get_session():
    async with async_session_factory() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise
```
A helper whose block is one committed phase on purpose is named in `phase-helpers`.

## Fix safety
No rewrite: every user of the helper would be affected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.findings import Finding
from supavisor_lint.flow.helper_body import HelperBody, called_methods, exit_method, helper_bodies
from supavisor_lint.rules.base import FileView, Rule

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_READING = frozenset({"read", "reader", "reading", "readonly", "replica"})
_EXIT_CALLS = frozenset({"commit", "rollback", "close", "remove", "shield", "create_task", "is_active", "cast"})


def detect(view: FileView) -> Iterator[Finding]:
    """Generator helpers, then class helpers."""
    for function in view.file.functions:
        if view.project.names.role(view.file, function) == "helper" and function.is_generator:
            for body in helper_bodies(view.flow, view.file, function):
                yield from _of_body(view, body)
    for cls in view.file.classes:
        if view.project.names.class_role(view.file, cls) == "helper":
            yield from _of_class(view, cls)


def _of_body(view: FileView, body: HelperBody) -> Iterator[Finding]:
    function = body.function
    begun = body.begun_before()
    if begun is not None and function.name not in _phase_helpers(view):
        yield _finding(
            view,
            begun,
            function,
            f"`{function.name}` yields its session with a transaction already begun: `session.begin()` in its users "
            "raises InvalidRequestError",
        )
    for handler in body.swallowing_handlers():
        yield _finding(
            view,
            handler,
            function,
            f"`{function.name}` swallows the error of its block: raise it again after the rollback",
        )
    suppressing = body.suppressing_item()
    if suppressing is not None:
        yield _finding(view, suppressing, function, f"`{function.name}` suppresses the error of its block")
    if not body.delegates and not body.commits() and not _only_reads(function.name):
        yield _finding(
            view,
            function,
            function,
            f"`{function.name}` never commits: what its users write outside `begin()` is lost; "
            "commit behind the `yield`",
        )
    if not body.delegates and not body.closes():
        yield _finding(
            view,
            function,
            function,
            f"`{function.name}` never closes its session: the connection is held until it is collected",
        )


def _only_reads(name: str) -> bool:
    """Whether the name of a helper says that nothing is written in its sessions."""
    return any(word.lower() in _READING for word in _WORD.findall(name))


def _phase_helpers(view: FileView) -> set[str]:
    return {name.rpartition(".")[2] for name in view.settings.phase_helpers}


def _of_class(view: FileView, cls: ClassDef) -> Iterator[Finding]:
    """A class helper, as far as the calls in its own `__aexit__` tell."""
    leave = exit_method(cls)
    if leave is None:
        return
    called = called_methods(leave)
    if not called <= _EXIT_CALLS:
        return  # it calls something that may do the work
    if "commit" not in called and "commit" not in cls.scope.bindings and not _only_reads(cls.name):
        yield _finding(
            view,
            leave,
            leave,
            f"`{cls.name}` never commits: what its users write outside `begin()` is lost; commit in `__aexit__`",
        )
    if called.isdisjoint({"close", "remove"}):
        yield _finding(
            view,
            leave,
            leave,
            f"`{cls.name}` never closes its session: the connection is held until it is collected",
        )


def _finding(view: FileView, where: Node, function: FunctionDef, message: str) -> Finding:
    return RULE.at(view, where, message, function=function)


RULE = Rule("SUP106", "unsafe-session-helper", "error", "template", "none", __doc__, detect)
