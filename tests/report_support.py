"""What the tests of the report formats share: a finding, a report, and what a hostile source may put into them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from supavisor_lint.findings import Finding, Place, Span
from supavisor_lint.report.formats import FORMATS
from supavisor_lint.report.model import Look, Report, Summary
from supavisor_lint.report.text import harmless
from supavisor_lint.rules import RULES

SOURCE = "async def task():\n    session = async_session_factory()\n"
SUMMARY = Summary(files=3, analysed=2, failed=1, findings=1, fixed=0, suppressed=4)
HOSTILE = "\x1b]0;owned\x07 \x9b31m \u202egnirts\u2066 \r\n\ud800"
"""Acts on terminals, or is not in UTF-8."""
WORSE = HOSTILE + "]]>&<!-- \uffff\ufffe\x00 100%0A ::error::x {0} [a](1) \"'"
"""And what means something in one of the formats."""
PLACE = Place("app/db.py", 4, 1, "the factory is defined here")


def finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "code": "SUP101",
        "name": "direct-session-factory",
        "message": "session factory called directly",
        "severity": "error",
        "confidence": "high",
        "path": "app/tasks.py",
        "span": Span(2, 15, 2, 38),
        "function": "task",
    }
    return Finding(**(values | changes))


def report(findings: Sequence[Finding] = (), **changes: Any) -> Report:
    values: dict[str, Any] = {"sources": {"app/tasks.py": SOURCE}, "rules": RULES}
    return Report(findings, SUMMARY, **(values | changes))


def rendered(name: str, shown: Report, utf8: bool = True) -> str:
    """The text of a report in a format, for a place that takes UTF-8 or only ASCII."""
    text = FORMATS[name](shown, Look(utf8=utf8))
    text.encode("utf-8")
    return text


def is_harmless(text: str) -> bool:
    """Whether nothing but line feeds in a text acts on a terminal or a log."""
    return all(harmless(line) == line for line in text.split("\n"))


def schema(name: str) -> Any:
    return json.loads(Path(__file__).with_name("schemas").joinpath(name).read_text("utf-8"))
