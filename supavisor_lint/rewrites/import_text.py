"""Where a name stands in the text of an import, and how it is taken out of it."""

from __future__ import annotations

import re

from supavisor_lint.facts.statements import ImportFrom
from supavisor_lint.findings import Edit, Span
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.source import Source


def alias_span(context: Context, statement: ImportFrom, bound: str) -> Span:
    """Where `name` or `name as alias` stands in an import, by the name that it binds; raises NoFix."""
    source = context.source
    start, end = source.offset(*statement.span.start), source.offset(*source.end_of(statement))
    text = source.text[start:end]
    name = next(n for n, alias in statement.names or () if (alias or n) == bound)
    pattern = rf"(?<![\w.]){re.escape(name)}" + (rf"\s+as\s+{re.escape(bound)}" if name != bound else "") + r"(?!\w)"
    at = re.search(r"\bimport\b", text)
    blanked = re.sub(r"#[^\r\n]*", lambda match: " " * len(match[0]), text)
    match = re.compile(pattern).search(blanked, at.end() if at is not None else 0)
    if match is None:
        raise NoFix("the import of the factory has an unusual form")
    return Span(*source.position(start + match.start()), *source.position(start + match.end()))


def without_alias(context: Context, statement: ImportFrom, bound: str) -> Edit:
    """One name of several taken out of an import, with the comma behind it, or before it if it is the last."""
    span, source = alias_span(context, statement, bound), context.source
    behind = re.compile(r"[ \t]*,[ \t]*").match(source.text, source.offset(*span.end))
    if behind is not None:
        end = source.position(behind.end())
        if _is_alone(source, span.start, end):
            return source.without_lines(span.line, end[0])
        return Edit(Span(*span.start, *end), "")
    before = re.compile(r",[ \t]*$").search(source.line(span.line)[: span.column - 1])
    if before is None:
        raise NoFix("the import of the factory has an unusual form")
    return Edit(Span(span.line, before.start() + 1, *span.end), "")


def _is_alone(source: Source, start: tuple[int, int], end: tuple[int, int]) -> bool:
    """Whether nothing else stands on the line between two positions of it."""
    before, behind = source.line(start[0])[: start[1] - 1], source.line(end[0])[end[1] - 1 :]
    return start[0] == end[0] and not before.strip() and not behind.strip()
