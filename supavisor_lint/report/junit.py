"""The format `junit`: the XML of JUnit's test reports, which Jenkins, GitLab and others show as test results.

There is no standard. This keeps to what Jenkins' xUnit plugin prescribes (`junit-10.xsd`), and to one failure for each
test case, because Jenkins and GitLab read no more than the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from supavisor_lint.findings import Finding, Severity
from supavisor_lint.report.concise import finding_text
from supavisor_lint.report.model import Look, Report, count
from supavisor_lint.report.text import harmless

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_TOOL = "supavisor-lint"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NOT_IN_XML = re.compile("[\ufffe\uffff]")
_BY_WEIGHT: tuple[Severity, ...] = ("error", "warning", "info")


def render(report: Report, look: Look) -> str:
    """Give one test suite: a failed test case per file with findings, one with an error per problem.

    When there is neither, one test case has passed. All in ASCII unless the place of the report takes UTF-8.
    """
    from xml.etree.ElementTree import Element, indent, tostring

    failed = [_failure(path, list(findings)) for path, findings in groupby(report.findings, attrgetter("path"))]
    errors = [_error(number, problem) for number, problem in enumerate(report.problems, start=1)]
    cases = [*failed, *errors] or [_case("no findings")]
    counts = {"tests": str(len(cases)), "failures": str(len(failed)), "errors": str(len(errors))}
    suite = Element("testsuite", {"name": _TOOL, **counts, "skipped": "0"})
    suite.extend(cases)
    root = Element("testsuites", {"name": _TOOL, **counts})
    root.append(suite)
    indent(root)
    return _DECLARATION + (tostring(root, "unicode") if look.utf8 else tostring(root, "us-ascii").decode()) + "\n"


def _failure(path: str, findings: Sequence[Finding]) -> Element:
    """A file's test case: its name is the path and nothing else, so that servers know it again."""
    codes = sorted({finding.code for finding in findings})
    one = finding_text(findings[0]) if len(findings) == 1 else f"{count(len(findings), 'finding')}: {', '.join(codes)}"
    worst = min((finding.severity for finding in findings), key=_BY_WEIGHT.index)
    lines = [line for finding in findings for line in _lines(finding)]
    return _case(path, "failure", one, worst, "\n".join(lines))


def _lines(finding: Finding) -> Iterator[str]:
    span = finding.span
    yield f"{_legal(finding.path)}:{span.line}:{span.column}: [{finding.severity}] {_legal(finding_text(finding))}"
    for place in finding.related:
        yield f"    {_legal(place.path)}:{place.line}:{place.column}: {_legal(place.message)}"


def _error(number: int, problem: str) -> Element:
    return _case(f"problem {number}", "error", problem, "error", _legal(problem))


def _case(name: str, outcome: str = "", message: str = "", kind: str = "", text: str = "") -> Element:
    """A test case; with an outcome of that name, its one-line message, its type, and its text of legal characters."""
    from xml.etree.ElementTree import Element, SubElement

    case = Element("testcase", {"classname": _TOOL, "name": _legal(name)})
    if outcome:
        SubElement(case, outcome, {"message": _legal(message), "type": kind}).text = text
    return case


def _legal(text: str) -> str:
    """The text in one line of characters that XML 1.0 has; the others are shown as escapes (`\\x1b`, `\\uffff`)."""
    return _NOT_IN_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", harmless(text))
