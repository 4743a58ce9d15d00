"""Which transaction of a task holds a node: a `begin()` block, or a stretch between commits by hand."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef, If, Match, Raise, Return, Simple, With
from supavisor_lint.facts.tree import Attribute, Await, Block, Call, Name
from supavisor_lint.flow.operations import Operation, handler_around
from supavisor_lint.flow.shape import Opening, TaskShape
from supavisor_lint.flow.status import StatusWrite, status_writes


def status_shares_transaction(shape: TaskShape) -> bool:
    """Whether one transaction of a task holds two statuses with work between them, or a status and work behind it."""
    writes = shape.status_writes
    homes = [transaction_of(shape, write.node) for write in writes]
    for home in dict.fromkeys(home for home in homes if home is not None):
        if _has_work_between(shape.function, [write for write, at in zip(writes, homes, strict=True) if at == home]):
            return True
    return len(set(homes)) == 1 and homes[0] is not None and _work_behind(shape, writes[-1].node, homes[0])


def statuses_in_called(shape: TaskShape) -> tuple[Call, FileFacts, tuple[StatusWrite, ...]] | None:
    """A call in one of a task's transactions, of a function that writes two statuses with work between them."""
    for operation in shape.main_operations:
        if operation.via is None or transaction_of(shape, operation.node) is None:
            continue
        for called in shape.functions_called(operation.node):
            writes = [w for w in status_writes(called.node.body) if handler_around(w.node) is None]
            if _has_work_between(called.node, writes) and not _ends_transactions(called.node):
                return operation.node, called.file, tuple(writes)
    return None


def _has_work_between(function: FunctionDef, writes: Sequence[StatusWrite]) -> bool:
    """Whether a run that writes one status goes on to another one, and awaits something in between."""
    return any(
        first.value != later.value
        and follows(first.node, later.node)
        and _awaits_between(function, first.node, later.node)
        for index, first in enumerate(writes)
        for later in writes[index + 1 :]
    )


def _ends_transactions(function: FunctionDef) -> bool:
    nodes = (node for node in own_nodes_in(function) if isinstance(node, Attribute))
    return any(node.attr in ("begin", "commit", "rollback") for node in nodes)


def _work_behind(shape: TaskShape, write: Node, home: Hashable) -> bool:
    """Whether the transaction of the only status goes on with other work."""
    later = (
        op
        for op in shape.main_operations
        if op.kind == "work" and write.order < op.node.order and not _leaves_before(write, op.node)
    )
    return any(
        not _belongs_to(op, write) and not op.node.contains(write) and transaction_of(shape, op.node) == home
        for op in later
    )


def _belongs_to(operation: Operation, write: Node) -> bool:
    """Whether `add(job)` or `refresh(job)` only concerns the object whose status was set."""
    if operation.method not in ("add", "merge", "refresh") or not operation.node.args:
        return False
    subject = operation.node.args[0].value
    marked = write.value if isinstance(write, Attribute) else None
    return isinstance(subject, Name) and isinstance(marked, Name) and subject.id == marked.id


def _awaits_between(function: FunctionDef, first: Node, second: Node) -> bool:
    """Whether something other than the status writes themselves is awaited between two of them."""
    return any(
        isinstance(node, Await)
        and first.order < node.order < second.order
        and not first.contains(node)
        and not node.contains(second)
        and not node.contains(first)
        and not _flushes(node)
        for node in own_nodes_in(function)
    )


def _flushes(node: Await) -> bool:
    call = node.value
    return isinstance(call, Call) and isinstance(call.func, Attribute) and call.func.attr in ("flush", "refresh")


def follows(first: Node, second: Node) -> bool:
    """Whether a run that reaches the first node goes on to the second.

    Not so when the first one stands under a condition that the second does not, or the second in an arm of its own
    that leaves (return, continue, break, raise): then it is another outcome.
    """
    if any(not owner.contains(second) or _arm_of(owner, second) != arm.index for owner, arm in _arms(first)):
        return False
    return not any(arm.leaves and not owner.contains(first) for owner, arm in _arms(second))


def _leaves_before(first: Node, second: Node) -> bool:
    """Whether a run that reaches the first node leaves before it comes to the second."""
    return any(arm.leaves and not owner.contains(second) for owner, arm in _arms(first))


def _arm_of(owner: Node, node: Node) -> int | None:
    return next((arm.index for found, arm in _arms(node) if found is owner), None)


@dataclass(frozen=True, slots=True)
class _Arm:
    index: int
    leaves: bool


def _arms(node: Node) -> Iterator[tuple[Node, _Arm]]:
    """The branching statements around a node, with the arm that holds it, inner first."""
    child, parent = node, node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, If):
            block = parent.body if child in parent.body else parent.orelse
            yield parent, _Arm(0 if child in parent.body else 1, _leaves(block))
        elif isinstance(parent, Match):
            yield parent, _Arm(next((i for i, c in enumerate(parent.cases) if c is child), 0), False)
        child, parent = parent, parent.parent


def _leaves(block: Block) -> bool:
    last = block[-1] if block else None
    return isinstance(last, Return | Raise) or (isinstance(last, Simple) and last.keyword in ("continue", "break"))


def transaction_of(shape: TaskShape, node: Node) -> Hashable | None:
    """An identity for the transaction in which a node of the task's main path takes effect; None if there is none.

    It is one of the session that the node is an operation on, or stands in one; of any that there is if it sets an
    attribute.
    """
    keys = [op.key for op in shape.main_operations if op.node.contains(node)]
    openings = [opening for opening in shape.main_openings if not keys or opening.key in keys]
    for opening in openings:
        block = shape.block_around(node, opening.key)
        if block is not None:
            return block
    holding = _holding(openings, node)
    if holding is None:
        return None
    ends = (op for op in shape.main_operations if op.key == holding.key and op.kind in ("commit", "rollback"))
    return (holding.node, sum(1 for op in ends if op.node.order < node.order))


def _holding(openings: Sequence[Opening], node: Node) -> Opening | None:
    """The opening whose session is alive at a node: the nearest `async with` around it, or an assignment before it."""
    for statement in _withs_around(node):
        for opening in openings:
            if opening.block is statement:
                return opening
    before = [o for o in openings if o.block is None and o.node.order < node.order]
    return before[-1] if before else None


def _withs_around(node: Node) -> list[With]:
    found: list[With] = []
    parent = node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, With):
            found.append(parent)
        parent = parent.parent
    return found
