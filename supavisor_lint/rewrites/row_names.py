"""Which names of a function may hold rows of a session, where no binding says so.

`lines = [line]` and `session.add_all(lines)` make a row of `line` too; `first, *rest` holds rows wherever they are
unpacked; and what has a field set (`line.text = "a"`) may be a row however it became one: through a function that was
given the session, a relationship of another row, a container of somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding
from supavisor_lint.facts.statements import Assign, Delete, For, FunctionDef, WithItem
from supavisor_lint.facts.tree import (
    Attribute,
    BoolOp,
    Call,
    Collection,
    Comprehension,
    Dict,
    Expr,
    Generator,
    IfExp,
    Name,
    NamedExpr,
    Param,
    Starred,
    Subscript,
)
from supavisor_lint.project.mapped import class_behind, is_mapped
from supavisor_lint.rewrites.base import Context

_GIVES_ELEMENTS = frozenset({"list", "tuple", "set", "sorted", "reversed", "iter", "next", "min", "max"})
_ELEMENT_METHODS = frozenset({"values", "pop", "popleft", "get", "copy"})


def unpacked_targets(node: Node) -> Iterator[Expr]:
    """What a node assigns to or deletes, unpacked: `a.x, *b = …`, `for a.x in …`, `with … as a.x`."""
    found: tuple[Expr | None, ...] = ()
    if isinstance(node, Assign | Delete):
        found = node.targets
    elif isinstance(node, For | WithItem | Generator | NamedExpr):
        found = (node.target,)
    waiting = [target for target in found if target is not None]
    while waiting:
        target = waiting.pop()
        if isinstance(target, Collection):
            waiting += target.items
        elif isinstance(target, Starred):
            waiting.append(target.value)
        else:
            yield target


def bound_value(node: Node) -> Expr | None:
    """What the targets of a node are bound to, or taken from: the value of an assignment, what a `for` goes through."""
    if isinstance(node, Assign | NamedExpr):
        return node.value
    if isinstance(node, For | Generator):
        return node.iter
    return node.context if isinstance(node, WithItem) else None


def handed_on(expr: Expr) -> Iterator[Name]:
    """The names whose values, or the elements of these, an expression gives: `line` of `[line]`, `lines[0]`, `*lines`.

    What a call makes of its arguments is another value; mixed tuples hold plain values as well.
    """
    match expr:
        case Name():
            yield expr
        case Subscript(value) | Starred(value):
            yield from handed_on(value)
        case NamedExpr(target, value):
            yield from handed_on(target)
            yield from handed_on(value)
        case IfExp(body, _, orelse):
            yield from handed_on(body)
            yield from handed_on(orelse)
        case BoolOp(parts) | Collection(parts, "list" | "set"):
            for part in parts:
                yield from handed_on(part)
        case Comprehension(elements, generators):
            for part in (*elements, *(generator.iter for generator in generators)):
                yield from handed_on(part)
        case Call(Name(name), args) if name in _GIVES_ELEMENTS:
            for argument in args:
                yield from handed_on(argument.value)
        case Call(Attribute(receiver, method)) if method in _ELEMENT_METHODS:
            yield from handed_on(receiver)
        case _:
            return


def displayed(expr: Expr) -> Iterator[Expr]:
    """The parts of displays, starred or not: `job` of `[job]`, `("a", job)`, `{"a": job}`; else the expression."""
    match expr:
        case Collection(parts):
            for part in parts:
                yield from displayed(part)
        case Dict(items):
            for item in items:
                yield from displayed(item.value)
        case Starred(value):
            yield from displayed(value)
        case _:
            yield expr


def names_with_fields(context: Context, function: FunctionDef) -> set[str]:
    """A function's own variables of which it sets a field, but for those that surely hold something else than rows.

    Rows are also what gives a method that is called later: `finish = job.finish`.
    """
    found = set()
    for statement in function.body:
        for node in walk(statement):
            for target in unpacked_targets(node):
                root = _root_of_field(target)
                if root is not None and _is_variable(function, root):
                    found.add(root.id)
            if isinstance(node, Call) and isinstance(node.func, Name) and _is_method(function, node.func):
                found.add(node.func.id)
    return {name for name in found if not _holds_no_rows(context, function.scope.bindings[name])}


def _root_of_field(target: Expr) -> Name | None:
    """`lines` of `lines[0].text`; None of `lines[0]`: elements of a plain name are those of some container."""
    parts, root = 0, target
    while isinstance(root, Attribute | Subscript):
        parts += isinstance(root, Attribute)
        root = root.value
    return root if parts and isinstance(root, Name) else None


def _is_variable(function: FunctionDef, name: Name) -> bool:
    """Whether a name is a function's own, and no mere parameter: what a caller gives is a row only if it is added."""
    bindings = function.scope.bindings.get(name.id, [])
    return scope_of(name).lookup(name.id) is function.scope and any(not isinstance(b, Param) for b in bindings)


def _is_method(function: FunctionDef, name: Name) -> bool:
    """Whether a name holds an attribute of one of the function's variables."""
    if not _is_variable(function, name):
        return False
    values = (b.value for b in function.scope.bindings[name.id] if isinstance(b, Assigned))
    return any(
        isinstance(v, Attribute) and isinstance(v.value, Name) and _is_variable(function, v.value) for v in values
    )


def _holds_no_rows(context: Context, bindings: list[Binding]) -> bool:
    """Whether a name only ever holds what the project's own classes without a table make."""
    return all(_makes_no_row(context, binding) for binding in bindings)


def _makes_no_row(context: Context, binding: Binding) -> bool:
    value = binding.value if isinstance(binding, Assigned) and binding.index is None else None
    found = class_behind(context.ev, context.file, value.func) if isinstance(value, Call) else None
    return found is not None and not is_mapped(context.ev, *found)
