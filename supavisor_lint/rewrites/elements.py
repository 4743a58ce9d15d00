"""Elements of calls and dict displays: one taken away with its comma, one added behind the last."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Argument, Call, Dict, DictItem
from supavisor_lint.findings import Edit, Span
from supavisor_lint.rewrites.base import Context, NoFix

Element = Argument | DictItem


def elements_of(holder: Call | Dict) -> tuple[Element, ...]:
    """The arguments of a call, or the items of a dict display."""
    return holder.args if isinstance(holder, Call) else holder.items


def span_of(element: Element) -> Span:
    """Where an element stands, without its comma."""
    if isinstance(element, Argument) or element.key is None:
        return element.span
    return Span(*element.key.span.start, *element.value.span.end)


def without(context: Context, holder: Call | Dict, gone: Collection[Node]) -> list[Edit]:
    """Take some elements of a call or dict away, but not all; raises NoFix where a comment would go as well."""
    elements = elements_of(holder)
    if any(isinstance(e, DictItem) and e.key is None for e in elements if e in gone):
        raise NoFix("the option stands in a dict that is unpacked here")
    kept = [element for element in elements if element not in gone]
    if not kept:
        raise NoFix("nothing would be left of the options")
    last_kept = elements.index(kept[-1])
    edits = []
    for index, element in enumerate(elements):
        if element in gone:
            whole = _lines_of(context, element)
            edits.append(_cut(context, elements, index, last_kept < index) if whole is None else whole)
    return edits


def _lines_of(context: Context, element: Element) -> Edit | None:
    """An element that stands on lines of its own goes with them; a comment behind it stays, on its line."""
    span = span_of(element)
    before = context.source.line(span.line)[: span.column - 1]
    behind = context.source.line(span.end_line)[span.end_column - 1 :]
    if before.strip() or not behind.startswith(",") or "#" in context.source.at(span):
        return None
    rest = behind[1:].strip()
    if rest and not rest.startswith("#"):
        return None
    if rest:
        start = Span(*span.start, span.end_line, span.end_column + len(behind) - len(behind[1:].lstrip()))
        return Edit(start, "")
    return context.source.without_lines(span.line, span.end_line)


def _cut(context: Context, elements: Sequence[Element], index: int, is_behind_all: bool) -> Edit:
    """An element with the comma behind it; one that only others that go follow, with the comma before it."""
    if is_behind_all:
        span = Span(*span_of(elements[index - 1]).end, *span_of(elements[index]).end)
    else:
        span = Span(*span_of(elements[index]).start, *_start(context, elements[index + 1]))
    if "#" in context.source.at(span):
        raise NoFix(f"a comment stands beside the option in line {span_of(elements[index]).line}")
    return Edit(span, "")


def _start(context: Context, element: Element) -> tuple[int, int]:
    """Where an element begins, the stars of `**options` included."""
    line, column = span_of(element).start if not _is_unpacked(element) else element.value.span.start
    text = context.source.line(line)[: column - 1]
    stars = len(text) - len(text.rstrip("*")) if _is_unpacked(element) else 0
    return line, column - stars


def _is_unpacked(element: Element) -> bool:
    return isinstance(element, DictItem) and element.key is None


def added(context: Context, holder: Call | Dict, text: str) -> Edit:
    """One more element behind the last one, laid out as the others are."""
    elements = elements_of(holder)
    if not elements:
        line, column = context.source.end_of_expression(holder)
        return Edit(Span(line, column - 1, line, column - 1), text)
    last = elements[-1]
    end = (last.value if _is_unpacked(last) else last).span.end if isinstance(last, Argument) else last.value.span.end
    start = _start(context, last)
    first_on_line = not context.source.line(start[0])[: start[1] - 1].strip()
    comma = context.source.line(end[0])[end[1] - 1 :].lstrip().startswith(",")
    if first_on_line and comma:
        below = end[0] + 1
        return Edit(Span(below, 1, below, 1), f"{context.source.indent_of(start[0])}{text},{context.source.newline}")
    return Edit(Span(*end, *end), f", {text}")
