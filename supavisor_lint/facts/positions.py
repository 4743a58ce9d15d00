"""Positions of chosen LibCST nodes from one pass over the generated code.

LibCST keeps no positions: its PositionProvider computes those of every node and costs twice the parse. Here the same
code is generated only for the definition or line that is asked about, and looked for in the text; it is measured as
character offsets, and only the nodes that the lowered tree keeps are recorded.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import libcst as cst
from libcst._nodes.internal import CodegenState

from supavisor_lint.facts.node import Node
from supavisor_lint.findings import Span

_NEWLINE = re.compile(r"\r\n?|\n")
_NOTHING: AbstractContextManager[None] = nullcontext()


class _Recorder:
    """Records the offsets between entering and leaving, for one wanted node."""

    __slots__ = ("key", "start", "state")

    def __init__(self, state: _Measure, key: int) -> None:
        self.state = state
        self.key = key

    def __enter__(self) -> None:
        self.start = self.state.offset

    def __exit__(self, *_: object) -> None:
        self.state.offsets[self.key] = (self.start, self.state.offset)


class _Measure(CodegenState):
    """A CodegenState that counts the characters that it is given."""

    def __init__(self, module: cst.Module, wanted: set[int]) -> None:
        super().__init__(default_indent=module.default_indent, default_newline=module.default_newline)
        self.offset = 0
        self.offsets: dict[int, tuple[int, int]] = {}
        self._wanted = wanted
        self._indent = 0

    def increase_indent(self, value: str) -> None:
        super().increase_indent(value)
        self._indent += len(value)

    def decrease_indent(self) -> None:
        self._indent -= len(self.indent_tokens[-1])
        super().decrease_indent()

    def add_indent_tokens(self) -> None:
        self.tokens.extend(self.indent_tokens)
        self.offset += self._indent

    def add_token(self, value: str) -> None:
        self.tokens.append(value)
        self.offset += len(value)

    def pop_trailing_newline(self) -> None:
        """Nothing stands behind the last newline: its length does not matter."""

    @property
    def code(self) -> str:
        """What was generated."""
        return "".join(self.tokens)

    def record_syntactic_position(  # type: ignore[override]
        self, node: cst.CSTNode, **_: Any
    ) -> AbstractContextManager[None]:
        key = id(node)
        return _Recorder(self, key) if key in self._wanted else _NOTHING


class _MeasureWithComments(_Measure):
    """Records comments as well, which LibCST does not count among what has a position."""

    def before_codegen(self, node: cst.CSTNode) -> None:
        if isinstance(node, cst.Comment):
            self.offsets[id(node)] = (self.offset, self.offset + len(node.value))


Wanted: TypeAlias = tuple[cst.CSTNode, "cst.CSTNode | int | None", Node]


@dataclass(slots=True, eq=False)
class Section:
    """A line or compound statement of a module, or of a class at its left edge.

    `order` is that of its first node; `wanted` are the nodes in it to be located, those of inner sections left out;
    `indents` the indentations of the classes around it (None: the file's usual one). Once it is `measured`, it knows
    where its code begins in the text (`start`), and its wanted nodes by their order.
    """

    node: cst.CSTNode
    order: int
    wanted: list[Wanted]
    indents: tuple[str | None, ...]
    measured: _Measure | None = None
    start: int = 0
    by_order: dict[int, Wanted] = field(default_factory=dict)

    def keep(self, measure: _Measure | None, start: int) -> None:
        """Keep what was measured of a code that begins at an offset of the text."""
        self.measured, self.start = measure, start
        self.by_order = {one[2].order: one for one in self.wanted}
        self.wanted.clear()

    def place_of(self, order: int) -> tuple[Node, int, int] | None:
        """The wanted node of an order with the offsets of its ends in the text."""
        first, last, node = self.by_order.get(order, (None, None, None))
        if node is None or self.measured is None:
            return None
        offsets = self.measured.offsets
        begin = offsets.get(id(first))
        end = begin if last is None or isinstance(last, int) else offsets.get(id(last))
        if begin is None or end is None:
            return None
        stop = begin[0] + last if isinstance(last, int) else end[1]
        return node, self.start + begin[0], self.start + stop


class Locator:
    """Sets the spans of a module's nodes, one at a time; a section is measured when the first in it is asked for."""

    def __init__(self, module: cst.Module, text: str, sections: list[Section]) -> None:
        self._module = module
        self._text = text
        self._sections = sections
        self._orders = [section.order for section in sections]

    def locate(self, order: int) -> None:
        """Set the span of the node of this order."""
        section = self._sections[bisect_right(self._orders, order) - 1]
        if section.wanted:
            self._measure(section)
        place = section.place_of(order)
        if place is not None:
            node, start, end = place
            node.set_span(Span(*self._point(start), *self._point(end)))

    def _measure(self, section: Section) -> None:
        measure = _measured(self._module, section.node, [section], section.indents)
        start = None if measure is None else _only_place(measure.code, self._text)
        if start is not None:
            section.keep(measure, start)
        else:  # written twice in the file, or its last line without an end
            measure = _measured(self._module, self._module, self._sections)
            for one in self._sections:
                if one.wanted:
                    one.keep(measure, 0)

    def _point(self, offset: int) -> tuple[int, int]:
        return _point(self._line_starts, offset)

    @cached_property
    def _line_starts(self) -> list[int]:
        return _line_starts(self._text)


def spans_of(module: cst.Module, text: str, nodes: Iterable[cst.CSTNode]) -> dict[int, Span]:
    """The spans of some nodes of a whole module, which may be comments, by their `id()`."""
    wanted = {id(node) for node in nodes}
    measure = _MeasureWithComments(module, wanted)
    module._codegen(measure)
    starts = _line_starts(text)
    offsets = ((key, measure.offsets[key]) for key in wanted if key in measure.offsets)
    return {key: Span(*_point(starts, start), *_point(starts, end)) for key, (start, end) in offsets}


def _point(line_starts: list[int], offset: int) -> tuple[int, int]:
    line = bisect_right(line_starts, offset)
    return line, offset - line_starts[line - 1] + 1


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in _NEWLINE.finditer(text))]


def _measured(
    module: cst.Module, node: cst.CSTNode, sections: list[Section], indents: tuple[str | None, ...] = ()
) -> _Measure | None:
    """The offsets of the sections' wanted nodes in the code of `node`.

    None for what is nested more deeply than LibCST can write down: its findings stand on line 1.
    """
    wanted = {id(one) for section in sections for first, last, _ in section.wanted for one in (first, last)}
    measure = _Measure(module, wanted)
    for indent in indents:
        measure.increase_indent(module.default_indent if indent is None else indent)
    try:
        node._codegen(measure)
    except RecursionError:
        return None
    return measure


def _only_place(code: str, text: str) -> int | None:
    """Where a statement's code stands in the file's text, if that is certain."""
    place = text.find(code)
    return None if place < 0 or text.find(code, place + 1) >= 0 else place
