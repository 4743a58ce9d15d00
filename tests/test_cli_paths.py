"""Paths that lead nowhere, or to nothing that is checked: one line each, which says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import invoke, project_fixture  # noqa: F401


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("nope.py", "nope.py: No such file or directory"),
        ("app/task.py", 'app/task.py: No such file or directory; did you mean "app/tasks.py"?'),
        ("ap", 'ap: No such file or directory; did you mean "app"?'),
        ("app/danglasks.py", "app/danglasks.py: No such file or directory"),
        ("app/TASK.pyi", 'app/TASK.pyi: No such file or directory; did you mean "app/tasks.py"?'),
        ("nowhere/task.py", "nowhere/task.py: No such file or directory"),
    ],
)
def test_a_missing_path_is_one_line_with_the_nearest_right_one(project: Path, path: str, line: str) -> None:
    result = invoke("check", path)
    assert (result.exit_code, result.stderr) == (2, f"supavisor-lint: error: {line}\n")


def test_a_missing_path_beside_a_good_one_keeps_the_summary(project: Path) -> None:
    lines = invoke("check", "nope.py", "app/clean.py").stderr.splitlines()
    assert lines[1:] == ["No findings in 1 file, but not everything could be checked."]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("build", "build is excluded by the settings."),
        ("build/gen.py", "build/gen.py is excluded by the settings."),
        ("-", "stdin is excluded by the settings."),
        ("docs", "there are none here, or all are excluded or ignored by git."),
    ],
)
def test_a_run_that_checks_nothing_says_why(
    project: Path, monkeypatch: pytest.MonkeyPatch, path: str, reason: str
) -> None:
    (project / "build").mkdir()
    (project / "build" / "gen.py").touch()
    (project / "docs").mkdir()
    if path == "-":
        monkeypatch.chdir(project / "build")
    result = invoke("check", path, stdin=b"")
    assert (result.exit_code, result.stderr) == (0, f"No Python files to check: {reason}\n")


def test_explain_lists_the_rules_of_a_prefix(project: Path) -> None:
    result = invoke("explain", "sup2")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()][:4] == ["code", "SUP201", "SUP202", "SUP203"]
    assert invoke("explain", "SUP9,SUP901").stdout.count("unused-suppression") == 2
    assert invoke("explain", "SUP7").exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", ""),
        ("check", "--fix", ""),
        ("check", "app", ""),
        ("check", "-", "--stdin-filename", ""),
        ("audit", ""),
    ],
)
def test_an_empty_path_is_not_the_current_folder(project: Path, arguments: tuple[str, ...]) -> None:
    result = invoke(*arguments, stdin=b"")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert "a path must not be empty" in result.stderr
