"""The format `concise`: one line per finding, as compilers and editors have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.findings import Finding
from supavisor_lint.report.model import Display, Style, plain, unchanged
from supavisor_lint.report.text import harmless


def finding_text(finding: Finding) -> str:
    """Give what a finding says in one line, `SUP101 message`: the same in every face of the tool."""
    return f"{finding.code} {harmless(finding.message)}"


def position(path: str, line: int, column: int, style: Style) -> str:
    """Give `path:line:column`, styled as a path."""
    return f"{style(harmless(path), 'path')}:{line}:{column}"


def render(
    findings: Iterable[Finding], display: Display = unchanged, style: Style = plain, unsafe: bool = False
) -> Iterator[str]:
    """Yield `path:line:column: CODE message` for each finding, without line ends.

    `[*]` stands before the message where `--fix` can fix it; with `unsafe` also where only `--unsafe-fixes` can.
    """
    for finding in findings:
        where = position(display(finding.path), finding.span.line, finding.span.column, style)
        fix = finding.fix
        mark = f"[{style('*', 'info')}] " if fix is not None and (unsafe or fix.applicability == "safe") else ""
        yield f"{where}: {style(finding.code, 'code')} {mark}{harmless(finding.message)}"
