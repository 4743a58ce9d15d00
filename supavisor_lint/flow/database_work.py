"""Does a function of the project reach the database: itself, or through the functions that it calls?"""

from __future__ import annotations

from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Call
from supavisor_lint.flow.operations import OPENED_HERE, SessionFlow
from supavisor_lint.project.values import FactoryBlock, FunctionValue, Manager

_MAX_CALLS = 4


def opens_session(flow: SessionFlow, function: FunctionValue) -> bool:
    """Whether a function, or one that it calls, opens a session."""
    return _opens(flow, function, set(), 0)


def _opens(flow: SessionFlow, function: FunctionValue, seen: set[FunctionDef], depth: int) -> bool:
    if function.node in seen or depth > _MAX_CALLS:
        return False
    seen.add(function.node)
    for node in own_nodes(function.node.body):
        if isinstance(node, Call):
            session = flow.ev.session(function.file, node)
            values = flow.ev.values(function.file, node)
            if session is not None and session.source in OPENED_HERE:
                return True
            if any(isinstance(v, Manager | FactoryBlock) for v in values):
                return True
            called = flow.ev.values(function.file, node.func)
            if any(isinstance(v, FunctionValue) and _opens(flow, v, seen, depth + 1) for v in called):
                return True
    return False
