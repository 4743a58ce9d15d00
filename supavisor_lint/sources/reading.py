"""From a path to text, as Python itself reads source: BOM and PEP 263. Newlines stay as they are."""

from __future__ import annotations

import io
import re
import tokenize
from codecs import BOM_UTF8
from pathlib import Path

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)
_LINE_END = re.compile(r"\r\n|\r|\n")

TOKENIZE_ERRORS = (tokenize.TokenError, SyntaxError, ValueError)
"""What `tokenize` may raise on text that the running Python does not understand (ValueError: null bytes)."""


class UnreadableFile(Exception):  # noqa: N818 - it is named for what the file is
    """The bytes of a file cannot be had; `reason` is the operating system's, in one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UndecodableFile(Exception):  # noqa: N818 - it is named for what the file is
    """Bytes that are no Python source text; `line` and `column` (1-based, code points) say where."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column


def read_source(path: Path | str) -> bytes:
    """The bytes of `path`; raises `UnreadableFile`."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a Path is not needed to read a file
            return file.read()
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error)) from error
    except ValueError as error:  # a null byte in the path itself
        raise UnreadableFile(str(error)) from error


def decode(data: bytes) -> str:
    """The text of a Python source file, without its BOM; raises `UndecodableFile`.

    Python's own compiler is the measure: the encoding is `encoding_of(data)`, and no null byte is allowed.
    """
    text = _decoded(data.removeprefix(BOM_UTF8), encoding_of(data))
    if "\0" in text:
        raise UndecodableFile("source code contains a null byte", *_end_of(text[: text.index("\0")]))
    return text


def reads_as(data: bytes, text: str) -> bool:
    """Whether a text is that of a source file, as it is there or as flake8 reads it.

    flake8 makes a newline of every line end, and reads bytes that are not in the encoding that they declare as latin-1.
    """
    try:
        there = decode(data)
    except UndecodableFile:
        there = data.decode("latin-1")
    return text in (there, "".join(map(with_newline, split_lines(there))))


def encoding_of(data: bytes) -> str:
    """The encoding of a source file: "utf-8-sig" with a BOM, else the PEP 263 comment's, else "utf-8".

    Only the first two lines are read. Their bytes need not be UTF-8 beside the comment: the compiler takes
    that, only `tokenize.detect_encoding` does not. Raises `UndecodableFile` for an unknown encoding.
    """
    bom = BOM_UTF8 if data.startswith(BOM_UTF8) else b""
    head = b"\n".join(_first_lines(data)).decode("ascii", "replace").encode("ascii", "replace")
    try:
        return tokenize.detect_encoding(io.BytesIO(bom + head).readline)[0]
    except SyntaxError as error:
        raise UndecodableFile(str(error.msg), *_cookie_position(data)) from error


def split_lines(text: str) -> list[str]:
    r"""The lines of `text` with their ends, cut as Python cuts: at `\n`, `\r\n`, `\r`, no form feeds."""
    return io.StringIO(text, newline="").readlines()


def with_newline(line: str) -> str:
    r"""The line as Python's universal newlines give it: `\r\n` and `\r` become `\n`; a line without an end has none."""
    if line.endswith("\r\n"):
        return line[:-2] + "\n"
    return line[:-1] + "\n" if line.endswith("\r") else line


def _decoded(body: bytes, encoding: str) -> str:
    try:
        if b"# coding".decode(encoding) != "# coding":  # UTF-16 cannot hold the comment that names it
            raise UndecodableFile(f"encoding problem: {encoding}", *_cookie_position(body))
        return body.decode("utf-8" if encoding == "utf-8-sig" else encoding)
    except UnicodeDecodeError as error:
        reason = f"{encoding} cannot decode byte 0x{body[error.start]:02x}: {error.reason}"
        before = body[: error.start].decode(encoding, errors="replace")
        raise UndecodableFile(reason, *_end_of(before)) from error
    except (LookupError, ValueError) as error:  # no text encoding, or a codec with errors of its own
        raise UndecodableFile(f"encoding problem: {encoding}", *_cookie_position(body)) from error


def _first_lines(data: bytes) -> list[bytes]:
    return data.removeprefix(BOM_UTF8).split(b"\n", 2)[:2]


def _cookie_position(data: bytes) -> tuple[int, int]:
    """Where the encoding's name stands in the first two lines; (1, 1) when it stands nowhere."""
    for number, line in enumerate(_first_lines(data), start=1):
        match = _COOKIE.match(line)
        if match:
            return number, len(line[: match.start(1)].decode("utf-8", errors="replace")) + 1
    return 1, 1


def _end_of(text: str) -> tuple[int, int]:
    """The 1-based line and column that follow `text`."""
    ends = list(_LINE_END.finditer(text))
    return len(ends) + 1, len(text) - (ends[-1].end() if ends else 0) + 1
