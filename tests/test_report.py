"""The renderers: what a finding looks like in each format, and what a hostile source cannot do to them."""

from __future__ import annotations

import json
import time
import unicodedata
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_support import HOSTILE, PLACE, SOURCE, SUMMARY, finding, schema

from supavisor_lint.findings import Place, Span
from supavisor_lint.report import concise, full, json_format, statistics
from supavisor_lint.report.model import Role, Summary
from supavisor_lint.report.text import harmless, split_lines, underline
from supavisor_lint.rules import RULES

SCHEMA = schema("findings.schema.json")


def tagged(text: str, role: Role) -> str:
    return f"<{role}>{text}</>"


def test_concise_is_one_line_per_finding() -> None:
    lines = list(concise.render([finding(), finding(span=Span(7, 1, 7, 2))]))
    assert lines == [
        "app/tasks.py:2:15: SUP101 session factory called directly",
        "app/tasks.py:7:1: SUP101 session factory called directly",
    ]


def test_full_shows_the_line_the_carets_the_places_and_the_help() -> None:
    place = Place("app/db.py", 4, 1, "the factory is defined here")
    reason = "the session escapes the function"
    lines = list(full.render([finding(related=(place,), no_fix_reason=reason)], {"app/tasks.py": SOURCE}))
    assert lines == [
        "app/tasks.py:2:15: SUP101 [error] session factory called directly",
        "  |",
        "2 |     session = async_session_factory()",
        "  |               ^^^^^^^^^^^^^^^^^^^^^^^",
        "  = note: app/db.py:4:1: the factory is defined here",
        "  = help: the session escapes the function",
        "",
    ]


def test_full_underlines_the_first_of_several_lines_to_its_end() -> None:
    source = "session = async_session_factory(  \n    bind=engine,\n)\n"
    lines = list(full.render([finding(span=Span(1, 11, 3, 2))], {"app/tasks.py": source}))
    assert lines[2:4] == ["1 | session = async_session_factory(", "  |           " + "^" * 22]


def test_full_shows_the_code_once_for_findings_about_the_same_stretch() -> None:
    other = finding(code="SUP404", message="nothing logs", no_fix_reason="why")
    elsewhere = finding(span=Span(2, 5, 2, 12))
    lines = list(full.render([finding(), other, elsewhere, finding()], {"app/tasks.py": SOURCE}))
    assert [line for line in lines if line.startswith("2 |")] == ["2 |     session = async_session_factory()"] * 3
    assert lines[5:8] == ["app/tasks.py:2:15: SUP404 [error] nothing logs", "  = help: why", ""]
    found = [finding(), finding(path="app/other.py")]
    twins = list(full.render(found, {"app/tasks.py": SOURCE, "app/other.py": SOURCE}))
    assert sum(line.startswith("2 |") for line in twins) == 2


def test_a_place_that_explains_a_finding_is_named_once() -> None:
    view: Any = SimpleNamespace(file=SimpleNamespace(path="app/tasks.py"))
    elsewhere = replace(PLACE, line=5)
    found = RULES[0].at(view, Span(1, 1, 1, 2), "message", related=iter([PLACE, elsewhere, PLACE]))
    assert found.related == (PLACE, elsewhere)


@pytest.mark.parametrize("sources", [{}, {"app/tasks.py": ""}, {"app/tasks.py": "one line"}])
def test_full_does_without_the_frame_when_the_line_is_not_there(sources: dict[str, str]) -> None:
    assert list(full.render([finding()], sources)) == [
        "app/tasks.py:2:15: SUP101 [error] session factory called directly",
        "",
    ]


def test_full_puts_one_caret_on_an_empty_file() -> None:
    lines = list(full.render([finding(span=Span(1, 1, 1, 1))], {"app/tasks.py": ""}))
    assert lines[1:4] == ["  |", "1 |", "  | ^"]


def test_styles_and_displays_are_applied() -> None:
    lines = list(full.render([finding()], {"app/tasks.py": SOURCE}, lambda path: f"../{path}", tagged))
    assert lines[0] == (
        "<path>../app/tasks.py</>:2:15: <code>SUP101</> <error>[error]</> session factory called directly"
    )
    assert lines[3] == "  <dim>|</>               <caret>" + "^" * 23 + "</>"
    assert next(iter(concise.render([finding()], str.upper, tagged))).startswith("<path>APP/TASKS.PY</>:2:15: ")


def test_lines_end_where_python_ends_them() -> None:
    assert split_lines("\ufeffa\r\nb\rc\nd\x0ce\u2028f\x85g") == ["a", "b", "c", "d\x0ce\u2028f\x85g"]


def test_carets_line_up_behind_tabs() -> None:
    assert underline("\tx = f(\ty)", 5, 10, 80) == ("\tx = f(\ty)", "\t    ^^\t^^")


def test_carets_line_up_behind_wide_and_combining_characters() -> None:
    assert underline("s = '漢字'; f()", 10, 13, 80) == ("s = '漢字'; f()", " " * 12 + "^^^")
    assert underline("s = 'e\u0301'; f()", 10, 13, 80)[1] == " " * 9 + "^^^"
    assert underline("漢字", 1, 2, 80)[1] == "  ^^"


def test_carets_line_up_behind_escapes() -> None:
    assert underline("'\x1b[31m' + f()", 10, 13, 80) == ("'\\x1b[31m' + f()", " " * 13 + "^^^")


def test_a_stretch_outside_the_line_gets_one_caret_at_its_end() -> None:
    assert underline("abc", 9, 12, 80) == ("abc", "   ^")
    assert underline("abc", 1, 0, 80) == ("abc", " ^")


def test_a_line_of_a_megabyte_is_cropped_round_the_carets_at_once() -> None:
    line = "x" * 500_000 + "factory()" + "y" * 500_000
    began = time.perf_counter()
    shown, carets = underline(line, 500_000, 500_009, 100)
    assert time.perf_counter() - began < 0.1
    assert len(shown) <= 100
    assert shown.startswith("...") and shown.endswith("...")
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "factory()"


def test_a_long_stretch_is_cropped_at_its_end() -> None:
    shown, carets = underline("f(" + "x" * 1000 + ")", 0, 1003, 60)
    assert shown == "f(" + "x" * 55 + "..."
    assert carets == "^" * 57


def cells(text: str) -> int:
    """The width of a text by the terminal's rules: tabs to the next multiple of 8."""
    width = 0
    for char in text:
        if char == "\t":
            width += 8 - width % 8
        elif unicodedata.category(char) not in {"Mn", "Me"}:
            width += 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
    return width


def shown_alone(text: str) -> str:
    return "\t".join(harmless(part) for part in text.split("\t"))


@given(
    st.text(st.sampled_from("ab\t漢e\u0301\x1b\u202e\ud800."), max_size=400),
    st.integers(0, 400),
    st.integers(0, 40),
    st.integers(20, 130),
)
def test_no_frame_is_too_wide_or_out_of_line(line: str, start: int, length: int, width: int) -> None:
    start = min(start, len(line))
    shown, carets = underline(line, start, start + length, width)
    assert cells(shown) <= width + 8
    assert set(carets) <= set(" \t^") and "^" in carets
    assert harmless(shown.replace("\t", "")) == shown.replace("\t", "")
    shown.encode("utf-8")
    if not shown.startswith("...") and start < len(line) and cells(shown_alone(line[start])) and line[start] != "\t":
        assert cells(carets[: carets.index("^")]) == cells(shown_alone(line[:start]))


def test_hostile_messages_and_paths_are_harmless_in_every_text_format() -> None:
    bad = finding(
        message=HOSTILE,
        path=HOSTILE,
        related=(Place(HOSTILE, 1, 1, HOSTILE),),
        no_fix_reason=HOSTILE,
        span=Span(1, 1, 1, 5),
    )
    lines = [*concise.render([bad]), *full.render([bad], {HOSTILE: HOSTILE})]
    for line in lines:
        assert line.isprintable()
        line.encode("utf-8")
    assert lines[0].endswith(": SUP101 \\x1b]0;owned\\x07 \\x9b31m \\u202egnirts\\u2066 \\r\\n\\ud800")


def test_harmless_leaves_other_languages_alone() -> None:
    assert harmless("Größe 漢字 ß ñ e\u0301") == "Größe 漢字 ß ñ e\u0301"
    assert harmless("a\tb") == "a\\tb"


def test_json_keeps_the_contract() -> None:
    place = Place("app/db.py", 4, 1, "the factory is defined here")
    document = json.loads(json_format.render([finding(related=(place,), no_fix_reason="why")], SUMMARY))
    assert document == {
        "version": 1,
        "findings": [
            {
                "code": "SUP101",
                "name": "direct-session-factory",
                "message": "session factory called directly",
                "severity": "error",
                "confidence": "high",
                "path": "app/tasks.py",
                "line": 2,
                "column": 15,
                "end_line": 2,
                "end_column": 38,
                "function": "task",
                "related": [{"path": "app/db.py", "line": 4, "column": 1, "message": "the factory is defined here"}],
                "fix": None,
                "no_fix_reason": "why",
            }
        ],
        "summary": {"files": 3, "analysed": 2, "failed": 1, "findings": 1, "fixed": 0, "suppressed": 4, "baselined": 0},
    }
    jsonschema.validate(document, SCHEMA)


def test_json_of_nothing_is_a_whole_document() -> None:
    document = json.loads(json_format.render([], Summary(0, 0, 0, 0, 0, 0), []))
    assert document["findings"] == [] and document["statistics"] == []
    jsonschema.validate(document, SCHEMA)


def test_the_schema_is_not_satisfied_by_anything() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(json_format.render([finding()], SUMMARY))
    del document["findings"][0]["no_fix_reason"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)
    absolute = json.loads(json_format.render([finding(path="/app/tasks.py")], SUMMARY))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(absolute, SCHEMA)


@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_survives_hostile_text(ascii_only: bool) -> None:
    text = json_format.render([finding(message=HOSTILE + "漢")], SUMMARY, None, ascii_only)
    text.encode("ascii" if ascii_only else "utf-8")
    assert text.replace("\n", "").isprintable()
    assert json.loads(text)["findings"][0]["message"] == HOSTILE + "漢"
    assert ("漢" in text) is not ascii_only


def test_statistics_put_the_most_frequent_first() -> None:
    many = [finding(code="SUP301", name="operation-outside-transaction")] * 11
    counts = statistics.count_codes([finding(), finding(code="SUP201", name="task-without-session-helper"), *many])
    assert list(statistics.render(counts)) == [
        "11  SUP301  operation-outside-transaction",
        " 1  SUP101  direct-session-factory",
        " 1  SUP201  task-without-session-helper",
    ]
    assert list(statistics.render([])) == []
