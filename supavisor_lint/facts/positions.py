"""Positions of chosen LibCST nodes from one pass over the generated code.

LibCST keeps no positions: its PositionProvider computes those of every node and costs twice the parse. Here the same
generated code is only measured, as character offsets, and only the nodes that the lowered tree keeps are recorded.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from contextlib import AbstractContextManager, nullcontext
from typing import Any

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
    """A CodegenState that counts characters instead of keeping them."""

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
        self.offset += self._indent

    def add_token(self, value: str) -> None:
        self.offset += len(value)

    def pop_trailing_newline(self) -> None:
        """Nothing stands behind the last newline: its length does not matter."""

    def record_syntactic_position(  # type: ignore[override]
        self, node: cst.CSTNode, **_: Any
    ) -> AbstractContextManager[None]:
        key = id(node)
        return _Recorder(self, key) if key in self._wanted else _NOTHING


class Positions:
    """The spans of the wanted nodes of one module (`wanted`: `id()`s of nodes that are alive)."""

    def __init__(self, module: cst.Module, text: str, wanted: set[int]) -> None:
        measure = _Measure(module, wanted)
        module._codegen(measure)
        self._offsets = measure.offsets
        self._line_starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]

    def span(self, first: int, last: int | None = None) -> Span | None:
        """The span from the start of the node `first` to the end of `last`, both given by `id()`."""
        start = self._offsets.get(first)
        end = self._offsets.get(first if last is None else last)
        if start is None or end is None:
            return None
        return Span(*self._point(start[0]), *self._point(end[1]))

    def head(self, node: int, length: int) -> Span | None:
        """The span of the first `length` characters of a node."""
        start = self._offsets.get(node)
        if start is None:
            return None
        return Span(*self._point(start[0]), *self._point(start[0] + length))

    def _point(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1


Wanted = tuple[cst.CSTNode, "cst.CSTNode | int | None", Node]


def set_spans(tree: cst.Module, text: str, wanted: list[Wanted]) -> None:
    """Give the lowered nodes their spans: from the first LibCST node to the last, or of so many characters."""
    try:
        positions = Positions(tree, text, {id(node) for first, last, _ in wanted for node in (first, last)})
    except RecursionError:  # nested more deeply than LibCST can write down: the findings stand on line 1
        return
    for first, last, node in wanted:
        if isinstance(last, int):
            span = positions.head(id(first), last)
        else:
            span = positions.span(id(first), None if last is None else id(last))
        if span is not None:
            node.set_span(span)
