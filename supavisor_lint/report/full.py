"""The format `full`: each finding with the line it is about, underlined, and the places that explain it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from supavisor_lint.findings import Finding, Span
from supavisor_lint.report.concise import position
from supavisor_lint.report.model import Display, Style, plain, unchanged
from supavisor_lint.report.text import harmless, split_lines, underline

WIDTH = 120


def render(
    findings: Iterable[Finding],
    sources: Mapping[str, str],
    display: Display = unchanged,
    style: Style = plain,
    width: int = WIDTH,
) -> Iterator[str]:
    """Yield the lines of the report, without line ends; a blank line follows each finding.

    The code frame stands below the first of several findings about the same stretch of code. `sources` gives the text
    of the files by the findings' paths: a finding whose text or line is missing comes without its code frame. No line
    of a frame is wider than `width` cells.
    """
    path: str | None = None
    framed: Span | None = None
    lines: list[str] = []
    for finding in findings:
        if finding.path != path:
            path, framed = finding.path, None
            lines = split_lines(sources[path]) if path in sources else []
        yield from _block(finding, lines if finding.span != framed else [], display, style, width)
        framed = finding.span


def _block(finding: Finding, lines: list[str], display: Display, style: Style, width: int) -> Iterator[str]:
    """Yield the lines about one finding; without its code frame where `lines` does not have its line."""
    span = finding.span
    where = position(display(finding.path), span.line, span.column, style)
    severity = style(f"[{finding.severity}]", finding.severity)
    yield f"{where}: {style(finding.code, 'code')} {severity} {harmless(finding.message)}"
    margin = " " * len(str(span.line))
    if 1 <= span.line <= len(lines):
        yield from _frame(lines[span.line - 1], span, margin, style, width)
    for place in finding.related:
        at = position(display(place.path), place.line, place.column, style)
        yield f"{margin} {style('= note:', 'dim')} {at}: {harmless(place.message)}"
    if finding.fix is not None:
        label = "= fix:" if finding.fix.applicability == "safe" else "= unsafe fix:"
        yield f"{margin} {style(label, 'dim')} {harmless(finding.fix.title)}"
    elif finding.no_fix_reason is not None:
        yield f"{margin} {style('= help:', 'dim')} {harmless(finding.no_fix_reason)}"
    yield ""


def _frame(line: str, span: Span, margin: str, style: Style, width: int) -> Iterator[str]:
    """Yield the line with its number and the carets below it; of several lines only the first, to its end."""
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    bar = style("|", "dim")
    shown, carets = underline(line, span.column - 1, end, max(width - len(margin) - 3, 20))
    blank = len(carets) - len(carets.lstrip())
    yield f"{margin} {bar}"
    yield f"{style(str(span.line), 'dim')} {bar} {shown}".rstrip()
    yield f"{margin} {bar} {carets[:blank]}{style(carets[blank:], 'caret')}"
