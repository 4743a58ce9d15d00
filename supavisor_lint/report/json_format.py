"""The format `json`, version 1: keys may be added, none is changed or taken away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from supavisor_lint.findings import Finding, Fix
from supavisor_lint.report.model import Summary
from supavisor_lint.report.statistics import CodeCount

VERSION = 1
_UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that act on a terminal or that UTF-8 does not have; in JSON they only occur inside strings."""


def render(
    findings: Iterable[Finding],
    summary: Summary,
    statistics: Iterable[CodeCount] | None = None,
    ascii_only: bool = True,
) -> str:
    """Give the whole report as one JSON document, without a final line end.

    Paths are relative to the root and POSIX, lines and columns count from 1. `statistics`, if given, is added
    under its name. With `ascii_only` the document is pure ASCII; without, UTF-8 can encode whatever it holds.
    """
    document: dict[str, Any] = {
        "version": VERSION,
        "findings": [_finding(finding) for finding in findings],
        "summary": asdict(summary),
    }
    if statistics is not None:
        document["statistics"] = [asdict(entry) for entry in statistics]
    return dump(document, ascii_only)


def dump(document: object, ascii_only: bool) -> str:
    """Give the document as indented JSON that neither an encoding nor a terminal can trip over."""
    return _escaped(json.dumps(document, indent=2, ensure_ascii=ascii_only))


def one_line(document: object) -> str:
    """Give the document as JSON in one line, for a file in UTF-8."""
    return _escaped(json.dumps(document, ensure_ascii=False))


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "message": finding.message,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "path": finding.path,
        "line": finding.span.line,
        "column": finding.span.column,
        "end_line": finding.span.end_line,
        "end_column": finding.span.end_column,
        "function": finding.function,
        "related": [
            {"path": place.path, "line": place.line, "column": place.column, "message": place.message}
            for place in finding.related
        ],
        "fix": None if finding.fix is None else _fix(finding.fix),
        "no_fix_reason": finding.no_fix_reason,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "applicability": fix.applicability,
        "title": fix.title,
        "edits": [
            {
                "line": edit.span.line,
                "column": edit.span.column,
                "end_line": edit.span.end_line,
                "end_column": edit.span.end_column,
                "content": edit.content,
            }
            for edit in fix.edits
        ],
    }
