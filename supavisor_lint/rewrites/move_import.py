"""SUP601: the import of a session helper goes where `import-style` asks for it."""

from __future__ import annotations

from supavisor_lint.facts.file import FileFacts, enclosing_function, scope_of, walk_own
from supavisor_lint.facts.handlers import enclosing_tries
from supavisor_lint.facts.scopes import NameImport
from supavisor_lint.facts.statements import FunctionDef, Import, ImportFrom
from supavisor_lint.facts.tree import Name
from supavisor_lint.findings import Edit, Finding, Fix
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.import_text import without_alias
from supavisor_lint.rewrites.imports import at_function_level, at_module_level, beside_others
from supavisor_lint.rewrites.taken_names import is_taken_by_others

_MAX_MODULES = 500


def propose(context: Context, finding: Finding) -> Fix:
    """Into each function that reads the name, or from there to the head of the module."""
    statement = context.node(finding, ImportFrom)
    name = _name(context, finding, statement)
    owner = scope_of(statement)
    reads = [r for r in context.file.names.get(name, ()) if scope_of(r).lookup(name) is owner]
    if any(True for _ in enclosing_tries(statement)):
        raise NoFix("the import stands in a `try`, which says what is to be done when it fails")
    if len(owner.bindings[name]) != 1:
        raise NoFix(f"`{name}` is bound more than once")
    line = f"from {'.' * statement.level}{statement.module} import {_alias(statement, name)}"
    if owner.kind == "module":
        edits = _into_functions(context, name, reads, line)
    else:
        edits = _to_module(context, name, statement, line)
    return context.fix("safe", f"Move the import of `{name}`", [*edits, *_removed(context, statement, name)])


def _name(context: Context, finding: Finding, statement: ImportFrom) -> str:
    names = [alias or name for name, alias in statement.names or ()]
    found = [name for name in names if finding.message.startswith(f"`{name}`")]
    if len(found) != 1:
        raise NoFix("the import has an unusual form")
    return found[0]


def _alias(statement: ImportFrom, bound: str) -> str:
    name = next(n for n, alias in statement.names or () if (alias or n) == bound)
    return name if name == bound else f"{name} as {bound}"


def _removed(context: Context, statement: ImportFrom, name: str) -> list[Edit]:
    if len(statement.names or ()) > 1:
        return [without_alias(context, statement, name)]
    return context.remove(statement)


def _into_functions(context: Context, name: str, reads: list[Name], line: str) -> list[Edit]:
    functions: dict[FunctionDef, None] = {}
    for read in reads:
        function = enclosing_function(read)
        if function is None:
            raise NoFix(f"`{name}` is needed at module level (line {read.span.line})")
        functions[function] = None
    if is_taken_by_others(context, name, context.file.scope):
        raise NoFix(f"other modules take `{name}` from here")
    for function in functions:
        if name in function.scope.globals | function.scope.nonlocals:
            raise NoFix(f"`{name}` is declared global in `{function.name}`")
    outer = [f for f in functions if not any(g is not f and g.contains(f) for g in functions)]
    return [at_function_level(context, function, [line]) for function in outer]


def _to_module(context: Context, name: str, statement: ImportFrom, line: str) -> list[Edit]:
    bindings = context.file.scope.bindings.get(name, [])
    if any(not _is_same(context, binding, statement) for binding in bindings):
        raise NoFix(f"`{name}` is bound to something else at module level")
    path = context.project.module(context.file.path, statement.module, statement.level)
    if path is None or _reaches(context, path, context.file.path):
        raise NoFix("an import at module level would close a cycle")
    if bindings:
        return []
    is_plain = statement.level == 0 and (name, None) in (statement.names or ())
    beside = beside_others(context, statement.module, name) if is_plain else None
    return [beside or at_module_level(context, line)]


def _is_same(context: Context, binding: object, statement: ImportFrom) -> bool:
    return (
        isinstance(binding, NameImport)
        and (binding.module, binding.level) == (statement.module, statement.level)
        and not any(binding.node.contains(other) for other in context.file.module.body if other is statement)
    )


def _reaches(context: Context, start: str, wanted: str) -> bool:
    """Whether importing a module imports another, through imports at module level."""
    seen: set[str] = set()
    waiting = [start]
    while waiting and len(seen) < _MAX_MODULES:
        path = waiting.pop()
        if path == wanted:
            return True
        if path in seen:
            continue
        seen.add(path)
        file = context.project.peek(path)
        waiting += _imported(context, file) if file is not None else []
    return bool(waiting)


def _imported(context: Context, file: FileFacts) -> list[str]:
    found: list[str | None] = []
    for statement in walk_own(file.module):
        if isinstance(statement, ImportFrom):
            found.append(context.project.module(file.path, statement.module, statement.level))
            for name, _ in statement.names or ():
                dotted = f"{statement.module}.{name}" if statement.module else name
                found.append(context.project.module(file.path, dotted, statement.level))
        elif isinstance(statement, Import):
            found += [context.project.module(file.path, name, 0) for name, _ in statement.names]
    return [path for path in found if path is not None]
