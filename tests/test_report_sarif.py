"""The format `sarif`: valid by the official schema, and as code scanning wants it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
from report_support import PLACE, SOURCE, WORSE, finding, is_harmless, rendered, report, schema

from supavisor_lint import __version__
from supavisor_lint.findings import Edit, Finding, Fix, Place, Severity, Span
from supavisor_lint.report.model import Report
from supavisor_lint.report.text import harmless
from supavisor_lint.rules import RULES

VALIDATOR = jsonschema.Draft4Validator(schema("sarif-schema-2.1.0.json"))
SWAP = Fix(
    "safe", "Open the session", (Edit(Span(2, 5, 2, 5), "async with "), Edit(Span(2, 15, 2, 38), "get_session()"))
)


def run_of(shown: Report, utf8: bool = True) -> Any:
    """The run of a valid log."""
    log = json.loads(rendered("sarif", shown, utf8))
    VALIDATOR.validate(log)
    assert log["version"] == "2.1.0" and log["$schema"] == VALIDATOR.schema["id"]
    (run,) = log["runs"]
    return run


def results(findings: list[Finding], **changes: Any) -> Any:
    return run_of(report(findings, **changes))["results"]


def only(found: Finding, **changes: Any) -> Any:
    (result,) = results([found], **changes)
    return result


def strings_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in values for text in strings_in(one)]


# The run


def test_nothing_to_report_is_a_run_that_went_well() -> None:
    run = run_of(report())
    assert run["results"] == []
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    assert run["columnKind"] == "unicodeCodePoints" and run["newlineSequences"] == ["\r\n", "\n", "\r"]


def test_what_could_not_be_done_is_a_notification_and_no_success() -> None:
    (invocation,) = run_of(report(problems=["cannot read a.py"]))["invocations"]
    assert invocation == {
        "executionSuccessful": False,
        "toolExecutionNotifications": [{"level": "error", "message": {"text": "cannot read a.py"}}],
    }


def test_the_log_names_no_folder_of_this_machine() -> None:
    text = rendered("sarif", report([finding()]))
    assert "file:" not in text
    base = run_of(report())["originalUriBaseIds"]["%SRCROOT%"]
    assert base.keys() == {"description"}


# The rules


def test_the_driver_has_all_rules_in_the_same_words_in_every_run() -> None:
    driver = run_of(report([finding()]))["tool"]["driver"]
    assert driver == run_of(report())["tool"]["driver"]
    assert (driver["name"], driver["version"], driver["semanticVersion"]) == ("supavisor-lint", *[__version__] * 2)
    assert [(rule["id"], rule["name"]) for rule in driver["rules"]] == [(rule.code, rule.name) for rule in RULES]


def test_a_rule_explains_itself_within_what_github_takes() -> None:
    described = run_of(report())["tool"]["driver"]["rules"]
    for rule, shown in zip(RULES, described, strict=True):
        assert shown["shortDescription"]["text"] == rule.summary
        assert 0 < len(shown["fullDescription"]["text"]) <= 1024
        assert not shown["fullDescription"]["text"].startswith("#")
        assert shown["help"]["text"] and shown["help"]["markdown"].count("\n## ") == 5
        assert shown["defaultConfiguration"]["enabled"] is rule.default
        assert shown["properties"]["precision"] in {"very-high", "high", "medium", "low"}
        assert shown["properties"]["problem.severity"] in {"error", "warning", "recommendation"}
        assert "security" not in shown["properties"]["tags"]


def test_levels_and_tags_are_the_rules_own() -> None:
    described = {rule["id"]: rule for rule in run_of(report())["tool"]["driver"]["rules"]}
    assert described["SUP101"]["defaultConfiguration"]["level"] == "error"
    assert described["SUP304"]["defaultConfiguration"]["level"] == "warning"
    assert described["SUP601"]["defaultConfiguration"]["level"] == "note"
    assert described["SUP601"]["properties"]["problem.severity"] == "recommendation"
    assert described["SUP101"]["properties"]["tags"] == ["sqlalchemy", "template"]
    assert described["SUP103"]["properties"]["tags"] == ["sqlalchemy", "template", "hazards"]
    assert described["SUP104"]["properties"]["tags"] == ["sqlalchemy", "hazards"]


# A result


def test_a_finding_is_one_result() -> None:
    result = only(finding(no_fix_reason="it escapes"))
    prints = result.pop("partialFingerprints")
    assert prints.keys() == {"findingIdentity/v1", "primaryLocationLineHash"}
    assert result == {
        "ruleId": "SUP101",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "session factory called directly"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "app/tasks.py", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 2, "startColumn": 15, "endLine": 2, "endColumn": 38},
                },
                "logicalLocations": [{"name": "task", "fullyQualifiedName": "task", "kind": "function"}],
            }
        ],
        "relatedLocations": [],
        "fixes": [],
        "properties": {"confidence": "high", "noFixReason": "it escapes"},
        "suppressions": [],
    }


@pytest.mark.parametrize(("severity", "level"), [("error", "error"), ("warning", "warning"), ("info", "note")])
def test_the_level_is_the_findings_own(severity: Severity, level: str) -> None:
    assert only(finding(severity=severity))["level"] == level


def test_the_index_is_that_of_the_rule() -> None:
    run = run_of(report([finding(code=rule.code, name=rule.name) for rule in RULES]))
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_the_function_is_a_logical_location_if_there_is_one() -> None:
    (inner,) = only(finding(function="outer.<locals>.inner"))["locations"][0]["logicalLocations"]
    assert (inner["name"], inner["fullyQualifiedName"]) == ("inner", "outer.<locals>.inner")
    assert "logicalLocations" not in only(finding(function=None))["locations"][0]


def test_the_message_links_to_the_places_that_explain_it() -> None:
    """Elsewhere code scanning does not show them; brackets in a link's text are escaped."""
    result = only(finding(related=(PLACE, Place("app/x.py", 1, 2, r"in [a\b](1)"))))
    assert result["message"]["text"] == (
        r"session factory called directly. See: [the factory is defined here](1); [in \[a\\b\](1)](2)."
    )
    first, second = result["relatedLocations"]
    assert (first["id"], first["message"]["text"]) == (1, "the factory is defined here")
    assert first["physicalLocation"]["artifactLocation"]["uri"] == "app/db.py"
    assert second["id"] == 2 and second["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 2}


def test_suppressed_and_baselined_findings_are_marked() -> None:
    hidden = {"suppressed": [finding(span=Span(3, 1, 3, 2))], "baselined": [finding(span=Span(4, 1, 4, 2))]}
    shown, suppressed, baselined = results([finding()], **hidden)
    assert shown["suppressions"] == []
    assert suppressed["suppressions"] == [{"kind": "inSource", "status": "accepted"}]
    assert baselined["suppressions"] == [{"kind": "external", "status": "accepted"}]
    lines = [one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in (shown, suppressed, baselined)]
    assert lines == [2, 3, 4]


@pytest.mark.parametrize(
    "line", ["    session = async_session_factory()", "🐍 = 漢; session = async_session_factory()"]
)
def test_a_fix_can_be_applied_to_code_points(line: str) -> None:
    start = line.index("async_session_factory") + 1
    edits = (Edit(Span(1, 1, 1, 1), "# first\n"), Edit(Span(2, start, 2, start + 23), "get_session()"))
    source = f"def task():\n{line}\n"
    (fix,) = only(finding(fix=Fix("unsafe", "Open it", edits)), sources={"app/tasks.py": source})["fixes"]
    assert fix["description"]["text"] == "Open it (unsafe fix)"
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "app/tasks.py"
    lines = source.splitlines(keepends=True)
    for replacement in reversed(change["replacements"]):
        region = replacement["deletedRegion"]
        assert region["startLine"] == region["endLine"]
        old = lines[region["startLine"] - 1]
        new = old[: region["startColumn"] - 1] + replacement["insertedContent"]["text"] + old[region["endColumn"] - 1 :]
        lines[region["startLine"] - 1] = new
    assert "".join(lines) == "# first\n" + source.replace("async_session_factory()", "get_session()")


# Fingerprints


def test_fingerprints_survive_edits_elsewhere_and_tell_results_apart() -> None:
    twice = SOURCE + "    session = async_session_factory()\n"
    findings = [finding(), finding(span=Span(3, 15, 3, 38)), finding(code="SUP102"), finding(path="other.py")]
    before = [r["partialFingerprints"] for r in results(findings, sources={"app/tasks.py": twice})]
    assert len({prints["findingIdentity/v1"] for prints in before}) == 4
    moved = {"app/tasks.py": "import os\n\n\n" + twice}
    shifted = [finding(span=Span(5, 15, 5, 38)), finding(span=Span(6, 15, 6, 38))]
    assert [r["partialFingerprints"] for r in results(shifted, sources=moved)] == before[:2]


def test_without_the_line_there_is_no_hash_of_it() -> None:
    """A file that cannot be read has a finding as well."""
    result = only(finding(code="SUP900", span=Span(7, 1, 7, 1)), sources={})
    assert result["partialFingerprints"].keys() == {"findingIdentity/v1"}


# Paths and hostile text


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("my app/tasks.py", "my%20app/tasks.py"),
        ("größe/漢.py", "gr%C3%B6%C3%9Fe/%E6%BC%A2.py"),
        ("a#b?c.py", "a%23b%3Fc.py"),
        ("100%25.py", "100%2525.py"),
        ("a:b.py", "a%3Ab.py"),
        ("bad\udcff.py", "bad%FF.py"),
    ],
)
def test_paths_are_relative_references(path: str, uri: str) -> None:
    artifact = only(finding(path=path))["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": uri, "uriBaseId": "%SRCROOT%"}
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert unquote(parts.path, errors="surrogateescape") == path


@pytest.mark.parametrize(
    ("path", "uri"),
    [("/other place/a.py", "file:///other%20place/a.py"), ("C:/other/a.py", "file:///C:/other/a.py")],
)
def test_a_file_outside_of_the_root_has_an_absolute_uri(path: str, uri: str) -> None:
    artifact = only(finding(path=path))["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": uri}


@pytest.mark.parametrize("utf8", [True, False])
def test_hostile_text_is_shown_and_not_obeyed(utf8: bool) -> None:
    bad = finding(
        path=WORSE.replace("\ud800", ""),
        message=WORSE + "漢",
        related=(Place("a.py", 1, 1, WORSE),),
        fix=Fix("safe", WORSE, (Edit(Span(1, 1, 1, 1), WORSE),)),
        no_fix_reason=WORSE,
    )
    shown = report([bad], problems=[WORSE])
    text = rendered("sarif", shown, utf8)
    text.encode("utf-8" if utf8 else "ascii")
    assert is_harmless(text)
    run = run_of(shown, utf8)
    (result,) = run["results"]
    message = result["message"]["text"]
    assert message.startswith(harmless(WORSE).replace("](", "] (") + "漢. See: [")
    assert re.findall(r"(?<!\\)\]\((\d+)\)", message) == ["1"]
    assert result["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"].pop("text") == WORSE
    assert not any("\ud800" in text for text in strings_in(run))


def test_a_report_without_rules_has_no_index() -> None:
    assert "ruleIndex" not in only(finding(fix=SWAP), rules=())


def test_the_schema_is_not_satisfied_by_anything() -> None:
    log = json.loads(rendered("sarif", report([finding()])))
    log["runs"][0]["results"][0]["level"] = "info"
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(log)
