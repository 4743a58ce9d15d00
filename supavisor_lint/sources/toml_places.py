"""Where in a TOML text its keys and tables stand: what the parser of the standard library does not tell.

Only for texts that `sources.toml` has parsed: what is no TOML is not noticed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from supavisor_lint.sources import toml

Path: TypeAlias = tuple[str, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART = re.compile(r"""[ \t]*(?P<part>"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
# A value is strings and brackets, and between them anything else; strings first, because they may hold the rest.
_VALUE_PART = re.compile(
    r"""
    \"{3} (?: \\[\s\S] | [^\\] )*? \"{3} \"{0,2}
    | '{3} [\s\S]*? '{3} '{0,2}
    | " (?: \\. | [^"\\\n] )* "
    | ' [^'\n]* '
    | (?P<open> [\[{] )
    | (?P<close> [\]}] )
    | (?P<end> \r?\n | \#[^\n]* )
    | [^"'\[\]{}\n\r\#]+ | \r
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One `key = value`, or the header of a table or of an item of an array of tables.

    `path` leads from the top of the document, `section` is that part of it which the header above has said already;
    `start` and `end` are offsets (code points, from 0, the end exclusive), without indentation and final comment;
    `line` counts from 1. `value` is where the value starts, at a header the `end`.
    """

    kind: Literal["key", "table", "array"]
    path: Path
    section: Path
    start: int
    value: int
    end: int
    line: int


def statements(text: str) -> Iterator[Statement]:
    """The keys and headers of a TOML text (decoded, with its own line ends), in order."""
    section: Path = ()
    position = 1 if text.startswith("\ufeff") else 0
    line, counted = 1, 0
    while True:
        position = _after(_BLANK, text, position)
        if position >= len(text):
            return
        line, counted = line + text.count("\n", counted, position), position
        if text[position] == "[":
            kind: Literal["table", "array"] = "array" if text.startswith("[[", position) else "table"
            section, end = _dotted(text, position + (2 if kind == "array" else 1))
            end += 2 if kind == "array" else 1
            yield Statement(kind, section, section, position, end, end, line)
        else:
            path, equals = _dotted(text, position)
            value = _after(re.compile(r"[ \t]*"), text, equals + 1)
            end = _end_of_value(text, value)
            yield Statement("key", (*section, *path), section, position, value, end, line)
        position = max(end, position + 1)  # what is no TOML at least comes to an end


def line_of(text: str, path: Path) -> int | None:
    """The line (from 1) of a key or table, or of the first thing in it, or of the inline table that holds it."""
    best: Statement | None = None
    for statement in statements(text):
        if statement.path[: len(path)] == path:
            return statement.line
        inside = statement.kind == "key" and path[: len(statement.path)] == statement.path
        best = statement if inside and best is None else best
    return best.line if best is not None else None


def _after(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match is not None else position


def _dotted(text: str, position: int) -> tuple[Path, int]:
    """A dotted key, and the offset behind it."""
    parts: list[str] = []
    while (match := _KEY_PART.match(text, position)) is not None:
        parts.append(_plain(match["part"]))
        position = match.end()
        if not text.startswith(".", position):
            break
        position += 1
    return tuple(parts), position


def _plain(part: str) -> str:
    if part[0] == "'" or (part[0] == '"' and "\\" not in part):
        return part[1:-1]
    return str(toml.parse(f"part = {part}")["part"]) if part[0] == '"' else part


def _end_of_value(text: str, position: int) -> int:
    depth = 0
    end = position
    while (match := _VALUE_PART.match(text, position)) is not None:
        if match.lastgroup == "end":
            if depth == 0:
                break
        elif match.lastgroup == "open":
            depth += 1
        elif match.lastgroup == "close":
            depth -= 1
        position = match.end()
        if match.lastgroup != "end" and match[0].strip():
            end = match.start() + len(match[0].rstrip())
    return end
