"""Do two places of a function exclude each other, so that no run passes through both?"""

from __future__ import annotations

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import (
    For,
    FunctionDef,
    Handler,
    If,
    Match,
    MatchCase,
    Raise,
    Return,
    Simple,
    Try,
    While,
)
from supavisor_lint.facts.tree import Block, IfExp


def exclude_each_other(first: Node, second: Node) -> bool:
    """Whether two nodes stand in different branches, or the way from the first ends before it comes to the second."""
    around = _ancestors(second)
    child: Node = first
    parent = first.parent
    while parent is not None and parent not in around:
        if _leaves(child, parent, second):
            return True
        child, parent = parent, parent.parent
    if parent is None:
        return False
    other = second
    while other.parent is not parent and other.parent is not None:
        other = other.parent
    return _are_branches(parent, child, other) or _leaves_before(child, parent, other)


def _ancestors(node: Node) -> set[Node]:
    found: set[Node] = set()
    parent: Node | None = node
    while parent is not None:
        found.add(parent)
        parent = None if isinstance(parent, FunctionDef) else parent.parent
    return found


def _are_branches(parent: Node, first: Node, second: Node) -> bool:
    if isinstance(parent, If):
        return _part(parent, first) != _part(parent, second)
    if isinstance(parent, IfExp):
        return {first, second} == {parent.body, parent.orelse}
    if isinstance(parent, Match):
        return isinstance(first, MatchCase) and isinstance(second, MatchCase) and first is not second
    if isinstance(parent, Try):
        return first is not second and (isinstance(first, Handler) or isinstance(second, Handler))
    return False


def _part(statement: If, child: Node) -> str:
    for name in ("body", "orelse"):
        if any(inner is child for inner in getattr(statement, name)):
            return name
    return "test"


def _leaves(child: Node, parent: Node, second: Node) -> bool:
    """Whether the block that holds a statement ends with a way out that does not come to the second node."""
    for block in _blocks(parent):
        if any(statement is child for statement in block):
            last = block[-1]
            if isinstance(last, Simple) and last.keyword in ("break", "continue"):
                return _loop_holds(last, second)
            return isinstance(last, Return | Raise)
    return False


def _loop_holds(node: Node, second: Node) -> bool:
    parent = node.parent
    while parent is not None and not isinstance(parent, For | While | FunctionDef):
        parent = parent.parent
    return parent is not None and parent.contains(second)


def _leaves_before(child: Node, parent: Node, other: Node) -> bool:
    """`return gather(…)` and then more code: nothing comes behind it."""
    return child is not other and isinstance(child, Return | Raise)


def _blocks(node: Node) -> list[Block]:
    return [
        getattr(node, name) for name in ("body", "orelse", "finalbody") if isinstance(getattr(node, name, None), tuple)
    ]
