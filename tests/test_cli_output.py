"""The command line: files, colours, help, and the commands about the rules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import jsonschema
import pytest
from cli_support import Fake, fake_fixture, invoke, project_fixture, spawn  # noqa: F401
from click.testing import CliRunner

from supavisor_lint import __version__
from supavisor_lint.cli import cli
from supavisor_lint.rules import RULES

SCHEMA = json.loads(Path(__file__).with_name("schemas").joinpath("findings.schema.json").read_text("utf-8"))


# Files


def test_the_output_file_holds_the_report(fake: Fake, project: Path) -> None:
    result = invoke("check", "--output-format", "json", "--output-file", "report.json", color=True)
    assert (result.exit_code, result.stdout) == (1, "")
    jsonschema.validate(json.loads((project / "report.json").read_text("utf-8")), SCHEMA)
    assert sorted(path.name for path in project.iterdir()) == ["app", "pyproject.toml", "report.json"]
    invoke("check", "--output-file", "report.json", color=True)
    assert (project / "report.json").read_text("utf-8").startswith("app/tasks.py:2:15: SUP101 [error] ")


def test_several_formats_in_one_run(fake: Fake, project: Path) -> None:
    result = invoke("check", "--output-format", "concise", "--output-format", "json=out.json", "--output-format=full=o")
    assert (result.exit_code, result.stdout) == (1, "app/tasks.py:2:15: SUP101 session factory called directly\n")
    assert json.loads((project / "out.json").read_text("utf-8"))["summary"]["findings"] == 1
    assert "^^^^^" in (project / "o").read_text("utf-8")


def test_the_output_file_takes_the_format_without_a_file(fake: Fake, project: Path) -> None:
    result = invoke("check", "--output-format=json=a.json", "--output-format", "concise", "--output-file", "b.txt")
    assert result.stdout == ""
    assert (project / "b.txt").read_text("utf-8").startswith("app/tasks.py:2:15: SUP101 session")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--output-format=json", "--output-format=full"], "only one format can go to stdout"),
        (["--output-format=json=a", "--output-file=b"], "--output-file is left without a format"),
        (["--output-format=json=a", "--output-format=full", "--output-file=./a"], "written to the same file"),
        (["--output-format=json="], 'names no file behind "="'),
        (["--output-format=jsn=a"], 'did you mean "json"?'),
        (["--diff", "--output-format=json"], "--diff takes stdout for itself"),
    ],
)
def test_reports_that_have_no_place_are_refused(fake: Fake, project: Path, args: list[str], says: str) -> None:
    result = invoke("check", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr and result.stderr.count("\n") == 1
    assert sorted(path.name for path in project.iterdir()) == ["app", "pyproject.toml"]


@pytest.mark.skipif(os.name == "nt", reason="permissions and links of POSIX")
def test_the_output_file_keeps_its_mode_and_its_link(fake: Fake, project: Path) -> None:
    target = project / "real.txt"
    target.write_text("old", "utf-8")
    target.chmod(0o640)
    (project / "link.txt").symlink_to(target)
    invoke("check", "--output-file", "link.txt")
    assert (project / "link.txt").is_symlink()
    assert "SUP101" in target.read_text("utf-8")
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a Linux device")
def test_a_device_is_written_to_and_not_replaced(fake: Fake) -> None:
    assert invoke("check", "--output-file", "/dev/null").exit_code == 1
    result = invoke("check", "--output-file", "/dev/full")
    assert result.exit_code == 2
    assert result.stderr.startswith("supavisor-lint: error: cannot write /dev/full: ")
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("name", ["missing/report.txt", "app"])
def test_an_output_file_that_cannot_be_written_is_one_line(fake: Fake, project: Path, name: str) -> None:
    result = invoke("check", "--output-file", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"supavisor-lint: error: cannot write {name}: ")
    assert result.stderr.count("\n") == 1
    assert sorted(path.name for path in project.iterdir()) == ["app", "pyproject.toml"]


# Colours


def test_a_terminal_gets_colours(fake: Fake) -> None:
    assert "\x1b[" in invoke("check", color=True).stdout
    assert "\x1b[" not in invoke("check").stdout
    assert click.unstyle(invoke("check", color=True).stdout) == invoke("check").stdout


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
    ],
)
def test_the_environment_decides_about_colours_in_a_pipe(project: Path, env: dict[str, str], coloured: bool) -> None:
    assert (b"\x1b[" in spawn("check", **env).stdout) is coloured


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_the_environment_can_forbid_colours_on_a_terminal(
    fake: Fake, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda stream=None, color=None: color is False)
    assert "\x1b[" not in CliRunner().invoke(cli, ("check",), color=True).stdout


# The other commands


@pytest.mark.parametrize("args", [("--help",), ("check", "--help"), ("explain", "-h"), ("rules", "-h")])
def test_help_fits_80_columns(args: tuple[str, ...]) -> None:
    result = invoke(*args)
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_help_has_the_options_group_by_group_in_their_order() -> None:
    text = invoke("check", "--help").stdout
    names = ["--fix ", "--unsafe-fixes", "--diff ", "--baseline", "--write-baseline", "--add-noqa", "--profile"]
    names += ["--select", "--isolated", "--output-format", "--output-file", "--quiet", "--stdin-filename"]
    places = [text.index(f"\n  {name}" if name != "--quiet" else "\n  -q") for name in names]
    assert places == sorted(places)


def test_help_shows_examples() -> None:
    assert "supavisor-lint explain SUP101" in invoke("--help").stdout
    assert "Exit codes: 0" in invoke("check", "--help").stdout


def test_version() -> None:
    assert invoke("--version").stdout == f"supavisor-lint {__version__}\n"


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["check", "--help"]])
def test_help_and_version_do_not_load_libcst(args: list[str]) -> None:
    code = (
        "import sys, atexit\n"
        "heavy = {'libcst', 'flake8', 'multiprocessing', 'pathspec'}\n"
        "atexit.register(lambda: print('LOADED', sorted(heavy & set(sys.modules))))\n"
        f"sys.argv[1:] = {args!r}\n"
        "from supavisor_lint.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("LOADED []\n")


def test_explain_takes_several_codes_and_names() -> None:
    result = invoke("explain", "sup101", "Session-Helper-Misuse,SUP900")
    assert result.exit_code == 0
    for rule in RULES:
        shown = f"{rule.code} {rule.name}\n" in result.stdout
        assert shown is (rule.code in {"SUP101", "SUP104", "SUP900"})


def test_explain_of_an_unknown_code_is_one_line_with_the_nearest() -> None:
    result = invoke("explain", "SUP101", "SUP1O4")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "supavisor-lint: error: unknown rule 'SUP1O4'; did you mean SUP104 (session-helper-misuse)?\n"
    )


def test_every_rule_can_be_explained() -> None:
    for rule in RULES:
        result = invoke("explain", rule.code)
        assert result.exit_code == 0
        marks = str.maketrans("", "", "#`")
        words = rule.doc.replace("```python", "").translate(marks).split()
        assert " ".join(words) in " ".join(result.stdout.translate(marks).split())


def test_an_explanation_is_text_that_fits_a_terminal() -> None:
    for rule in RULES:
        lines = invoke("explain", rule.code).stdout.splitlines()
        assert not [line for line in lines if line.startswith(("#", "```"))]
        assert not [line for line in lines if len(line) > 80 and not line.startswith("    ")]
    lines = invoke("explain", "SUP302").stdout.splitlines()
    at = lines.index("Example")
    assert lines[at + 1] == "    async with get_session() as session:"
    assert lines[at + 2].startswith("        job = await session.get(Job, job_id)")


def test_rules_lists_them_all_in_each_format() -> None:
    document = json.loads(invoke("rules", "--output-format", "json").stdout)
    assert [rule["code"] for rule in document["rules"]] == [rule.code for rule in RULES]
    for output_format in ("text", "markdown"):
        lines = invoke("rules", "--output-format", output_format).stdout.splitlines()
        assert sum("SUP" in line for line in lines) == len(RULES)
