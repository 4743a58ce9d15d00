"""The faces of fixing on the command line: what is written, shown, asked and said, and the exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cli_support import invoke
from fix_support import BROKEN, MENDED, NOT_CALLED, app_fixture, replacing  # noqa: F401

from supavisor_lint.rewrites import REWRITES

WORK = Path("app/work.py")


def test_fix_writes_says_what_it_fixed_and_what_is_left(app: Path) -> None:
    result = invoke("check", "--fix")
    assert result.exit_code == 1
    assert WORK.read_text("utf-8") == MENDED
    assert result.stderr == "fixed app/work.py: 1 × SUP104\nFixed 1 finding in 1 file, 1 left.\n"
    assert "= help: `async with` needs an `async def` around it" in result.stdout
    Path("app/stuck.py").unlink()
    again = invoke("check", "--fix")
    assert (again.exit_code, again.stdout) == (0, "")


def test_verbose_names_each_fix_and_quiet_none(app: Path) -> None:
    assert "fixed app/work.py:5:10: SUP104 " in invoke("check", "--fix", "-v").stderr
    WORK.write_text(BROKEN, "utf-8")
    assert invoke("check", "--fix", "-q").stderr == ""


def test_a_report_shows_which_findings_have_fixes(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "= fix: Enter the session helper with `async with`" in invoke("check").stdout
    assert "app/work.py:5:10: SUP104 [*] `get_session()`" in invoke("check", "--output-format", "concise").stdout
    assert invoke("check").stderr == "Found 2 findings in 2 of 4 files. 1 fixable with --fix.\n"
    monkeypatch.setitem(REWRITES, "SUP104", replacing(("with get", "async with get"), applicability="unsafe"))
    result = invoke("check")
    assert "= unsafe fix: Misbehave" in result.stdout
    assert result.stderr == "Found 2 findings in 2 of 4 files. 2 fixable with --fix --unsafe-fixes.\n"
    assert "[*]" not in invoke("check", "--output-format", "concise").stdout
    assert invoke("check", "--output-format", "concise", "--unsafe-fixes").stdout.count("[*]") == 2


def test_unsafe_fixes_are_applied_only_with_both_options(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("app/stuck.py").unlink()
    monkeypatch.setitem(REWRITES, "SUP104", replacing(("with get", "async with get"), applicability="unsafe"))
    for options in (["--fix"], ["--unsafe-fixes"], ["--diff"]):
        assert invoke("check", *options).exit_code == 1
        assert WORK.read_text("utf-8") == BROKEN
    assert invoke("check", "--diff", "--unsafe-fixes").stdout.startswith("--- a/app/work.py\n")
    assert invoke("check", "--fix", "--unsafe-fixes").exit_code == 0
    assert WORK.read_text("utf-8") == MENDED


def test_json_counts_what_was_fixed(app: Path) -> None:
    before = json.loads(invoke("check", "--output-format", "json").stdout)
    [stuck, fixable] = before["findings"]
    assert (stuck["fix"], stuck["no_fix_reason"]) == (None, "`async with` needs an `async def` around it")
    assert (fixable["fix"]["applicability"], fixable["no_fix_reason"]) == ("safe", None)
    after = json.loads(invoke("check", "--fix", "--output-format", "json").stdout)
    assert (after["summary"]["fixed"], after["summary"]["findings"]) == (1, 1)


# --diff


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("change", [("", ""), ("\n", "\r\n"), ("    ", "\t"), ("", "end")])
def test_git_applies_the_diff(app: Path, change: tuple[str, str]) -> None:
    text = (
        BROKEN.replace("        await session.commit()  # noqa: E501\n", "        pass")
        if change[1] == "end"
        else BROKEN
    )
    if change[0]:
        text = text.replace(*change)
    odd = app / "app" / "a b.py"
    for path in (app / WORK, odd):
        path.write_bytes(text.encode())
    result = invoke("check", "--diff")
    assert result.exit_code == 1
    assert (app / WORK).read_bytes() == text.encode()
    assert "Would fix 2 findings in 2 files, 1 left." in result.stderr
    subprocess.run(["git", "apply", "-"], cwd=app, input=result.stdout_bytes, check=True)
    assert (app / WORK).read_bytes() == odd.read_bytes() == text.replace("with get", "async with get").encode()


def test_no_difference_is_no_diff(app: Path) -> None:
    WORK.write_text(MENDED, "utf-8")
    result = invoke("check", "--diff")
    assert (result.exit_code, result.stdout) == (1, "")
    Path("app/stuck.py").unlink()
    assert invoke("check", "--diff").exit_code == 0


# stdin


def test_a_text_from_stdin_goes_fixed_to_stdout(app: Path) -> None:
    data = BROKEN.replace("\n", "\r\n").encode()
    result = invoke("check", "--fix", "-", "--stdin-filename", "app/new.py", stdin=data)
    assert (result.exit_code, result.stdout_bytes) == (0, MENDED.replace("\n", "\r\n").encode())
    diff = invoke("check", "--diff", "-", stdin=data)
    assert diff.stdout_bytes.startswith(b"--- a/stdin\n+++ b/stdin\n@@ -2,5 +2,5 @@\n")
    assert diff.exit_code == 1


@pytest.mark.parametrize("data", [b"", b"x = (\n", b"x = '\xff'\n", b"# coding: no-such\nx = 1\n", MENDED.encode()])
def test_a_text_without_anything_to_fix_comes_back(app: Path, data: bytes) -> None:
    assert invoke("check", "--fix", "-", stdin=data).stdout_bytes == data


def test_an_excluded_text_comes_back(app: Path) -> None:
    data = BROKEN.encode()
    result = invoke("check", "--fix", "-", "--stdin-filename", "build/x.py", stdin=data)
    assert (result.exit_code, result.stdout_bytes) == (0, data)


# --interactive


def test_each_fix_is_asked_for_and_quit_keeps_what_was_accepted(app: Path) -> None:
    for name in "abcd":
        Path(f"app/{name}.py").write_text(NOT_CALLED, "utf-8")
    result = invoke("check", "--interactive", stdin="y\nwhat\nn\nq\n")
    assert result.exit_code == 1
    assert [Path(f"app/{name}.py").read_text("utf-8") == MENDED for name in "abcd"] == [True, False, False, False]
    assert result.stderr.count("Apply this fix?") == 4
    assert "+    async with get_session() as session:  # entered" in result.stderr
    assert invoke("check", "--interactive", stdin="n\na\n").exit_code == 1
    assert [Path(f"app/{name}.py").read_text("utf-8") == MENDED for name in "bcd"] == [False, True, True]


def test_what_was_declined_is_told_to_be_fixable(app: Path) -> None:
    Path("app/a.py").write_text(NOT_CALLED, "utf-8")
    result = invoke("check", "--interactive", "app/a.py", stdin="n\n")
    assert "1 fixable with --fix" in result.stderr.splitlines()[-1]


def test_what_was_declined_of_the_unsafe_ones_is_told_to_be_fixable(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REWRITES, "SUP104", replacing(("with get", "async with get"), applicability="unsafe"))
    result = invoke("check", "--interactive", "--unsafe-fixes", "app/work.py", stdin="n\n")
    assert "fixable with --fix --unsafe-fixes" in result.stderr.splitlines()[-1]


def test_a_declined_fix_is_asked_for_once(app: Path) -> None:
    WORK.write_text(f"{NOT_CALLED}\n\nx = 1  # noqa: SUP101\n\n\n{BROKEN}", "utf-8")
    result = invoke("check", "--interactive", "app/work.py", stdin="n\ny\nn\n")
    assert result.stderr.count("Apply this fix?") == 3
    assert WORK.read_text("utf-8") == f"{NOT_CALLED}\n\nx = 1\n\n\n{BROKEN}"


@pytest.mark.parametrize("options", [["--fix"], ["--interactive"], ["--interactive", "--unsafe-fixes"]])
def test_who_was_asked_or_did_not_want_to_be_hears_nothing_of_it(app: Path, options: list[str]) -> None:
    for stdin in ("n\n", "y\n"):
        assert "to ask about" not in invoke("check", *options, stdin=stdin).stderr
    assert "to ask about" not in invoke("check", *options, "app/session.py", stdin="").stderr  # nothing is found


def test_nothing_to_ask_about_is_said(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unsafe = replacing(("with get", "async with get"), applicability="unsafe")
    monkeypatch.setitem(REWRITES, "SUP104", unsafe)
    result = invoke("check", "--interactive", stdin="")
    assert result.stderr.splitlines()[0] == (
        "--interactive: there is no safe fix to ask about; with --unsafe-fixes it asks about the unsafe ones too."
    )
    assert "to ask about" not in invoke("check", "--interactive", "--quiet", stdin="").stderr
    assert "to ask about" not in invoke("check", "--interactive", "--unsafe-fixes", stdin="n\n").stderr
    monkeypatch.delitem(REWRITES, "SUP104")
    for options in ([], ["--unsafe-fixes"]):
        result = invoke("check", "--interactive", *options, stdin="")
        assert result.stderr.splitlines()[0] == "--interactive: there is no fix to ask about."


def test_nobody_answers(app: Path) -> None:
    result = invoke("check", "--interactive", stdin="")
    assert result.exit_code == 2
    assert "supavisor-lint: error: --interactive: stdin has no answer\n" in result.stderr
    assert WORK.read_text("utf-8") == BROKEN


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--fix", "--diff"], "--fix and --diff exclude each other: --diff writes nothing"),
        (["--interactive", "--diff"], "--interactive and --diff exclude each other: --diff writes nothing"),
        (["--interactive", "-"], '--interactive cannot be combined with "-": stdin holds the code'),
        (["--diff", "--statistics"], "--diff takes stdout for itself: a report beside it needs --output-file"),
        (
            ["--diff", "--output-format", "json"],
            "--diff takes stdout for itself: a report beside it needs --output-file",
        ),
    ],
)
def test_what_contradicts_itself_is_one_line(app: Path, options: list[str], line: str) -> None:
    result = invoke("check", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"supavisor-lint: error: {line}")
    assert result.stderr.count("\n") == 1
    assert WORK.read_text("utf-8") == BROKEN
