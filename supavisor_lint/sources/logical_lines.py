"""The statements of a text without their layout: the same text for the same code, however it is laid out.

Python's own tokens decide. The normal form leaves out comments, line ends, indentation, the white space between tokens,
parentheses that only group, and commas before a closing bracket; the quotes of a string are double where it holds none.
So neither re-indenting nor a formatter changes it. It is a key, not a program: `(a,)` and `a` have the same.
"""

from __future__ import annotations

import keyword
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from supavisor_lint.sources.reading import TOKENIZE_ERRORS, split_lines, with_newline

_LAYOUT = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT)
# From Python 3.12 on an f-string is many tokens, from 3.14 on a t-string as well.
_OPENS_STRING = frozenset(getattr(tokenize, name, -1) for name in ("FSTRING_START", "TSTRING_START"))
_CLOSES_STRING = frozenset(getattr(tokenize, name, -1) for name in ("FSTRING_END", "TSTRING_END"))
_KEYWORDS = frozenset(keyword.kwlist) - {"None", "True", "False"}
_OPENERS, _CLOSERS = frozenset("([{"), frozenset(")]}")


class _Token(NamedTuple):
    """A token that is no layout; `kind` is a number of `token`, positions count lines from 1, columns from 0."""

    kind: int
    text: str
    start: tuple[int, int]
    end: tuple[int, int]


class LogicalLines:
    """The logical lines of a text. Made once per text; never raises."""

    def __init__(self, text: str) -> None:
        self._lines = [with_newline(line) for line in split_lines(text)]
        self._at: dict[int, list[_Token]] = {}
        for tokens in _logical_lines(self._lines):
            for number in range(tokens[0].start[0], tokens[-1].end[0] + 1):
                self._at[number] = tokens

    def statement_at(self, line: int, column: int) -> str:
        """The normal form of the statement at a position (line and column from 1, in code points).

        Of a function whose `def` stands there it is only the name. Where no statement is, or the text cannot be cut
        into tokens up to there, it is the line itself without the white space around it; "" behind the last line.
        """
        tokens = self._at.get(line)
        if tokens is None:
            return self._lines[line - 1].strip() if 1 <= line <= len(self._lines) else ""
        name = _defined_at(tokens, (line, column - 1))
        return name if name is not None else normal_form(_simple_statement(tokens, (line, column - 1)))


def _logical_lines(lines: Sequence[str]) -> Iterator[list[_Token]]:
    """The tokens of each logical line that is complete; none is empty."""
    tokens: list[_Token] = []
    try:
        for token in _tokens(lines):
            if token.kind == tokenize.NEWLINE:
                if tokens:
                    yield tokens
                tokens = []
            elif token.text.strip():
                tokens.append(token)
    except TOKENIZE_ERRORS:
        return


def _tokens(lines: Sequence[str]) -> Iterator[_Token]:
    """The tokens but for layout; a string with parts is one of them, as on Pythons that do not take it apart."""
    nested, start = 0, (1, 0)
    for token in tokenize.generate_tokens(iter(lines).__next__):
        if token.type in _OPENS_STRING:
            start = start if nested else token.start
            nested += 1
        elif token.type in _CLOSES_STRING:
            nested -= 1
            if not nested:
                yield _Token(tokenize.STRING, _slice(lines, start, token.end), start, token.end)
        elif not nested and token.type not in _LAYOUT:
            yield _Token(token.type, token.string, token.start, token.end)


def _slice(lines: Sequence[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]]
    middle = lines[start[0] : end[0] - 1]
    return "".join([lines[start[0] - 1][start[1] :], *middle, lines[end[0] - 1][: end[1]]])


def _defined_at(tokens: Sequence[_Token], place: tuple[int, int]) -> str | None:
    """`def name` or `async def name`, if that begins at a place; None if something else does."""
    if tokens[0].start != place:
        return None
    words = [token.text for token in tokens[:3]]
    length = 3 if words[0] == "async" else 2
    return " ".join(words[:length]) if words[length - 2 : length - 1] == ["def"] else None


def _simple_statement(tokens: Sequence[_Token], place: tuple[int, int]) -> list[_Token]:
    """The tokens of a logical line round a place, between semicolons."""
    part: list[_Token] = []
    for token in tokens:
        if token.text == ";" and token.kind == tokenize.OP:
            if place < token.start:
                break
            part = []
        else:
            part.append(token)
    return part


def normal_form(tokens: Sequence[_Token]) -> str:
    """The text of some tokens without what a formatter may change."""
    text = ""
    for token in _without_grouping(_without_trailing_commas(tokens)):
        shown = _one_spelling(token.text) if token.kind == tokenize.STRING else token.text
        text += f" {shown}" if text and _needs_space(text[-1], shown[0]) else shown
    return text


def _needs_space(before: str, behind: str) -> bool:
    return _is_word(behind) and (_is_word(before) or before in _CLOSERS)


def _is_word(char: str) -> bool:
    return char.isalnum() or char in "_\"'"


def _without_grouping(tokens: Iterable[_Token]) -> Iterator[_Token]:
    """Leave out parentheses that follow neither a name nor a value: they call nothing."""
    drops: list[bool] = []
    before: _Token | None = None
    for token in tokens:
        if token.text in _OPENERS and token.kind == tokenize.OP:
            drops.append(token.text == "(" and not _is_value(before))
            keep = not drops[-1]
        elif token.text in _CLOSERS and token.kind == tokenize.OP:
            keep = not (drops and drops.pop())
        else:
            keep = True
        if keep:
            yield token
        before = token


def _is_value(token: _Token | None) -> bool:
    """Whether a token ends something that can be called."""
    if token is None:
        return False
    if token.kind == tokenize.OP:
        return token.text in _CLOSERS
    return token.kind != tokenize.NAME or token.text not in _KEYWORDS


def _without_trailing_commas(tokens: Iterable[_Token]) -> Iterator[_Token]:
    comma: _Token | None = None
    for token in tokens:
        if comma is not None and token.text not in _CLOSERS:
            yield comma
        comma = token if token.text == "," and token.kind == tokenize.OP else None
        if comma is None:
            yield token


def _one_spelling(literal: str) -> str:
    """A string literal with double quotes and its prefix in lower case, where that changes nothing in it."""
    body = literal.lstrip("bBfFrRtTuU")
    prefix = literal[: len(literal) - len(body)].lower()
    size = 3 if body[:3] in ("'''", '"""') and len(body) >= 6 else 1
    inner = body[size:-size]
    quote = body[:size] if any(char in inner for char in "\"'\\") else '"' * size
    return f"{prefix}{quote}{inner}{quote}"
