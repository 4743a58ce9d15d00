"""What a method of an ORM object reads of its own columns, whatever happens: `row.decrypted()` reads `self.secret`.

And what a function reads of an object that it is given: `title_of(row)`.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import walk
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign, ExprStmt, FunctionDef, If, Return
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Block,
    BoolOp,
    Call,
    Comprehension,
    Expr,
    IfExp,
    Lambda,
    Name,
    Stmt,
)

_SINGLE = ("positional", "keyword")  # not `*args`
_NOT_OF_THE_OBJECT = frozenset({"staticmethod", "classmethod", "property", "hybrid_property"})


def reads_of(function: FunctionDef) -> tuple[str, ...]:
    """The attributes of its object that a method reads on every path, in the order of its text."""
    decorators = {getattr(d, "id", getattr(d, "attr", "")) for d in function.decorators}
    if not function.params or function.is_generator or not decorators.isdisjoint(_NOT_OF_THE_OBJECT):
        return ()
    return _certain_reads(function)


@kept
def _certain_reads(function: FunctionDef) -> tuple[str, ...]:
    return _reads_of(function, function.params[0].name)


def reads_of_parameter(function: FunctionDef, name: str) -> tuple[str, ...]:
    """The attributes of a parameter that a function reads on every path; not behind what may have loaded it again."""
    return () if function.is_generator else _reads_by_parameter(function).get(name, ())


@kept
def _reads_by_parameter(function: FunctionDef) -> dict[str, tuple[str, ...]]:
    return {param.name: _reads_of(function, param.name) for param in function.params if param.kind in _SINGLE}


def _reads_of(function: FunctionDef, name: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for statement in _first_of(function.body):
        exprs = _evaluated(statement)
        if any(_is_given(node, name) for expr in exprs for node in walk(expr)):
            break  # somebody else has it
        found.update(dict.fromkeys(attr for expr in exprs for attr in _attributes(expr, name)))
        if isinstance(statement, Assign) and any(_binds(target, name) for target in statement.targets):
            break
    return tuple(found)


def _is_given(node: Node, name: str) -> bool:
    return isinstance(node, Name) and node.id == name and isinstance(node.parent, Argument)


def _binds(target: Expr, name: str) -> bool:
    """Whether a target binds a name anew, or sets an attribute, which can be read from then on."""
    return any(isinstance(node, Name) and node.id == name for node in walk(target))


def _first_of(block: Block) -> Iterator[Stmt]:
    """The statements up to the first branch."""
    for statement in block:
        if isinstance(statement, Assign | ExprStmt | Return | If):
            yield statement
        if not isinstance(statement, Assign | ExprStmt):
            return


def _evaluated(statement: Stmt) -> tuple[Expr, ...]:
    """What a statement certainly evaluates."""
    match statement:
        case If(test):
            return (test,)
        case Assign(targets, value) if value is not None:
            return (*targets, value) if statement.augmented else (value,)
        case ExprStmt(value) | Return(value) if value is not None:
            return (value,)
        case _:
            return ()


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
