"""How many transactions does a function commit, each of them a phase? Counted in its text, not in its runs."""

from __future__ import annotations

from collections.abc import Iterable

from supavisor_lint.facts.tree import Await
from supavisor_lint.flow.openings import Openings
from supavisor_lint.flow.operations import Operation, SessionFlow
from supavisor_lint.flow.shape import Opening, TaskShape


class Phases:
    """Counts for one project.

    A phase is a `session.begin()` block, the block of a helper that begins by itself (`factory.begin()`, a phase
    helper), a commit by hand, or the block of a helper that commits, for what none of these has committed before. What
    stands in handlers is none; a called function that is given the session makes one.
    """

    def __init__(self, flow: SessionFlow) -> None:
        self._flow = flow
        self._openings = Openings(flow)

    def of(self, shape: TaskShape, operations: Iterable[Operation]) -> int:
        """The phases in a function's own text; `operations` are all that it does with sessions."""
        work = [op for op in operations if op.handler is None]
        by_hand = {op.node for op in work if _is_phase(op)}
        return len(by_hand) + sum(1 for o in shape.guarded_openings if self._ends_in_commit(shape, o, work))

    def _ends_in_commit(self, shape: TaskShape, opening: Opening, work: list[Operation]) -> bool:
        """Whether the end of a session's own block commits something: it has begun, or work is left for its helper."""
        if opening.item is not None:
            values = self._flow.ev.values(shape.file, opening.item.context)
            if self._flow.enters_begun(shape.file, values):
                return True
        if self._openings.exit(opening.session) != "commit":
            return False
        operations = [op for op in work if shape.opening_of(op) is opening]
        if not operations:
            return bool(shape.handed_on(opening))
        done = max((op.node.order for op in operations if _is_phase(op)), default=-1)
        return any(op.kind == "work" and op.block is None and op.node.order > done for op in operations)


def _is_phase(operation: Operation) -> bool:
    """Whether an operation is a transaction of its own: a block that is entered, or a commit by hand."""
    if operation.block is not None:
        return False
    if operation.kind == "begin":
        return not isinstance(operation.node.parent, Await)  # begun by hand: its commit counts
    return operation.kind == "commit"
