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
rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.statements import Assign, For, With, WithItem
from supavisor_lint.facts.tree import Attribute, Await, Call, Expr, Generator, Name
from supavisor_lint.findings import Confidence, Finding
from supavisor_lint.flow.operations import ENDS, WORK
from supavisor_lint.project.calls import entered
from supavisor_lint.project.names import is_what_it_says
from supavisor_lint.project.results import returned, yielded
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
    if isinstance(parent, Await) and _is_helper_call(view, value):
        yield _finding(
            view, parent, call, f"`{_name(call)}` cannot be awaited: enter a session helper with `async with`"
        )
    elif isinstance(parent, For | Generator) and parent.iter is call and _is_helper_call(view, value):
        yield _finding(
            view, call, call, f"`{_name(call)}` cannot be iterated: enter a session helper with `async with`"
        )
    elif isinstance(parent, WithItem) and isinstance(parent.parent, With):
        yield from _in_with(view, parent.parent, call, value)
    else:
        yield from _never_entered(view, call, value)


def _in_with(view: FileView, statement: With, call: Call, value: Value) -> Iterator[Finding]:
    if not statement.is_async:
        if _is_helper_call(view, value):
            yield _finding(view, call, call, f"`{_name(call)}` is an async session helper: `with` must be `async with`")
    elif isinstance(value, Coroutine) and _gives_session(returned(view.ev, value.function.file, value.function.node)):
        if not value.function.node.is_generator and is_what_it_says(view.ev, value.function):
            yield _finding(
                view,
                call,
                call,
                f"`{_name(call)}` is a coroutine that returns a session: it cannot be entered",
            )
    elif isinstance(value, GeneratorValue) and _gives_session(yielded(view.ev, value.function)):
        if not is_what_it_says(view.ev, value.function):
            return
        yield _finding(
            view,
            call,
            call,
            f"`{_name(call)}` is a bare generator, a dependency for `Depends`: it cannot be entered without "
            "`@asynccontextmanager`",
        )


def _is_helper_call(view: FileView, value: Value) -> bool:
    """Whether a value is a called session helper by definition (what only the settings name may be synchronous)."""
    if isinstance(value, Manager):
        if isinstance(value.helper, NamedHelper):
            return False
        known = is_what_it_says(view.ev, value.helper.function)
        return known and _gives_session(entered(view.ev, view.file, (value,)))
    if isinstance(value, Instance) and isinstance(value.of, ClassValue):
        is_helper = view.project.names.class_role(value.of.file, value.of.node) == "helper"
        return is_helper and not _is_sync_too(view, value.of)
    return False


def _is_sync_too(view: FileView, cls: ClassValue) -> bool:
    """Whether a class (or a base of it that nobody here can read) may work with `with`, `await` or `for` as well."""
    if not {"__enter__", "__await__", "__aiter__"}.isdisjoint(cls.node.scope.bindings):
        return True
    for base in cls.node.bases:
        found = view.ev.only(cls.file, base)
        if not isinstance(found, ClassValue) or _is_sync_too(view, found):
            return True
    return False


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
    """`s = get_session()` and then `s.execute(…)`, or `get_session().execute(…)`: reported at the helper's call."""
    if not isinstance(value, Manager) or not _is_helper_call(view, value):
        return
    if _is_used_at_once(call) or _is_used_by_name(view, call):
        yield _finding(
            view, call, call, f"`{_name(call)}` is a session helper: its session exists only in `async with`"
        )


def _is_used_at_once(call: Call) -> bool:
    return isinstance(call.parent, Attribute) and call.parent.attr in _USES


def _is_used_by_name(view: FileView, call: Call) -> bool:
    """Whether the call is all that a variable ever is, and the variable is used as a session, and nowhere else."""
    assign = call.parent
    if not isinstance(assign, Assign) or len(assign.targets) != 1 or not isinstance(assign.targets[0], Name):
        return False
    name = assign.targets[0].id
    owner = scope_of(assign).lookup(name)
    if owner is None or len(owner.bindings[name]) != 1:
        return False
    reads = [read for read in view.file.names.get(name, ()) if scope_of(read).lookup(name) is owner]
    uses = [read for read in reads if isinstance(read.parent, Attribute)]
    return len(uses) == len(reads) and any(isinstance(u.parent, Attribute) and u.parent.attr in _USES for u in uses)


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
