"""The format `gitlab`: a Code Quality report, which GitLab shows in merge requests.

https://docs.gitlab.com/ci/testing/code_quality/ (its section on the report's format): a JSON array, without a BOM.
"""

from __future__ import annotations

from typing import Any

from supavisor_lint.findings import Finding
from supavisor_lint.report.concise import finding_text
from supavisor_lint.report.identity import identities
from supavisor_lint.report.json_format import dump
from supavisor_lint.report.model import Look, Report
from supavisor_lint.report.text import harmless


def render(report: Report, look: Look) -> str:
    """Give one entry per finding. A fingerprint stays the same when code around its finding is edited."""
    known = identities(report.everything, report.sources)
    entries = [_entry(finding, identity.fingerprint) for finding, identity in zip(report.findings, known, strict=False)]
    return dump(entries, not look.utf8) + "\n"


def _entry(finding: Finding, fingerprint: str) -> dict[str, Any]:
    span = finding.span
    return {
        "description": finding_text(finding),
        "check_name": finding.code,
        "fingerprint": fingerprint,
        "severity": _severity(finding),
        "location": {
            "path": harmless(finding.path),
            "lines": {"begin": span.line, "end": span.end_line},
            "positions": {
                "begin": {"line": span.line, "column": span.column},
                "end": {"line": span.end_line, "column": span.end_column},
            },
        },
    }


def _severity(finding: Finding) -> str:
    """One of GitLab's info, minor, major, critical, blocker; critical is what goes wrong at run time for sure."""
    if finding.severity == "error":
        return "critical" if finding.hazard else "major"
    return "minor" if finding.severity == "warning" else "info"
