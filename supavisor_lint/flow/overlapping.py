"""Which of several coroutines run at the same time, and on the same session."""

from __future__ import annotations

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import node_of
from supavisor_lint.facts.tree import Call
from supavisor_lint.flow.alternatives import exclude_each_other
from supavisor_lint.flow.session_keys import SessionKey
from supavisor_lint.flow.session_uses import Use
from supavisor_lint.flow.started import Start
from supavisor_lint.project.structured import waiting


def overlap(key: SessionKey, used: list[tuple[Start, Use]], *, by_hand: bool) -> tuple[tuple[Start, Use], ...]:
    """The first start that runs again while it still runs, or the first two that run at the same time."""
    for index, (start, use) in enumerate(used):
        if start.loop is not None and not _bound_between(key, start.loop, None):
            return ((start, use),)
        for earlier, other in used[:index]:
            if earlier.node is start.node or exclude_each_other(earlier.node, start.node):
                continue
            if _bound_between(key, earlier.node, start.node) or (by_hand and _is_over(earlier, start)):
                continue
            return ((earlier, other), (start, use))
    return ()


def _bound_between(key: SessionKey, first: Node, last: Node | None) -> bool:
    """Whether a session's variable is bound anew between two nodes, or inside a loop (`last` is None)."""
    root = key.text.partition(".")[0]
    scope = key.scope
    if scope is None or (scope.kind == "comprehension" and first.contains(scope.node)):
        return True
    for binding in scope.bindings.get(root, []):
        node = node_of(binding)
        if first.contains(node) if last is None else first.order < node.order < last.order:
            return True
    return False


def _is_over(earlier: Start, later: Start) -> bool:
    """Whether a task has been waited for before the next one starts."""
    waits = waiting(earlier.node)
    return waits is not None and (waits is earlier.node or waits.order < later.node.order)


def runs_at(task: Start, call: Call) -> bool:
    """Whether a task is started before a call, and waited for behind it."""
    waits = waiting(task.node)
    if waits is None or waits is task.node or call.contains(waits) or call.contains(task.node):
        return False
    return task.node.order < call.order < waits.order
