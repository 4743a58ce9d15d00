"""Whether the blocks of a rewrite part what one transaction held: then a strict isolation level guards it no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import For, FunctionDef, If, Return, While
from supavisor_lint.project.values import Session
from supavisor_lint.rewrites.isolation import isolation_of
from supavisor_lint.rewrites.phase_effects import Act, Effects
from supavisor_lint.rewrites.phase_plan import Phase


def doubts_about_isolation(effects: Effects, session: Session, phases: Sequence[Phase]) -> Iterator[str]:
    """The first two acts of one transaction that get two blocks, if the session's isolation level makes that matter."""
    parted = next(_parted(effects, phases), None)
    isolation = isolation_of(effects.context, session) if parted is not None else None
    if parted is not None and isolation is not None:
        before, after = (act.node.span.line for act in parted)
        yield (
            f"{isolation} holds what line {before} reads against changes by others until the commit behind line "
            f"{after}; they would be two transactions"
        )


def _parted(effects: Effects, phases: Sequence[Phase]) -> Iterator[tuple[Act, Act]]:
    """Acts of two blocks of which the first has no commit at its end: it began the transaction of the second."""
    for phase in phases:
        for act in effects.of(phase.statements) if phase.commit is None else ():
            for other in phases:
                if other is not phase and _may_follow(act.node, other.statements[0]):
                    yield act, effects.of(other.statements)[0]


def _may_follow(first: Node, second: Node) -> bool:
    """Whether a place may be reached from another: behind it, or in the next round of a loop around both."""
    follows = second.order > first.order
    child = first
    while child.parent is not None and not isinstance(child, FunctionDef):
        parent = child.parent
        if parent.contains(second):
            if isinstance(parent, For | While):
                return True
            if isinstance(parent, If) and _is_in(parent.body, child) != _is_in(parent.body, second):
                follows = False
        elif follows and _returns_behind(parent, child):
            follows = False
        child = parent
    return follows


def _is_in(block: Sequence[Node], node: Node) -> bool:
    return any(statement.contains(node) for statement in block)


def _returns_behind(parent: Node, child: Node) -> bool:
    """Whether the list that a statement stands in comes to a `return` behind it."""
    blocks = (getattr(parent, name, ()) for name in ("body", "orelse", "finalbody"))
    return any(
        isinstance(statement, Return) and statement.order > child.order
        for block in blocks
        if any(statement is child for statement in block)
        for statement in block
    )
