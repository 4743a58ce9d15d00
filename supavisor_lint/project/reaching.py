"""Which statements, and which bindings of a name, can have run before a node; judged by blocks alone.

Loops are taken as run once.
"""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, Entered, Scope, node_of
from supavisor_lint.facts.statements import (
    ClassDef,
    FunctionDef,
    Handler,
    If,
    MatchCase,
    Module,
    Raise,
    Return,
    Try,
    With,
)
from supavisor_lint.facts.tree import Block, IfExp, Name, NamedExpr, Param, Stmt


def statement_of(node: Node) -> Node:
    """The statement (or parameter's function) that a node stands in."""
    while not isinstance(node, Stmt) and node.parent is not None:
        node = node.parent
    return node


def is_certain(node: Node, before: Node | None) -> bool:
    """Whether what stands at `node` has surely run when `before` does; `before` None: the end of the scope."""
    statement = statement_of(node)
    while isinstance(statement.parent, With):
        statement = statement.parent
    holder = statement.parent
    if before is None:
        return isinstance(holder, Module | FunctionDef | ClassDef)
    block = _field(holder, statement)
    return holder is not None and block is not None and any(part.contains(before) for part in _block(holder, block))


def are_exclusive(first: Node, second: Node | None) -> bool:
    """Whether a run that passes one node cannot pass the other, or has left before it gets there."""
    if second is None:
        return False
    above: dict[int, Node] = {}
    child: Node | None = second
    while child is not None and child.parent is not None:
        above[id(child.parent)] = child
        child = child.parent
    child = first
    while child is not None and child.parent is not None:
        holder = child.parent
        if id(holder) in above:
            return _are_exclusive_parts(holder, child, above[id(holder)])
        if _leaves(holder, child):
            return True
        child = holder
    return False


def bindings_reaching(bindings: Sequence[Binding], owner: Scope, read: Name) -> Sequence[Binding]:
    """The bindings of a local name without those that are certainly overwritten before it is read.

    The `async with … as name` around the read is the only one, if nothing in its block binds the name again; an
    assignment that has surely run overwrites the parameter and what stands before it.
    """
    block = _entered_around(bindings, read)
    if block is not None:
        return (block,)
    if scope_of(read) is not owner:
        return bindings  # read in a nested function, which runs whenever it is called
    last = next((b for b in reversed(bindings) if isinstance(b, Assigned) and _has_run(b, read)), None)
    if last is None:
        return bindings
    return [b for b in bindings if not _stands_before(b, last, owner)]


def _has_run(binding: Assigned, read: Name) -> bool:
    node = binding.node
    if binding.value is None or isinstance(node.parent, NamedExpr) or node.order > read.order:
        return False
    return is_certain(node, read)


def _stands_before(binding: Binding, last: Assigned, owner: Scope) -> bool:
    """Whether one binding runs before another one; what a nested function binds, it binds when it is called."""
    node = node_of(binding)
    return isinstance(binding, Param) or (node.order < last.node.order and scope_of(node) is owner)


def _entered_around(bindings: Sequence[Binding], read: Name) -> Entered | None:
    """The `async with … as name` whose body reads the name, if nothing in that body binds it again."""
    inner: Entered | None = None
    for binding in bindings:
        if isinstance(binding, Entered):
            block: Node | None = binding.node
            while block is not None and not isinstance(block, With):
                block = block.parent
            if block is not None and block.contains(read) and not block.items[0].contains(read):
                others = (node_of(other) for other in bindings if other is not binding)
                if not any(block.contains(node) for node in others):
                    inner = binding
    return inner


def _are_exclusive_parts(holder: Node, first: Node, second: Node) -> bool:
    if isinstance(first, Handler | MatchCase) and isinstance(second, Handler | MatchCase):
        return first is not second
    if isinstance(holder, If | IfExp):
        fields = {_field(holder, first), _field(holder, second)}
        return fields == {"body", "orelse"}
    if isinstance(holder, Try):
        kinds = {type(first) is Handler, type(second) is Handler}
        return kinds == {True, False} and "orelse" in (_field(holder, first), _field(holder, second))
    return False


def _leaves(holder: Node, child: Node) -> bool:
    """Whether the block of `holder` that holds `child` ends in `return` or `raise`."""
    if not isinstance(holder, If | Handler | MatchCase):
        return False
    name = _field(holder, child)
    block = _block(holder, name) if name is not None else ()
    return bool(block) and isinstance(block[-1], Return | Raise)


def _field(holder: Node | None, child: Node) -> str | None:
    """The name of the holder's field that the child is in."""
    for name in getattr(holder, "__match_args__", ()):
        value = getattr(holder, name)
        if value is child or (isinstance(value, tuple) and any(part is child for part in value)):
            return str(name)
    return None


def _block(holder: Node, name: str) -> Block:
    value = getattr(holder, name)
    return value if isinstance(value, tuple) else (value,)
