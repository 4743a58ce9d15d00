"""Binding a name of another module where a rewrite needs it: an import edited in place, or one added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts, enclosing_function, scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Binding, NameImport, Scope, node_of
from supavisor_lint.facts.statements import Delete, FunctionDef, Import, ImportFrom, is_docstring
from supavisor_lint.facts.tree import Attribute, Expr, Name
from supavisor_lint.findings import Edit
from supavisor_lint.project.names import bound_at_run_time
from supavisor_lint.project.values import ModuleValue
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.helpers import Helper
from supavisor_lint.rewrites.import_text import instead_of, with_name, without_alias
from supavisor_lint.rewrites.taken_names import is_taken_by_others


@dataclass(frozen=True, slots=True)
class Bound:
    """How code at some place can name a thing: the expression, and the edits that make it mean that."""

    expression: str
    edits: tuple[Edit, ...] = ()


def bind_instead(context: Context, helper: Helper, replaced: Expr) -> Bound:
    """Name a helper where `replaced`, the factory of a call (a name or an attribute of a module), stands now.

    The factory's own import is edited in place where nothing else needs it. Raises NoFix where a name is taken.
    """
    if isinstance(replaced, Attribute):
        bound = _beside(context, helper, replaced)
        if bound is not None:
            return bound
    function = enclosing_function(replaced)
    if is_bound(context, helper, replaced):
        return Bound(helper.name, _without_import(context, helper, replaced))
    statement = _own_import(context, helper, replaced)
    if statement is not None and isinstance(replaced, Name):
        binding_scope = scope_of(statement)
        _refuse_taken(context, helper, binding_scope, function)
        return Bound(helper.name, tuple(_in_place(context, statement, replaced, helper)))
    return bind(context, helper, replaced)


def bind(context: Context, helper: Helper, at: Node) -> Bound:
    """Name a helper where nothing of its module is imported: in the scope that `import-style` asks for."""
    if is_bound(context, helper, at):
        return Bound(helper.name)
    function = _outermost_function(at)
    module = module_of(context, helper)
    line = f"from {module} import {helper.name}"
    if function is None or context.view.settings.import_style == "module":
        _refuse_taken(context, helper, context.file.scope, function)
        return Bound(helper.name, (beside_others(context, module, helper.name) or at_module_level(context, line),))
    _refuse_taken(context, helper, function.scope, function)
    return Bound(helper.name, (at_function_level(context, function, [line]),))


def bind_in_function(context: Context, helper: Helper, function: FunctionDef) -> Bound:
    """Name a helper in one function, whatever `import-style` asks for: nothing else can be changed by that."""
    _refuse_taken(context, helper, function.scope, function)
    line = f"from {module_of(context, helper)} import {helper.name}"
    return Bound(helper.name, (at_function_level(context, function, [line]),))


def _outermost_function(at: Node) -> FunctionDef | None:
    """The function whose body is to hold the import: the one around the place itself."""
    return at if isinstance(at, FunctionDef) else enclosing_function(at)


# --------------------------------------------------------------------------------------------------- what is bound


def is_bound(context: Context, helper: Helper, at: Node) -> bool:
    """Whether the helper's own name means the helper where `at` stands, by a binding that has run by then."""
    scope = at.scope if isinstance(at, FunctionDef) else scope_of(at)
    owner = scope.lookup(helper.name)
    if owner is None or len(owner.bindings[helper.name]) != 1:
        return False
    if owner.kind == "module" and not bound_at_run_time(owner, helper.name):
        return False
    if _is_deleted(context, owner, helper.name):
        return False
    binding = owner.bindings[helper.name][0]
    if not _is_helper(context, helper, binding):
        return False
    if owner.kind == "module":
        return True
    statement = node_of(binding)
    return statement.order < at.order and _always_runs_before(statement, at)


def _is_deleted(context: Context, owner: Scope, name: str) -> bool:
    """`del name` in the scope that binds it: whether it means anything depends on when it is asked."""
    reads = context.file.names.get(name, ())
    return any(isinstance(read.parent, Delete) and scope_of(read).lookup(name) is owner for read in reads)


def _always_runs_before(statement: Node, at: Node) -> bool:
    """Whether a binding's statement stands in a block around the place: then it has run when the place is reached."""
    holder = statement.parent
    return holder is not None and (holder.contains(at) if not isinstance(at, FunctionDef) else holder is at)


def _is_helper(context: Context, helper: Helper, binding: Binding) -> bool:
    if binding is helper.node:
        return True
    if not isinstance(binding, NameImport) or binding.name != helper.name:
        return False
    path = context.project.module(context.file.path, binding.module, binding.level)
    if helper.file is None:
        return path is None and binding.module == (helper.module or binding.module)
    if path is None:
        return False
    if path == helper.file.path:
        return True
    file = context.project.facts_defining(path, helper.name)
    return file is not None and any(
        _is_same(context, helper, file, b) for b in file.scope.bindings.get(helper.name, ())
    )


def _is_same(context: Context, helper: Helper, file: FileFacts, binding: Binding) -> bool:
    """A name that another module hands on (one hop: `__init__.py`)."""
    if not isinstance(binding, NameImport) or helper.file is None:
        return False
    path = context.project.module(file.path, binding.module, binding.level)
    return path == helper.file.path and binding.name == helper.name


def _refuse_taken(context: Context, helper: Helper, scope: Scope, function: FunctionDef | None) -> None:
    """Raise NoFix where the helper's name means something else in the scope, or is read in the function as such."""
    name = helper.name
    if name in scope.bindings and not all(_is_helper(context, helper, b) for b in scope.bindings[name]):
        raise NoFix(f"`{name}` is bound to something else here")
    inner = [function.scope] if function is not None and function.scope is not scope else []
    if any(name in s.bindings and not all(_is_helper(context, helper, b) for b in s.bindings[name]) for s in inner):
        raise NoFix(f"`{name}` is bound to something else here")
    if _is_deleted(context, scope, name):
        raise NoFix(f"`{name}` is deleted here")
    if name in scope.globals | scope.nonlocals:
        raise NoFix(f"`{name}` is declared global or nonlocal here")
    for read in context.file.names.get(name, ()):
        owner = scope_of(read).lookup(name)
        if owner is None or owner is scope or not (function is None or function.contains(read)):
            continue
        if not all(_is_helper(context, helper, b) for b in owner.bindings[name]):
            raise NoFix(f"`{name}` means something else in this function")


# ----------------------------------------------------------------------------------------------- the import edited


def _beside(context: Context, helper: Helper, replaced: Attribute) -> Bound | None:
    """`module.factory` becomes `module.helper` where the helper is in that module."""
    value = context.ev.only(context.file, replaced.value)
    if isinstance(value, ModuleValue) and helper.file is not None and value.path == helper.file.path:
        return Bound(f"{context.source.at(replaced.value.span)}.{helper.name}")
    return None


def _own_import(context: Context, helper: Helper, replaced: Expr) -> ImportFrom | None:
    """The import statement that binds the factory's name, if it imports from the helper's own module."""
    if not isinstance(replaced, Name):
        return None
    owner = scope_of(replaced).lookup(replaced.id)
    bindings = owner.bindings[replaced.id] if owner is not None else []
    if len(bindings) != 1 or not isinstance(bindings[0], NameImport) or owner is None:
        return None
    if owner.kind == "module" and not bound_at_run_time(owner, replaced.id):
        return None
    statement = bindings[0].node
    if not isinstance(statement, ImportFrom) or helper.file is None:
        return None
    path = context.project.module(context.file.path, statement.module, statement.level)
    if path != helper.file.path and not _hands_on(context, path, helper):
        return None
    return statement


def _hands_on(context: Context, path: str | None, helper: Helper) -> bool:
    file = context.project.facts_defining(path, helper.name) if path is not None else None
    return file is not None and any(
        _is_same(context, helper, file, b) for b in file.scope.bindings.get(helper.name, ())
    )


def _in_place(context: Context, statement: ImportFrom, replaced: Name, helper: Helper) -> list[Edit]:
    """The factory's name in its import becomes the helper's, or gets it as a neighbour where it is still needed."""
    if is_needed(context, replaced, statement):
        return [with_name(context, statement, replaced.id, helper.name)]
    return instead_of(context, statement, replaced.id, helper.name)


def _without_import(context: Context, helper: Helper, replaced: Expr) -> tuple[Edit, ...]:
    """The helper is bound already: the factory's import goes, if nothing needs it."""
    statement = _own_import(context, helper, replaced)
    if statement is None or not isinstance(replaced, Name) or is_needed(context, replaced, statement):
        return ()
    if len(statement.names or ()) == 1:
        return tuple(context.remove(statement)) if context.source.has_lines_of_its_own([statement]) else ()
    return (without_alias(context, statement, replaced.id),)


def is_needed(context: Context, replaced: Name, statement: ImportFrom) -> bool:
    """Whether anybody but `replaced` may use the name that an import binds."""
    owner = scope_of(statement)
    reads = [r for r in context.file.names.get(replaced.id, ()) if scope_of(r).lookup(replaced.id) is owner]
    if any(read is not replaced for read in reads):
        return True
    return is_taken_by_others(context, replaced.id, owner)


# ------------------------------------------------------------------------------------------------- an import added


def at_function_level(context: Context, function: FunctionDef, lines: list[str]) -> Edit:
    """Import lines at the head of a function's body, behind its docstring, and a blank one before what is no import."""
    body = list(function.body)
    first = next((s for s in body if not is_docstring(s, body)), None)
    anchor = body[0] if first is None else first
    line, _ = context.lines_of([anchor])
    indent = context.source.indent_of(line)
    if first is None:
        line = context.source.extent([anchor])[1] + 1
    else:
        line = context.with_comments_above(line)
    behind = [] if first is None or isinstance(first, Import | ImportFrom) else [""]
    return context.source.insert_lines(line, [*(indent + text for text in lines), *behind])


def beside_others(context: Context, module: str, name: str) -> Edit | None:
    """A name added to what the file imports from a module at its head already; None if it imports nothing from it."""
    for statement in context.file.module.body:
        if isinstance(statement, ImportFrom) and (statement.module, statement.level) == (module, 0) and statement.names:
            bound, alias = statement.names[-1]
            with suppress(NoFix):  # an unusual form: the name gets a line of its own
                return with_name(context, statement, alias or bound, name)
    return None


def at_module_level(context: Context, line: str) -> Edit:
    """Behind the last import of the module's own first block of imports."""
    body = list(context.file.module.body)
    imports = [s for s in body if isinstance(s, Import | ImportFrom)]
    if imports and context.source.has_lines_of_its_own([imports[-1]]):
        return context.source.insert_lines(context.source.extent([imports[-1]])[1] + 1, [line])
    first = next((s for s in body if not is_docstring(s, body)), None)
    if first is None:
        raise NoFix("the module has no place for an import")
    return context.source.insert_lines(context.with_comments_above(context.lines_of([first])[0]), [line, ""])


def module_of(context: Context, helper: Helper) -> str:
    """The dotted name by which this file can import the helper's module: as most of the project does."""
    if helper.module is not None:
        return helper.module
    if helper.file is None:
        raise NoFix(f"nothing tells where `{helper.name}` is to be imported from: name it with the setting `helper`")
    spellings = Counter(_spellings(context, helper.file.path))
    for spelling, _ in sorted(spellings.items(), key=lambda item: (-item[1], item[0])):
        return spelling
    for dotted in context.project.dotted_names(helper.file.path):
        if context.project.module(context.file.path, dotted, 0) == helper.file.path:
            return dotted
    raise NoFix(f"nothing tells how `{helper.file.path}` is imported from here")


def _spellings(context: Context, path: str) -> Iterator[str]:
    """The absolute names by which files of the project import a module, if this file can use them as well."""
    for other in context.project.parsed_paths:
        file = context.project.facts(other)
        for statement in walk(file.module) if file is not None else ():
            if isinstance(statement, ImportFrom) and not statement.level:
                found = {context.project.module(place, statement.module, 0) for place in (other, context.file.path)}
                if found == {path}:
                    yield statement.module
