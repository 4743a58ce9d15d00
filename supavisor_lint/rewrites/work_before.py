"""What has been done on a session in front of a statement, and is not committed there."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import block_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign, ExprStmt, For, FunctionDef, While, With
from supavisor_lint.facts.tree import Await, Name, Stmt
from supavisor_lint.rewrites.phase_effects import BEGINS, ENDS, Effects


def leaves_open(effects: Effects, statement: Stmt) -> bool:
    """Whether a transaction may hold work when a statement is reached: the statements before it tell, in its block
    and in those around it, and those behind it in a loop.

    Only a commit, rollback or close that stands in such a block itself is certain to have ended it.
    """
    for before in _nearest_first(statement, effects.names.session):
        if _opens(before, effects.names.session) or _certainly_ends(effects, before):
            return False
        if any(act.leaves_something for act in effects.of([before])):
            return True
    return False


def _nearest_first(statement: Stmt, session: str) -> Iterator[Stmt]:
    child: Node = statement
    while child.parent is not None and not isinstance(child, FunctionDef) and not _opens(child, session):
        if isinstance(child, Stmt):
            block = block_of(child)
            at = next((i for i, other in enumerate(block) if other is child), 0)
            yield from reversed(block[:at])
            if isinstance(child.parent, For | While):
                yield from reversed(block[at:])  # the round before
        child = child.parent


def _opens(statement: Node, session: str) -> bool:
    """`session = factory()`, `async with factory() as session:`."""
    if isinstance(statement, With):
        targets = [item.target for item in statement.items]
    else:
        targets = list(statement.targets) if isinstance(statement, Assign) else []
    return any(isinstance(target, Name) and target.id == session for target in targets)


def _certainly_ends(effects: Effects, statement: Stmt) -> bool:
    """`await session.commit()`, `async with session.begin():`."""
    if isinstance(statement, ExprStmt) and isinstance(statement.value, Await):
        return effects.names.is_method(statement.value.value, ENDS)
    return isinstance(statement, With) and any(effects.names.is_method(i.context, BEGINS) for i in statement.items)
