"""Elements of calls and dict displays: some taken away with their commas, some added behind the last."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Argument, Call, Dict, DictItem
from supavisor_lint.findings import Edit, Span
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.slots import Position, Slot, Slots, slots_of
from supavisor_lint.sources.reading import TOKENIZE_ERRORS

Element = Argument | DictItem


def elements_of(holder: Call | Dict) -> tuple[Element, ...]:
    """The arguments of a call, or the items of a dict display."""
    return holder.args if isinstance(holder, Call) else holder.items


def has_comments(context: Context, holder: Call | Dict) -> bool:
    """Whether a comment stands within a call or dict display."""
    return bool(_slots(context, holder).comments)


def changed(context: Context, holder: Call | Dict, gone: Collection[Node], more: str = "") -> list[Edit]:
    """Some elements of a call or dict display taken away, and some (`more`, if it is given) put behind the last one.

    Raises NoFix where nothing would be left, or a comment would go as well. Those behind and between them stay.
    """
    elements = elements_of(holder)
    if any(isinstance(e, DictItem) and e.key is None for e in elements if e in gone):
        raise NoFix("the option stands in a dict that is unpacked here")
    if elements and all(element in gone for element in elements):
        raise NoFix("nothing would be left of the options")
    slots = _slots(context, holder)
    for element, slot in zip(elements, slots.elements, strict=True):
        if element in gone and slot.has_comment:
            raise NoFix(f"a comment stands beside the option in line {slot.start[0]}")
    runs = list(_runs([element in gone for element in elements]))
    put = []
    if more and runs and runs[-1][1] + 1 == len(elements):
        put = _Cut(context, slots, *runs.pop()).replaced(more)
    elif more:
        put = _added(context, slots, more)
    return [*(edit for first, last in runs for edit in _Cut(context, slots, first, last).edits()), *put]


def _slots(context: Context, holder: Call | Dict) -> Slots:
    try:
        slots = slots_of(context.source, holder)
    except TOKENIZE_ERRORS:
        raise NoFix("the running Python does not read this code") from None
    if len(slots.elements) != len(elements_of(holder)):
        raise NoFix("the options are written in an unusual form")
    return slots


def _runs(are_gone: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """The first and last index of each run of elements that go."""
    first = None
    for index, is_gone in enumerate([*are_gone, False]):
        if is_gone and first is None:
            first = index
        elif not is_gone and first is not None:
            yield first, index - 1
            first = None


class _Cut:
    """A run of neighbouring elements (0-based, both ends included) that goes; at least one other stays."""

    def __init__(self, context: Context, slots: Slots, first: int, last: int) -> None:
        self._context = context
        self._source = context.source
        self._slots = slots
        self._first = first
        self._last = last

    def edits(self) -> list[Edit]:
        """What takes the run away."""
        elements = self._slots.elements
        ends_all = self._last + 1 == len(elements)
        before = elements[self._first - 1] if self._first else None
        if ends_all and before is not None:
            return self._end_gone(before)
        behind = elements[self._last + 1]
        if not self._slots.has_comment(elements[self._first].start, behind.start) and self._is_level(before, behind):
            return [_cut(elements[self._first].start, behind.start)]
        return list(self.by_lines())

    def replaced(self, text: str) -> list[Edit]:
        """The last elements made one other; a comment that stands behind the first of them gets a line of its own."""
        first, last = self._slots.elements[self._first], self._slots.elements[self._last]
        rest = _Cut(self._context, self._slots, self._first + 1, self._last)
        behind = self._source.line(first.behind[0])[first.behind[1] - 1 :]
        if not behind.lstrip().startswith("#") or self._slots.has_comment(first.end, first.behind):
            return [Edit(Span(*first.start, *first.end), text), *(rest.edits() if first is not last else ())]
        comment = (first.behind[0], first.behind[1] + len(behind) - len(behind.lstrip()))
        comma = "" if last.comma is None else ","
        line_end = self._source.newline + self._source.indent_of(first.start[0])
        return [Edit(Span(*first.start, *comment), f"{text}{comma}{line_end}"), *rest.by_lines()]

    def _end_gone(self, before: Slot) -> list[Edit]:
        """The last elements taken away. The one before has a comma then if they had one, as its author likes it."""
        last = self._slots.elements[self._last]
        if not self._slots.has_comment(before.end, (last.behind[0] + 1, 1)):
            return [_cut(before.end if last.comma is None else before.behind, last.behind)]
        comma = before.comma if last.comma is None else None
        return [*([_cut(comma, before.behind)] if comma is not None else []), *self.by_lines()]

    def _is_level(self, before: Slot | None, behind: Slot) -> bool:
        """Whether what follows the run may take its place: it is on the same line, or the run began a line."""
        first = self._slots.elements[self._first]
        on_one_line = behind.start[0] == self._slots.elements[self._last].end[0]
        return on_one_line or before is None or before.end[0] != first.start[0]

    def by_lines(self) -> Iterator[Edit]:
        """The run (which may be empty) taken away line by line, as there are comments between."""
        group: list[Slot] = []
        for slot in self._slots.elements[self._first : self._last + 1]:
            if group and slot.start[0] != group[-1].end[0]:
                yield self._group_gone(group)
                group = []
            group.append(slot)
        if group:
            yield self._group_gone(group)

    def _group_gone(self, group: Sequence[Slot]) -> Edit:
        """Elements that share their lines taken away, with these lines if there is nothing else on them."""
        start, end = group[0].start, group[-1].behind
        left = self._source.line(start[0])[: start[1] - 1]
        right = self._source.line(end[0])[end[1] - 1 :]
        if not left.strip() and not right.strip():
            return self._source.without_lines(start[0], end[0])
        if left.strip() and (not right.strip() or right.lstrip().startswith("#")):
            return _cut((start[0], len(left.rstrip()) + 1), end)
        return _cut(start, (end[0], end[1] + len(right) - len(right.lstrip())))


def _cut(start: Position, end: Position) -> Edit:
    return Edit(Span(*start, *end), "")


def _added(context: Context, slots: Slots, text: str) -> list[Edit]:
    """One more element behind the last one, laid out as the others are."""
    if not slots.elements:
        return [Edit(Span(*slots.close, *slots.close), text)]
    last, source = slots.elements[-1], context.source
    indent = source.indent_of(last.start[0])
    has_own_line = last.start[1] == len(indent) + 1 and slots.close[0] > last.behind[0]
    if not has_own_line:
        return [Edit(Span(*last.end, *last.end), f", {text}")]
    below = Span(last.behind[0] + 1, 1, last.behind[0] + 1, 1)
    if last.comma is not None:
        return [Edit(below, f"{indent}{text},{source.newline}")]
    return [Edit(Span(*last.end, *last.end), ","), Edit(below, f"{indent}{text}{source.newline}")]
