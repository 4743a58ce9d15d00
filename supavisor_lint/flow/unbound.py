"""Local names that are read where nothing can have bound them: that raises UnboundLocalError on every path."""

from __future__ import annotations

from supavisor_lint.facts.file import nodes_of_kind, scope_of
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import node_of
from supavisor_lint.facts.statements import For, FunctionDef, While
from supavisor_lint.facts.tree import Comprehension, Name, Param
from supavisor_lint.flow.steady import names_bound_inside


@kept
def unbound_reads(function: FunctionDef) -> frozenset[Name]:
    """The names of a function's own text that stand in front of all that binds them, and of the loops around that."""
    first = _first_bindings(function)
    return frozenset(
        node
        for node in nodes_of_kind(function, Name)
        if node.order < first.get(node.id, -1) and scope_of(node) is function.scope
    )


def _first_bindings(function: FunctionDef) -> dict[str, int]:
    """Each local name with the place (a node's order) where something may first bind it."""
    scope = function.scope
    elsewhere = scope.globals | scope.nonlocals | names_bound_inside(function)
    return {
        name: min(_start(node_of(binding), function) for binding in bindings)
        for name, bindings in scope.bindings.items()
        if name not in elsewhere and not any(isinstance(binding, Param) for binding in bindings)
    }


def _start(binding: Node, function: FunctionDef) -> int:
    """Where a binding stands; in a loop, where the outermost one begins."""
    place, around = binding.order, binding.parent
    while around is not None and around is not function:
        if isinstance(around, For | While | Comprehension):
            place = min(place, around.order)
        around = around.parent
    return place
