"""Text that LibCST's native parser must not see: so deeply nested that it overflows the stack or takes for ever.

A parser in Rust raises no RecursionError, it ends the process. So the depth is measured before, from above: each level
of a syntax tree owes its existence to a bracket, an operator, a keyword or a link in a chain of `elif`s.
"""

from __future__ import annotations

import re

MAX_BRACKETS = 200
"""CPython's own limit: beyond it, a text is no Python. LibCST overflows a stack of 8 MB at about 1,500."""
MAX_LEVELS = 500
"""Brackets, operators and links on the way to one node. LibCST overflows a stack of 8 MB beyond 3,000."""
MAX_PATTERN_BRACKETS = 12
"""Behind a `case`: there LibCST's time doubles with each."""

_SIGNS = "([{.+-*/%@&|^~<>!"
_WORDS = ("not ", "and ", "or ", "if ", "else ", "lambda", "await", "yield", "for ", "in ", "is ")
_INNERMOST = re.compile(r"[(\[{][^()\[\]{}\"'#\r\n]*[)\]}]")
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
    offset = _offset(text) if _may_be_deep(text) else None
    if offset is None:
        return None
    before = re.split(r"\r\n?|\n", text[:offset])
    return len(before), len(before[-1]) + 1


def _may_be_deep(text: str) -> bool:
    """Whether there are enough brackets, signs and words at all; to count them is far cheaper than to look at each."""
    brackets = sum(map(text.count, "([{"))
    return (
        (brackets > MAX_BRACKETS and brackets - len(_INNERMOST.findall(text)) >= MAX_BRACKETS)
        or (brackets > MAX_PATTERN_BRACKETS and _CASE.search(text) is not None)
        or sum(map(text.count, (*_SIGNS, *_WORDS))) > MAX_LEVELS
    )


def _offset(text: str) -> int | None:
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
            return match.start()
    return None


def _count_chain(chains: dict[int, int], indent: int, word: str) -> None:
    for deeper in [one for one in chains if one > indent]:
        del chains[deeper]
    chains[indent] = chains.get(indent, 0) + 1 if word == "elif" else 0
