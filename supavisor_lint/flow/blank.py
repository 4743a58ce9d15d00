"""What an instance says that was just made without arguments: `return Rights()` where a look-up has failed.

Nothing is in its collections: a question about it has the same answer on every path that leads here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from supavisor_lint.facts.file import nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, ClassDef, Delete, ExprStmt, For, FunctionDef, Return, While
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    BoolOp,
    Call,
    Comprehension,
    Constant,
    Expr,
    Lambda,
    Name,
    Other,
    Stmt,
    Subscript,
)
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ANYTHING, BlankRef, ConstantRef, Tracked
from supavisor_lint.project.values import ClassValue

_EMPTY = frozenset({"set", "frozenset", "dict", "list", "tuple"})
_MAKERS = frozenset({"__init__", "__new__", "__post_init__", "__bool__", "__len__", "__getattr__", "__getattribute__"})
_READERS = frozenset(
    {"get", "items", "keys", "values", "copy", "count", "index", "union", "intersection", "difference"}
    | {"issubset", "issuperset", "isdisjoint"}
)
_MAX_DEPTH = 3

Blanks = Mapping[str, ClassDef]


def made_blank(frame: Frame, expr: Expr | None) -> Tracked:
    """What `Rights()` gives, where all that the class does with its fields is to give them their defaults."""
    if not isinstance(expr, Call) or expr.args:
        return ANYTHING
    cls = frame.ev.only(frame.file, expr.func)
    if not isinstance(cls, ClassValue) or not _MAKERS.isdisjoint(cls.node.scope.bindings):
        return ANYTHING
    has_defaults = any(_default(cls.node, name) is not None for name in cls.node.scope.bindings)
    return BlankRef(cls.node) if has_defaults else ANYTHING


def answered(frame: Frame, expr: Expr, state: State) -> Tracked:
    """What an expression is that asks something of a blank instance; ANYTHING where that does not decide it."""
    blanks = {
        name: value.cls
        for name, value in state.variables.items()
        if isinstance(value, BlankRef) and _is_left_alone(frame.function, name, expr)
    }
    answer = _answer(expr, blanks, 0) if blanks else None
    return ANYTHING if answer is None else ConstantRef(answer)


def _answer(expr: Expr, blanks: Blanks, depth: int) -> bool | None:
    match expr:
        case Constant(value):
            return bool(value)
        case Other((part,), "not"):
            inner = _answer(part, blanks, depth)
            return None if inner is None else not inner
        case Other((_, Attribute(Name(name), field)), "in" | "not in" as op) if name in blanks:
            return op == "not in" if _default(blanks[name], field) == "empty" else None
        case BoolOp():
            return _joined(expr, blanks, depth)
        case Attribute(Name(name), field) if name in blanks:
            return {"empty": False, "false": False, "true": True}.get(_default(blanks[name], field) or "")
        case Call(Attribute(Name(name), method)) if name in blanks:
            return _of_method(blanks[name], method, depth)
        case _:
            return None


def _joined(expr: BoolOp, blanks: Blanks, depth: int) -> bool | None:
    answers = [_answer(value, blanks, depth) for value in expr.values]
    decisive = expr.op == "or"
    if decisive in answers:
        return decisive
    return None if None in answers else not decisive


def _of_method(cls: ClassDef, name: str, depth: int) -> bool | None:
    """What a method answers that does nothing else: `return what in self.everywhere`."""
    bindings = cls.scope.bindings.get(name, [])
    method = bindings[0] if len(bindings) == 1 else None
    if not isinstance(method, FunctionDef) or method.is_async or method.decorators or not method.params:
        return None
    last = method.body[-1]
    before = [statement for statement in method.body[:-1] if not _is_docstring(statement)]
    if before or not isinstance(last, Return) or last.value is None or depth >= _MAX_DEPTH:
        return None
    return _answer(last.value, {method.params[0].name: cls}, depth + 1)


def _is_docstring(statement: Stmt) -> bool:
    return isinstance(statement, ExprStmt) and isinstance(statement.value, Constant)


def _default(cls: ClassDef, name: str) -> str | None:
    """What a field of a new instance holds: "empty" for a collection, else whether it is "true" or "false"."""
    bindings = cls.scope.bindings.get(name, [])
    binding = bindings[0] if len(bindings) == 1 else None
    if not isinstance(binding, Assigned) or binding.annotation is None:
        return None
    value = binding.value
    if isinstance(value, Constant):
        return "true" if value.value else "false"
    if isinstance(value, Call) and last_name(value.func) in ("field", "Field"):
        factory = value.argument(None, "default_factory")
        return "empty" if isinstance(factory, Name) and factory.id in _EMPTY else None
    return None


def _is_left_alone(function: FunctionDef, name: str, asked: Expr) -> bool:
    """Whether nothing that may run before an expression can fill what a local name holds."""
    return all(node.order > asked.order and not _in_one_loop(node, asked) for node in _fills(function, name))


@lru_cache(maxsize=256)
def _fills(function: FunctionDef, name: str) -> tuple[Node, ...]:
    """What in a function can fill what a local name holds."""
    return tuple(node for node in nodes_in(function) if _may_fill(node, name))


def _in_one_loop(first: Node, second: Node) -> bool:
    around = first.parent
    while around is not None and not isinstance(around, FunctionDef):
        if isinstance(around, For | While | Comprehension | Lambda) and around.contains(second):
            return True
        around = around.parent
    return isinstance(around, FunctionDef) and not around.contains(second)


def _may_fill(node: Node, name: str) -> bool:
    if isinstance(node, Argument):
        return isinstance(node.value, Name) and node.value.id == name
    if isinstance(node, Call):
        func = node.func
        is_method = isinstance(func, Attribute) and isinstance(func.value, Attribute | Subscript)
        return is_method and _root(func) == name and last_name(func) not in _READERS
    targets = node.targets if isinstance(node, Assign | Delete) else ()
    return any(not isinstance(target, Name) and _root(target) == name for target in targets)


def _root(expr: Expr) -> str | None:
    while isinstance(expr, Attribute | Subscript):
        expr = expr.value
    return expr.id if isinstance(expr, Name) else None
