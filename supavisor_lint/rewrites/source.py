"""A text that is to be changed: its lines, what stands where, and the edits that are made of that."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from supavisor_lint.facts.file import walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ClassDef, For, FunctionDef, If, Match, MatchCase, Try, While, With, WithItem
from supavisor_lint.facts.tree import Stmt
from supavisor_lint.findings import Edit, Span
from supavisor_lint.sources.reading import split_lines

if TYPE_CHECKING:
    from supavisor_lint.facts.layout import Layout

_COMPOUND = (With, Try, If, For, While, Match, MatchCase)
"""Statements whose own span goes up to the next one: where they end, their last inner statement tells."""

_LONG_STRING = re.compile(r"\"\"\"|'''|\\\r|\\\n")


class Text:
    """A text in lines. Lines and columns count from 1, columns in code points."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = split_lines(text)

    @property
    def newline(self) -> str:
        """The line end that the file uses."""
        first = self.lines[0] if self.lines else ""
        return first[len(first.rstrip("\r\n")) :] or "\n"

    def line(self, number: int) -> str:
        """A line without its end; "" behind the last one."""
        return self.lines[number - 1].rstrip("\r\n") if number <= len(self.lines) else ""

    def indent_of(self, number: int) -> str:
        """The white space that a line begins with."""
        line = self.line(number)
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line))
        return starts

    def offset(self, line: int, column: int) -> int:
        """The 0-based offset of a position in the text."""
        return self._starts[min(line, len(self._starts)) - 1] + column - 1

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a 0-based offset in the text."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def at(self, span: Span) -> str:
        """The text that stands at a span."""
        return self.text[self.offset(*span.start) : self.offset(*span.end)]


class Source(Text):
    """One file's text (decoded, without BOM); `read_layout` gives its layout, when that is asked for."""

    def __init__(self, text: str, read_layout: Callable[[], Layout]) -> None:
        super().__init__(text)
        self._read_layout = read_layout

    @cached_property
    def layout(self) -> Layout:
        """The text's comments, strings and indentation."""
        return self._read_layout()

    # ------------------------------------------------------------------------------------------------ statements

    def extent(self, statements: Sequence[Stmt]) -> tuple[int, int]:
        """The first and last line of some neighbouring statements, decorators and nested blocks included."""
        first = min((node.span.line for node in _heads(statements[0])), default=statements[0].span.line)
        return first, max(self.end_of(statement)[0] for statement in statements)

    def end_of(self, statement: Stmt) -> tuple[int, int]:
        """Line and column behind the last character of a statement (closing brackets of expressions included)."""
        return max(node.span.end for node in walk(statement) if not isinstance(node, _COMPOUND))

    def end_of_expression(self, expr: Node) -> tuple[int, int]:
        """Line and column behind an expression's last character."""
        return max(node.span.end for node in walk(expr))

    def end_of_head(self, statement: With) -> tuple[int, int]:
        """Line and column behind the last item of a `with`."""
        return max(self.end_of_item(item) for item in statement.items)

    def end_of_item(self, item: WithItem) -> tuple[int, int]:
        """Line and column behind one item of a `with`."""
        return max(node.span.end for node in walk(item))

    def has_lines_of_its_own(self, statements: Sequence[Stmt]) -> bool:
        """Whether nothing but white space stands before the first statement, and nothing but a comment behind them."""
        first, _ = self.extent(statements[:1])
        start = min((node.span for node in _heads(statements[0]) if node.span.line == first), default=None)
        before = self.line(first)[: (start.column if start is not None else 1) - 1]
        if isinstance(statements[0], FunctionDef | ClassDef) and before.strip() == "@":
            before = ""
        end_line, end_column = self.end_of(statements[-1])
        behind = self.line(end_line)[end_column - 1 :].strip()
        return not before.strip() and (not behind or behind.startswith("#")) and not self._continues(first)

    def _continues(self, line: int) -> bool:
        """Whether a line goes on with the one before it, by a backslash."""
        return line > 1 and self.line(line - 1).endswith("\\")

    # ----------------------------------------------------------------------------------------------------- edits

    def insert_lines(self, before: int, lines: Iterable[str]) -> Edit:
        """Whole lines (given without ends) in front of a line; behind the last one if there is no such line."""
        content = "".join(f"{line}{self.newline}" for line in lines)
        if before > len(self.lines) and self.lines and not self.lines[-1].endswith(("\n", "\r")):
            return Edit(self._end_of_text(), self.newline + content.removesuffix(self.newline))
        return Edit(Span(before, 1, before, 1), content)

    def _end_of_text(self) -> Span:
        line, column = len(self.lines), len(self.lines[-1]) + 1
        return Span(line, column, line, column)

    def indented(self, first: int, last: int, unit: str, leaving: Container[int] = ()) -> list[Edit]:
        """One unit of indentation more for the lines of some statements, but for those to be left alone.

        Blank lines and the insides of strings stay as they are. The unit goes behind the indentation of the first line
        where the two are not of the same kind: a tab behind spaces is another indentation than spaces behind a tab.
        """
        around = self.indent_of(first)
        column = 1 if around + unit == unit + around else len(around) + 1
        places = ((n, column if self.indent_of(n).startswith(around) else 1) for n in self._movable(first, last))
        return [Edit(Span(n, at, n, at), unit) for n, at in places if n not in leaving]

    def _movable(self, first: int, last: int) -> list[int]:
        fixed = self.inside_strings(first, last)
        return [number for number in range(first, last + 1) if self.line(number).strip() and number not in fixed]

    def inside_strings(self, first: int, last: int) -> frozenset[int]:
        """The lines that begin inside a string, if there is one among some statements' lines (else none)."""
        has_long_string = _LONG_STRING.search("".join(self.lines[first - 1 : last])) is not None
        return self.layout.inside_strings if has_long_string else frozenset()

    def without_lines(self, first: int, last: int) -> Edit:
        """Whole lines taken away."""
        if last >= len(self.lines):
            end = self._end_of_text().end
            before = self.lines[first - 2] if first > 1 else ""
            if self.lines[-1].endswith(("\n", "\r")) or not before:
                return Edit(Span(first, 1, *end), "")
            return Edit(Span(first - 1, len(before.rstrip("\r\n")) + 1, *end), "")
        return Edit(Span(first, 1, last + 1, 1), "")

    def unit_of(self, statement: Stmt) -> str:
        """One unit of indentation as it is used around a statement: a tab, or the file's own number of spaces."""
        around = statement.parent
        inner = self.indent_of(self.extent([statement])[0])
        if isinstance(around, Node) and around.parent is not None:
            outer = self.indent_of(around.span.line)
            if inner.startswith(outer) and len(inner) > len(outer):
                return inner[len(outer) :]
        return "\t" if inner.startswith("\t") else self.layout.indent


def _heads(statement: Stmt) -> Iterable[Node]:
    yield statement
    if isinstance(statement, FunctionDef | ClassDef):
        yield from statement.decorators


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text behind some edits, none of which may lie over another (several may insert at one place, in order)."""
    source = Text(text)
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: edit.span):
        start, end = source.offset(*edit.span.start), source.offset(*edit.span.end)
        if start < done:
            raise ValueError(f"edits over one another at line {edit.span.line}")
        parts += [text[done:start], edit.content]
        done = end
    return "".join([*parts, text[done:]])


class Moves:
    """Where the places of a text are behind some edits of it, none of which may lie over another."""

    def __init__(self, text: str, edits: Iterable[Edit]) -> None:
        self._before = Text(text)
        self._edits = sorted(edits, key=lambda edit: edit.span)

    @cached_property
    def _after(self) -> Text:
        return Text(applied(self._before.text, self._edits))

    def place(self, position: tuple[int, int]) -> tuple[int, int]:
        """Where what begins at a position begins now; what was replaced, where the other text begins."""
        if not self._edits:
            return position
        offset, shift = self._before.offset(*position), 0
        for edit in self._edits:
            start, end = self._before.offset(*edit.span.start), self._before.offset(*edit.span.end)
            if start < offset < end:
                return self._after.position(start + shift)
            if start > offset or (start == offset and end > start):
                break
            shift += len(edit.content) - (end - start)
        return self._after.position(offset + shift)


def overlap(one: Iterable[Edit], others: Iterable[Edit]) -> bool:
    """Whether two sets of edits touch each other: then only one of them may be made at a time."""
    spans = [edit.span for edit in others]
    return any(edit.span.start <= span.end and span.start <= edit.span.end for edit in one for span in spans)
