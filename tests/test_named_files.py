"""A file that is named itself, or comes from stdin, is looked at; a broken file that others need is spoken of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import spawn
from test_cost import FAULT, IRRELEVANT, SESSIONS, Counted, counted_fixture, write  # noqa: F401

from supavisor_lint import run
from supavisor_lint.settings import Settings
from supavisor_lint.sources.syntax import surely_parses

RENAMED = SESSIONS.replace("async_session_factory", "open_one").replace("get_session", "one_session")
USES = "from app.session import open_one\n\n\nasync def send():\n    session = open_one()\n"
BROKEN = {
    "syntax": b"x = = 1\n",
    "unclosed": b"x = (1\n",
    "bytes": b"x = '\xff'\n",
    "encoding": b"# coding: nope\nx = 1\n",
    "null": b"x = 1\0\n",
    "deep": b"x = " + b"(" * 300 + b")" * 300 + b"\n",
}
FINE = {
    "empty": b"",
    "plain": IRRELEVANT.encode(),
    "crlf": IRRELEVANT.replace("\n", "\r\n").encode(),
    "bom": b"\xef\xbb\xbf" + IRRELEVANT.encode(),
    "latin_1": b"# coding: latin-1\nx = '\xe9'\n",
    "escape": b"x = '\\d'\n",
    "outside": b"return 1\n",
    "newer": b"type Weight = int\n\n\ndef f[T](x: T) -> T:\n    return x\n",
}


@pytest.fixture(name="root")
def root_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.supavisor-lint]\n", "utf-8")
    write(tmp_path, __init__="", session=RENAMED, uses=USES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*args: str, stdin: bytes = b"") -> tuple[int, list[str], list[str]]:
    """Exit code, the findings' places and codes, what was said on stderr."""
    done = spawn("check", "--quiet", "--output-format", "concise", *args, stdin=stdin)
    assert b"Traceback" not in done.stderr
    return (
        done.returncode,
        [" ".join(line.split()[:2]) for line in done.stdout.decode().splitlines()],
        done.stderr.decode().splitlines(),
    )


def flake8(*args: str, stdin: bytes = b"") -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "--select", "SUP,E9", *args],
        input=stdin,
        capture_output=True,
        env=os.environ | {"PYTHONUTF8": "1"},
        check=False,
    )
    return [" ".join(line.split()[:2]) for line in done.stdout.decode().splitlines()]


# ------------------------------------------------------------------------------------------------ text without a name


def test_stdin_without_a_name_is_a_file_of_the_current_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ["stdin:5:15: SUP101"]
    assert check("-", stdin=USES.encode()) == (1, expected, [])
    assert flake8("-", stdin=USES.encode()) == expected
    monkeypatch.chdir(root / "app")
    relative = USES.replace("app.session", ".session").encode()
    assert check("-", stdin=relative) == (1, expected, [])
    assert flake8("-", stdin=relative) == expected


def test_json_calls_it_stdin_too(root: Path) -> None:
    done = spawn("check", "-", "--output-format", "json", stdin=USES.encode())
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["path"] == "stdin"
    assert [place["path"] for place in finding["related"]] == ["app/session.py"]


@pytest.mark.parametrize("folder", ["tests", "build", "app"])
def test_stdin_has_the_rights_of_its_folder(root: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    """A test folder is left alone, an excluded one is not checked, one with other codes keeps them: as in flake8."""
    ignored = "[tool.supavisor-lint.per-file-ignores]\n'app/*' = ['SUP1']\n"
    (root / "pyproject.toml").write_text("[tool.supavisor-lint]\n" + ignored, "utf-8")
    (root / folder).mkdir(exist_ok=True)
    monkeypatch.chdir(root / folder)
    assert check("-", stdin=USES.encode())[:2] == (0, [])
    assert flake8("-", stdin=USES.encode()) == []


def test_a_snippet_is_flagged_where_no_project_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    snippet = b"async def t():\n    session = async_session_factory()\n"
    assert check("-", stdin=snippet) == (1, ["stdin:2:15: SUP101"], [])


# ------------------------------------------------------------------------------------------------- files that are named


@pytest.mark.parametrize("kind", FINE)
def test_a_named_file_that_is_python_is_clear(root: Path, kind: str) -> None:
    (root / "app" / "odd.py").write_bytes(FINE[kind])
    assert check("app/odd.py") == (0, [], [])
    assert check("-", stdin=FINE[kind]) == (0, [], [])


@pytest.mark.parametrize("kind", BROKEN)
def test_a_named_file_that_is_no_python_is_reported(root: Path, kind: str) -> None:
    (root / "app" / "odd.py").write_bytes(BROKEN[kind])
    for args in (["app/odd.py"], ["app/odd.py", "app"], ["-", "--stdin-filename", "app/odd.py"], ["-"]):
        code, findings, _ = check(*args, stdin=BROKEN[kind])
        assert (code, [line.split()[1] for line in findings if "SUP101" not in line]) == (1, ["SUP900"]), args


def test_a_broken_file_that_says_nothing_of_sessions_is_left_alone_in_a_folder(root: Path) -> None:
    (root / "app" / "odd.py").write_bytes(BROKEN["syntax"])
    assert check(".") == (1, ["app/uses.py:5:15: SUP101"], [])
    assert check("app") == (1, ["app/uses.py:5:15: SUP101"], [])


def test_a_broken_file_that_uses_a_session_is_reported_in_a_folder(root: Path) -> None:
    text = (
        "from app.session import get_session\n\n\nasync def f():\n    async with get_session() as s:\n        x = (\n"
    )
    (root / "app" / "odd.py").write_text(text, "utf-8")
    status, lines, _ = check("app")
    assert status == 1
    assert any(line.startswith("app/odd.py:6:") and "SUP900" in line for line in lines)


def test_a_named_file_without_any_session_around_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("odd.py").write_bytes(BROKEN["syntax"])
    assert check("odd.py") == (1, ["odd.py:1:5: SUP900"], [])
    assert check(".") == (0, [], [])


def test_python_says_what_is_fine_and_libcst_is_not_asked(tmp_path: Path, counted: Counted) -> None:
    root = write(tmp_path, session=SESSIONS, fault=FAULT, **{f"irrelevant_{n}": IRRELEVANT for n in range(20)})
    result = run.check_paths(sorted((root / "app").glob("*.py")), root, Settings())
    assert [finding.code for finding in result.findings] == ["SUP101"]
    assert (result.files, result.analysed, result.failed) == (22, 2, 0)
    assert counted.parsed == {SESSIONS: 1, FAULT: 1}
    assert surely_parses(IRRELEVANT.encode())


@pytest.mark.parametrize("kind", [kind for kind in BROKEN if kind not in ("encoding", "bytes")])
def test_flake8_reports_the_same_files_as_its_own(root: Path, kind: str) -> None:
    """It gives them to no plugin: its E999 or E902 stands where the command line has SUP900."""
    if kind == "null" and sys.version_info < (3, 12):
        pytest.skip("flake8 itself ends in a traceback, because Python says ValueError")
    (root / "app" / "odd.py").write_bytes(BROKEN[kind])
    assert {line.split()[1] for line in flake8("app/odd.py")} <= {"E999", "E902"} != set()
    assert {line.split()[1] for line in check("app/odd.py")[1]} == {"SUP900"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = (1\n", 1),
        ("def f(:\n", 1),
        ("class A:\n", 1),
        ("if x:\n    y = (\n", 2),
        ("x = 1\n  y\n", 2),
        ("x = '''", 1),
        ("x = (1", 1),
        ("\\", 1),
    ],
)
def test_the_line_of_a_failure_is_a_line_of_the_file(root: Path, text: str, line: int) -> None:
    (root / "app" / "odd.py").write_text(text, "utf-8")
    done = spawn("check", "app/odd.py", "--output-format", "full")
    where, *frame = done.stdout.decode().splitlines()
    assert int(where.split(":")[1]) == line
    assert any("^" in line for line in frame)
    assert "= help: no rewrite is offered: the file has to be made readable first" in done.stdout.decode()


# ------------------------------------------------------------------------------------- broken files that others need


def warning(path: str) -> str:
    return f"supavisor-lint: warning: {path} cannot be parsed (invalid syntax): names defined in it are unknown"


def test_a_broken_file_that_others_import_is_spoken_of(root: Path) -> None:
    (root / "app" / "session.py").write_text(RENAMED + "x = = 1\n", "utf-8")
    assert check("app/uses.py") == (0, [], [warning("app/session.py")])
    code, findings, said = check(".")
    assert (code, [line.split()[1] for line in findings], said) == (1, ["SUP900"], [warning("app/session.py")])
    assert check("-", stdin=USES.encode()) == (0, [], [warning("app/session.py")])


def test_a_broken_package_that_others_import_is_spoken_of(root: Path) -> None:
    (root / "app" / "session.py").unlink()
    (root / "app" / "session").mkdir()
    (root / "app" / "session" / "__init__.py").write_text(RENAMED + "x = = 1\n", "utf-8")
    assert check("app/uses.py")[2] == [warning("app/session/__init__.py")]


def test_a_broken_file_that_nobody_imports_has_its_finding_only(root: Path) -> None:
    (root / "app" / "odd.py").write_text(RENAMED + "x = = 1\n", "utf-8")
    (root / "app" / "other.py").write_text("odd = 1  # import odd\nimport oddly\n", "utf-8")
    _, findings, said = check(".")
    assert sorted(line.split()[1] for line in findings) == ["SUP101", "SUP900"]
    assert said == []


def test_whole_files_cause_no_warning(root: Path) -> None:
    assert check(".")[2] == check("app/uses.py")[2] == []
