"""The format `junit`: XML as Jenkins prescribes it, whatever is in the findings."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from report_support import PLACE, WORSE, finding, is_harmless, rendered, report

from supavisor_lint.findings import Severity, Span
from supavisor_lint.report.model import Report

XSD = xmlschema.XMLSchema(Path(__file__).with_name("schemas") / "junit-10.xsd")
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def suite_of(shown: Report, utf8: bool = True) -> ElementTree.Element:
    """The one test suite of a report that is valid, and whose counts are those of its test cases."""
    text = rendered("junit", shown, utf8)
    assert text.startswith(DECLARATION) and text.endswith("</testsuites>\n")
    XSD.validate(text.removeprefix(DECLARATION))
    root = ElementTree.fromstring(text.encode("utf-8"))
    (suite,) = root
    for element in (root, suite):
        assert element.get("name") == "supavisor-lint"
        assert element.get("tests") == str(len(suite.findall("testcase")))
        assert element.get("failures") == str(len(suite.findall("testcase/failure")))
        assert element.get("errors") == str(len(suite.findall("testcase/error")))
    return suite


def test_nothing_to_report_is_one_test_that_has_passed() -> None:
    for shown in (report(), report(suppressed=[finding()], baselined=[finding()])):
        (case,) = suite_of(shown)
        assert list(case) == [] and case.get("name") == "no findings"


def test_a_file_is_one_test_case_with_one_failure() -> None:
    (case,) = suite_of(report([finding(related=(PLACE,))]))
    (failure,) = case
    assert case.attrib == {"classname": "supavisor-lint", "name": "app/tasks.py"}
    assert failure.attrib == {"message": "SUP101 session factory called directly", "type": "error"}
    assert failure.text == (
        "app/tasks.py:2:15: [error] SUP101 session factory called directly\n"
        "    app/db.py:4:1: the factory is defined here"
    )


def test_several_findings_of_a_file_are_one_failure_with_their_codes() -> None:
    more = finding(span=Span(7, 1, 7, 2), code="SUP304", severity="warning", message="committed by hand")
    first, second = suite_of(report([more, finding(span=Span(9, 1, 9, 2)), finding(path="app/zoo.py")]))
    assert [case.get("name") for case in (first, second)] == ["app/tasks.py", "app/zoo.py"]
    failure = first[0]
    assert failure.attrib == {"message": "2 findings: SUP101, SUP304", "type": "error"}
    assert failure.text is not None and len(failure.text.splitlines()) == 2


@pytest.mark.parametrize("severity", ["error", "warning", "info"])
def test_the_type_is_the_worst_severity(severity: Severity) -> None:
    (case,) = suite_of(report([finding(severity="info"), finding(severity=severity)]))
    assert case[0].get("type") == severity


def test_what_could_not_be_done_is_an_error() -> None:
    failed, error = suite_of(report([finding()], problems=["cannot read a.py"]))
    assert (failed[0].tag, error[0].tag) == ("failure", "error")
    assert error.get("name") == "problem 1" and error[0].get("message") == error[0].text == "cannot read a.py"


@pytest.mark.parametrize("path", ["my app/tasks.py", "größe/漢字.py", "a\"<&>'.py", "100%25#.py"])
def test_paths_are_read_back_as_they_are(path: str) -> None:
    assert suite_of(report([finding(path=path)]))[0].get("name") == path


@pytest.mark.parametrize("utf8", [True, False])
def test_hostile_text_is_shown_and_not_obeyed(utf8: bool) -> None:
    bad = finding(path=WORSE, message=WORSE + "漢🐍", related=(PLACE,))
    failed, error = suite_of(report([bad], problems=[WORSE]), utf8)
    text = rendered("junit", report([bad], problems=[WORSE]), utf8)
    text.encode("utf-8" if utf8 else "ascii")
    assert is_harmless(text)
    shown = failed[0].get("message")
    assert shown is not None and shown.endswith("漢🐍")
    assert "\\x1b]0;owned\\x07" in shown and "\\ud800]]>&<!-- \\uffff\\ufffe\\x00 100%0A" in shown
    assert error[0].text == error[0].get("message") and error[0].text in shown


@given(st.text(), st.text())
def test_any_text_makes_a_report_that_can_be_read(path: str, message: str) -> None:
    text = rendered("junit", report([finding(path=path, message=message)]))
    (case,) = ElementTree.fromstring(text.encode("utf-8"))[0]
    assert case[0].get("message") is not None


def test_the_schema_is_not_satisfied_by_anything() -> None:
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        XSD.validate('<testsuites><testsuite name="a"/></testsuites>')
