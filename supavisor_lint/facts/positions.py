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
from dataclasses import dataclass
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
    `indents` the indentations of the classes around it (None: the file's usual one).
    """

    node: cst.CSTNode
    order: int
    wanted: list[Wanted]
    indents: tuple[str | None, ...]


class Locator:
    """Sets the spans of a module's nodes: those of a whole section when one in it is asked for."""

    def __init__(self, module: cst.Module, text: str, sections: list[Section]) -> None:
        self._module = module
        self._text = text
        self._sections = sections
        self._orders = [section.order for section in sections]

    def locate(self, order: int) -> None:
        """Set the spans of the section in which the node of this order stands."""
        section = self._sections[bisect_right(self._orders, order) - 1]
        if not section.wanted:
            return
        measure = _measured(self._module, section.node, [section], section.indents)
        start = None if measure is None else _only_place(measure.code, self._text)
        if measure is not None and start is not None:
            self._set_spans(section, measure, start)
        else:  # written twice in the file, or its last line without an end
            self._locate_all()

    def _locate_all(self) -> None:
        measure = _measured(self._module, self._module, self._sections)
        for section in self._sections:
            if measure is not None:
                self._set_spans(section, measure, 0)
            section.wanted.clear()

    def _set_spans(self, section: Section, measure: _Measure, start: int) -> None:
        for first, last, node in section.wanted:
            begin = measure.offsets.get(id(first))
            end = begin if last is None or isinstance(last, int) else measure.offsets.get(id(last))
            if begin is not None and end is not None:
                stop = begin[0] + last if isinstance(last, int) else end[1]
                node.set_span(Span(*self._point(start + begin[0]), *self._point(start + stop)))
        section.wanted.clear()

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
