"""The rules as a table, and one by one."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from supavisor_lint.findings import Severity
from supavisor_lint.report import catalogue
from supavisor_lint.report.model import Role


def tagged(text: str, role: Role) -> str:
    return f"<{role}>{text}</>"


@dataclass(frozen=True)
class FakeRule:
    code: str
    name: str
    severity: Severity = "error"
    profile: str = "template"
    default: bool = True
    fix: str = "safe"
    summary: str = "A factory | called directly."
    doc: str = "One line.\n\n## What it finds\nText.\n\n```python\n# Example\n```\n"


RULES = (
    FakeRule("SUP101", "direct-session-factory"),
    FakeRule("SUP205", "orm-object-in-task", default=False),
)


@pytest.mark.parametrize("text", ["SUP101", "sup101", "direct-session-factory", "Direct_Session_Factory", " SUP101 "])
def test_rules_are_found_by_code_and_name_in_any_case(text: str) -> None:
    assert catalogue.find_rule(text, RULES) is RULES[0]


def test_an_unknown_rule_gets_the_nearest() -> None:
    assert catalogue.find_rule("SUP11", RULES) == (
        "unknown rule 'SUP11'; did you mean SUP101 (direct-session-factory)?"
    )
    assert catalogue.find_rule("orm-object", RULES) == (
        "unknown rule 'orm-object'; did you mean SUP205 (orm-object-in-task)?"
    )
    assert catalogue.find_rule("zzz", RULES) == "unknown rule 'zzz'"


def test_an_explanation_has_header_and_headings() -> None:
    lines = list(catalogue.explanation(RULES[1], tagged))
    assert lines[0] == "<heading>SUP205 orm-object-in-task</>"
    assert "Default: off (select it to have it)" in lines
    assert "<heading>## What it finds</>" in lines
    assert "# Example" in lines


def test_the_table_of_rules_is_aligned() -> None:
    lines = list(catalogue.table(RULES))
    assert len(lines) == 3
    assert len({line.index("template") for line in lines[1:]} | {lines[0].index("profile")}) == 1
    assert not any(line.endswith(" ") for line in lines)


def test_the_rules_as_markdown_and_json() -> None:
    lines = list(catalogue.markdown(RULES))
    assert lines[1] == "|" + " --- |" * 7
    assert lines[2].endswith("| A factory \\| called directly. |")
    document = json.loads(catalogue.as_json(RULES))
    assert document["version"] == 1
    assert [rule["default"] for rule in document["rules"]] == [True, False]
