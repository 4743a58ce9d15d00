"""Code that is used again elsewhere: its text, with small changes, at the left margin."""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Call, Stmt
from supavisor_lint.findings import Edit, Span
from supavisor_lint.rewrites.base import Context, NoFix


def snippet(context: Context, node: Node, edits: Sequence[Edit] = ()) -> list[str]:
    """The lines of a statement or expression, with the indentation of its statement taken away. Raises NoFix."""
    source = context.source
    end = source.end_of(node) if isinstance(node, Stmt) else node.span.end
    first, last = node.span.line, end[0]
    if not source.inside_strings(first, last).isdisjoint(range(first + 1, last + 1)):
        raise NoFix(f"the statement in line {first} holds a string of several lines")
    text, done = "", source.offset(*node.span.start)
    for edit in sorted(edits):
        text += source.text[done : source.offset(*edit.span.start)] + edit.content
        done = source.offset(*edit.span.end)
    text += source.text[done : source.offset(*end)]
    indent = source.indent_of(context.statement_of(node).span.line)
    return [line.removeprefix(indent) for line in text.splitlines()]


def one_line(context: Context, node: Node) -> str:
    """The text of an expression that stands in one line; raises NoFix."""
    lines = snippet(context, node)
    if len(lines) != 1:
        raise NoFix(f"the call in line {node.span.line} goes over several lines")
    return lines[0]


def arguments(context: Context, call: Call) -> Span:
    """What stands between the brackets of a call."""
    source = context.source
    start = source.text.index("(", source.offset(*call.func.span.end)) + 1
    return Span(*source.position(start), *source.position(source.offset(*call.span.end) - 1))
