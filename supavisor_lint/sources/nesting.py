"""Text that LibCST's native parser must not see: so deeply nested that it overflows the stack or takes for ever.

A parser in Rust raises no RecursionError, it ends the process. So the depth is measured before, from above: each level
of a syntax tree owes its existence to a bracket, an operator, a keyword or a link in a chain of `elif`s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

MAX_BRACKETS = 200
"""CPython's own limit: beyond it, a text is no Python. LibCST overflows a stack of 8 MB at about 1,500."""
MAX_LEVELS = 500
"""Brackets, operators and links on the way to one node. LibCST overflows a stack of 8 MB beyond 3,000."""
MAX_PATTERN_BRACKETS = 12
"""Behind a `case`: there LibCST's time doubles with each."""

_SIGNS = "([{.+-*/%@&|^~<>!"
_WORDS = ("not ", "and ", "or ", "if ", "else ", "lambda", "await", "yield", "for ", "in ", "is ")
_INNERMOST = re.compile(r"[(\[{][^()\[\]{}\"'#\r\n]*[)\]}]")
# A line that no expression goes on with.
_STATEMENT = re.compile(
    r"^[ \t\f]*(?:async[ \t]+def|async[ \t]+with|assert|class|def|except|finally|import|raise|return|try|while|with)\b",
    re.MULTILINE,
)
_CASE = re.compile(r"^[ \t\f]*case\b[ \t]*[^\s=.:,)]", re.MULTILINE)
_TOKEN = re.compile(
    r"""
    (?P<skip> \#[^\r\n]* | \\\r?\n | [\d.]*\d[\w.]*
        | \"{3} [^"\\]* (?: (?: \\. | "(?!"") ) [^"\\]* )* \"{3}
        | '{3} [^'\\]* (?: (?: \\. | '(?!'') ) [^'\\]* )* '{3}
        | " [^"\\\r\n]* (?: \\. [^"\\\r\n]* )* "
        | ' [^'\\\r\n]* (?: \\. [^'\\\r\n]* )* ' )
    | (?P<open> [(\[{] )
    | (?P<close> [)\]}] )
    | (?P<line> \r\n? | \n ) (?: (?P<indent> [ \t\f]* ) (?P<word> if | elif | case ) \b )?
    | (?P<end> [,;] )
    | (?P<operator> \*\* | // | << | >> | [=!<>]= | [-+*/%@&|^~.<>]
        | \b (?: not | and | or | if | else | lambda | await | yield | for | in | is ) \b )
    """,
    re.DOTALL | re.VERBOSE,
)


def too_deep_at(text: str) -> tuple[int, int] | None:
    """The line and column (from 1) at which a text becomes too deep to be parsed, None if it never does."""
    offset = next((at for start, part in _suspects(text) if (at := _offset(part, start)) is not None), None)
    if offset is None:
        return None
    before = re.split(r"\r\n?|\n", text[:offset])
    return len(before), len(before[-1]) + 1


def _suspects(text: str) -> Iterator[tuple[int, str]]:
    """The parts, with their offsets, that have enough brackets, signs and words: to count them is far cheaper."""
    brackets = sum(map(text.count, "([{"))
    if (
        (brackets > MAX_BRACKETS and brackets - len(_INNERMOST.findall(text)) >= MAX_BRACKETS)
        or (brackets > MAX_PATTERN_BRACKETS and _CASE.search(text) is not None)
        or text.count("elif ") > MAX_LEVELS // 2
    ):
        yield 0, text
        return
    start = 0
    for part in _stretches(text):
        if _has_many_signs(part):
            yield start, part
        start += len(part)


def _stretches(text: str) -> list[str]:
    """The text cut where a statement must begin. In a string that spans such a place, only the whole text will do."""
    places = [0, *(match.start() for match in _STATEMENT.finditer(text)), len(text)]
    parts = [text[start:end] for start, end in pairwise(places)]
    quotes = any(part.count('"' * 3) % 2 or part.count("'" * 3) % 2 for part in parts)
    return [text] if quotes else parts


def _has_many_signs(part: str) -> bool:
    return len(part) > MAX_LEVELS and sum(map(part.count, (*_SIGNS, *_WORDS))) > MAX_LEVELS


def _offset(text: str, start: int) -> int | None:
    """Where a part of a text becomes too deep; `start` is its own offset."""
    outer: list[int] = []  # per open bracket, the levels of the code that it stands in
    levels = 0  # in all of those
    here = 0  # since the last comma, semicolon or line inside the innermost
    brackets = MAX_BRACKETS
    chains: dict[int, int] = {}  # the `elif`s so far, by indentation
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "operator":
            here += 1
        elif kind == "open":
            outer.append(here + 1)
            levels += here + 1
            here = 0
        elif kind == "close" and outer:
            here = outer.pop()
            levels -= here
        elif kind == "end":
            here = 0
        elif kind in ("line", "word") and not outer:
            here = 0
            brackets = MAX_BRACKETS
            if kind == "word":
                brackets = MAX_PATTERN_BRACKETS if match["word"] == "case" else MAX_BRACKETS
                _count_chain(chains, len(match["indent"]), match["word"])
        if len(outer) > brackets or levels + here + sum(chains.values()) > MAX_LEVELS:
            return start + match.start()
    return None


def _count_chain(chains: dict[int, int], indent: int, word: str) -> None:
    for deeper in [one for one in chains if one > indent]:
        del chains[deeper]
    chains[indent] = chains.get(indent, 0) + 1 if word == "elif" else 0
