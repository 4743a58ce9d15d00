"""The format `sarif`: SARIF 2.1.0, for code scanning and editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html; what GitHub makes of
it: https://docs.github.com/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning. The same
run gives the same text on every machine: there are no times and no absolute paths but of files outside of the root.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from supavisor_lint import __version__
from supavisor_lint.findings import Edit, Finding, Fix, Place, Severity, Span
from supavisor_lint.report.catalogue import documentation_parts
from supavisor_lint.report.identity import identities
from supavisor_lint.report.json_format import dump
from supavisor_lint.report.line_hash import line_hashes
from supavisor_lint.report.model import Look, Report, RuleLike
from supavisor_lint.report.text import harmless

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_SEMANTIC = re.compile(r"\d+\.\d+\.\d+([-+].+)?")
_ABSOLUTE = re.compile(r"/|[A-Za-z]:/")
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
_PROBLEMS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "recommendation"}
_IN_LINK = str.maketrans({char: f"\\{char}" for char in "\\[]"})


def render(report: Report, look: Look) -> str:
    """Give a log of one run: all rules, all that was found (marked if it is suppressed), problems as notifications."""
    run = {
        "tool": {"driver": _driver(report.rules)},
        "invocations": [_invocation(report.problems)],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The top of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "results": _results(report),
    }
    return dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, not look.utf8) + "\n"


def _driver(rules: Sequence[RuleLike]) -> dict[str, Any]:
    semantic = {"semanticVersion": __version__} if _SEMANTIC.fullmatch(__version__) else {}
    return {"name": "supavisor-lint", "version": __version__, **semantic, "rules": [_rule(rule) for rule in rules]}


def _rule(rule: RuleLike) -> dict[str, Any]:
    """A rule's descriptor. It is the same in every run, because GitHub compares runs."""
    documentation = rule.doc.strip()
    profiles = [rule.profile] if rule.profile in ("template", "hazards") else ["template", "hazards"]
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": documentation_parts(rule.doc).get("what_it_finds", rule.summary)},
        "help": {"text": documentation, "markdown": documentation},
        "defaultConfiguration": {"enabled": rule.default, "level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["sqlalchemy", *profiles],
            "precision": "high" if rule.default else "medium",
            "problem.severity": _PROBLEMS[rule.severity],
        },
    }


def _invocation(problems: Sequence[str]) -> dict[str, Any]:
    notifications = [{"level": "error", "message": {"text": harmless(problem)}} for problem in problems]
    return {"executionSuccessful": not problems, "toolExecutionNotifications": notifications}


def _results(report: Report) -> list[dict[str, Any]]:
    index = {rule.code: number for number, rule in enumerate(report.rules)}
    known = identities(report.everything, report.sources)
    hashes = _line_hashes(report)
    return [
        _result(finding, index)
        | {"partialFingerprints": _fingerprints(identity.fingerprint, hashes[finding.path].get(finding.span.line))}
        | {"suppressions": [{"kind": kind, "status": "accepted"}] if kind else []}
        for finding, kind, identity in zip(report.everything, _suppressions(report), known, strict=True)
    ]


def _suppressions(report: Report) -> Iterator[str | None]:
    """What suppresses each finding of `report.everything`."""
    yield from (None for _ in report.findings)
    yield from ("inSource" for _ in report.suppressed)
    yield from ("external" for _ in report.baselined)


def _line_hashes(report: Report) -> dict[str, dict[int, str]]:
    """By path, the hashes of the lines in which findings begin."""
    lines: defaultdict[str, set[int]] = defaultdict(set)
    for finding in report.everything:
        lines[finding.path].add(finding.span.line)
    return {path: line_hashes(report.sources.get(path, ""), wanted) for path, wanted in lines.items()}


def _fingerprints(fingerprint: str, line_hash: str | None) -> dict[str, str]:
    """Ours, which no other result of the run has, and the only one that GitHub looks at, where the line is there."""
    of_line = {"primaryLocationLineHash": line_hash} if line_hash is not None else {}
    return {"findingIdentity/v1": fingerprint, **of_line}


def _result(finding: Finding, index: Mapping[str, int]) -> dict[str, Any]:
    places = list(enumerate(finding.related, start=1))
    reason = {"noFixReason": harmless(finding.no_fix_reason)} if finding.no_fix_reason is not None else {}
    return {
        "ruleId": finding.code,
        **({"ruleIndex": index[finding.code]} if finding.code in index else {}),
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(finding.message, places)},
        "locations": [_location(finding)],
        "relatedLocations": [_related(number, place) for number, place in places],
        "fixes": [_fix(finding.path, finding.fix)] if finding.fix is not None else [],
        "properties": {"confidence": finding.confidence, **reason},
    }


def _message(message: str, places: Sequence[tuple[int, Place]]) -> str:
    """The message, then links to the places that explain it: GitHub shows those that the message links to.

    A brace stands for itself: there are no arguments to be filled in, and viewers then take the text as it is.
    """
    text = harmless(message).replace("](", "] (")
    links = "; ".join(f"[{harmless(place.message).translate(_IN_LINK)}]({number})" for number, place in places)
    return f"{text}. See: {links}." if links else text


def _location(finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": _artifact(finding.path), "region": _region(finding.span)}
    }
    if finding.function is not None:
        name = finding.function.rpartition(".")[2]
        location["logicalLocations"] = [
            {"name": name, "fullyQualifiedName": finding.function, "kind": "function"},
        ]
    return location


def _related(number: int, place: Place) -> dict[str, Any]:
    region = {"startLine": place.line, "startColumn": place.column}
    return {
        "id": number,
        "message": {"text": harmless(place.message)},
        "physicalLocation": {"artifactLocation": _artifact(place.path), "region": region},
    }


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _artifact(path: str) -> dict[str, str]:
    """Where a file is: percent-encoded, relative to the top of the repository if it is below it."""
    data = path.encode("utf-8", "surrogateescape")
    if _ABSOLUTE.match(path):
        return {"uri": f"file:///{quote(data, safe='/:').lstrip('/')}"}
    return {"uri": quote(data), "uriBaseId": _ROOT}


def _fix(path: str, fix: Fix) -> dict[str, Any]:
    return {
        "description": {"text": f"{harmless(fix.title)} ({fix.applicability} fix)"},
        "artifactChanges": [
            {"artifactLocation": _artifact(path), "replacements": [_replacement(edit) for edit in fix.edits]}
        ],
    }


def _replacement(edit: Edit) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.content}}
