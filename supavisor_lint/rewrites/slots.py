"""Where the elements of a call or dict display stand in the text, with their brackets, commas and comments.

The lowered tree says where an expression stands, without the parentheses around it, and knows no commas. Python's own
tokens do.
"""

from __future__ import annotations

import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from supavisor_lint.facts.tree import Call, Dict
from supavisor_lint.findings import Span
from supavisor_lint.rewrites.source import Text
from supavisor_lint.sources.reading import split_lines, with_newline

Position: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""

_OPENERS, _CLOSERS = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Slot:
    """One element of a call or dict display: from its first character to behind its last one, without its comma.

    `comma` is where that stands; None for a last element without one. `has_comment` says that there is one within.
    """

    start: Position
    end: Position
    comma: Position | None
    has_comment: bool

    @property
    def behind(self) -> Position:
        """Behind the element and its comma."""
        return self.end if self.comma is None else (self.comma[0], self.comma[1] + 1)


@dataclass(frozen=True, slots=True)
class Slots:
    """The elements of a call or dict display, in order, where its closing bracket stands, and where its comments do."""

    elements: tuple[Slot, ...]
    close: Position
    comments: tuple[Position, ...]

    def has_comment(self, start: Position, end: Position) -> bool:
        """Whether a comment begins in a stretch of the text."""
        return any(start <= place < end for place in self.comments)


def slots_of(source: Text, holder: Call | Dict) -> Slots:
    """The elements of a call (its arguments) or of a dict display.

    Raises one of TOKENIZE_ERRORS where the running Python does not understand the code.
    """
    tokens = list(_tokens(source, holder.span))
    opened = _own_bracket(tokens)
    slots: list[Slot] = []
    held: list[tokenize.TokenInfo] = []
    depth = 0
    for token in tokens[opened + 1 : -1]:
        depth += _step(token)
        if depth == 0 and token.string == "," and token.type == tokenize.OP:
            slots.append(_slot(held, token.start))
            held = []
        else:
            held.append(token)
    if any(token.type != tokenize.COMMENT for token in held):
        slots.append(_slot(held, None))
    comments = tuple(token.start for token in tokens if token.type == tokenize.COMMENT)
    return Slots(tuple(slots), tokens[-1].start, comments)


def _slot(tokens: Iterable[tokenize.TokenInfo], comma: Position | None) -> Slot:
    """An element made of some tokens; the comments before and behind it are not its own."""
    held = list(tokens)
    while held[0].type == tokenize.COMMENT:
        held.pop(0)
    while held[-1].type == tokenize.COMMENT:
        held.pop()
    return Slot(held[0].start, held[-1].end, comma, any(token.type == tokenize.COMMENT for token in held))


def _own_bracket(tokens: list[tokenize.TokenInfo]) -> int:
    """The index of the bracket that the last token closes."""
    depth = 0
    for index in range(len(tokens) - 1, -1, -1):
        depth -= _step(tokens[index])
        if depth == 0:
            return index
    raise ValueError("no call and no dict display")


def _step(token: tokenize.TokenInfo) -> int:
    """How many brackets a token opens."""
    if token.type != tokenize.OP:
        return 0
    return (token.string in _OPENERS) - (token.string in _CLOSERS)


def _tokens(source: Text, span: Span) -> Iterator[tokenize.TokenInfo]:
    """The tokens of a piece of code that ends with a bracket, at their positions in the file; line ends left out."""
    lines = [with_newline(line) for line in split_lines(f"({source.at(span)}\n)")]  # in brackets: ends mean nothing
    for token in tokenize.generate_tokens(iter([*lines, ""]).__next__):
        if token.start == (1, 0):
            continue
        line = token.start[0] + span.line - 1
        if (line, token.string, token.type) == (span.end_line + 1, ")", tokenize.OP):
            return
        if token.type not in (tokenize.NL, tokenize.NEWLINE):
            yield token._replace(start=_moved(token.start, span), end=_moved(token.end, span))


def _moved(place: Position, span: Span) -> Position:
    """A position among the tokens (columns from 0, one bracket before the first line) as one in the file."""
    line, column = place
    return line + span.line - 1, column + (span.column - 1 if line == 1 else 1)
