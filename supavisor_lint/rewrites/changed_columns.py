"""Which columns some code may change: the attributes that it sets, and those that its `update(…).values(…)` name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Attribute, Call, Constant, Dict, Expr
from supavisor_lint.rewrites.row_names import unpacked_targets

ANY = "*"
"""Stands for a column of any name."""


def changed_columns(nodes: Iterable[Node]) -> set[str]:
    """The names of the columns that some nodes may change; ANY where one is set whose name is not known."""
    return {name for node in nodes for name in _changed(node)}


def _changed(node: Node) -> Iterator[str]:
    for target in unpacked_targets(node):
        if isinstance(target, Attribute):
            yield target.attr
    if not isinstance(node, Call):
        return
    name = last_name(node.func)
    if name == "setattr" and len(node.args) > 1:
        yield _named(node.args[1].value)
    elif name == "values":
        for argument in node.args:
            if argument.keyword is not None:
                yield argument.keyword
            elif isinstance(argument.value, Dict):
                yield from (_named(item.key) for item in argument.value.items)
            else:
                yield ANY


def _named(key: Expr | None) -> str:
    if isinstance(key, Constant) and isinstance(key.value, str):
        return key.value
    return key.attr if isinstance(key, Attribute) else ANY
