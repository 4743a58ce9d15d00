"""Calls that do nothing to sessions and do not fail for reasons that matter here."""

from __future__ import annotations

from supavisor_lint.facts.handlers import is_log_call
from supavisor_lint.facts.tree import Call
from supavisor_lint.flow.frame import Frame
from supavisor_lint.project.values import External, Instance

_HARMLESS = frozenset(
    {"print", "len", "isinstance", "issubclass", "id", "repr", "str", "bool", "type", "hasattr", "callable", "range"}
    | {"list", "dict", "set", "tuple", "enumerate", "zip", "sorted", "reversed", "max", "min", "any", "all", "super"}
)


def is_harmless(frame: Frame, node: Call) -> bool:
    """Log calls, pure builtins and what builds SQL: they do not fail for reasons that matter here."""
    if is_log_call(node):
        return True
    callee = frame.ev.only(frame.file, node.func)
    if isinstance(callee, External):
        return callee.dotted.removeprefix("builtins.") in _HARMLESS or callee.root == "sqlalchemy"
    value = frame.ev.only(frame.file, node)
    return isinstance(value, Instance) and isinstance(value.of, External) and value.of.root == "sqlalchemy"
