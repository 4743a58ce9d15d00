"""An `except` inside a phase that lets it go on: a failed statement takes the transaction along (condition 11)."""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.file import walk_own
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Try, With
from supavisor_lint.facts.tree import Stmt
from supavisor_lint.rewrites.base import NoFix
from supavisor_lint.rewrites.phase_effects import Effects
from supavisor_lint.rewrites.phase_shape import always_raises, exits


def refuse_swallowed(effects: Effects, run: Sequence[Stmt]) -> None:
    """Raise NoFix where an error of the database may be swallowed inside a block: it takes the whole block with it."""
    for statement in run:
        for node in walk_own(statement):
            handled = isinstance(node, Try) and (
                any(not always_raises(h.body) for h in node.handlers) or any(True for _ in exits(node.finalbody))
            )
            suppressed = isinstance(node, With) and any(effects.may_swallow(item.context) for item in node.items)
            if isinstance(node, Try | With) and (handled or suppressed):
                _refuse_work(effects, node)


def _refuse_work(effects: Effects, statement: Try | With) -> None:
    for act in effects.of(statement.body):
        if act.uses_session and not _in_savepoint(effects, act.node, statement):
            handler = next(iter(statement.handlers), None) if isinstance(statement, Try) else None
            line = statement.span.line if handler is None else handler.span.line
            raise NoFix(f"line {line} may swallow a failure of {act}, which takes a whole transaction with it")


def _in_savepoint(effects: Effects, node: Node, within: Node) -> bool:
    parent = node.parent
    while parent is not None and parent is not within:
        if isinstance(parent, With) and any(
            effects.names.is_method(i.context, ("begin_nested",)) for i in parent.items
        ):
            return True
        parent = parent.parent
    return effects.names.is_method(node, ("begin_nested",))
