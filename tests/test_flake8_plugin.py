"""The flake8 plugin: the command line's findings, and never an exception."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from flake8.exceptions import ExecutionError

from supavisor_lint import flake8_plugin, run
from supavisor_lint.findings import Finding, Span
from supavisor_lint.flake8_plugin import Plugin
from supavisor_lint.settings import Settings

SNIPPET = "async def t():\n    session = async_session_factory()\n"
FOUND = Finding(
    code="SUP101",
    name="direct-session-factory",
    message="called\n\x1b[31mdirectly",
    severity="error",
    confidence="high",
    path="app/tasks.py",
    span=Span(2, 15, 2, 38),
)


class FakeChecker:
    """Stands in for `run.Checker`: answers with one finding, and keeps what it was asked."""

    made: ClassVar[list[FakeChecker]] = []

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root, self.settings = root, settings
        self.asked: list[tuple[Path, str]] = []
        self.made.append(self)

    def check(self, path: Path, text: str) -> tuple[Finding, ...]:
        self.asked.append((path, text))
        if text == "fail":
            raise RecursionError("too\ndeep")
        return (FOUND,)


@pytest.fixture(name="project")
def project_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.supavisor-lint]\npooler = 'auto'\n", "utf-8")
    (tmp_path / "app" / "tasks.py").write_text(SNIPPET, "utf-8")
    monkeypatch.chdir(tmp_path)
    flake8_plugin._root.cache_clear()
    flake8_plugin._checker.cache_clear()
    return tmp_path


@pytest.fixture(name="checkers")
def checkers_fixture(monkeypatch: pytest.MonkeyPatch) -> list[FakeChecker]:
    monkeypatch.setattr(FakeChecker, "made", [])
    monkeypatch.setattr(run, "Checker", FakeChecker)
    return FakeChecker.made


def lines_of(filename: str, text: str = SNIPPET) -> list[tuple[int, int, str]]:
    plugin = Plugin(ast.Module([], []), filename, text.splitlines(keepends=True))
    found = list(plugin.run())
    assert all(kind is Plugin for *_, kind in found)
    return [(line, column, message) for line, column, message, _ in found]


def test_a_finding_becomes_a_line_with_a_column_from_zero(project: Path, checkers: list[FakeChecker]) -> None:
    assert lines_of("./app/tasks.py") == [(2, 14, "SUP101 called\\n\\x1b[31mdirectly")]
    assert checkers[0].asked == [(project / "app" / "tasks.py", SNIPPET)]


def test_one_checker_serves_the_whole_process(project: Path, checkers: list[FakeChecker]) -> None:
    for name in ("app/tasks.py", "app/other.py", str(project / "new" / "a.py"), "stdin"):
        lines_of(name)
    assert len(checkers) == 1
    assert (checkers[0].root, checkers[0].settings.pooler) == (project, "auto")
    assert [path.relative_to(project).as_posix() for path, _ in checkers[0].asked] == [
        "app/tasks.py",
        "app/other.py",
        "new/a.py",
        "stdin",
    ]


def test_an_exception_becomes_a_line(project: Path, checkers: list[FakeChecker]) -> None:
    assert lines_of("a.py", "fail") == [(1, 0, "SUP900 internal error: RecursionError: too\\ndeep")]
    assert len(lines_of("a.py")) == 1


def test_bad_settings_end_the_run(project: Path, checkers: list[FakeChecker]) -> None:
    (project / "pyproject.toml").write_text("[tool.supavisor-lint]\npoler = 'auto'\n", "utf-8")
    for name in ("a.py", "b.py"):
        with pytest.raises(ExecutionError, match=r"^supavisor-lint: error: .*poler") as caught:
            lines_of(name)
        assert "\n" not in str(caught.value)
    assert checkers == []


def test_excluded_files_are_left_alone(project: Path, checkers: list[FakeChecker]) -> None:
    (project / "pyproject.toml").write_text("[tool.supavisor-lint]\nexclude = ['app/gen*']\n", "utf-8")
    assert lines_of("app/generated.py") == []
    assert len(lines_of("app/tasks.py")) == 1


# With flake8 itself, in a process of its own


def flake8(*args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "--select", "SUP,E9", *args],
        input=stdin,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONUTF8": "1"},
        check=False,
    )


def cli(*args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "supavisor_lint",
        "check",
        "--quiet",
        "--output-format",
        "concise",
        *args,
    ]
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONUTF8": "1"},
        check=False,
    )


def as_cli(stdout: str) -> list[str]:
    """Give flake8's lines in the form of the command line: no `./`, a colon before the message."""
    out = []
    for line in stdout.splitlines():
        where, code, message = line.split(" ", 2)
        out.append(f"{where.removeprefix('./')} {code} {message}")
    return sorted(out)


def test_flake8_finds_what_the_command_line_finds(project: Path) -> None:
    (project / "pyproject.toml").unlink()
    (project / "app" / "wide.py").write_text("x = '漢'; s = async_session_factory()\n", "utf-8")
    (project / "app" / "crlf.py").write_bytes(b"\xef\xbb\xbf" + SNIPPET.replace("\n", "\r\n").encode())
    done = flake8(".")
    assert done.returncode == 1, done.stderr
    lines = as_cli(done.stdout)
    assert [line.split()[0] for line in lines] == [
        "app/crlf.py:2:15:",
        "app/tasks.py:2:15:",
        "app/wide.py:1:14:",
    ]
    assert lines == sorted(cli(".").stdout.splitlines())


def test_flake8_refuses_what_python_cannot_decode(project: Path) -> None:
    """flake8 itself reads such bytes as latin-1, and would call a file right that cannot be imported."""
    (project / "app" / "tasks.py").write_bytes(SNIPPET.encode() + b"name = 'M\xfcller'\n")
    done = flake8(".")
    assert "SUP900" in done.stdout and "SUP101" not in done.stdout
    assert as_cli(done.stdout) == cli(".").stdout.splitlines()


def test_the_project_is_linked_once_whatever_its_line_ends(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linked: list[object] = []

    def link(*args: object, **kwargs: object) -> object:
        linked.append(args)
        return original(*args, **kwargs)  # type: ignore[arg-type]

    original = run.linked_project
    monkeypatch.setattr(run, "linked_project", link)
    checker = run.Checker(project, Settings())
    for number in range(3):
        (project / "app" / f"crlf{number}.py").write_bytes(SNIPPET.replace("\n", "\r\n").encode())
    for number in range(3):
        assert [f.code for f in checker.check(project / "app" / f"crlf{number}.py", SNIPPET)] == ["SUP101"]
    assert len(linked) == 1
    checker.check(project / "app" / "crlf0.py", SNIPPET + "# more\n")
    assert len(linked) == 2


def test_flake8_in_several_processes_finds_the_same(project: Path) -> None:
    for number in range(6):
        (project / "app" / f"more{number}.py").write_text(SNIPPET, "utf-8")
    assert flake8("--jobs", "2", ".").stdout == flake8("--jobs", "1", ".").stdout != ""


def test_flake8_reads_stdin(project: Path) -> None:
    done = flake8("-", stdin=SNIPPET)
    assert done.stdout.startswith("stdin:2:15: SUP101 ")
    done = flake8("--stdin-display-name", "app/tasks.py", "-", stdin=SNIPPET)
    assert done.stdout.startswith("app/tasks.py:2:15: SUP101 ")


def test_flake8_reads_noqa_and_selects_by_itself(project: Path) -> None:
    path = project / "app" / "tasks.py"
    assert flake8("--extend-ignore", "SUP101", str(path)).stdout == ""
    path.write_text(SNIPPET.rstrip() + "  # noqa: SUP101\n", "utf-8")
    assert flake8(str(path)).stdout == ""
    assert "SUP101" in flake8("--disable-noqa", str(path)).stdout


def test_flake8_goes_on_after_bad_files(project: Path) -> None:
    (project / "bad.py").write_text("def f(:\n", "utf-8")
    (project / "empty.py").write_text("", "utf-8")
    done = flake8(".")
    assert done.returncode == 1
    codes = {line.split(":")[0]: line.split()[1] for line in done.stdout.splitlines()}
    assert codes == {"./bad.py": "E999", "./app/tasks.py": "SUP101"}


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("folder", ["", "nested"])
def test_bad_settings_are_one_clear_report(project: Path, jobs: str, folder: str) -> None:
    (project / folder).mkdir(exist_ok=True)
    (project / folder / "pyproject.toml").write_text("[tool.supavisor-lint]\nselct = []\n", "utf-8")
    for number in range(4):
        (project / folder / f"more{number}.py").write_text(SNIPPET, "utf-8")
    done = flake8("--jobs", jobs, ".")
    assert (done.returncode, done.stderr) == (1, "")
    first, second = done.stdout.splitlines()
    assert first == "There was a critical error during execution of Flake8:"
    assert second.startswith(f"supavisor-lint: error: {project / folder / 'pyproject.toml'}:2: ") and "selct" in second


def test_flake8_knows_the_plugin() -> None:
    done = subprocess.run([sys.executable, "-m", "flake8", "--version"], capture_output=True, text=True, check=True)
    assert "supavisor-lint: " in done.stdout.replace("\n", " ")
