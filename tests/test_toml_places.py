"""Keys and tables of a TOML text are found where they stand; values are written in one line."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supavisor_lint.sources import toml
from supavisor_lint.sources.toml_places import line_of, statements

ODD = '''
top = 1 # comment with [brackets] and "quotes"
"quoted key" = "a # b ] }"
'literal' = 'c:\\'
dotted . "inner key".last = [1, 2, # comment ]
  [3, "]"], { a = "}", b = ["x"] }
]
multi = """
[tool.supavisor-lint]
key = \\"""no\\"""
two quotes: """""
raw = \'\'\'
x = 1 # not a comment
\'\'\'
date = 1979-05-27 07:32:00 # with a space
empty = ""
escaped = "\\\\"
inline = { dotted.key = 1, "x" = [ ] }

  [ table . "sub table" ] # comment
indented = true
\tother=false
[table.'single']
[[array]]
name = "first"
[[ array ]]
name = "second"
[array.below]
"\\u00e9t\\u00e9" = -1e3
'''


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("before", ["", "\ufeff"])
def test_what_stands_at_a_key_is_its_value(before: str, end: str) -> None:
    text = before + ODD.replace("\n", end)
    document = toml.parse(text)
    found = list(statements(text))
    for statement in found:
        if statement.kind == "key" and statement.section[:1] != ("array",):
            assert value_of(text, statement.value, statement.end) == within(document, statement.path)
        assert statement.line == text.count("\n", 0, statement.start) + 1
    keys = [".".join(s.path) for s in found if s.kind == "key"]
    assert keys[:4] == ["top", "quoted key", "literal", "dotted.inner key.last"]
    assert keys[-2:] == ["array.name", "array.below.été"]
    assert [(s.kind, s.path) for s in found if s.kind != "key"] == [
        ("table", ("table", "sub table")),
        ("table", ("table", "single")),
        ("array", ("array",)),
        ("array", ("array",)),
        ("table", ("array", "below")),
    ]


def value_of(text: str, start: int, end: int) -> Any:
    return toml.parse(f"x = {text[start:end]}\n")["x"]


def within(document: Any, path: tuple[str, ...]) -> Any:
    return reduce(lambda table, key: table[key], path, document)


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(_TEXTS, _VALUES, max_size=5))
def test_what_is_written_is_read_and_found_again(document: dict[str, Any]) -> None:
    text = "".join(f"{toml.written({key: value})[1:-1]} # ]\n" for key, value in document.items())
    assert toml.parse(text) == document
    assert "\n" not in toml.written(document)
    found = {s.path[0]: value_of(text, s.value, s.end) for s in statements(text)}
    assert found == document


def test_what_would_act_on_a_terminal_is_written_as_an_escape() -> None:
    text = "a\x85\xad\u202e\u200bé\x1b"
    written = toml.written([text])
    assert written.isprintable() and "é" in written
    assert value_of(written, 0, len(written)) == [text]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("tool", "x"), 3),
        (("tool", "x", "a"), 4),
        (("tool", "x", "b", "c"), 5),
        (("tool", "x", "t"), 6),
        (("tool", "x", "t", "k"), 7),
        (("tool", "y", "deep"), 8),
        (("tool",), 1),
        (("tool", "x", "nowhere"), None),
        (("tool", "x", "a", "inside"), 4),
        (("tool", "z"), 9),
    ],
)
def test_the_line_of_a_key_or_table(path: tuple[str, ...], line: int | None) -> None:
    text = "tool.v = 1\n\n[tool.x]\na = {k = 1}\nb.c = 2\n[tool.x.t]\nk = 1\n[tool.y.deep]\n[[tool.z]]\n[[tool.z]]\n"
    assert line_of(text, path) == line
