"""The setting `template.failure-update`: the statement that records a failure, filled in for a task."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from supavisor_lint.facts.scopes import Binding, ModuleImport, NameImport
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.log_text import Update
from supavisor_lint.sources import failure_statement
from supavisor_lint.sources.failure_statement import is_code

_SETTING = "`failure-update` in [tool.supavisor-lint.template]"


class BrokenSetting(NoFix):
    """The setting is no statement, or no import, whatever the task: nothing else is to be used in its place."""


def from_settings(function: FunctionDef, session: str, statement: str, imports: str | None) -> Update:
    """What the settings say, filled in for a task. Raises NoFix where it does not fit."""
    names = placeholders(statement)
    parameters = [param.name for param in function.params]
    unknown = next((n for n in names if n not in ("session", "error") and n not in parameters), None)
    if unknown is not None:
        raise NoFix(f"{_SETTING} asks for `{unknown}`, which is no parameter of `{function.name}`")
    error = free_name(function, "error") if "error" in names else None
    update = filled(statement, imports, {n: n for n in names} | {"session": session, "error": error or "error"})
    wanted = tuple(_wanted_imports(function, "\n".join(update.imports)))
    _refuse_unknown_names(function, update)
    return replace(update, imports=wanted)


def _refuse_unknown_names(function: FunctionDef, update: Update) -> None:
    """Raise BrokenSetting where the statement reads a name that neither the function nor the setting's import binds."""
    scope = function.scope
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for statement in ast.parse("\n".join(update.imports)).body
        if isinstance(statement, ast.Import | ast.ImportFrom)
        for alias in statement.names
    }
    known = imported | {update.session, update.error}
    for name in failure_statement.names_read("\n".join(update.statements)):
        if name not in known and scope.lookup(name) is None and not scope.sees_star_import():
            raise BrokenSetting(
                f"{_SETTING} reads `{name}`, which nothing binds in `{function.name}`: name its module with "
                "`failure-import`"
            )


def refuse_missing_modules(context: Context, imports: str | None) -> None:
    """Raise BrokenSetting where the setting imports a module that the project, whose package it names, does not have.

    Of modules from elsewhere nothing is known.
    """
    for statement in ast.parse(imports or "").body:
        named = [statement.module or ""] if isinstance(statement, ast.ImportFrom) and not statement.level else []
        named += [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []
        for module in filter(None, named):
            path = context.file.path
            package = context.project.module(path, module.partition(".")[0], 0)
            if package is not None and context.project.module(path, module, 0) is None:
                setting = "`failure-import` in [tool.supavisor-lint.template]"
                raise BrokenSetting(f"{setting} names `{module}`, which the project does not have")


def _wanted_imports(function: FunctionDef, text: str) -> Iterator[str]:
    """The imports of the setting that a function does not have already, one name a line.

    An import in a function makes the name its own everywhere in it: where it means anything else, there is no fix.
    """
    for statement in ast.parse(text).body:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            raise BrokenSetting("`failure-import` in [tool.supavisor-lint.template] is no import")
        for alias in statement.names:
            bound = alias.asname or alias.name.partition(".")[0]
            owner = function.scope.lookup(bound)
            same = owner is not None and all(_is_import(b, statement, alias.name) for b in owner.bindings[bound])
            if owner is not None and not same:
                raise NoFix(f"`{bound}`, which `failure-import` binds, means something else in `{function.name}`")
            if owner is None or owner is function.scope:
                yield ast.unparse(type(statement)(**{**vars(statement), "names": [alias]}))


def _is_import(binding: Binding, statement: ast.Import | ast.ImportFrom, name: str) -> bool:
    if isinstance(statement, ast.Import):
        return isinstance(binding, ModuleImport) and binding.dotted == name
    found = (statement.module or "", statement.level, name)
    return isinstance(binding, NameImport) and (binding.module, binding.level, binding.name) == found


def filled(statement: str, imports: str | None, names: dict[str, str]) -> Update:
    """The setting's statement with its placeholders filled in; raises BrokenSetting where that is no statement."""
    asked = placeholders(statement)
    text = statement.format(**names).strip()
    if not is_code(text):
        raise BrokenSetting(f"{_SETTING} is no statement: `{text.splitlines()[0] if text else ''}`")
    if imports is not None and not is_code(imports.strip()):
        raise BrokenSetting("`failure-import` in [tool.supavisor-lint.template] is no import")
    lines = tuple(imports.strip().splitlines()) if imports is not None else ()
    error = names["error"] if "error" in asked else None
    return Update(names["session"], tuple(text.splitlines()), lines, "session" in asked, error)


def placeholders(statement: str) -> list[str]:
    """The names in braces; raises BrokenSetting where they are something else than plain names."""
    try:
        return failure_statement.placeholders(statement)
    except ValueError as error:
        raise BrokenSetting(f"{_SETTING}: {error}") from None


def free_name(function: FunctionDef, wanted: str) -> str:
    """A name for the exception that means nothing else in a function."""
    scope = function.scope
    candidates = (wanted, f"{wanted}_", "failure", "exception", "exc")
    free = next((name for name in candidates if scope.lookup(name) is None), None)
    if free is None:
        raise NoFix(f"no name is left for the exception: `{wanted}` is taken")
    return free
