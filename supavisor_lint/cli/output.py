"""Where reports go: stdout in its own encoding and with colours, or a file, whole or not at all."""

from __future__ import annotations

import codecs
import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from supavisor_lint.cli.errors import Failure
from supavisor_lint.cli.hyperlinks import linked, stdout_shows_links
from supavisor_lint.report.model import Role, Style
from supavisor_lint.report.text import harmless
from supavisor_lint.sources.writing import write_whole

_COLOURS: dict[Role, dict[str, Any]] = {
    "path": {"bold": True},
    "code": {"fg": "red", "bold": True},
    "error": {"fg": "red"},
    "warning": {"fg": "yellow"},
    "info": {"fg": "cyan"},
    "caret": {"fg": "red", "bold": True},
    "dim": {"fg": "blue", "bold": True},
    "heading": {"bold": True},
}


def click_style(text: str, role: Role) -> str:
    """Give the text in the colours of its part; click takes them out again where they are not wanted."""
    return click.style(text, **_COLOURS[role])


def stdout_style() -> Style:
    """Give the style for stdout: colours, and paths as links where it shows them."""
    if not stdout_shows_links():
        return click_style
    return lambda text, role: click_style(linked(text) if role == "path" else text, role)


_CHANGES: dict[str, Role] = {"-": "error", "+": "info", "@": "dim"}


def diff_lines(diff: bytes) -> Iterator[str]:
    """Yield the lines of a unified diff in colours, fit for a terminal."""
    for line in diff.decode("utf-8", "surrogatepass").split("\n")[:-1]:
        shown = harmless(line.rstrip("\r").expandtabs(4))
        role = _CHANGES.get(line[:1])
        yield click_style(shown, role) if role else shown


def wants_colour() -> bool | None:
    """Give what the environment says about colours; None leaves it to click (colours on a terminal only)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def stdout_width(otherwise: int) -> int:
    """Give the columns of the terminal that stdout is, or another width where it is none: a file is always the same."""
    return shutil.get_terminal_size((otherwise, 24)).columns if sys.stdout.isatty() else otherwise


def out(text: str) -> None:
    """Write to stdout in its own encoding; click would put UTF-8 on an ASCII terminal if left to choose."""
    click.echo(text, file=sys.stdout, nl=False)


def out_bytes(data: bytes) -> None:
    """Write bytes to stdout as they are: code keeps its own encoding and line ends."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def text_of(lines: Iterable[str]) -> str:
    """Give the lines as one text, each with its end."""
    return "".join(f"{line}\n" for line in lines)


def stdout_is_utf8() -> bool:
    """Say whether stdout takes every character as it is."""
    with contextlib.suppress(AttributeError, LookupError, TypeError):  # closed, unknown, unset
        return codecs.lookup(sys.stdout.encoding).name == "utf-8"
    return False


def write_atomically(path: Path, text: str) -> None:
    """Put the text into the file in UTF-8, all or nothing; a device or pipe is written to, never replaced."""
    data = text.encode("utf-8")
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            write_whole(target, data, target.stat() if target.exists() else None)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror or error}") from error
