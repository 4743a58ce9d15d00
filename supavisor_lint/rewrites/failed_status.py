"""The failed value of a status: the sibling that the project itself has beside the completed one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from supavisor_lint.facts.file import FileFacts, scope_of, walk
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.scopes import NameImport, Scope
from supavisor_lint.facts.statements import Assign, ClassDef, FunctionDef, Module
from supavisor_lint.facts.tree import Argument, Attribute, Call, Collection, Constant, Dict, Expr, Name, Subscript
from supavisor_lint.flow.status import status_writes
from supavisor_lint.project.mapped import class_behind
from supavisor_lint.rewrites.base import Context, NoFix

_FAILED = re.compile(r"failed|failure|errored|error", re.IGNORECASE)
_DONE = re.compile(
    r"complete[d]?|completion|done|success(?:ful)?|succeeded|finished|ready|"
    r"processing|in_progress|running|started|pending|queued|new|submitted|scheduled",
    re.IGNORECASE,
)
COMPLETED = re.compile(r"complete|done|succe|finish|ready", re.IGNORECASE)
_ORDER = ("failed", "failure", "errored", "error")


def failed_value(context: Context, value: Expr, attribute: str) -> str:
    """The text of the failed sibling of a status value; `attribute` is what the status is called. Raises NoFix."""
    if isinstance(value, Attribute) and value.attr == "value" and isinstance(value.value, Attribute):
        return failed_value(context, value.value, attribute) + ".value"
    if isinstance(value, Attribute):
        return f"{context.source.at(value.value.span)}.{_of_class(context, value)}"
    if isinstance(value, Constant) and isinstance(value.value, str):
        return _literal(context, value, _of_words(context, value.value, attribute))
    if isinstance(value, Name):
        return _of_constant(context, value)
    raise _nothing_tells(context, value)


def _nothing_tells(context: Context, value: Expr) -> NoFix:
    text = " ".join(context.source.at(value.span).split())
    return NoFix(
        f"nothing tells which status stands for a failure beside `{text}`: name the statement that records it with "
        "the setting `template.failure-update`"
    )


def _of_class(context: Context, value: Attribute) -> str:
    found = class_behind(context.ev, context.file, value.value)
    sibling = _sibling(value.attr, found[1].scope.bindings) if found is not None else None
    if sibling is None:
        raise _nothing_tells(context, value)
    return sibling


def _of_constant(context: Context, value: Name) -> str:
    """`COMPLETED`: a sibling that the same scope binds, so that it can be read wherever the other one can."""
    owner = scope_of(value).lookup(value.id)
    sibling = _sibling(value.id, owner.bindings) if owner is not None and owner.kind == "module" else None
    if sibling is not None:
        return sibling
    home = _imported_from(context, owner, value.id)
    there = _sibling(value.id, home.scope.bindings) if home is not None else None
    if there is not None and home is not None:
        raise NoFix(f"the failed status `{there}` of `{home.path}` is not imported here")
    raise _nothing_tells(context, value)


def _imported_from(context: Context, owner: Scope | None, name: str) -> FileFacts | None:
    binding = owner.bindings[name][-1] if owner is not None else None
    if not isinstance(binding, NameImport):
        return None
    path = context.project.module(context.file.path, binding.module, binding.level)
    return context.project.peek(path) if path is not None else None


def _sibling(own: str, names: Iterable[str]) -> str | None:
    """The name that says "failed" where `own` says "completed"; exact ones are better than others."""
    stem = _DONE.sub("", own, count=1).lower() if _DONE.search(own) else ""
    fits = [n for n in names if _FAILED.search(n) and _FAILED.sub("", n, count=1).lower() == stem]
    return min(fits, key=lambda n: _rank(n), default=None)


def _rank(name: str) -> tuple[int, str]:
    found = _FAILED.search(name)
    return (_ORDER.index(found[0].lower()) if found is not None else len(_ORDER), name)


# --------------------------------------------------------------------------------------------------------- strings


def _literal(context: Context, value: Constant, sibling: str | None) -> str:
    if sibling is None:
        raise _nothing_tells(context, value)
    quote = context.source.at(value.span)[:1]
    return f"'{sibling}'" if quote == "'" else f'"{sibling}"'


def _of_words(context: Context, own: str, attribute: str) -> str | None:
    """The failed word that the project uses beside another one: in a group of such words, or for the same status."""
    found: set[str] = set()
    for file in _near(context):
        for group in _groups_of(file.module):
            if own in group:
                found.update(group)
        found.update(word for name, word in _failed_words(file.module) if name == attribute)
    return _sibling(own, sorted(found))


def _near(context: Context) -> Iterator[FileFacts]:
    """This file, the modules of the project that it imports, and the others that were read."""
    seen: dict[str, FileFacts] = {context.file.path: context.file}
    for path in (*_imported(context), *context.project.parsed_paths):
        if path not in seen and context.project.has(path) and _FAILED.search(_text(context, path)):
            file = context.project.peek(path)
            if file is not None:
                seen[path] = file
    yield from seen.values()


def _imported(context: Context) -> Iterator[str]:
    """The modules that names are imported from, and those that are imported by name: `from app import statuses`."""
    project = context.project
    for scope in context.file.scopes:
        for binding in (b for bound in scope.bindings.values() for b in bound if isinstance(b, NameImport)):
            path = project.module(context.file.path, binding.module, binding.level)
            if path is not None:
                yield path
                submodule = project.submodule(path, binding.name)
                if submodule is not None:
                    yield submodule


def _text(context: Context, path: str) -> str:
    return context.project.bytes_of(path).decode("latin-1")


@kept
def _failed_words(module: Module) -> tuple[tuple[str, str], ...]:
    """The words that a module writes into statuses where something has failed, each with the name of the status."""
    functions = (node for node in walk(module) if isinstance(node, FunctionDef))
    writes = (write for function in functions for write in status_writes(function.body) if write.failed)
    return tuple((status_name(w.node, w.expr), w.value) for w in writes if isinstance(w.expr, Constant))


def status_name(node: Expr, value: Expr | None) -> str:
    """What a status is called: the attribute, or the keyword or key that its value is given to."""
    if isinstance(node, Attribute):
        return node.attr
    parent = value.parent if value is not None else None
    if isinstance(parent, Argument):
        return parent.keyword or ""
    key = getattr(parent, "key", None)
    return str(key.value) if isinstance(key, Constant) else getattr(key, "attr", "")


@kept
def _groups_of(module: Module) -> tuple[set[str], ...]:
    """The groups of a module; every finding of a project asks for them again."""
    return tuple(_groups(module))


def _groups(module: Module) -> Iterator[set[str]]:
    """The words that stand together: in a class or module as constants, in a `Literal`, an `Enum(…)`, a tuple."""
    for node in walk(module):
        words: Iterable[Expr | None] = ()
        if isinstance(node, ClassDef | Module):
            words = [s.value for s in node.body if isinstance(s, Assign)]
        elif isinstance(node, Subscript | Collection):
            words = node.items
        elif isinstance(node, Call):
            words = [a.value for a in node.args]
        elif isinstance(node, Dict):
            words = [e for item in node.items for e in (item.key, item.value)]
        group = {w.value for w in words if isinstance(w, Constant) and isinstance(w.value, str)}
        if len(group) > 1:
            yield group
