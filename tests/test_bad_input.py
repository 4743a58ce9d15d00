"""What no parser likes: each file gives a SUP900 or one clear line, the others are checked, nothing crashes.

Most cases stand in one folder and are checked by one run of the real program with a stack of 8 MB: a native parser that
overflows it ends the process, and all tests here fail.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_support import spawn
from deep_code import DEEP, TRIGGER, UNDERSTOOD

from supavisor_lint import run
from supavisor_lint.settings import Settings
from supavisor_lint.sources.nesting import MAX_BRACKETS, MAX_LEVELS, too_deep_at
from supavisor_lint.sources.reading import UnreadableFile, read_source

LIMIT = "ulimit -s 8192; " if os.name == "posix" else ""
BAD = {
    "syntax": (TRIGGER + b"x = = 1\n", "invalid syntax", 3, None),
    "unclosed": (TRIGGER + b"x = (1\n", "", None, None),
    "indentation": (TRIGGER + b"      y = 1\n    z = 1\n", "", None, None),
    "unknown_encoding": (b"# coding: nope\n" + TRIGGER, "unknown encoding: nope", 1, 11),
    "wrong_encoding": (b"# coding: ascii\n" + TRIGGER + b"x = '\xe9'\n", "ascii cannot decode byte 0xe9", 4, 6),
    "bad_bytes": (TRIGGER + b"x = '\xff'\n", "utf-8 cannot decode byte 0xff", 3, 6),
    "strings": (TRIGGER + b"x = (" + b"'a' " * 5000 + b")\n", "", None, None),
    "null": (TRIGGER + b"x = 1\0\n", "source code contains a null byte", 3, 6),
    "binary": (b"\x7fELF\0\xff" + TRIGGER, "utf-8 cannot decode", 1, 6),
    "utf_16": (("\ufeff" + TRIGGER.decode()).encode("utf-16-le") + TRIGGER, "utf-8 cannot decode", 1, 1),
}
ODD = {
    "bom": b"\xef\xbb\xbf" + TRIGGER,
    "crlf": TRIGGER.replace(b"\n", b"\r\n"),
    "carriage_returns": TRIGGER.replace(b"\n", b"\r"),
    "form_feeds": b"\x0c\n\x0c" + TRIGGER + b"\x0c\n",
    "no_last_newline": TRIGGER.rstrip(),
    "latin_1": b"# coding: latin-1\n" + TRIGGER + b"x = '\xe9'\n",
    "megabyte_line": TRIGGER + b"x = '" + b"a" * 1_000_000 + b"'\n",
    "megabyte_bytes": TRIGGER + b"x = (" + b"'\\x00' " * 1000 + b")\n",
}


@pytest.fixture(scope="module", name="report")
def report_fixture(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The findings of one run over all cases, by file; the first per file and code."""
    root = tmp_path_factory.mktemp("bad")
    cases = {name: data for name, (data, *_) in BAD.items()} | ODD | DEEP | UNDERSTOOD
    for name, data in cases.items():
        (root / f"{name}.py").write_bytes(data)
    (root / "empty.py").touch()
    (root / "good.py").write_bytes(TRIGGER)
    command = [sys.executable, "-m", "supavisor_lint", "check", "--isolated", "--output-format", "json", str(root)]
    if LIMIT:
        command = ["sh", "-c", LIMIT + 'exec "$@"', "sh", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, (done.returncode, done.stderr[-2000:])
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr
    document = json.loads(done.stdout)
    assert document["summary"]["files"] == len(cases) + 2
    found: dict[str, dict[str, Any]] = {}
    for finding in document["findings"]:
        found.setdefault(finding["path"].rpartition("/")[2].removesuffix(".py"), {}).setdefault(
            finding["code"], finding
        )
    return found


def test_the_other_files_are_checked(report: dict[str, dict[str, Any]]) -> None:
    assert set(report["good"]) == {"SUP101"}
    assert "empty" not in report


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_python(report: dict[str, dict[str, Any]], name: str) -> None:
    _, reason, line, column = BAD[name]
    assert set(report[name]) == {"SUP900"}
    finding = report[name]["SUP900"]
    assert reason in finding["message"] and "\n" not in finding["message"]
    assert finding["line"] == (line or finding["line"])
    assert finding["column"] == (column or finding["column"])


@pytest.mark.parametrize("name", ODD)
def test_a_file_that_is_only_odd(report: dict[str, dict[str, Any]], name: str) -> None:
    assert set(report[name]) == {"SUP101"}


@pytest.mark.parametrize("name", DEEP)
def test_a_file_that_is_too_deep(report: dict[str, dict[str, Any]], name: str) -> None:
    assert set(report[name]) == {"SUP900"}
    assert "nested too deeply" in report[name]["SUP900"]["message"]


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_a_file_that_is_large_or_deep_within_reason(report: dict[str, dict[str, Any]], name: str) -> None:
    assert "SUP101" in report[name]
    assert "SUP900" not in report[name]


# ------------------------------------------------------------------------------------------------- the measured depth


@pytest.mark.parametrize(
    "text",
    [
        "x = [\n" + "    (1, 'a' + 'b', c.d.e()),\n" * 5000 + "]\n",
        "def f(): return 1 + 2\n" * 5000,
        "".join(f"if a:\n    {n}\nelif b:\n    x = (1)\n" for n in range(2000)),
        "x = '" + "(" * 5000 + "'\n",
        'x = """' + "\n(" * 5000 + '"""\n',
        "# " + "(" * 5000 + "\n",
        "x = r'\\'\n" * 3000,
        "match x:\n    case (1):\n        " + "f(" * 100 + ")" * 100 + "\n",
        "x = 1\n" + ")" * 5000,
    ],
    ids=["table", "functions", "ifs", "string", "docstring", "comment", "backslashes", "behind_case", "closing"],
)
def test_what_is_only_long_is_not_too_deep(text: str) -> None:
    assert too_deep_at(text) is None


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_place_is_where_the_limit_is_passed(end: str) -> None:
    assert too_deep_at(f"x = 1{end}y = " + "(" * (MAX_BRACKETS + 1)) == (2, 5 + MAX_BRACKETS)
    assert too_deep_at("y = " + "(" * MAX_BRACKETS) is None
    assert too_deep_at(f"x = 1{end}y = " + "-" * (MAX_LEVELS + 1) + "1") == (2, 5 + MAX_LEVELS)
    assert too_deep_at("y = " + "-" * MAX_LEVELS + "1") is None
    before = f"def f():{end}    return 1{end}" * 200
    assert too_deep_at(before + "y = " + "-" * (MAX_LEVELS + 1) + "1") == (401, 5 + MAX_LEVELS)
    text = f"'''{end}def f():{end}'''"  # no statement begins in a string
    assert too_deep_at("y = " + "-" * 400 + f"({text}" + ")" + "+ 1" * 400) is not None
    assert too_deep_at(f"if a:{end} 1{end}" + f"elif b:{end} 1{end}" * (MAX_LEVELS + 1)) is not None


@pytest.mark.parametrize("quote", ['"', "'", '"""', "'''"])
def test_an_open_string_costs_no_time(quote: str) -> None:
    too_deep_at("(" * 150 + "+ 1 " * MAX_LEVELS + quote + "\\a" * 200_000)


# ------------------------------------------------------------------------------------------- folders, links, no files


@pytest.fixture(name="folder")
def folder_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.py").write_bytes(TRIGGER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*paths: str, stdin: bytes = b"") -> tuple[int, list[str], list[str]]:
    """Exit code, the findings' places and codes, the errors."""
    done = spawn("check", "--isolated", "--output-format", "concise", *paths, stdin=stdin)
    assert b"Traceback" not in done.stderr
    findings = [" ".join(line.split()[:2]) for line in done.stdout.decode().splitlines()]
    return done.returncode, findings, [e for e in done.stderr.decode().splitlines() if "error" in e]


GOOD = "good.py:2:9: SUP101"


def link(source: Path, target: str) -> str:
    try:
        source.symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")
    return source.name


def test_a_loop_of_links_ends(folder: Path) -> None:
    (folder / "inside").mkdir()
    link(folder / "inside" / "up", "..")
    link(folder / "self.py", "self.py")
    link(folder / "broken.py", "nowhere.py")
    assert check(".") == (1, [GOOD], [])


@pytest.mark.parametrize("kind", ["missing", "broken", "self", "pipe"])
def test_a_path_that_is_no_file_is_one_line(folder: Path, kind: str) -> None:
    name = "bad.py"
    if kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("no named pipes here")
        os.mkfifo(folder / name)
    elif kind != "missing":
        link(folder / name, name if kind == "self" else "nowhere.py")
    code, findings, errors = check(name, "good.py")
    assert (code, findings) == (2, [GOOD])
    assert len(errors) == 1 and errors[0].startswith("supavisor-lint: error: bad.py: ")


def test_a_pipe_in_a_folder_is_not_waited_for(folder: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(folder / "pipe.py")
    assert check(".") == (1, [GOOD], [])


def test_a_folder_with_the_name_of_a_file(folder: Path) -> None:
    (folder / "x.py").mkdir()
    shutil.copy("good.py", "x.py/inner.py")
    assert check("x.py", "good.py") == (1, [GOOD, "x.py/inner.py:2:9: SUP101"], [])


def test_a_file_given_twice_is_checked_once(folder: Path) -> None:
    assert check("good.py", "good.py", "./good.py", ".") == (1, [GOOD], [])


def test_an_empty_folder_has_nothing_to_report(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert check("empty") == (0, [], [])


def test_binary_data_given_explicitly(folder: Path) -> None:
    (folder / "data.bin").write_bytes(bytes(range(256)) + TRIGGER)
    assert check("data.bin", "good.py") == (1, ["data.bin:3:115: SUP900", GOOD], [])


@pytest.mark.parametrize("data", [TRIGGER + b"\xff", TRIGGER + b"\0", DEEP["parentheses"]])
def test_bad_bytes_on_stdin(folder: Path, data: bytes) -> None:
    code, findings, errors = check("-", stdin=data)
    assert (code, errors) == (1, [])
    assert [finding.split()[1] for finding in findings] == ["SUP900"]


@pytest.mark.parametrize(("data", "frames"), [(b"x = '\xff'\n" + TRIGGER, 0), (b"x = = 1\n" + TRIGGER, 1)])
def test_a_text_that_cannot_be_read_is_not_shown(folder: Path, data: bytes, frames: int) -> None:
    """No empty line with a caret under it; what can be read and not parsed has its code frame."""
    (folder / "bad.py").write_bytes(data)
    lines = spawn("check", "--isolated", "--output-format", "full", "bad.py").stdout.decode().splitlines()
    assert lines[0].startswith("bad.py:1:")
    assert len([line for line in lines if "^" in line]) == frames
    assert len([line for line in lines if line.lstrip(" 0123456789").startswith("|")]) == 3 * frames


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(folder: Path) -> None:
    (folder / "secret.py").touch(mode=0)
    code, findings, _ = check(".")
    assert (code, findings) == (1, [GOOD, "secret.py:1:1: SUP900"])


@pytest.mark.parametrize("reads", [0, 1, 2])
def test_a_file_that_disappears_during_the_run(folder: Path, monkeypatch: pytest.MonkeyPatch, reads: int) -> None:
    """It can be read so many times, then no more: the run goes on, and says so where it had to know the text."""
    (folder / "gone.py").write_bytes(TRIGGER)
    left = reads

    def read(path: Path | str) -> bytes:
        nonlocal left
        if Path(path).name == "gone.py":
            left -= 1
            if left < 0:
                raise UnreadableFile("No such file or directory")
        return read_source(path)

    monkeypatch.setattr(run, "read_source", read)
    result = run.check_paths([folder], folder, Settings())
    codes = {finding.path: finding.code for finding in result.findings}
    assert codes["good.py"] == "SUP101"
    assert codes["gone.py"] == ("SUP101" if reads == 2 else "SUP900")
