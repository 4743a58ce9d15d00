"""The formats for CI servers in whole runs: the paths they name, broken files, stdin, and what they cost the others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema
import pytest
from cli_support import SNIPPET, invoke, project_fixture, spawn  # noqa: F401
from fix_support import BROKEN, app_fixture, replacing  # noqa: F401
from project_support import SESSION_MODULE
from report_support import schema

from supavisor_lint.report.formats import FORMATS
from supavisor_lint.rewrites import REWRITES

CI = ("sarif", "github", "gitlab", "junit")
UNDECODABLE = b"# \xff\nasync def t():\n    session = async_session_factory()\n"
TASK = """\
from app.db import async_session_factory


async def work():
    async with async_session_factory() as session:
        await session.execute("SELECT 1")
"""


@pytest.fixture(autouse=True)
def no_ci_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


def places(name: str, text: str) -> list[str]:
    """The paths of a report's findings, in order; it is valid in its format."""
    if name == "sarif":
        log = json.loads(text)
        jsonschema.Draft4Validator(schema("sarif-schema-2.1.0.json")).validate(log)
        found = [result["locations"][0]["physicalLocation"] for result in log["runs"][0]["results"]]
        return [unquote(place["artifactLocation"]["uri"]) for place in found]
    if name == "gitlab":
        document = json.loads(text)
        jsonschema.validate(document, schema("gitlab-code-quality.schema.json"))
        return [entry["location"]["path"] for entry in document]
    if name == "github":
        return re.findall(r"^::[a-z]+ file=([^,]+),", text, re.MULTILINE)
    return [
        str(case.get("name")) for case in ElementTree.fromstring(text.encode("utf-8")).iter("testcase") if len(case)
    ]


def checked(name: str, *args: str, stdin: bytes | None = None) -> list[str]:
    return places(name, invoke("check", "--output-format", name, *args, stdin=stdin).stdout)


# Silence


@pytest.mark.parametrize("name", CI)
def test_a_clean_run_is_a_valid_report_of_nothing(name: str, project: Path) -> None:
    result = invoke("check", "--output-format", name, "app/clean.py")
    assert (result.exit_code, places(name, result.stdout)) == (0, [])


@pytest.mark.parametrize("name", CI)
def test_a_suppressed_finding_is_in_none_but_sarif(name: str, project: Path) -> None:
    (project / "app" / "tasks.py").write_text(SNIPPET[:-1] + "  # noqa: SUP101\n", "utf-8")
    result = invoke("check", "--output-format", name)
    assert (result.exit_code, places(name, result.stdout)) == (0, ["app/tasks.py"] if name == "sarif" else [])


def test_what_is_not_asked_for_is_not_imported(project: Path) -> None:
    code = (
        "import sys, atexit\n"
        "own = {f'supavisor_lint.report.{name}' for name in ('sarif', 'github', 'gitlab', 'junit')}\n"
        "atexit.register(lambda: print('LOADED', sorted((own | {'xml'}) & set(sys.modules))))\n"
        "sys.argv[1:] = ['check', '-q']\n"
        "from supavisor_lint.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "SUP101" in done.stdout and done.stdout.endswith("LOADED []\n")


# Paths


@pytest.mark.parametrize("name", CI)
def test_paths_are_relative_to_the_repository_and_not_to_the_root_in_it(name: str, project: Path) -> None:
    (project.parent / ".git").mkdir()
    assert checked(name) == ["project/app/tasks.py"]
    assert json.loads(invoke("check", "--output-format", "json").stdout)["findings"][0]["path"] == "app/tasks.py"


def test_what_belongs_to_a_finding_has_the_same_paths(project: Path) -> None:
    """The places that explain it, its fix, and the text that its fingerprints are made from."""
    (project.parent / ".git").mkdir()
    (project / "app" / "db.py").write_text(SESSION_MODULE, "utf-8")
    (project / "app" / "tasks.py").write_text(TASK, "utf-8")
    log = json.loads(invoke("check", "--output-format", "sarif", "--select", "SUP101").stdout)
    (result,) = log["runs"][0]["results"]
    assert "primaryLocationLineHash" in result["partialFingerprints"]
    locations = [place["physicalLocation"]["artifactLocation"] for place in result["relatedLocations"]]
    assert [location["uri"] for location in locations] == ["project/app/db.py"]
    changed = [change["artifactLocation"]["uri"] for fix in result["fixes"] for change in fix["artifactChanges"]]
    assert changed == ["project/app/tasks.py"]


@pytest.mark.parametrize("variable", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"])
@pytest.mark.parametrize("name", CI)
def test_without_git_the_server_says_where_the_repository_is(
    name: str, variable: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(project.parent))
    assert checked(name) == ["project/app/tasks.py"]
    monkeypatch.setenv(variable, str(project / "elsewhere"))
    assert checked(name) == ["app/tasks.py"]


@pytest.mark.parametrize("path", ["my app/100%25 #1.py", "größe/漢 'a' & <b>.py"])
@pytest.mark.parametrize("name", CI)
def test_odd_file_names(name: str, path: str, project: Path) -> None:
    (project / path).parent.mkdir()
    (project / path).write_text(SNIPPET, "utf-8")
    (project / "app" / "tasks.py").unlink()
    found = checked(name)
    assert [place.replace("%25", "%") if name == "github" else place for place in found] == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8")
def test_a_file_name_that_is_not_text(project: Path) -> None:
    Path(os.fsdecode(b"app/\xff.py")).write_text(SNIPPET, "utf-8")
    files = [f"--output-format={name}=out.{name}" for name in CI if name != "junit"]
    done = spawn("check", *files, "--output-format=junit", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    (project / "out.junit").write_bytes(done.stdout)
    for name in CI:
        assert len(places(name, (project / f"out.{name}").read_text("utf-8"))) == 2


@pytest.mark.parametrize("name", CI)
def test_a_text_from_stdin(name: str, project: Path) -> None:
    (project.parent / ".git").mkdir()
    assert checked(name, "-", stdin=SNIPPET.encode()) == ["stdin"]
    assert checked(name, "-", "--stdin-filename", "app/new.py", stdin=SNIPPET.encode()) == ["project/app/new.py"]


# What goes wrong


@pytest.mark.parametrize("data", [b"def broken(:\n    async_session_factory()\n", UNDECODABLE])
@pytest.mark.parametrize("name", CI)
def test_a_file_that_cannot_be_read_is_a_finding(name: str, data: bytes, project: Path) -> None:
    (project / "app" / "tasks.py").write_bytes(data)
    result = invoke("check", "--output-format", name)
    assert (result.exit_code, places(name, result.stdout)) == (1, ["app/tasks.py"])
    assert "SUP900" in result.stdout


def problems(name: str, text: str) -> list[str]:
    if name == "sarif":
        (invocation,) = json.loads(text)["runs"][0]["invocations"]
        assert invocation["executionSuccessful"] is not bool(invocation["toolExecutionNotifications"])
        return [notification["message"]["text"] for notification in invocation["toolExecutionNotifications"]]
    if name == "github":
        return re.findall(r"^::error title=supavisor-lint::(.*)$", text, re.MULTILINE)
    return [str(error.text) for error in ElementTree.fromstring(text).iter("error")]


@pytest.mark.parametrize("name", ["sarif", "github", "junit"])
def test_what_could_not_be_checked_is_said(name: str, project: Path) -> None:
    result = invoke("check", "--output-format", name, "app", "nope.py")
    assert (result.exit_code, places(name, result.stdout)[0]) == (2, "app/tasks.py")
    (problem,) = problems(name, result.stdout)
    assert problem in result.stderr and "nope.py" in problem


@pytest.mark.parametrize("name", ["sarif", "github", "junit"])
def test_a_fix_that_failed_is_said(name: str, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REWRITES, "SUP104", replacing(("with get", "with (get")))
    result = invoke("check", "--fix", "--output-format", name)
    assert result.exit_code == 2 and Path("app/work.py").read_text("utf-8") == BROKEN
    failed = [problem for problem in problems(name, result.stdout) if problem.startswith("app/work.py: fix failed: ")]
    assert len(failed) == 1 and failed[0] in result.stderr


def test_statistics_need_a_format_that_shows_them(project: Path) -> None:
    for name in CI:
        result = invoke("check", "--statistics", "--output-format", name)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert "--statistics needs one of the formats that show it: full, concise, json;" in result.stderr
    assert invoke("check", "--statistics", "--output-format", "concise", "--output-format=sarif=a").exit_code == 1


# Together


def test_all_formats_in_one_run_agree(project: Path) -> None:
    options = [f"--output-format={name}=out.{name}" for name in FORMATS]
    result = invoke("check", *options)
    assert (result.exit_code, result.stdout) == (1, "")
    for name in CI:
        assert places(name, (project / f"out.{name}").read_text("utf-8")) == ["app/tasks.py"]


@pytest.mark.parametrize("name", CI)
def test_the_same_run_gives_the_same_text(name: str, project: Path) -> None:
    first: Any = invoke("check", "--output-format", name).stdout
    assert invoke("check", "--output-format", name).stdout == first
    assert str(project) not in first
