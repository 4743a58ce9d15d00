"""The format `gitlab`: a Code Quality report as GitLab documents it, with fingerprints that last."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from report_support import SOURCE, WORSE, finding, is_harmless, rendered, report, schema

from supavisor_lint.findings import Finding, Severity, Span
from supavisor_lint.report.text import harmless

SCHEMA = schema("gitlab-code-quality.schema.json")


def entries(findings: list[Finding], **changes: Any) -> list[Any]:
    document = json.loads(rendered("gitlab", report(findings, **changes)))
    jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert isinstance(document, list)
    return document


def test_nothing_to_report_is_an_empty_array() -> None:
    assert rendered("gitlab", report()) == "[]\n"
    assert entries([], suppressed=[finding()], baselined=[finding()]) == []


def test_a_finding_is_one_entry() -> None:
    (entry,) = entries([finding()])
    assert len(entry.pop("fingerprint")) == 64
    assert entry == {
        "description": "SUP101 session factory called directly",
        "check_name": "SUP101",
        "severity": "major",
        "location": {
            "path": "app/tasks.py",
            "lines": {"begin": 2, "end": 2},
            "positions": {"begin": {"line": 2, "column": 15}, "end": {"line": 2, "column": 38}},
        },
    }


@pytest.mark.parametrize(
    ("severity", "hazard", "shown"),
    [
        ("error", True, "critical"),
        ("error", False, "major"),
        ("warning", True, "minor"),
        ("warning", False, "minor"),
        ("info", False, "info"),
    ],
)
def test_what_fails_at_run_time_is_critical(severity: Severity, hazard: bool, shown: str) -> None:
    assert entries([finding(severity=severity, hazard=hazard)])[0]["severity"] == shown


def test_the_fingerprint_survives_edits_elsewhere_and_no_other_finding_has_it() -> None:
    twice = SOURCE + "    session = async_session_factory()\n"
    findings = [finding(), finding(span=Span(3, 15, 3, 38)), finding(path="app/other.py"), finding(code="SUP102")]
    before = [entry["fingerprint"] for entry in entries(findings, sources={"app/tasks.py": twice})]
    assert len(set(before)) == 4
    moved = "import os\n\n\n" + twice.replace("    session", "    session  ")
    shifted = [finding(span=Span(5, 17, 5, 40)), finding(span=Span(6, 17, 6, 40))]
    after = [entry["fingerprint"] for entry in entries(shifted, sources={"app/tasks.py": moved})]
    assert after == before[:2]


@pytest.mark.parametrize("kind", ["suppressed", "baselined"])
def test_hiding_another_finding_leaves_the_fingerprint(kind: str) -> None:
    twice = {"app/tasks.py": SOURCE + "    session = async_session_factory()\n"}
    second = finding(span=Span(3, 15, 3, 38))
    both = entries([finding(), second], sources=twice)
    assert entries([second], sources=twice, **{kind: [finding()]}) == both[1:]


@pytest.mark.parametrize("path", ["my app/tasks.py", "größe/漢字.py", "a#b.py", "100%25.py"])
def test_paths_stay_as_they_are(path: str) -> None:
    assert entries([finding(path=path)], sources={path: SOURCE})[0]["location"]["path"] == path


@pytest.mark.parametrize("utf8", [True, False])
def test_hostile_text_is_shown_and_not_obeyed(utf8: bool) -> None:
    text = rendered("gitlab", report([finding(path=WORSE, message=WORSE + "漢")]), utf8)
    text.encode("utf-8" if utf8 else "ascii")
    assert is_harmless(text) and not text.startswith("\ufeff")
    (entry,) = json.loads(text)
    assert entry["description"] == "SUP101 " + harmless(WORSE) + "漢"
    assert entry["location"]["path"] == harmless(WORSE)


def test_the_schema_is_not_satisfied_by_anything() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    good = entries([finding()])[0]
    for key in good:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate([{name: value for name, value in good.items() if name != key}], SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([good | {"severity": "error"}], SCHEMA)
