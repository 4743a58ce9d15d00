"""Until where in a function a name matters: states that differ only in dead names are the same state."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from supavisor_lint.facts.file import walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import For, FunctionDef, If, MatchCase, While
from supavisor_lint.facts.tree import Expr, Generator, IfExp, Lambda, Name
from supavisor_lint.flow.state import State


@dataclass(frozen=True, slots=True)
class Life:
    """`last`: the order of a name's last mention (the end of the loop round it); `tested`: names in conditions."""

    last: dict[str, int]
    tested: frozenset[str]

    def pruned(self, state: State, order: int) -> State:
        """The state without what nobody asks for from a node of this order on."""
        if not state.variables and not state.assumed:
            return state
        dead = [n for n in state.variables if self.last.get(n.partition(".")[0], order) < order]
        forgotten = [a for a in state.assumed if self._is_over(a[0], order)]
        if not dead and not forgotten:
            return state
        variables = {n: v for n, v in state.variables.items() if n not in dead}
        return replace(state, variables=variables, assumed=tuple(a for a in state.assumed if a not in forgotten))

    def _is_over(self, condition: str, order: int) -> bool:
        return any(self.last.get(word, order) < order for word in condition.split())


@lru_cache(maxsize=256)
def life_of(function: FunctionDef) -> Life:
    """The life of all names of a function, its nested functions included."""
    last: dict[str, int] = {}
    tested: set[str] = set()
    nested_functions: list[FunctionDef] = []
    for statement in function.body:
        for node, end in _mentions(statement, None):
            if isinstance(node, Name):
                last[node.id] = max(last.get(node.id, 0), node.order if end is None else end)
            for test in _tests(node):
                tested.update(n.id for n in walk(test) if isinstance(n, Name))
        nested_functions += [node for node in walk(statement) if isinstance(node, FunctionDef)]
    for nested in nested_functions:  # what a nested function captures lives as long as its name
        end = last.get(nested.name, 0)
        for node in walk(nested):
            if isinstance(node, Name):
                last[node.id] = max(last.get(node.id, 0), end)
    return Life(last, frozenset(tested))


def _mentions(node: Node, end: int | None) -> Iterator[tuple[Node, int | None]]:
    """Every node below, with the end of the outermost loop around it."""
    if isinstance(node, FunctionDef | Lambda):
        end = sys.maxsize  # it may be called, and ask, at any time
    elif end is None and isinstance(node, For | While):
        end = max(inner.order for inner in walk(node) if hasattr(inner, "order"))
    yield node, end
    for child in node.children():
        yield from _mentions(child, end)


def _tests(node: Node) -> Iterator[Expr]:
    if isinstance(node, If | While | IfExp):
        yield node.test
    elif isinstance(node, MatchCase) and node.guard is not None:
        yield node.guard
    elif isinstance(node, Generator):
        yield from node.conditions
