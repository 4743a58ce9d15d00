"""The command line in a process of its own: whole runs, pipes, encodings, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import jsonschema
import pytest
from cli_support import CLEAN, SNIPPET, fake_fixture, invoke, project_fixture, spawn  # noqa: F401

SCHEMA = json.loads(Path(__file__).with_name("schemas").joinpath("findings.schema.json").read_text("utf-8"))


def test_the_snippet_on_stdin_is_found(project: Path) -> None:
    done = spawn("check", "-", "--output-format", "concise", stdin=SNIPPET.encode())
    assert done.returncode == 1
    assert b":2:15: SUP101 " in done.stdout
    assert done.stderr.decode().splitlines() == ["Found 1 finding in 1 file."]


def test_the_summary_is_below_the_findings_also_where_both_go_into_one_pipe(project: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "supavisor_lint", "check", "--output-format", "concise"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, check=False)
    assert [line[:16] for line in done.stdout.decode().splitlines()] == ["app/tasks.py:2:1", "Found 1 finding "]


def test_a_whole_project(project: Path) -> None:
    done = spawn("check", "--output-format", "json")
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert done.returncode == 1
    assert [(found["code"], found["path"], found["line"]) for found in document["findings"]] == [
        ("SUP101", "app/tasks.py", 2)
    ]
    assert document["summary"]["files"] == 2
    assert spawn("check", "app/clean.py").returncode == 0


def test_a_missing_path_does_not_stop_the_good_one(project: Path) -> None:
    done = spawn("check", "nope.py", "app/tasks.py")
    assert done.returncode == 2
    assert b"SUP101" in done.stdout
    errors = [line for line in done.stderr.decode().splitlines() if "error" in line]
    assert len(errors) == 1 and errors[0].startswith("supavisor-lint: error: ") and "nope.py" in errors[0]


def test_a_pipe_that_closes_early_is_no_error(project: Path) -> None:
    many = "".join(f"async def t{number}():\n    s = async_session_factory()\n" for number in range(2000))
    (project / "app" / "many.py").write_text(many, "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "supavisor_lint", "check", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    assert b"SUP101" in process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_exits_with_130_and_without_a_traceback(project: Path) -> None:
    expected = (130, b"", b"supavisor-lint: interrupted\n")
    assert interrupted_after(2) == expected or interrupted_after(15) == expected  # a busy machine starts slowly


def interrupted_after(seconds: float) -> tuple[int, bytes, bytes]:
    """What comes of a check that waits for its input, when it is interrupted after some seconds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "supavisor_lint", "check", "-", "--verbose"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore it
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    return process.returncode, stdout, stderr


_HELD = """
import signal, sys
from importlib.abc import MetaPathFinder
class Held(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Held())
sys.argv = ["supavisor-lint", "check"]
from supavisor_lint.__main__ import main
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["supavisor_lint.cli", "click", "supavisor_lint.run", "supavisor_lint.facts"])
def test_ctrl_c_while_the_program_is_loaded_is_no_traceback(project: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HELD.format(name=name)],
        capture_output=True,
        check=False,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.default_int_handler),
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"supavisor-lint: interrupted\n")


def test_the_process_ends_without_taking_its_objects_apart(project: Path) -> None:
    """That would be seconds for the trees of a large project; what was written stays whole, also into a pipe."""
    code = (
        "import sys, weakref\n"
        "import supavisor_lint.cli\n"
        "from supavisor_lint.__main__ import main\n"
        "class Tree: ...\n"
        "tree = Tree()\n"
        "weakref.finalize(tree, print, 'taken apart')\n"
        "sys.argv = ['supavisor-lint', 'check', '--output-format', 'json']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["findings"]) == 1
    assert done.stderr.decode().splitlines() == ["Found 1 finding in 1 of 2 files."]


HINT = "What other files say of this text (who registers it) is unknown: name it with --stdin-filename."


@pytest.mark.parametrize(
    ("text", "args"),
    [
        (CLEAN, ["--stdin-filename", "app/new.py"]),
        (CLEAN, ["--stdin-filename", "app/new.py", "--verbose"]),
        (CLEAN, ["--quiet"]),
        (SNIPPET, []),
    ],
)
def test_there_is_no_hint_at_a_name_where_it_would_not_help(project: Path, text: str, args: list[str]) -> None:
    assert "--stdin-filename" not in invoke("check", "-", *args, stdin=text).stderr


def test_a_lone_text_needs_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke("check", "-", stdin=CLEAN).stderr == "All clear: 1 file checked.\n"


@pytest.mark.parametrize(("text", "args"), [(CLEAN, []), (SNIPPET, ["--verbose"])])
def test_a_text_without_a_name_misses_what_the_project_says_of_it(project: Path, text: str, args: list[str]) -> None:
    assert invoke("check", "-", *args, stdin=text).stderr.splitlines()[-1] == HINT


@pytest.mark.skipif(os.name == "nt", reason="file descriptors of POSIX")
def test_a_closed_stdin_is_one_line(project: Path) -> None:
    command = f"exec '{sys.executable}' -m supavisor_lint check - <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (2, b"supavisor-lint: error: stdin is closed\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a Linux device")
def test_a_full_disk_behind_stdout_is_one_line(project: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "supavisor_lint", "check"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr and b"supavisor-lint: error: " in done.stderr


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", b"\\u6f22 \\xdf"), ("latin-1", b"\\u6f22 \xdf"), ("utf-8", "漢 ß".encode())],
)
def test_any_encoding_of_stdout_will_do(project: Path, encoding: str, shown: bytes) -> None:
    code = f"{SNIPPET.rstrip()}  # 漢 ß\n".encode()
    done = spawn("check", "-", stdin=code, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 1
    assert shown in done.stdout
    done = spawn("check", "-", "--output-format=json", stdin=code, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert json.loads(done.stdout.decode(encoding))["summary"]["findings"] == 1


def test_the_console_script_is_the_module(project: Path) -> None:
    script = Path(sys.executable).with_name("supavisor-lint")
    if not script.exists():
        pytest.skip("the package is not installed beside this Python")
    done = subprocess.run([script, "check"], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, spawn("check").stdout)
