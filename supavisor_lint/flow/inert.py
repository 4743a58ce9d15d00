"""Expressions that can do nothing to what is followed: most arguments, log calls and comparisons of real functions.

The answer does not depend on the path, so it is found once; a path only has to ask whether a name in the expression
holds something that is followed there.
"""

from __future__ import annotations

from collections.abc import Iterable

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    BoolOp,
    Call,
    Collection,
    Constant,
    Dict,
    DictItem,
    FString,
    Name,
    Operation,
    Other,
    Starred,
    Subscript,
)
from supavisor_lint.flow.binding import is_plain
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.harmless import is_harmless
from supavisor_lint.project.calls import functions_called

_ONLY_PARTS = frozenset(
    {Argument, BoolOp, Collection, Constant, Dict, DictItem, FString, Operation, Other, Starred, Subscript}
)


def names_if_inert(frame: Frame, node: Node) -> frozenset[str] | None:
    """The names that an inert expression reads (the first part of dotted ones); None for any other expression."""
    known = frame.follower.inert
    try:
        return known[node]
    except KeyError:
        found = known[node] = _find(frame, node)
        return found


def _find(frame: Frame, node: Node) -> frozenset[str] | None:
    if isinstance(node, Name):
        return frozenset((node.id,)) if is_plain(frame, node) else None
    if isinstance(node, Attribute):
        return names_if_inert(frame, node.value) if is_plain(frame, node) else None
    if isinstance(node, Call):
        return _of_parts(frame, node.children()) if _does_nothing(frame, node) else None
    return _of_parts(frame, node.children()) if type(node) in _ONLY_PARTS else None


def _of_parts(frame: Frame, parts: Iterable[Node]) -> frozenset[str] | None:
    names: frozenset[str] = frozenset()
    for part in parts:
        of_part = names_if_inert(frame, part)
        if of_part is None:
            return None
        names |= of_part
    return names


def _does_nothing(frame: Frame, node: Call) -> bool:
    if node in frame.follower.registrations or not is_harmless(frame, node):
        return False
    return not functions_called(frame.ev, frame.file, node) and frame.ev.session(frame.file, node) is None
