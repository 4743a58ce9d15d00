"""Whether anybody may have looked at a write before it was given up."""

from __future__ import annotations

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Attribute, Call
from supavisor_lint.flow.session_state import History


def may_be_seen(write: Node, history: History) -> bool:
    """Whether a later query than a mere `flush()` of the same transaction may have seen a write."""
    return any(
        query.order > write.order and not write.contains(query) and not _flushes(query) for query in history.queries
    )


def _flushes(query: Node) -> bool:
    return isinstance(query, Call) and isinstance(query.func, Attribute) and query.func.attr == "flush"
