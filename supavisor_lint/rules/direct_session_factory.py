"""A session factory is used directly, outside the session modules.

## What it finds
A call of an `async_sessionmaker` (or of a `sessionmaker` with `class_=AsyncSession`), in any form: assigned, entered
with `async with`, through `factory.begin()`, returned, passed on as a value or a parameter's default, under an alias,
through the attribute of a module or object. The name does not matter, only the definition; a name listed in
`session-factories` counts where nothing in the project defines it.

## Why it matters
The project's session helper carries what the pooler needs and what a task needs to survive: its engine's settings,
the commit, the rollback, the close, the log line. A session from the bare factory has none of that: without an own
`commit()` its writes are discarded, without `close()` its connection is held until the garbage collector comes by.

## Example
```python
async def process_batch(batch_id):
    from app.session import async_session_factory

    session = async_session_factory()
    batch = await session.get(Batch, batch_id)
```

## Use instead
```python
async def process_batch(batch_id):
    from app.session import get_session

    try:
        async with get_session() as session, session.begin():
            batch = await session.get(Batch, batch_id)
    except Exception:
        logger.exception("batch %s failed", batch_id)
```
Modules that define a factory, and functions that are themselves a helper, dependency or getter, may call it; further
modules can be named with `session-modules`.

## Fix safety
The session is opened with the helper (the setting `helper`, else the one beside the factory, else the only one) for the
statements that use it; a `close()` that the helper makes superfluous goes, all other statements and comments stay (so
does a `close()` before an early `return`: it discards what is pending, which the helper would commit). That
is safe where the helper's exit finds nothing to commit and no object that is read later: every path that ends without
an error has committed or rolled back last, every handler that goes on has rolled back, and factory and helper are made
alike. It is unsafe where work that was discarded would be committed, or where objects would expire. There is no fix
where the session is returned, kept, captured, given to a task or used elsewhere, and where the helper does not commit
and let errors out, or its name means something else here.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import enclosing_function, scope_of
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Return
from supavisor_lint.facts.tree import Argument, Attribute, Call, Expr, Name, Param
from supavisor_lint.findings import Finding
from supavisor_lint.project.values import (
    ClassValue,
    Factory,
    FactoryBlock,
    FunctionValue,
    Instance,
    Partial,
    Session,
)
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Direct calls first, then factories that are handed on."""
    for call in view.session_calls:
        factory = _called_factory(view, call)
        if factory is not None and not factory.on_the_spot and not view.may_open_sessions(call):
            yield _finding(view, call, factory, f"direct call of the session factory `{_shown(call, factory)}`")
    for expr, factory in _handed_on(view):
        if not view.may_open_sessions(expr):
            yield _finding(view, expr, factory, f"the session factory `{last_name(expr)}` is handed on")


def _shown(call: Call, factory: Factory) -> str:
    """The factory as the call names it: `make` of `make()` and of `make.begin()`."""
    name = last_name(call.func)
    if name == "begin" and isinstance(call.func, Attribute):
        name = last_name(call.func.value)
    return name or factory.name


def _called_factory(view: FileView, call: Call) -> Factory | None:
    factory = view.ev.factory(view.file, call.func)
    if factory is not None:
        unbound = factory.file is None and isinstance(call.func, Name) and _is_defined_elsewhere(view, call.func)
        return None if unbound else factory
    made = view.ev.only(view.file, call)
    if isinstance(made, FactoryBlock):
        return made.factory
    if isinstance(made, Session) and isinstance(view.ev.only(view.file, call.func), Partial):
        return made.definition if isinstance(made.definition, Factory) else None
    return None


def _is_defined_elsewhere(view: FileView, name: Name) -> bool:
    """An unbound name that the project defines in some module: that is SUP105, and one finding is enough."""
    scope = scope_of(name)
    return (
        scope.lookup(name.id) is None
        and not scope.sees_star_import()
        and bool(view.project.names.definitions_of(name.id))
    )


def _handed_on(view: FileView) -> Iterator[tuple[Expr, Factory]]:
    """Factories as arguments of project or unknown functions, and as return values."""
    for mention in view.mentions:
        yield from _if_handed_on(view, mention)


def _if_handed_on(view: FileView, expr: Name | Attribute) -> Iterator[tuple[Expr, Factory]]:
    parent = expr.parent
    if isinstance(parent, Return | Argument):
        factory = view.ev.factory(view.file, expr)
        if factory is None or factory.on_the_spot or _is_injected(factory):
            return
        if isinstance(parent, Return) or _is_handed_to_code(view, parent):
            yield expr, factory
    elif isinstance(parent, Param) and parent.default is expr:
        factory = view.ev.factory(view.file, expr)
        if factory is not None and not factory.on_the_spot:
            yield expr, factory


def _is_injected(factory: Factory) -> bool:
    """Known only by a parameter's type: who passed it in is the one to report."""
    return factory.file is not None and factory.node is None and factory.confidence == "high"


def _is_handed_to_code(view: FileView, argument: Argument) -> bool:
    """Whether the call that takes the argument may use it: not a repr, a check, or the factory's own set-up."""
    call = argument.parent
    if not isinstance(call, Call) or enclosing_function(call) is None:
        return False
    callee = view.ev.only(view.file, call.func)
    return isinstance(callee, FunctionValue | ClassValue | Instance)


def _finding(view: FileView, where: Expr, factory: Factory, what: str) -> Finding:
    return RULE.at(
        view,
        where,
        f"{what}: it bypasses the session helper's commit, rollback and pooler-safe settings; "
        "open the session with the project's session helper",
        confidence=factory.confidence,
        related=view.definition_of(where.func if isinstance(where, Call) else where),
    )


RULE = Rule("SUP101", "direct-session-factory", "error", "template", "safe", __doc__, detect)
