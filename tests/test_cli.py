"""The command line: what it makes of its arguments, what it says, and how it ends."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from cli_support import FOUND, NONE, ONE, Fake, fake_fixture, invoke, project_fixture  # noqa: F401

from supavisor_lint.settings import Settings

SCHEMA = json.loads(Path(__file__).with_name("schemas").joinpath("findings.schema.json").read_text("utf-8"))


# What it says, and where


def test_findings_go_to_stdout_and_the_summary_to_stderr(fake: Fake) -> None:
    result = invoke("check")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "app/tasks.py:2:15: SUP101 [error] session factory called directly"
    assert "2 |     session = async_session_factory()" in result.stdout
    assert "  = note: app/db.py:1:1: defined here" in result.stdout
    assert result.stderr == "Found 1 finding in 1 of 2 files.\n"


def test_a_clean_run_prints_nothing_to_stdout(fake: Fake) -> None:
    fake.result = NONE
    result = invoke("check")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "All clear: 2 files checked.\n")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"suppressed": (FOUND, FOUND)}, "All clear: 2 files checked. 2 findings suppressed."),
        (
            {"files": 0, "analysed": 0},
            "No Python files to check: there are none here, or all are excluded or ignored by git.",
        ),
        (
            {"files": 0, "analysed": 0, "excluded": ("app/gen.py",)},
            "No Python files to check: app/gen.py is excluded by the settings.",
        ),
        (
            {"files": 0, "analysed": 0, "excluded": ("a.py", "b.py", "c.py")},
            "No Python files to check: a.py and 2 other paths are excluded by the settings.",
        ),
        (
            {"failed": 1},
            "No findings in 2 files, but not everything could be checked. 1 file could not be analysed.",
        ),
    ],
)
def test_the_summary_says_what_stays_out_of_sight(fake: Fake, changes: dict[str, object], line: str) -> None:
    fake.result = replace(NONE, **changes)  # type: ignore[arg-type]
    assert invoke("check").stderr == f"{line}\n"


def test_quiet_has_findings_but_no_summary(fake: Fake) -> None:
    result = invoke("check", "--quiet", "--output-format", "concise")
    assert result.stdout == "app/tasks.py:2:15: SUP101 session factory called directly\n"
    assert result.stderr == ""


def test_verbose_says_what_it_worked_with(fake: Fake) -> None:
    stderr = invoke("check", "-v").stderr
    assert "profile: template" in stderr and "2 analysed" in stderr


def test_statistics_follow_the_findings(fake: Fake) -> None:
    stdout = invoke("check", "--statistics", "--output-format", "concise").stdout
    assert stdout.splitlines()[1:] == ["", "1  SUP101  direct-session-factory"]


def test_json_is_the_contract_and_nothing_else_is_on_stdout(fake: Fake) -> None:
    result = invoke("check", "--output-format", "json", "--statistics", "--verbose")
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["findings"][0]["path"] == "app/tasks.py"
    assert document["summary"] == {
        "files": 2,
        "analysed": 2,
        "failed": 0,
        "findings": 1,
        "fixed": 0,
        "suppressed": 0,
        "baselined": 0,
    }
    assert document["statistics"] == [{"code": "SUP101", "name": "direct-session-factory", "count": 1}]


def test_paths_are_shown_from_where_the_reader_is(fake: Fake, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = ("check", "--output-format", "concise", str(project))
    monkeypatch.chdir(project / "app")
    assert invoke(*args).stdout.startswith("tasks.py:2:15: ")
    (project / "docs").mkdir()
    monkeypatch.chdir(project / "docs")
    assert invoke(*args).stdout.startswith(f"..{os.sep}app{os.sep}tasks.py:2:15: ")
    monkeypatch.chdir(project.parent)
    assert invoke(*args).stdout.startswith(f"project{os.sep}app{os.sep}tasks.py:2:15: ")
    (project.parent / "elsewhere").mkdir()
    monkeypatch.chdir(project.parent / "elsewhere")
    assert invoke(*args).stdout.startswith(f"{project / 'app' / 'tasks.py'}:2:15: ")
    args = ("check", "--output-format", "json", str(project))
    assert json.loads(invoke(*args).stdout)["findings"][0]["path"] == "app/tasks.py"


# Exit codes and errors


def test_exit_zero_is_for_findings_only(fake: Fake) -> None:
    assert invoke("check", "--exit-zero").exit_code == 0
    fake.result = replace(ONE, problems=("nope.py: No such file or directory",))
    assert invoke("check", "--exit-zero").exit_code == 2


def test_a_problem_is_one_line_and_the_rest_is_still_reported(fake: Fake) -> None:
    fake.result = replace(ONE, problems=("nope.py: No such file\nor directory",))
    result = invoke("check", "--quiet")
    assert result.exit_code == 2
    assert "SUP101" in result.stdout
    assert result.stderr == "supavisor-lint: error: nope.py: No such file\\nor directory\n"


@pytest.mark.parametrize("error", [ValueError("boom\nbang"), RecursionError("too deep"), AssertionError()])
def test_an_internal_error_is_one_line(fake: Fake, error: Exception) -> None:
    fake.error = error
    result = invoke("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"supavisor-lint: error: internal error: {type(error).__name__}: ")
    assert result.stderr.count("\n") == 1


def test_verbose_shows_the_traceback_of_an_internal_error(fake: Fake) -> None:
    fake.error = ValueError("boom")
    stderr = invoke("check", "--verbose").stderr
    assert "Traceback (most recent call last)" in stderr
    assert stderr.endswith("supavisor-lint: error: internal error: ValueError: boom\n")


def test_an_error_of_the_system_names_the_file(fake: Fake) -> None:
    fake.error = PermissionError(13, "Permission denied", "secret.py")
    result = invoke("check")
    assert (result.exit_code, result.stderr) == (2, "supavisor-lint: error: secret.py: Permission denied\n")


def test_ctrl_c_exits_with_130(fake: Fake) -> None:
    fake.error = KeyboardInterrupt()
    result = invoke("check")
    assert result.exit_code == 130
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("chek",),
        ("check", "--no-such-option"),
        ("--no-such-option",),
        ("check", "--profile"),
        ("check", "--profile", "strict"),
        ("check", "--output-format", "xml"),
        ("check", "-", "app"),
        ("check", "--stdin-filename", "a.py"),
        ("check", "--isolated", "--config", "pyproject.toml"),
        ("explain",),
        ("rules", "--output-format", "html"),
    ],
)
def test_bad_arguments_exit_with_2(fake: Fake, args: tuple[str, ...]) -> None:
    result = invoke(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("supavisor-lint: error: ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("chek",), 'no such command "chek"; did you mean "check"?'),
        (("--versoin",), 'no such option "--versoin"; did you mean "--version"?'),
        (("check", "--profil", "hazards"), 'no such option "--profil"; did you mean "--profile"?'),
        (("check", "-x"), 'no such option "-x"'),
        (
            ("check", "--profile", "hazard"),
            'invalid value for "--profile": "hazard" is not one of "template", "hazards"; did you mean "hazards"?',
        ),
        (("rules", "--output-format", "xml"), "; try supavisor-lint rules --help"),
        (("explain",), 'missing argument "CODE..."; try supavisor-lint explain --help'),
        (("check", "-", "app"), '"-" cannot be combined with other paths; try supavisor-lint check --help'),
    ],
)
def test_bad_arguments_are_told_the_nearest_right_ones(fake: Fake, args: tuple[str, ...], line: str) -> None:
    assert line in invoke(*args).stderr


def test_without_arguments_there_is_help(fake: Fake) -> None:
    result = invoke()
    assert "Usage: " in result.output and "error" not in result.output


def test_bad_settings_are_one_line(fake: Fake, project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.supavisor-lint]\nselct = ['SUP101']\n", "utf-8")
    result = invoke("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("supavisor-lint: error: ") and "selct" in result.stderr
    assert result.stderr.count("\n") == 1
    assert invoke("check", "--isolated").exit_code == 1


def test_bad_settings_are_a_line_each(fake: Fake, project: Path) -> None:
    text = "[tool.supavisor-lint]\nselct = ['SUP101']\npooler = 3\n[tool.supavisor-lint.template]\nfailure = 'x'\n"
    (project / "pyproject.toml").write_text(text, "utf-8")
    lines = invoke("check").stderr.splitlines()
    assert [line.partition("pyproject.toml:")[2].partition(":")[0] for line in lines] == ["2", "3", "5"]
    assert all(line.startswith("supavisor-lint: error: ") for line in lines)


@pytest.mark.parametrize("option", ["--select", "--ignore", "--extend-select"])
def test_bad_codes_are_one_line_that_names_the_option(fake: Fake, option: str) -> None:
    result = invoke("check", option, "SUP101,no code")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("supavisor-lint: error: ") and option in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_empty_select_is_no_way_to_be_all_clear(fake: Fake) -> None:
    result = invoke("check", "--select", ",")
    assert (result.exit_code, result.stderr) == (2, "supavisor-lint: error: --select: names no code\n")


# Options to settings


def test_without_options_the_settings_of_the_project_hold(fake: Fake, project: Path) -> None:
    invoke("check")
    assert fake.paths == (Path(),)
    assert fake.root == project
    assert fake.settings == replace(Settings(), extend_select=("SUP205",))


def test_options_override_the_settings(fake: Fake) -> None:
    invoke("check", "--profile", "hazards", "--ignore", "SUP5, SUP302", "--ignore", "SUP5")
    assert fake.settings.profile == "hazards"
    assert fake.settings.ignore == ("SUP5", "SUP302")
    assert fake.settings.extend_select == ("SUP205",)


def test_select_means_these_only_and_extend_select_these_too(fake: Fake) -> None:
    invoke("check", "--select", "SUP101,SUP3")
    assert (fake.settings.select, fake.settings.extend_select) == (("SUP101", "SUP3"), ())
    invoke("check", "--extend-select", "SUP206")
    assert (fake.settings.select, fake.settings.extend_select) == (None, ("SUP205", "SUP206"))
    invoke("check", "--select", "SUP3", "--extend-select", "SUP206")
    assert (fake.settings.select, fake.settings.extend_select) == (("SUP3",), ("SUP206",))


def test_isolated_reads_no_settings(fake: Fake) -> None:
    invoke("check", "--isolated")
    assert fake.settings == Settings()


def test_config_gives_the_settings_and_the_root_if_it_lies_above(fake: Fake, project: Path) -> None:
    text = "[tool.supavisor-lint]\nprofile = 'hazards'\n"
    outside = project.parent / "other"
    outside.mkdir()
    (outside / "pyproject.toml").write_text(text, "utf-8")
    invoke("check", "--config", str(outside / "pyproject.toml"))
    assert (fake.root, fake.settings.profile) == (project, "hazards")
    (project.parent / "lint.toml").write_text(text, "utf-8")
    invoke("check", "app", "--config", "../lint.toml")
    assert (fake.root, fake.settings.profile) == (project.parent, "hazards")
    result = invoke("check", "--config", "missing.toml")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)


def test_the_root_is_that_of_the_paths(fake: Fake, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.parent)
    invoke("check", "project/app/tasks.py", "project/nope/missing.py", "/nope/missing.py")
    assert fake.root == project
    assert fake.paths == (
        Path("project/app/tasks.py"),
        Path("project/nope/missing.py"),
        Path("/nope/missing.py"),
    )
    invoke("check", "project/nope/missing.py")
    assert fake.root == project


def test_stdin_is_handed_on_as_bytes(fake: Fake, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    invoke("check", "-", stdin=b"\xff\r\n")
    assert (fake.data, fake.filename, fake.root) == (b"\xff\r\n", None, project)
    monkeypatch.chdir(project.parent)
    invoke("check", "-", "--stdin-filename", "project/new/a.py", stdin=b"")
    assert (fake.filename, fake.root) == (Path("project/new/a.py"), project)


def test_anonymous_stdin_is_shown_as_it_is(fake: Fake, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.result = replace(ONE, findings=(replace(FOUND, path="stdin"),))
    monkeypatch.chdir(project / "app")
    assert invoke("check", "-", "--output-format", "concise", stdin="").stdout.startswith("stdin:2:15: ")
