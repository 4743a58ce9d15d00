"""Which transaction of a task holds a node: a `begin()` block, or a stretch between commits by hand."""

from __future__ import annotations

from collections.abc import Hashable

from supavisor_lint.facts.statements import FunctionDef, With
from supavisor_lint.facts.tree import Node
from supavisor_lint.flow.shape import Opening, TaskShape


def status_shares_transaction(shape: TaskShape) -> bool:
    """Whether all status writes of a task fall into one transaction that holds several of them, or work behind them."""
    writes = shape.status_writes
    transactions = {transaction_of(shape, write.node) for write in writes}
    if len(transactions) != 1 or None in transactions:
        return False
    if len({write.value for write in writes}) > 1:
        return True
    last = writes[-1].node
    later = (op for op in shape.main_operations if op.kind == "work" and last.span < op.node.span)
    return any(transaction_of(shape, op.node) in transactions for op in later)


def transaction_of(shape: TaskShape, node: Node) -> Hashable | None:
    """An identity for the transaction in which a node of the task's main path takes effect; None if there is none."""
    for opening in shape.main_openings:
        block = shape.block_around(node, opening.key)
        if block is not None:
            return block
    holding = _holding(shape, node)
    if holding is None:
        return None
    ends = (op for op in shape.main_operations if op.key == holding.key and op.kind in ("commit", "rollback"))
    return (holding.node, sum(1 for op in ends if op.node.span < node.span))


def _holding(shape: TaskShape, node: Node) -> Opening | None:
    """The opening whose session is alive at a node: the nearest `async with` around it, or an assignment before it."""
    for statement in _withs_around(node):
        for opening in shape.main_openings:
            if opening.block is statement:
                return opening
    before = [o for o in shape.main_openings if o.block is None and o.node.span < node.span]
    return before[-1] if before else None


def _withs_around(node: Node) -> list[With]:
    found: list[With] = []
    parent = node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, With):
            found.append(parent)
        parent = parent.parent
    return found
