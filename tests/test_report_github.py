"""The format `github`: what the runner of GitHub Actions reads in each line, and what it cannot be made to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_support import PLACE, WORSE, finding, is_harmless, rendered, report

from supavisor_lint.findings import Severity, Span
from supavisor_lint.report.text import harmless

IN_MESSAGE = {"%0D": "\r", "%0A": "\n"}
IN_PROPERTY = IN_MESSAGE | {"%3A": ":", "%2C": ","}


def unescaped(text: str, escapes: dict[str, str]) -> str:
    for escape, char in escapes.items():
        text = text.replace(escape, char)
    return text.replace("%25", "%")


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Read a line as the runner does: command, properties and message."""
    assert line.startswith("::")
    head, _, message = line[2:].partition("::")
    command, _, rest = head.partition(" ")
    pairs = (pair.partition("=") for pair in rest.split(",") if pair)
    return command, {key: unescaped(value, IN_PROPERTY) for key, _, value in pairs}, unescaped(message, IN_MESSAGE)


def only(text: str) -> tuple[str, dict[str, str], str]:
    assert text.endswith("\n") and text.count("\n") == 1
    return read(text[:-1])


def test_nothing_to_report_is_nothing() -> None:
    assert rendered("github", report()) == ""
    assert rendered("github", report(suppressed=[finding()], baselined=[finding()])) == ""


def test_a_finding_is_one_command() -> None:
    assert rendered("github", report([finding()])) == (
        "::error file=app/tasks.py,line=2,col=15,endLine=2,endColumn=38,title=SUP101 direct-session-factory"
        "::session factory called directly\n"
    )


@pytest.mark.parametrize(("severity", "command"), [("error", "error"), ("warning", "warning"), ("info", "notice")])
def test_the_severity_is_the_command(severity: Severity, command: str) -> None:
    assert only(rendered("github", report([finding(severity=severity)])))[0] == command


def test_a_span_of_several_lines_has_no_columns() -> None:
    """The runner drops them, with a complaint, where the lines differ."""
    properties = only(rendered("github", report([finding(span=Span(2, 15, 4, 6))])))[1]
    assert (properties["line"], properties["endLine"]) == ("2", "4")
    assert not properties.keys() & {"col", "endColumn"}


def test_the_places_that_explain_it_are_lines_of_the_message() -> None:
    message = only(rendered("github", report([finding(related=(PLACE,))])))[2]
    assert message == "session factory called directly\napp/db.py:4:1: the factory is defined here"


def test_what_could_not_be_done_is_an_error_without_a_place() -> None:
    text = rendered("github", report(problems=["cannot read a.py: 100% gone"]))
    assert text == "::error title=supavisor-lint::cannot read a.py: 100%25 gone\n"


@pytest.mark.parametrize(
    "path", ["my app/tasks.py", "größe/漢字.py", "a#b.py", "100%25.py", "a,line=9:b.py", "a::b.py"]
)
def test_paths_are_read_back_as_they_are(path: str) -> None:
    assert only(rendered("github", report([finding(path=path)])))[1]["file"] == path


@pytest.mark.parametrize("utf8", [True, False])
def test_hostile_text_stays_in_its_place(utf8: bool) -> None:
    bad = finding(path=WORSE, message=WORSE, related=(PLACE,))
    text = rendered("github", report([bad], problems=[WORSE]), utf8)
    assert text.count("\n") == 2 and is_harmless(text)
    command, properties, message = read(text.splitlines()[0])
    assert (command, len(properties)) == ("error", 6)
    assert properties["title"] == "SUP101 direct-session-factory"
    assert "100%0A ::error::x" in message and "\n\\ud800" in message


@given(st.text(), st.text())
def test_the_runner_reads_what_was_written(path: str, message: str) -> None:
    text = rendered("github", report([finding(path=path, message=message)]))
    _, properties, read_message = only(text)
    assert properties["file"] == "\n".join("\r".join(map(harmless, part.split("\r"))) for part in path.split("\n"))
    assert read_message == "\n".join("\r".join(map(harmless, part.split("\r"))) for part in message.split("\n"))
