"""Where reports go: stdout in its own encoding and with colours, or a file, whole or not at all."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from supavisor_lint.cli.errors import Failure
from supavisor_lint.report.model import Role

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


def wants_colour() -> bool | None:
    """Give what the environment says about colours; None leaves it to click (colours on a terminal only)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def out(text: str) -> None:
    """Write to stdout in its own encoding; click would put UTF-8 on an ASCII terminal if left to choose."""
    click.echo(text, file=sys.stdout, nl=False)


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
            return
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            _keep_mode(Path(name), target)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror or error}") from error


def _keep_mode(new: Path, old: Path) -> None:
    """Give the new file the permissions of the old one, or those that a plain `open` would have given it."""
    umask = os.umask(0)
    os.umask(umask)
    new.chmod(old.stat().st_mode & 0o777 if old.exists() else 0o666 & ~umask)
