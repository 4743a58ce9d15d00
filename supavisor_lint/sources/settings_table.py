"""New keys for `[tool.supavisor-lint]` in the text of a pyproject.toml: lines are added, everything else stays.

An insertion is all it takes, so a library that writes TOML anew (tomlkit) would only be a dependency more, and another
opinion about what must not change. Each result is parsed, and has to say what it said before plus the new keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from supavisor_lint.sources import toml
from supavisor_lint.sources.roots import TABLE
from supavisor_lint.sources.toml_places import Statement, statements

_PATH = ("tool", TABLE)


class UneditableTable(Exception):  # noqa: N818 - it is named for what the table is
    """The table has a form to which no line can be added; `reason` says which, with its line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key with its value (see `toml.written`), and a comment for the line above it."""

    name: str
    value: object
    comment: str


def table_of(keys: Sequence[NewKey], end: str = "\n") -> str:
    """A whole table with some keys, `end` behind each line but the last."""
    return end.join([f"[{'.'.join(_PATH)}]", *_lines(keys)])


def with_keys(text: str, keys: Sequence[NewKey]) -> str:
    """The text of a pyproject.toml (valid, with its own line ends and BOM) with some keys that it does not have yet.

    They go below the keys that the table has; a table that is not there is added. Raises UneditableTable.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    known = list(statements(text))
    own = [one for one in known if one.path[:2] == _PATH]
    inline = next((one for one in known if one.kind == "key" and one.path in (_PATH[:1], _PATH)), None)
    if inline is not None:
        raise UneditableTable(f"line {inline.line}: `{'.'.join(inline.path)}` is an inline table, which takes no lines")
    header = next((one for one in own if one.kind == "table" and one.path == _PATH), None)
    dotted = [one for one in own if one.kind == "key" and len(one.section) < len(_PATH)]
    if header is not None:
        last = [one for one in own if one.section == _PATH and one.start >= header.start][-1]
        new = _inserted(text, _line_end(text, last.end), [end, end.join(_lines(keys, _indent(text, last)))])
    elif dotted:
        prefix = ".".join([*_PATH[len(dotted[-1].section) :], ""])
        lines = end.join(_lines(keys, _indent(text, dotted[-1]), prefix))
        new = _inserted(text, _line_end(text, dotted[-1].end), [end, lines])
    elif own:
        new = _inserted(text, _with_comments(text, own[0].start), [table_of(keys, end), end, end])
    else:
        new = f"{text}{_gap(text, end)}{table_of(keys, end)}{end}"
    _require_only(text, new, keys)
    return new


def _lines(keys: Sequence[NewKey], indent: str = "", prefix: str = "") -> list[str]:
    lines = ([f"# {key.comment}", f"{prefix}{key.name} = {toml.written(key.value)}"] for key in keys)
    return [f"{indent}{line}" for pair in lines for line in pair]


def _inserted(text: str, offset: int, parts: Sequence[str]) -> str:
    return "".join([text[:offset], *parts, text[offset:]])


def _indent(text: str, statement: Statement) -> str:
    before = text[text.rfind("\n", 0, statement.start) + 1 : statement.start].removeprefix("\ufeff")
    return before if before.isspace() else ""


def _line_end(text: str, offset: int) -> int:
    """The offset of the line end behind a statement and its comment."""
    found = text.find("\n", offset)
    if found == -1:
        return len(text)
    return found - 1 if text[found - 1] == "\r" else found


def _with_comments(text: str, offset: int) -> int:
    """Where the line of a statement begins, or the comments that stand right above it."""
    start = text.rfind("\n", 0, offset) + 1
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].lstrip("\ufeff \t").startswith("#"):
            break
        start = above
    return 1 if start == 0 and text.startswith("\ufeff") else start


def _gap(text: str, end: str) -> str:
    """What stands between a text and a table behind it: one empty line."""
    body = text.removeprefix("\ufeff")
    if not body.strip():
        return ""
    if not body.endswith("\n"):
        return end * 2
    return "" if body.endswith(("\n\n", "\n\r\n")) else end


def _require_only(before: str, after: str, keys: Sequence[NewKey]) -> None:
    """Raise UneditableTable unless a text says what another one says, and some keys more."""
    expected: dict[str, Any] = deepcopy(toml.parse(before))
    table = expected.setdefault("tool", {}).setdefault(TABLE, {})
    table.update({key.name: toml.parse(f"x = {toml.written(key.value)}")["x"] for key in keys})
    try:
        is_right = toml.parse(after) == expected
    except ValueError:
        is_right = False
    if not is_right:
        raise UneditableTable("the table has an unusual form, to which no lines can be added safely")
