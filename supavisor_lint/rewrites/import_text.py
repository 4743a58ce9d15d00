"""Where a name stands in the text of an import, and how it is taken out of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

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


def instead_of(context: Context, statement: ImportFrom, bound: str, name: str) -> list[Edit]:
    """A name in the place of the one bound as `bound`, or where the order of the names, if they have any, puts it."""
    span = alias_span(context, statement, bound)
    pairs = statement.names or ()
    order = _order_of(pairs)
    replaced = [name if (alias or n) == bound else n for n, alias in pairs]
    if order is None or _is_sorted([order(n) for n in replaced]) or "#" in context.source.line(span.line):
        return [Edit(span, name)]
    others = [(n, alias) for n, alias in pairs if (alias or n) != bound]
    return [without_alias(context, statement, bound), _with_name(context, statement, others, others[-1], name)]


def with_name(context: Context, statement: ImportFrom, beside: str, name: str) -> Edit:
    """One more name in an import: where its order, if it has any, puts it, else behind the name bound as `beside`.

    Among names that have a line each it gets a line as well.
    """
    pairs = statement.names or ()
    like = next(pair for pair in pairs if (pair[1] or pair[0]) == beside)
    return _with_name(context, statement, pairs, like, name)


Pair: TypeAlias = tuple[str, str | None]


def _with_name(context: Context, statement: ImportFrom, pairs: Sequence[Pair], like: Pair, name: str) -> Edit:
    order = _order_of(pairs)
    if order is None:
        return _behind(context, alias_span(context, statement, like[1] or like[0]), name)
    successor = next((alias or n for n, alias in pairs if order(n) > order(name)), None)
    if successor is None:
        return _behind(context, alias_span(context, statement, pairs[-1][1] or pairs[-1][0]), name)
    span = alias_span(context, statement, successor)
    if _has_line(context.source, span):
        return _line_before(context.source, span.line, span.line, name)
    return Edit(Span(*span.start, *span.start), f"{name}, ")


def _order_of(pairs: Sequence[Pair]) -> Callable[[str], tuple[int, str]] | None:
    """The order that the names of an import are in, if they are in one."""
    return next((key for key in _ORDERS if _is_sorted([key(n) for n, _ in pairs])), None)


def _by_kind(name: str) -> tuple[int, str]:
    """As isort and ruff sort by default: constants, classes, the rest."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name.lower()


_ORDERS: tuple[Callable[[str], tuple[int, str]], ...] = (
    _by_kind,
    lambda name: (0, name.lower()),
    lambda name: (0, name),
)


def _is_sorted(keys: list[tuple[int, str]]) -> bool:
    return keys == sorted(keys)


def _behind(context: Context, span: Span, name: str) -> Edit:
    if _has_line(context.source, span):
        return _line_before(context.source, span.line + 1, span.line, name)
    return Edit(Span(*span.end, *span.end), f", {name}")


def _line_before(source: Source, line: int, like: int, name: str) -> Edit:
    return source.insert_lines(line, [f"{source.indent_of(like)}{name},"])


def _has_line(source: Source, span: Span) -> bool:
    """Whether a name stands on a line of its own, with its comma."""
    before, behind = source.line(span.line)[: span.column - 1], source.line(span.line)[span.end_column - 1 :]
    return span.line == span.end_line and not before.strip() and re.match(r"[ \t]*,[ \t]*(#|$)", behind) is not None


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
