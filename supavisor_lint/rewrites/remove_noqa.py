"""SUP901: a `noqa` for a code that suppresses nothing is taken away; what else the comment says stays."""

from __future__ import annotations

import re

from supavisor_lint.findings import Edit, Finding, Fix, Span
from supavisor_lint.rewrites.base import Context, NoFix

_NOQA = re.compile(r"#\s*noqa\s*:\s*", re.IGNORECASE)
_CODES = re.compile(r"[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*")
_BETWEEN = " ,\tABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_FILE_NOQA = re.compile(r"#\s*flake8\s*[:=]\s*noqa\s*[:=]\s*", re.IGNORECASE)


def propose(context: Context, finding: Finding) -> Fix:
    """The code with its separator; the whole comment where it is the only one. Safe: comments do nothing."""
    span, line = finding.span, context.source.line(finding.span.line)
    head = _head(line, span.column - 1)
    codes = re.compile(r"[A-Z][0-9]+(?:[,\s]+[A-Z]+[0-9]+)*|[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*").match(
        line, head.end()
    )
    if codes is None or not head.end() <= span.column - 1 < codes.end():
        raise NoFix("the comment has an unusual form")
    start, end = span.column - 1, span.end_column - 1
    if codes.group() == line[start:end]:
        return _fix(span.line, *_whole(line, head.start(), end))
    behind = re.compile(r"[,\s]+(?=[A-Z]+[0-9])").match(line, end)
    if behind is not None and behind.end() < codes.end() + 1:
        return _fix(span.line, start, behind.end())
    before = re.compile(r"[,\s]+$").search(line[:start])
    return _fix(span.line, before.start() if before is not None else start, end)


def _head(line: str, column: int) -> re.Match[str]:
    for match in (*_FILE_NOQA.finditer(line), *_NOQA.finditer(line)):
        if match.end() <= column + 1 and not line[match.end() : column].strip(
            " ,\tABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        ):
            return match
    raise NoFix("the comment has an unusual form")


def _whole(line: str, start: int, end: int) -> tuple[int, int]:
    """The comment with the space before it, and with what follows it only if that is nothing."""
    if line[end:].strip():
        rest = line[end:]
        if rest.lstrip().startswith("#"):
            return start, end + len(rest) - len(rest.lstrip())
        raise NoFix("the comment says something else as well")
    return len(line[:start].rstrip()), len(line)


def _fix(line: int, start: int, end: int) -> Fix:
    return Context.fix("safe", "Remove the unused `noqa`", [Edit(Span(line, start + 1, line, end + 1), "")])
