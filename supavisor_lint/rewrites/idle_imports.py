"""The names that only rewritten code has used go from the imports that bind them, once all rewrites are done.

No single rewrite can see that it takes the last use away, when others of the same round take the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from supavisor_lint.engine import Engine
from supavisor_lint.facts.file import block_of, scope_of, walk
from supavisor_lint.facts.statements import FunctionDef, ImportFrom, Module
from supavisor_lint.findings import Edit, Span
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.import_text import alias_span, without_alias
from supavisor_lint.rewrites.taken_names import is_taken_by_others


def without_idle_names(engine: Engine, path: str, before: str, after: str) -> list[Edit]:
    """The edits that take out of the imports of a rewritten text (`after`) what only the old one has used.

    An import keeps at least one name: its module is imported as it was. (Of SQLAlchemy's that does not matter.)
    """
    facts = engine.project.facts(path)
    if facts is None:
        return []
    context = Context(engine.view(facts), after)
    imports = [node for node in walk(facts.module) if isinstance(node, ImportFrom) and node.names]
    return [edit for statement in imports for edit in _edits(context, statement, before)]


def _edits(context: Context, statement: ImportFrom, before: str) -> Iterator[Edit]:
    bound = [alias or name for name, alias in statement.names or ()]
    if not isinstance(statement.parent, Module | FunctionDef) or "noqa" in _text_of(context, statement).lower():
        return
    idle = [name for name in bound if _is_idle(context, statement, name, before)]
    kept = [name for name in bound if name not in idle]
    if not kept:
        if _has_no_effect(statement):
            yield from _without(context, statement)
        return
    try:
        tail = bound[bound.index(kept[-1]) + 1 :]
        if tail and not _has_comma(context, statement, tail[-1]):
            yield _without_tail(context, statement, kept[-1], tail[-1])
            idle = [name for name in idle if name not in tail]
        edits = [without_alias(context, statement, name) for name in idle]
    except NoFix:
        return
    yield from edits


def _has_no_effect(statement: ImportFrom) -> bool:
    """Whether nothing can depend on it that a module is imported here: SQLAlchemy's are by the session's own module."""
    return statement.level == 0 and statement.module.partition(".")[0] == "sqlalchemy"


def _without(context: Context, statement: ImportFrom) -> list[Edit]:
    """A whole import taken away, with the blank line above it if there is one below as well."""
    source = context.source
    edits = context.remove(statement)
    first, last = source.extent([statement])
    alone = source.has_lines_of_its_own([statement]) and "#" not in _text_of(context, statement)
    if not alone or not 1 < first <= last < len(source.lines) or len(block_of(statement)) == 1:
        return edits
    is_between = not source.line(first - 1).strip() and not source.line(last + 1).strip()
    return [source.without_lines(first - 1, last)] if is_between else edits


def _is_idle(context: Context, statement: ImportFrom, name: str, before: str) -> bool:
    """Whether nothing of the file, be it a string or a comment, has a name any more that was used before."""
    scope = scope_of(statement)
    source = context.source
    start, end = source.offset(*statement.span.start), source.offset(*source.end_of(statement))
    word = re.compile(rf"\b{re.escape(name)}\b")
    here = len(word.findall(source.text, start, end))
    return (
        len(word.findall(source.text)) == here < len(word.findall(before))
        and len(scope.bindings.get(name, ())) == 1
        and not is_taken_by_others(context, name, scope)
    )


def _text_of(context: Context, statement: ImportFrom) -> str:
    first, last = context.source.extent([statement])
    return "".join(context.source.line(number) for number in range(first, last + 1))


def _has_comma(context: Context, statement: ImportFrom, name: str) -> bool:
    """Whether a comma follows a name of an import."""
    source = context.source
    end = source.offset(*alias_span(context, statement, name).end)
    return re.compile(r"[ \t]*,").match(source.text, end) is not None


def _without_tail(context: Context, statement: ImportFrom, kept: str, last: str) -> Edit:
    """All behind the last name that stays, up to the end of the last name; raises NoFix where a comment is between."""
    start, end = alias_span(context, statement, kept).end, alias_span(context, statement, last).end
    if "#" in context.source.at(Span(*start, *end)):
        raise NoFix("a comment stands between the names")
    return Edit(Span(*start, *end), "")
