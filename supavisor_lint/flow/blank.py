"""What an instance says that was just made without arguments: `return Rights()` where a look-up has failed.

Nothing is in its collections: a question about it has the same answer on every path that leads here. The same holds of
an empty collection by itself: `return []`.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from functools import lru_cache

from supavisor_lint.facts.file import nodes_in, scope_of
from supavisor_lint.facts.handlers import is_log_call
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import (
    Assign,
    ClassDef,
    Delete,
    ExprStmt,
    For,
    FunctionDef,
    Return,
    While,
    WithItem,
)
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    BoolOp,
    Call,
    Collection,
    Comprehension,
    Constant,
    Dict,
    DictItem,
    Expr,
    Generator,
    Lambda,
    Name,
    Operation,
    Other,
    Starred,
    Stmt,
    Subscript,
)
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ANYTHING, EMPTY_COLLECTION, BlankRef, ConstantRef, Tracked
from supavisor_lint.project.values import ClassValue

_EMPTY = frozenset({"set", "frozenset", "dict", "list", "tuple"})
_MAKERS = frozenset({"__init__", "__new__", "__post_init__", "__bool__", "__len__", "__getattr__", "__getattribute__"})
_READERS = frozenset(
    {"get", "items", "keys", "values", "copy", "count", "index", "union", "intersection", "difference"}
    | {"issubset", "issuperset", "isdisjoint"}
)
_COPIERS = _EMPTY | {"sorted"}  # of the builtins
_ASKERS = frozenset({"any", "bool", "len", "sum"})
_FILLERS = frozenset({"add", "append", "extend", "insert", "setdefault", "update"})
_PARTS = frozenset({"copy", "difference", "intersection", "items", "keys", "values"})  # of nothing: nothing
_COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MAX_DEPTH = 3

# What is blank, by its name, or the expression that gives it; with its class (None: an empty collection).
Blanks = Mapping[str | Expr, ClassDef | None]


def made_blank(frame: Frame, expr: Expr | None) -> Tracked:
    """What `Rights()` gives, where all that the class does with its fields is to give them their defaults; or `[]`."""
    if isinstance(expr, Collection | Dict) and not expr.items:
        return EMPTY_COLLECTION
    if not isinstance(expr, Call) or expr.args:
        return ANYTHING
    if _builtin(expr) in _EMPTY:
        return EMPTY_COLLECTION
    cls = frame.ev.only(frame.file, expr.func)
    if not isinstance(cls, ClassValue) or not _MAKERS.isdisjoint(cls.node.scope.bindings):
        return ANYTHING
    has_defaults = any(_default(cls.node, name) is not None for name in cls.node.scope.bindings)
    return BlankRef(cls.node) if has_defaults else ANYTHING


def still_blank(frame: Frame, expr: Expr, value: BlankRef) -> Tracked:
    """What a blank value is by now, where an expression reads it."""
    if isinstance(expr, Attribute | Subscript):
        return ANYTHING  # others have it
    is_filled = isinstance(expr, Name) and not _is_left_alone(frame.function, expr.id, expr)
    return ANYTHING if is_filled else value


def answered(frame: Frame, expr: Expr, state: State) -> Tracked:
    """What an expression is that asks something of a blank instance; ANYTHING where that does not decide it."""
    blanks: dict[str | Expr, ClassDef | None] = {
        name: value.cls
        for name, value in state.variables.items()
        if isinstance(value, BlankRef) and _is_left_alone(frame.function, name, expr)
    }
    return _told(expr, blanks)


def answered_of(expr: Expr, parts: Sequence[Expr], values: Sequence[Tracked]) -> Tracked:
    """The same where parts of the expression give what is blank: `"admin" in await rights_of(user)`."""
    return _told(expr, {p: v.cls for p, v in zip(parts, values, strict=True) if isinstance(v, BlankRef)})


def _told(expr: Expr, blanks: Blanks) -> Tracked:
    if not blanks:
        return ANYTHING
    if _is_none(expr, blanks):
        return ConstantRef(None)
    answer = _answer(expr, blanks, 0)
    return ANYTHING if answer is None else ConstantRef(answer)


def _is_none(expr: Expr, blanks: Blanks) -> bool:
    """Whether an expression gives None: a field that is None by default, `get(key)` of nothing."""
    match expr:
        case Attribute(Name(name), field) if (cls := blanks.get(name)) is not None:
            return _default(cls, field) == "none"
        case Call(Attribute(owner, "get"), args):
            return len(args) == 1 and _is_empty(owner, blanks)
        case _:
            return False


def _answer(expr: Expr, blanks: Blanks, depth: int) -> bool | None:
    """Whether an expression is true; None where that is not known."""
    if _is_empty(expr, blanks) or _is_none(expr, blanks):
        return False
    match expr:
        case Constant(value):
            return bool(value)
        case Other((part,), "not"):
            inner = _answer(part, blanks, depth)
            return None if inner is None else not inner
        case Other((_, asked), "in" | "not in" as op):
            return op == "not in" if _is_empty(asked, blanks) else None
        case Other((Call() as call, Constant(int(number))), op) if op in _COMPARISONS and _builtin(call) == "len":
            is_known = len(call.args) == 1 and _is_empty(call.args[0].value, blanks)
            return bool(_COMPARISONS[op](0, number)) if is_known else None
        case BoolOp():
            return _joined(expr, blanks, depth)
        case Attribute(Name(name), field) if (cls := blanks.get(name)) is not None:
            return {"false": False, "true": True}.get(_default(cls, field) or "")
        case Call(Attribute(Name(name), method)) if (cls := blanks.get(name)) is not None:
            return _of_method(cls, method, depth)
        case Call(Name(), (Argument(value=value),)) if _builtin(expr) in _ASKERS | {"all"}:
            return _builtin(expr) == "all" if _is_empty(value, blanks) else None
        case _:
            return None


def _is_empty(expr: Expr, blanks: Blanks) -> bool:
    """Whether an expression gives a collection without elements, of whatever kind; iterating it gives nothing."""
    if expr in blanks:
        return blanks[expr] is None
    match expr:
        case Name(name):
            return name in blanks and blanks[name] is None
        case Attribute(Name(name), field):
            cls = blanks.get(name)
            return cls is not None and _default(cls, field) == "empty"
        case Comprehension():
            return _is_empty(expr.generators[0].iter, blanks)
        case Operation((left, _), operators=("&",) | ("-",)):
            return _is_empty(left, blanks)
        case Call(Attribute(owner, method)) if method in _PARTS:
            return _is_empty(owner, blanks)
        case Call(Name(), (Argument(value=value),)) if _builtin(expr) in _COPIERS:
            return _is_empty(value, blanks)
        case _:
            return False


def _builtin(call: Call) -> str | None:
    """The builtin that a call runs, by its name."""
    func = call.func
    return func.id if isinstance(func, Name) and scope_of(func).lookup(func.id) is None else None


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
    """What a field of a new instance holds: "empty" for a collection, "none", or whether it is "true" or "false"."""
    bindings = cls.scope.bindings.get(name, [])
    binding = bindings[0] if len(bindings) == 1 else None
    if not isinstance(binding, Assigned) or binding.annotation is None:
        return None
    value = binding.value
    if isinstance(value, Constant):
        return "none" if value.value is None else "true" if value.value else "false"
    if isinstance(value, Call) and last_name(value.func) in ("field", "Field"):
        factory = value.argument(None, "default_factory")
        return "empty" if isinstance(factory, Name) and factory.id in _EMPTY else None
    return None


def _is_left_alone(function: FunctionDef, name: str, asked: Expr) -> bool:
    """Whether nothing that may run before an expression can fill what a local name holds."""
    return all(
        (node is asked or node.order > asked.order) and not _in_one_loop(node, asked) for node in _fills(function, name)
    )


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
    if isinstance(node, Name):
        return node.id == name and _is_given(node)
    if isinstance(node, Call):
        func = node.func
        is_method = isinstance(func, Attribute) and (
            isinstance(func.value, Attribute | Subscript) or func.attr in _FILLERS
        )
        return is_method and _root(func) == name and last_name(func) not in _READERS
    targets = node.targets if isinstance(node, Assign | Delete) else ()
    return any(not isinstance(target, Name) and _root(target) == name for target in targets)


def _is_given(name: Name) -> bool:
    """Whether a name stands where somebody else gets what it holds: as an argument, in a display, for another name."""
    match name.parent:
        case Argument(parent=Call() as call):
            return _builtin(call) not in _COPIERS | _ASKERS | {"all"} and not is_log_call(call)
        case Assign(value=value):
            return value is name
        case Collection() as display:
            return not _is_target(display)
        case Argument() | DictItem():
            return True
        case _:
            return False


def _is_target(display: Node) -> bool:
    """Whether what looks like a display binds names: `rights, _ = …`."""
    match display.parent:
        case Assign(targets=targets):
            return display in targets
        case For(target=target) | Generator(target=target) | WithItem(target=target):
            return target is display
        case Collection() | Starred() as around:
            return _is_target(around)
        case _:
            return False


def _root(expr: Expr) -> str | None:
    while isinstance(expr, Attribute | Subscript):
        expr = expr.value
    return expr.id if isinstance(expr, Name) else None
