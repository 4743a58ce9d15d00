"""Manners on a terminal: the progress bar comes late, goes away, and is shown to people only; links where they work."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import project_fixture, spawn  # noqa: F401

from supavisor_lint.cli.hyperlinks import terminal_shows_links

pty = pytest.importorskip("pty", reason="terminals of POSIX")

IMPATIENT = "from supavisor_lint.cli import main, progress\nprogress.PATIENCE = {}\nmain()"
_CONTROL = re.compile(r"\x1b\[\??[0-9]*[a-zA-Z]|\r|\n|[^\x1b\r\n]+")


def on_terminal(*args: str, patience: float = 0, stdout_too: bool = False, **env: str) -> str:
    """What a terminal gets that is connected to stderr (and stdout)."""
    ours, theirs = pty.openpty()
    quiet = {name: value for name, value in os.environ.items() if name not in {"CI", "TERM", "NO_COLOR"}}
    command = [sys.executable, "-c", IMPATIENT.format(patience), *args]
    with subprocess.Popen(
        command,
        stdout=theirs if stdout_too else subprocess.DEVNULL,
        stderr=theirs,
        env=quiet | {"TERM": "xterm", "COLUMNS": "80"} | env,
    ):
        os.close(theirs)
        got = b""
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # Linux's way to say that the other end is closed
                break
            if not more:
                break
            got += more
    os.close(ours)
    return got.decode()


def screen(text: str) -> list[str]:
    """The lines that are left on a terminal in the end."""
    lines, row = [""], 0
    for part in _CONTROL.findall(text):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part[0] not in "\r\x1b":
            lines[row] = part
    return [line for line in lines if line.strip()]


def test_the_bar_is_gone_at_the_end(project: Path) -> None:
    text = on_terminal("check")
    assert "checking" in text
    assert screen(text) == ["Found 1 finding in 1 of 2 files."]
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")  # the cursor is there again


def test_fixing_has_a_bar_as_well(project: Path) -> None:
    text = on_terminal("check", "--fix")
    assert "looking for fixes" in text
    assert screen(text) == ["Found 1 finding in 1 of 2 files."]


@pytest.mark.parametrize(
    ("args", "env"), [((), {"CI": "true"}), ((), {"TERM": "dumb"}), (("--quiet",), {})], ids=["CI", "dumb", "quiet"]
)
def test_nobody_else_gets_a_bar(project: Path, args: tuple[str, ...], env: dict[str, str]) -> None:
    assert "checking" not in on_terminal("check", *args, **env)


def test_a_short_run_has_no_bar(project: Path) -> None:
    assert on_terminal("check", patience=60) == "Found 1 finding in 1 of 2 files.\r\n"


def test_a_pipe_has_no_bar(project: Path) -> None:
    assert spawn("check").stderr == b"Found 1 finding in 1 of 2 files.\n"


def test_paths_are_links_where_the_terminal_shows_them(project: Path) -> None:
    text = on_terminal("check", patience=60, stdout_too=True, TERM_PROGRAM="WezTerm")
    address = (project / "app" / "tasks.py").as_uri().replace("file://", f"file://{socket.gethostname()}")
    assert f"\x1b]8;;{address}\x1b\\app/tasks.py\x1b]8;;\x1b\\" in text
    assert "\x1b]8" not in on_terminal("check", patience=60, stdout_too=True)
    assert b"\x1b]8" not in spawn("check", TERM_PROGRAM="WezTerm").stdout
    assert b"\x1b]8" in spawn("check", FORCE_HYPERLINK="1", FORCE_COLOR="1").stdout
    assert "\x1b]8" not in on_terminal(
        "check", patience=60, stdout_too=True, TERM_PROGRAM="WezTerm", FORCE_HYPERLINK="0"
    )


@pytest.mark.parametrize("args", [("rules",), ("explain", "SUP2")])
def test_the_rules_fit_the_terminal_and_have_a_line_each_elsewhere(args: tuple[str, ...]) -> None:
    shown = on_terminal(*args, stdout_too=True, NO_COLOR="1").splitlines()
    assert max(map(len, shown)) <= 80
    piped = spawn(*args).stdout.decode().splitlines()[1:]
    assert all(line.startswith("SUP") for line in piped)
    assert [line[:6] for line in shown if line.startswith("SUP")] == [line[:6] for line in piped]


@pytest.mark.parametrize(
    ("env", "shows"),
    [
        ({}, False),
        ({"TERM_PROGRAM": "vscode"}, False),
        ({"TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"VTE_VERSION": "4205"}, False),
        ({"WT_SESSION": "1", "CI": "1"}, False),
        ({"KITTY_WINDOW_ID": "1", "TMUX": "x"}, False),
        ({"VTE_VERSION": "7200", "TERM": "dumb"}, False),
        ({"VTE_VERSION": "7200"}, True),
        ({"TERM_PROGRAM": "iTerm.app"}, True),
        ({"WT_SESSION": "1"}, True),
        ({"KITTY_WINDOW_ID": "1"}, True),
    ],
)
def test_which_terminals_show_links(env: dict[str, str], shows: bool) -> None:
    assert terminal_shows_links(env) is shows
