"""What a method of an ORM object reads of its own columns, whatever happens: `row.decrypted()` reads `self.secret`.

And what a function reads of an object that it is given: `title_of(row)`.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import scope_of, walk
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
    Constant,
    Expr,
    IfExp,
    Lambda,
    Name,
    Other,
    Stmt,
)
from supavisor_lint.flow.values import ANYTHING, ConstantRef, Tracked

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


def reads_if_present(function: FunctionDef, name: str) -> tuple[str, ...]:
    """The same where the parameter is not None: `row is not None and row.ready`, `if row is None: return`."""
    return () if function.is_generator else _reads_if_present(function).get(name, ())


@kept
def _reads_if_present(function: FunctionDef) -> dict[str, tuple[str, ...]]:
    names = [param.name for param in function.params if param.kind in _SINGLE]
    return {name: _reads_of(function, name, present=True) for name in names}


def answer_if_missing(function: FunctionDef, name: str) -> Tracked:
    """What a function returns where the parameter is None, if that decides it: `return row is not None and …`."""
    body = [statement for statement in function.body if not isinstance(statement, ExprStmt)]
    only = body[0].value if len(body) == 1 and isinstance(body[0], Return) else None
    if function.is_generator or only is None:
        return ANYTHING
    first = only
    while isinstance(first, BoolOp) and isinstance(only, BoolOp) and first.op == only.op:
        first = first.values[0]
    there = _is_there(first, name)
    if there is None or (isinstance(only, BoolOp) and there is not (only.op == "and")):
        return ANYTHING
    return ConstantRef(None if isinstance(first, Name) else not there)


def _reads_of(function: FunctionDef, name: str, *, present: bool = False) -> tuple[str, ...]:
    found: dict[str, None] = {}
    there = name if present else None
    for statement in _first_of(function.body, there):
        exprs = _evaluated(statement)
        if any(_is_given(node, name) for expr in exprs for node in walk(expr)):
            break  # somebody else has it
        found.update(dict.fromkeys(attr for expr in exprs for attr in _attributes(expr, name, there)))
        if isinstance(statement, Assign) and any(_binds(target, name) for target in statement.targets):
            break
    return tuple(found)


def _is_given(node: Node, name: str) -> bool:
    if not isinstance(node, Name) or node.id != name or not isinstance(node.parent, Argument):
        return False
    return _read_by_name(node.parent.parent, name) is None


def _read_by_name(node: object, this: str) -> str | None:
    """The attribute that `getattr(this, "status", None)` reads: the default is only for what the class has not."""
    match node:
        case Call(Name("getattr") as func, (Argument(Name(name)), Argument(Constant(str(attr))), *_)) if name == this:
            return attr if scope_of(func).lookup("getattr") is None else None
        case _:
            return None


def _binds(target: Expr, name: str) -> bool:
    """Whether a target binds a name anew, or sets an attribute, which can be read from then on."""
    return any(isinstance(node, Name) and node.id == name for node in walk(target))


def _first_of(block: Block, there: str | None) -> Iterator[Stmt]:
    """The statements up to the first branch; one that asks whether an object is `there` is none."""
    for statement in block:
        if isinstance(statement, Assign | ExprStmt | Return | If):
            yield statement
        taken = _taken(statement, there) if isinstance(statement, If) else None
        if taken:
            yield from _first_of(taken, there)
        if taken or (taken is None and not isinstance(statement, Assign | ExprStmt)):
            return


def _taken(statement: If, there: str | None) -> Block | None:
    """The branch that is taken where an object is there; None where that does not decide it."""
    answer = _is_there(statement.test, there)
    return None if answer is None else statement.body if answer else statement.orelse


def _is_there(test: Expr, there: str | None) -> bool | None:
    """What a test says of an object that is there: `row`, `row is not None`, `not row`; None of anything else."""
    match test:
        case Name(name) if name == there:
            return True
        case Other((Name(name), Constant(None)), "is" | "is not" as op) if name == there:
            return op == "is not"
        case Other((part,), "not"):
            inner = _is_there(part, there)
            return None if inner is None else not inner
        case _:
            return None


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


def _attributes(node: Node, this: str, there: str | None = None) -> Iterator[str]:
    """The attributes of `self` in what is certainly evaluated; its methods are not followed."""
    if isinstance(node, Attribute) and isinstance(node.value, Name) and node.value.id == this:
        if not (isinstance(node.parent, Call) and node.parent.func is node):
            yield node.attr
        return
    if isinstance(node, Lambda | Comprehension):
        return
    by_name = _read_by_name(node, this)
    if by_name is not None:
        yield by_name
    for part in _certain_parts(node, there):
        yield from _attributes(part, this, there)


def _certain_parts(node: Node, there: str | None) -> tuple[Node, ...]:
    if isinstance(node, BoolOp):
        told = next((i for i, v in enumerate(node.values) if _is_there(v, there) is not (node.op == "and")), 0)
        return node.values[: told + 1]
    if not isinstance(node, IfExp):
        return node.children()
    answer = _is_there(node.test, there)
    return (node.test,) if answer is None else (node.test, node.body if answer else node.orelse)
