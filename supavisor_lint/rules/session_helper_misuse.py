"""A session helper is used in a way that cannot work.

## What it finds
A helper (an `@asynccontextmanager` that yields a session, or a class with `__aenter__`) that is entered with a plain
`with`, entered without being called, awaited, iterated with `async for`, or used without being entered at all; and
`async with` on something that is no context manager: a coroutine that returns a session, an undecorated generator.

## Why it matters
Every one of these raises a TypeError or AttributeError the first time the line runs, and in a background task nobody
is there to see it.

## Example
```python
session = await get_session()          # get_session is an asynccontextmanager: TypeError
with get_session() as session: ...     # TypeError
async with get_session as session: ... # TypeError
```

## Use instead
```python
async with get_session() as session:
    ...
```

## Fix safety
`with` to `async with`, and a missing call, are safe: what stands there can only fail. The other forms are not
rewritten. This version reports only.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import enclosing_function
from supavisor_lint.facts.statements import Assign, For, With, WithItem
from supavisor_lint.facts.tree import Attribute, Await, Call, Expr, Name
from supavisor_lint.findings import Confidence, Finding
from supavisor_lint.flow.operations import ENDS, WORK, session_key
from supavisor_lint.project.calls import entered, returned, yielded
from supavisor_lint.project.values import (
    ClassValue,
    Coroutine,
    Decorated,
    GeneratorValue,
    Instance,
    Manager,
    NamedHelper,
    Session,
    Value,
)
from supavisor_lint.rules.base import FileView, Rule

_USES = WORK | ENDS | {"begin", "flush"}


def detect(view: FileView) -> Iterator[Finding]:
    """Every helper's call and mention, by what stands around it."""
    for call in view.session_calls:
        if not _exempt(view, call):
            yield from _of_call(view, call)
    for mention in view.mentions:
        if isinstance(mention.parent, WithItem) and mention.parent.context is mention and not _exempt(view, mention):
            yield from _not_called(view, mention)


def _exempt(view: FileView, node: Expr) -> bool:
    return view.is_session_module and view.may_open_sessions(node)


def _of_call(view: FileView, call: Call) -> Iterator[Finding]:
    parent = call.parent
    value = view.ev.only(view.file, call)
    if isinstance(parent, Await) and _is_helper_call(view, value, known=True):
        yield _finding(view, parent, call, f"`{_name(call)}` is a session helper: it cannot be awaited")
    elif isinstance(parent, For) and parent.iter is call and _is_helper_call(view, value, known=True):
        yield _finding(view, call, call, f"`{_name(call)}` is a session helper: it cannot be iterated")
    elif isinstance(parent, WithItem) and isinstance(parent.parent, With):
        yield from _in_with(view, parent.parent, call, value)
    else:
        yield from _never_entered(view, call, value)


def _in_with(view: FileView, statement: With, call: Call, value: Value) -> Iterator[Finding]:
    function = enclosing_function(call)
    if not statement.is_async:
        in_async = function is not None and function.is_async
        if _is_helper_call(view, value, known=not in_async):
            yield _finding(view, call, call, f"`{_name(call)}` is an async session helper: `with` must be `async with`")
    elif isinstance(value, Coroutine) and _gives_session(returned(view.ev, value.function.file, value.function.node)):
        if not value.function.node.is_generator:
            yield _finding(
                view,
                call,
                call,
                f"`{_name(call)}` is a coroutine that returns a session: it cannot be entered",
            )
    elif isinstance(value, GeneratorValue) and _gives_session(yielded(view.ev, value.function)):
        yield _finding(
            view,
            call,
            call,
            f"`{_name(call)}` is a bare generator, a dependency for `Depends`: it cannot be entered without "
            "`@asynccontextmanager`",
        )


def _is_helper_call(view: FileView, value: Value, known: bool) -> bool:
    """Whether a value is a called session helper; `known`: a helper by definition, not by the settings' names."""
    if isinstance(value, Manager):
        if isinstance(value.helper, NamedHelper):
            return not known
        return _gives_session(entered(view.ev, view.file, (value,)))
    if isinstance(value, Instance) and isinstance(value.of, ClassValue):
        return view.project.names.class_role(value.of.file, value.of.node) == "helper" and not _is_sync_too(value.of)
    return False


def _is_sync_too(cls: ClassValue) -> bool:
    return not {"__enter__", "__await__", "__aiter__"}.isdisjoint(cls.node.scope.bindings)


def _not_called(view: FileView, mention: Name | Attribute) -> Iterator[Finding]:
    value = view.ev.only(view.file, mention)
    is_helper = isinstance(value, NamedHelper) or (
        isinstance(value, Decorated | ClassValue) and view.project.names.role_of_value(value) == "helper"
    )
    if is_helper:
        name = mention.id if isinstance(mention, Name) else mention.attr
        confidence: Confidence = "medium" if isinstance(value, NamedHelper) else "high"
        yield _finding(view, mention, mention, f"`{name}` is entered without being called: `{name}()`", confidence)


def _never_entered(view: FileView, call: Call, value: Value) -> Iterator[Finding]:
    """`s = get_session()` and then `s.execute(…)`: reported once, at the helper's call."""
    assign = call.parent
    if not isinstance(assign, Assign) or not _is_helper_call(view, value, known=True):
        return
    held = {session_key(target) for target in assign.targets if isinstance(target, Name)}
    uses = (a for method in _USES for a in view.file.attributes.get(method, ()))
    if any(isinstance(use.value, Name) and session_key(use.value) in held for use in uses):
        yield _finding(
            view, call, call, f"`{_name(call)}` is a session helper: its session exists only in `async with`"
        )


def _gives_session(values: tuple[Value, ...]) -> bool:
    return any(isinstance(value, Session) for value in values)


def _name(call: Call) -> str:
    func = call.func
    return f"{func.attr if isinstance(func, Attribute) else getattr(func, 'id', 'call')}()"


def _finding(view: FileView, where: Expr, expr: Expr, what: str, confidence: Confidence = "high") -> Finding:
    value = view.ev.only(view.file, expr)
    if isinstance(value, Manager) and isinstance(value.helper, NamedHelper):
        confidence = "medium"
    return RULE.at(
        view,
        where,
        f"{what} (it raises when this line runs)",
        confidence=confidence,
        related=view.definition_of(expr),
    )


RULE = Rule("SUP104", "session-helper-misuse", "error", "hazards", "safe", __doc__, detect)
