"""What a text says besides its code: its comments, the lines that begin inside a string, its indentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache

import libcst as cst

from supavisor_lint.facts.file import UnparsableFile
from supavisor_lint.facts.parsing import parse_module
from supavisor_lint.facts.positions import spans_of
from supavisor_lint.sources.nesting import too_deep_at


@dataclass(frozen=True, slots=True)
class Layout:
    """What a rewrite has to keep.

    `comment_lines` are the comments, from the `#`, in source order, each with its line (1-based); `inside_strings` the
    lines that begin inside a string literal; `indent` is the file's own unit of indentation, `newline` its line end.
    """

    comment_lines: tuple[tuple[int, str], ...]
    inside_strings: frozenset[int]
    indent: str
    newline: str

    @property
    def comments(self) -> tuple[str, ...]:
        """The comments alone."""
        return tuple(text for _, text in self.comment_lines)


def read_layout(text: str) -> Layout:
    """The layout of a text; raises UnparsableFile where LibCST does not read it."""
    if too_deep_at(text) is not None:
        raise UnparsableFile("the code is nested too deeply")
    try:
        tree = parse_module(text)
    except cst.ParserSyntaxError as error:
        raise UnparsableFile("invalid syntax", error.raw_line, error.raw_column + 1) from None
    except RecursionError:
        raise UnparsableFile("the code is nested too deeply") from None
    return layout_of(tree, text)


def layout_of(tree: cst.Module, text: str) -> Layout:
    """The layout of a text that is parsed already; raises UnparsableFile where it is nested too deeply."""
    try:
        found = list(_wanted(tree))
        spans = spans_of(tree, text, found)
    except RecursionError:
        raise UnparsableFile("the code is nested too deeply") from None
    nodes = sorted(found, key=lambda node: spans[id(node)])
    inside = (spans[id(node)] for node in nodes if not isinstance(node, cst.Comment))
    lines = frozenset(line for span in inside for line in range(span.line + 1, span.end_line + 1))
    comments = tuple((spans[id(node)].line, node.value) for node in nodes if isinstance(node, cst.Comment))
    return Layout(comments, lines, tree.default_indent, tree.default_newline)


_F_STRINGS = frozenset({"FormattedString", "TemplatedString"})  # by name: older LibCSTs have no template strings


def _wanted(tree: cst.Module) -> Iterator[cst.CSTNode]:
    """The comments of a tree, and its string literals of more than one line, in any order."""
    waiting: list[cst.CSTNode] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, cst.Comment) or _is_long_string(node):
            yield node
        for name in _field_names(type(node)):  # `node.children` does the same with a visitor, ten times as slowly
            value = getattr(node, name)
            if isinstance(value, cst.CSTNode):
                waiting.append(value)
            elif isinstance(value, list | tuple):
                waiting += [item for item in value if isinstance(item, cst.CSTNode)]


@cache
def _field_names(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _is_long_string(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.SimpleString):
        return "\n" in node.value or "\r" in node.value
    return type(node).__name__ in _F_STRINGS  # their parts may hold line ends: their positions tell
