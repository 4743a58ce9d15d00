"""An `except` inside a phase that lets it go on: a failed statement takes the transaction along (condition 11)."""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.file import walk_own
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import For, Try, While, With
from supavisor_lint.facts.tree import Stmt
from supavisor_lint.rewrites.base import NoFix
from supavisor_lint.rewrites.phase_effects import Act, Effects
from supavisor_lint.rewrites.phase_shape import always_raises, exits

_PENDING = frozenset({"add", "add_all", "delete", "merge"})
"""What is only sent with the next flush."""


def refuse_swallowed(effects: Effects, run: Sequence[Stmt]) -> None:
    """Raise NoFix where an error of the database may be swallowed inside a block: it takes the whole block with it."""
    for statement in run:
        for node in walk_own(statement):
            handled = isinstance(node, Try) and (
                any(not always_raises(h.body) for h in node.handlers) or any(True for _ in exits(node.finalbody))
            )
            suppressed = isinstance(node, With) and any(effects.may_swallow(item.context) for item in node.items)
            if isinstance(node, Try | With) and (handled or suppressed):
                _refuse_work(effects, run, node)


def _refuse_work(effects: Effects, run: Sequence[Stmt], statement: Try | With) -> None:
    handler = next(iter(statement.handlers), None) if isinstance(statement, Try) else None
    swallows = f"line {(handler or statement).span.line} may swallow a failure of"
    for act in effects.of(statement.body):
        if act.uses_session and not _in_savepoint(effects, act.node, statement):
            raise NoFix(f"{swallows} {act}, which takes a whole transaction with it")
        if effects.names.is_method(act.node, ("begin_nested",)):
            pending = _pending_at(effects, run, act.node)
            if pending is not None:
                raise NoFix(f"{swallows} {pending}: the savepoint in line {act.node.span.line} sends it first")


def _pending_at(effects: Effects, run: Sequence[Stmt], savepoint: Node) -> Act | None:
    """What a savepoint flushes before it begins, outside of itself (section 2)."""
    pending: Act | None = None
    for act in effects.of(run):
        if act.node.order >= savepoint.order and not _is_repeated(run, savepoint):
            break
        if effects.names.is_method(act.node, ("flush",)):
            pending = None
        elif act.kind in ("change", "unknown") or effects.names.is_method(act.node, _PENDING):
            pending = pending or act
    return pending


def _is_repeated(run: Sequence[Stmt], node: Node) -> bool:
    """Whether a node stands in a loop of a run: what comes behind it may come before it as well."""
    parent = node.parent
    while parent is not None and not any(parent is statement.parent for statement in run):
        if isinstance(parent, For | While):
            return True
        parent = parent.parent
    return False


def _in_savepoint(effects: Effects, node: Node, within: Node) -> bool:
    parent = node.parent
    while parent is not None and parent is not within:
        if isinstance(parent, With) and any(
            effects.names.is_method(i.context, ("begin_nested",)) for i in parent.items
        ):
            return True
        parent = parent.parent
    return effects.names.is_method(node, ("begin_nested",))
