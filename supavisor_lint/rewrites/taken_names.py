"""Who else takes a name from a file: an import that binds it must stay, although nothing in the file reads it."""

from __future__ import annotations

import re

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.scopes import ModuleImport, NameImport, Scope
from supavisor_lint.rewrites.base import Context


def is_taken_by_others(context: Context, name: str, owner: Scope) -> bool:
    """Whether something may take a name from this file by other means than reading it here."""
    if owner.kind != "module":
        return False
    path = context.file.path
    if path.endswith("__init__.py") or _is_spelled(name, context.source.text.encode(), ""):
        return True
    if any(_takes_all(context, other) for other in context.project.parsed_paths if other != path):
        return True
    return any(_takes(context, other, name) for other in context.project.mentioning(name) if other != path)


def _takes_all(context: Context, other: str) -> bool:
    """Whether a file imports everything from somewhere."""
    file = context.project.facts(other)
    return file is not None and any(scope.star_import for scope in file.scopes)


def _takes(context: Context, other: str, name: str) -> bool:
    """Whether another file imports the name from here, reads it as an attribute, or names it in a string."""
    file = context.project.peek(other)
    if file is None:
        return False
    text = context.project.bytes_of(other)
    stem = context.file.path.rpartition("/")[2].removesuffix(".py")
    if f"{stem}.{name}".encode() in text or _is_spelled(name, text, stem) or _is_patched(name, text, stem):
        return True
    imports = [b for scope in file.scopes for bound in scope.bindings.values() for b in bound]
    if any(
        isinstance(b, NameImport) and b.name == name and _is_here(context, file, b.module, b.level) for b in imports
    ):
        return True
    has_attribute = re.search(rb"\.\s*" + re.escape(name).encode() + rb"\b", text) is not None
    return has_attribute and any(_is_import_of_here(context, file, b) for b in imports)


def _is_spelled(name: str, text: bytes, stem: str) -> bool:
    """`setattr(work, "name", …)`, `f"{work}.name"`, `__all__ = ["name"]`: the name in a string, alone or at its end.

    In another file it counts beside a mention of this one (`stem`).
    """
    if stem and stem.encode() not in text:
        return False
    return re.search(rb"""['".]""" + re.escape(name).encode() + rb"""['"]""", text) is not None


def _is_patched(name: str, text: bytes, stem: str) -> bool:
    """`patch.multiple("app.work", name=…)`: the name as a keyword, beside a mention of this file (`stem`)."""
    if b"patch" not in text or stem.encode() not in text:
        return False
    return re.search(rb"[(,]\s*" + re.escape(name).encode() + rb"\s*=[^=]", text) is not None


def _is_import_of_here(context: Context, file: FileFacts, binding: object) -> bool:
    if isinstance(binding, ModuleImport):
        return _is_here(context, file, binding.dotted, 0)
    if isinstance(binding, NameImport):
        dotted = f"{binding.module}.{binding.name}" if binding.module else binding.name
        return _is_here(context, file, dotted, binding.level)
    return False


def _is_here(context: Context, file: FileFacts, module: str, level: int) -> bool:
    return context.project.module(file.path, module, level) == context.file.path
