"""The rules as a table, and one by one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_support import invoke
from example_support import codes_of, example

from supavisor_lint.findings import Severity
from supavisor_lint.report import catalogue
from supavisor_lint.report.model import Role
from supavisor_lint.rules import RULES as ALL
from supavisor_lint.rules import Rule


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


@pytest.mark.parametrize("text", ["SUP199", "sup199", "SUP1234", "SUP777", "SUP3"])
def test_a_code_that_resembles_none_by_one_slip_gets_no_hint(text: str) -> None:
    assert catalogue.find_rule(text, ALL) == f"unknown rule {text!r}"


@pytest.mark.parametrize(
    ("text", "meant"), [("SUP409", "SUP408"), ("SUP310", "SUP301"), ("SUP44", "SUP404"), ("SUP5011", "SUP501")]
)
def test_a_mistyped_code_gets_the_one_of_its_family_that_is_meant(text: str, meant: str) -> None:
    assert f"did you mean {meant} (" in str(catalogue.find_rule(text, ALL))


def test_an_explanation_has_header_and_headings() -> None:
    lines = list(catalogue.explanation(RULES[1], tagged))
    assert lines[0] == "<heading>SUP205 orm-object-in-task</>"
    assert "Default: off (select it to have it)" in lines
    assert "<heading>What it finds</>" in lines
    assert "    # Example" in lines  # code is code


def test_the_table_of_rules_is_aligned() -> None:
    lines = list(catalogue.table(RULES))
    assert len(lines) == 3
    assert len({line.index("template") for line in lines[1:]} | {lines[0].index("profile")}) == 1
    assert not any(line.endswith(" ") for line in lines)


def test_a_table_that_does_not_fit_has_its_summaries_below() -> None:
    lines = list(catalogue.table(ALL, width=80))
    assert max(map(len, lines)) <= 80
    starts = [number for number, line in enumerate(lines) if line.startswith("SUP")]
    for rule, start, end in zip(ALL, starts, [*starts[1:], len(lines)], strict=True):
        assert lines[start].split()[:3] == [rule.code, rule.name, rule.severity]
        assert all(line.startswith(" " * 8) for line in lines[start + 1 : end])
        assert " ".join(line.strip() for line in lines[start + 1 : end]) == rule.summary
    assert list(catalogue.table(ALL, width=500)) == list(catalogue.table(ALL))


def test_the_rules_as_markdown_and_json() -> None:
    lines = list(catalogue.markdown(RULES))
    assert lines[1] == "|" + " --- |" * 7
    assert lines[2].endswith("| A factory \\| called directly. |")
    document = json.loads(catalogue.as_json(RULES))
    assert document["version"] == 1
    assert [rule["default"] for rule in document["rules"]] == [True, False]


def test_the_json_of_the_rules_has_values_for_programs() -> None:
    mixed = FakeRule("SUP103", "raw-session-getter", profile="hazards for the broken forms")
    entries = json.loads(catalogue.as_json((*RULES, mixed)))["rules"]
    assert [entry["profile"] for entry in entries] == ["template", "template", "mixed"]
    assert [(entry["fix"], entry["planned_fix"]) for entry in entries] == [("safe", "safe")] * 3
    real = json.loads(catalogue.as_json(ALL))["rules"]
    assert {entry["profile"] for entry in real} <= {"template", "hazards", "mixed"}
    assert {entry["fix"] for entry in real} <= {"safe", "unsafe", "none"}


@pytest.mark.parametrize(
    ("fix", "line"),
    [
        ("safe", "Fix: at best safe (--fix)"),
        ("unsafe", "Fix: at best unsafe (--fix --unsafe-fixes)"),
        ("none", "Fix: none"),
    ],
)
def test_the_best_fix_that_a_rule_can_have_is_explained(fix: str, line: str) -> None:
    assert line in list(catalogue.explanation(FakeRule("SUP101", "direct-session-factory", fix=fix)))


def test_a_prefix_gives_the_rules_that_begin_with_it() -> None:
    assert catalogue.with_prefix("sup1", RULES) == [RULES[0]]
    assert catalogue.with_prefix(" SUP ", RULES) == list(RULES)
    assert catalogue.with_prefix("SUP101", RULES) == []
    assert catalogue.with_prefix("SUP3", RULES) == catalogue.with_prefix("s", RULES) == []


# What `explain` and `rules` print


@pytest.mark.parametrize("output", ["text", "markdown", "json"])
def test_what_is_asked_for_twice_is_explained_once(output: str) -> None:
    args = ("explain", "--output-format", output)
    once = invoke(*args, "SUP101", "SUP103").stdout
    assert once and once == invoke(*args, "SUP101,sup103", "direct-session-factory", "SUP101", " SUP103").stdout


@pytest.mark.parametrize("output", ["text", "markdown", "json"])
def test_one_unknown_rule_explains_nothing(output: str) -> None:
    done = invoke("explain", "SUP101", "SUP999", "--output-format", output)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_as_text_a_prefix_lists_its_rules_and_a_code_has_its_documentation() -> None:
    lines = invoke("explain", "SUP5", "SUP101").stdout.splitlines()
    assert [line[:6] for line in lines[:5]] == ["code  ", "SUP501", "SUP502", "", "SUP101"]
    assert "Fix safety" in lines and "        session = async_session_factory()" in lines


def test_as_markdown_each_rule_is_a_section_with_its_properties() -> None:
    text = invoke("explain", "SUP5", "SUP407", "--output-format", "markdown").stdout
    headings = [line for line in text.splitlines() if line.startswith("# SUP")]
    assert [heading[2:8] for heading in headings] == ["SUP501", "SUP502", "SUP407"]
    assert "\n- default: off (select it to have it)\n" in text
    assert text.count("```python") == text.count("\n```\n") == 6
    assert "\n\n\n" not in text and text.endswith("\n") and "\x1b" not in text


def test_as_json_the_five_parts_are_the_whole_documentation() -> None:
    document = json.loads(invoke("explain", "SUP", "--output-format", "json").stdout)
    assert document["version"] == 1
    for entry, rule, row in zip(document["rules"], ALL, json.loads(catalogue.as_json(ALL))["rules"], strict=True):
        parts = entry.pop("documentation")
        assert entry == row
        assert list(parts) == ["what_it_finds", "why_it_matters", "example", "use_instead", "fix_safety"]
        rebuilt = "".join(f"\n\n## {key.capitalize().replace('_', ' ')}\n{text}" for key, text in parts.items())
        assert f"{rule.summary}.{rebuilt}" == rule.doc.strip()


def test_a_heading_inside_of_code_ends_no_part() -> None:
    assert list(json.loads(catalogue.explanations_json(RULES))["rules"][0]["documentation"]) == ["what_it_finds"]


def test_the_list_of_rules_has_what_a_fix_can_be() -> None:
    rows = [line.split("|") for line in invoke("rules", "--output-format", "markdown").stdout.splitlines()]
    assert {row[1].strip(): row[6].strip() for row in rows[2:]} == {rule.code: rule.fix for rule in ALL}
    lines = invoke("rules").stdout.splitlines()
    column = lines[0].index("fix ")
    assert [line[column:].split()[0] for line in lines[1:]] == [rule.fix for rule in ALL]


# The examples of the documentation, in a project


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.code)
def test_the_example_of_a_rule_is_found(tmp_path: Path, rule: Rule) -> None:
    raw_getter = rule.code == "SUP103"
    assert rule.code in codes_of(tmp_path, rule, example(rule, "Example"), raw_getter=raw_getter)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.code)
def test_what_to_use_instead_is_clear(tmp_path: Path, rule: Rule) -> None:
    assert codes_of(tmp_path, rule, example(rule, "Use instead")) == []
