"""Conditions on what a function has collected so far: `if new:`, `if count:`, `if session.dirty:`.

Whether there is anything to commit is often decided so. What a list or a counter holds on a path is not followed.
"""

from __future__ import annotations

from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import dotted
from supavisor_lint.facts.statements import Assign, FunctionDef, If
from supavisor_lint.facts.tree import Attribute, Call, Name, Subscript

_CHANGES = frozenset({"append", "add", "extend", "update", "insert", "setdefault", "appendleft"})
_OF_SESSIONS = frozenset({"dirty", "new", "deleted", "is_modified", "in_transaction"})


def commits_what_was_collected(function: FunctionDef, session: str, write: Node) -> bool:
    """Whether, behind a write, a commit of the session (by its name) hangs on what the function has collected."""
    behind = [node for node in own_nodes(function.body) if node.order > write.order]
    if not any(_commits(node, session) for node in behind):
        return False
    changed = _changed_names(function)
    return any(isinstance(node, If) and _asks(node.test, changed) for node in behind)


def _commits(node: Node, session: str) -> bool:
    return isinstance(node, Call) and dotted(node.func) == f"{session}.commit"


def _asks(test: Node, changed: set[str]) -> bool:
    if isinstance(test, Name) and test.id in changed:
        return True
    if isinstance(test, Attribute) and test.attr in _OF_SESSIONS:
        return True
    return any(_asks(part, changed) for part in test.children())


def _changed_names(function: FunctionDef) -> set[str]:
    """Names that are bound more than once, or whose value is changed in place."""
    changed = {name for name, bindings in function.scope.bindings.items() if len(bindings) > 1}
    for node in own_nodes(function.body):
        if isinstance(node, Call) and isinstance(node.func, Attribute) and node.func.attr in _CHANGES:
            changed.add(dotted(node.func.value))
        elif isinstance(node, Assign):
            changed |= {dotted(t.value) for t in node.targets if isinstance(t, Subscript)}
            changed |= {t.id for t in node.targets if isinstance(t, Name) and node.augmented}
    return changed
