"""What a method of an ORM object reads of its own columns, whatever happens: `row.decrypted()` reads `self.secret`."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign, ExprStmt, FunctionDef, If, Return
from supavisor_lint.facts.tree import Attribute, Block, BoolOp, Call, Comprehension, Constant, Expr, IfExp, Lambda, Name

_NOT_OF_THE_OBJECT = frozenset({"staticmethod", "classmethod", "property", "hybrid_property"})


def reads_of(function: FunctionDef) -> tuple[str, ...]:
    """The attributes of its object that a method reads on every path, in the order of its text."""
    decorators = {getattr(d, "id", getattr(d, "attr", "")) for d in function.decorators}
    if not function.params or function.is_generator or not decorators.isdisjoint(_NOT_OF_THE_OBJECT):
        return ()
    return _certain_reads(function)


@kept
def _certain_reads(function: FunctionDef) -> tuple[str, ...]:
    this = function.params[0].name
    return tuple(dict.fromkeys(attr for expr in _first_of(function.body) for attr in _attributes(expr, this)))


def _first_of(block: Block) -> Iterator[Expr]:
    """The expressions that are evaluated before the first branch."""
    for statement in block:
        if isinstance(statement, If):
            yield statement.test
            return
        if not isinstance(statement, Assign | ExprStmt | Return):
            return
        if isinstance(statement.value, Expr) and not isinstance(statement.value, Constant):
            yield statement.value
        if isinstance(statement, Return):
            return


def _attributes(node: Node, this: str) -> Iterator[str]:
    """The attributes of `self` in what is certainly evaluated; its methods are not followed."""
    if isinstance(node, Attribute) and isinstance(node.value, Name) and node.value.id == this:
        if not (isinstance(node.parent, Call) and node.parent.func is node):
            yield node.attr
        return
    if isinstance(node, Lambda | Comprehension):
        return
    for part in _certain_parts(node):
        yield from _attributes(part, this)


def _certain_parts(node: Node) -> tuple[Node, ...]:
    if isinstance(node, BoolOp):
        return (node.values[0],)
    return (node.test,) if isinstance(node, IfExp) else node.children()
