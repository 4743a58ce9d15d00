"""The format `github`: workflow commands, which GitHub Actions shows as annotations of a commit and its pull request.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions; escapes as in actions/toolkit
(`packages/core/src/command.ts`), positions as actions/runner takes them (`ActionCommandManager.cs`).
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding, Severity
from supavisor_lint.report.model import Look, Report
from supavisor_lint.report.text import harmless

_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}
_IN_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = _IN_MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def render(report: Report, look: Look) -> str:
    """Give one command per finding and per problem, each on a line of its own; nothing when there is neither.

    The places that explain a finding are further lines of its message.
    """
    lines = [*map(_annotation, report.findings), *map(_problem, report.problems)]
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding) -> str:
    properties = ",".join(f"{name}={_escaped(value, _IN_PROPERTY)}" for name, value in _properties(finding))
    places = (f"{place.path}:{place.line}:{place.column}: {place.message}" for place in finding.related)
    return _command(_COMMANDS[finding.severity], properties, "\n".join((finding.message, *places)))


def _properties(finding: Finding) -> Iterator[tuple[str, str]]:
    """The position and the title; columns only where the span ends on its first line, as the runner wants it."""
    span = finding.span
    yield "file", finding.path
    yield "line", str(span.line)
    if span.line == span.end_line:
        yield "col", str(span.column)
    yield "endLine", str(span.end_line)
    if span.line == span.end_line:
        yield "endColumn", str(span.end_column)
    yield "title", f"{finding.code} {finding.name}"


def _problem(problem: str) -> str:
    return _command("error", "title=supavisor-lint", problem)


def _command(name: str, properties: str, message: str) -> str:
    return f"::{name} {properties}::{_escaped(message, _IN_MESSAGE)}"


def _escaped(text: str, escapes: dict[int, str]) -> str:
    """The text in one line, as the runner reads it back; what else would act on a log is shown, not obeyed."""
    return harmless(text.translate(escapes))
