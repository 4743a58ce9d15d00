"""Unified diffs of files in their own bytes, as `git apply` and `patch -p1` take them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

_NO_NEWLINE = b"\\ No newline at end of file\n"
_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def unified(path: str, before: bytes, after: bytes) -> bytes:
    """Give the diff of one file with three lines of context; `path` is relative to the root, POSIX.

    Only a line feed ends a line here, as for git: a carriage return before it belongs to the line, and every byte
    stays as it is.
    """
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(before), _lines(after), b"-", b"+", n=3)
    hunks = list(_hunks(iter(lines)))
    return b"".join([_name(b"--- ", "a", path), _name(b"+++ ", "b", path), *hunks]) if hunks else b""


def changed_lines(before: bytes, after: bytes) -> bytes:
    """Give the lines of the diff without names and line numbers: the same for the same change further down."""
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(before), _lines(after), n=3)
    return b"".join(line for line in _hunks(iter(lines)) if not line.startswith(b"@@"))


def _lines(data: bytes) -> list[bytes]:
    """The lines with their ends, cut at line feeds only."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _hunks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines behind the two names; a last line without its end is marked as git marks it."""
    next(lines, None)
    next(lines, None)
    for line in lines:
        if line.endswith(b"\n"):
            yield line
        else:
            yield line + b"\n" + _NO_NEWLINE


def _name(mark: bytes, side: str, path: str) -> bytes:
    """The line that names a file, quoted where git quotes it; a tab ends a name with a space."""
    name = f"{side}/{path.lstrip('/')}"
    if any(char in _ESCAPES or ord(char) < 32 or ord(char) == 127 for char in name):
        quoted = "".join(_ESCAPES.get(c) or (f"\\{ord(c):03o}" if ord(c) < 32 or ord(c) == 127 else c) for c in name)
        return mark + f'"{quoted}"\n'.encode("utf-8", "surrogateescape")
    return mark + name.encode("utf-8", "surrogateescape") + (b"\t\n" if " " in name else b"\n")
