"""A session helper or factory is named where nothing binds the name.

## What it finds
A read of a helper's, getter's or factory's name (one that the project defines, or one of the settings' names) in a
place where neither the function, nor a function around it, nor the module binds it, or where only an import under
`if TYPE_CHECKING:` does. A star import in reach silences the rule, and so does code that binds names at run time
(`globals()`, `exec`, `setattr` on the module).

## Why it matters
It is a NameError at run time, and in a background task only the task ever sees it: the job stays "pending".

## Example
```python
async def process_search(job_id):
    async with get_session() as session, session.begin():     # nothing imports get_session here
        job = await session.get(Job, job_id)
```

## Use instead
```python
async def process_search(job_id):
    from app.session import get_session

    try:
        async with get_session() as session, session.begin():
            job = await session.get(Job, job_id)
    except Exception:
        logger.exception("search %s failed", job_id)
```

## Fix safety
Safe: the line could only fail before. The helper is imported in the function that uses it, whatever `import-style`
says: nothing else changes by that. There is no fix where several definitions fit (the setting `helper` decides), where
the name means a factory or a raw getter, or is not entered with `async with`, and outside of functions.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import enclosing_function, scope_of, walk
from supavisor_lint.facts.handlers import enclosing_tries
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign, FunctionDef
from supavisor_lint.facts.tree import Name, Param
from supavisor_lint.findings import Finding
from supavisor_lint.project.names import BUILTINS, bound_at_run_time
from supavisor_lint.rules.base import FileView, Rule


def detect(view: FileView) -> Iterator[Finding]:
    """Reads of session names that nothing binds."""
    if _binds_at_run_time(view):
        return
    for name in view.project.names.nameable(view.file.names):
        for read in view.file.names[name]:
            if _is_unbound(read) and not _is_annotation(read) and not _expects_it(read):
                places = view.project.names.definitions_of(name)
                hint = f"import it, for example from {places[0].path}" if places else "import it in the function"
                yield RULE.at(
                    view,
                    read,
                    f"nothing binds `{name}` here: this is a NameError when the line runs; {hint}",
                    related=places,
                )


def _binds_at_run_time(view: FileView) -> bool:
    """Whether a file may bind names that it does not write: `globals()[name] = …`, `exec(code)`, `sys.modules[…]`."""
    names = view.file.names
    return "globals" in names or "exec" in names or ("setattr" in names and "modules" in view.file.attributes)


def _is_unbound(read: Name) -> bool:
    scope = scope_of(read)
    if scope.sees_star_import():
        return False
    owner = scope.lookup(read.id)
    if owner is None:
        return read.id not in BUILTINS
    return owner.kind == "module" and enclosing_function(read) is not None and not bound_at_run_time(owner, read.id)


def _is_annotation(read: Name) -> bool:
    child: Node = read
    parent = read.parent
    while parent is not None:
        if isinstance(parent, Param | Assign) and parent.annotation is child:
            return True
        if isinstance(parent, FunctionDef):
            return parent.returns is child
        child, parent = parent, parent.parent
    return False


def _expects_it(read: Name) -> bool:
    """Whether a `try … except NameError` stands around the read."""
    return any(
        handler.type is not None and any(isinstance(n, Name) and n.id == "NameError" for n in walk(handler.type))
        for statement, part in enclosing_tries(read)
        if part == "body"
        for handler in statement.handlers
    )


RULE = Rule("SUP105", "unbound-session-helper", "error", "hazards", "safe", __doc__, detect)
