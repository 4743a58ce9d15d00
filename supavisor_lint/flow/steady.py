"""Conditions whose answer can only change where their names are bound again: what a wary follower may rely on.

`if values:` has another answer behind `values.clear()`, `del data["keep"]`, or a call that is given what it is about;
so has one about a name that a nested function, or another function of the module, binds.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import nodes_of_kind, walk
from supavisor_lint.facts.handlers import is_log_call
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, ModuleImport, NameImport
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, ClassDef, Delete, FunctionDef
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Await,
    Call,
    Collection,
    Constant,
    DictItem,
    Expr,
    FString,
    Name,
    Other,
    Param,
    Subscript,
)

_KEYWORDS = frozenset({"is", "in", "None", "True", "False"})
_PLAIN_TYPES = frozenset(
    {"bool", "int", "str", "float", "bytes", "None", "Optional", "Union", "Literal", "UUID", "datetime", "date"}
    | {"Decimal"}
)
_GIVE_ROWS = frozenset({"get", "get_one", "scalar", "scalar_one", "scalar_one_or_none", "one", "one_or_none", "first"})
_GIVE_PLAIN = frozenset({"bool", "int", "str", "float", "len", "isinstance", "any", "all", "sum", "uuid4", "now"})
_READ = frozenset(
    {"get", "items", "keys", "values", "copy", "count", "index", "isdisjoint", "issubset", "issuperset"}
    | {"strip", "lower", "upper", "split", "startswith", "endswith", "format", "join", "isoformat"}
    | {"all", "one", "one_or_none", "scalars"}
)
_ARE_GIVEN = _GIVE_PLAIN | frozenset(
    {"print", "list", "set", "tuple", "dict", "sorted", "frozenset", "enumerate", "zip", "reversed", "max", "min"}
    | {"repr", "type", "range", "add", "add_all", "delete", "refresh", "merge", "expunge", "in_", "where", "execute"}
)


def is_steady(function: FunctionDef, tie: str) -> bool:
    """Whether what ties some conditions of a function (see `condition_texts`) stays as it is between two bindings."""
    names = [word for word in tie.split() if word.isidentifier() and word not in _KEYWORDS]
    return all(_is_steady(function, name, by_binding=tie == f"{name} is None") for name in names)


@kept
def names_bound_inside(function: FunctionDef) -> frozenset[str]:
    """The names of a function that functions or classes nested in it bind as well."""
    scopes = [inner.scope for inner in nodes_of_kind(function, FunctionDef) if inner is not function]
    scopes += [inner.scope for inner in nodes_of_kind(function, ClassDef)]
    return frozenset(name for scope in scopes for name in scope.nonlocals)


def _is_steady(function: FunctionDef, name: str, *, by_binding: bool) -> bool:
    scope = function.scope
    if name not in scope.bindings or name in scope.globals | scope.nonlocals:
        owner = scope.lookup(name)
        bindings = owner.bindings[name] if owner is not None and owner.kind == "module" else []
        return len(bindings) == 1 and (_is_plain(bindings[0]) or isinstance(bindings[0], NameImport | ModuleImport))
    if name in names_bound_inside(function):
        return False
    if by_binding or all(map(_is_plain, scope.bindings[name])):
        return True
    return not any(_may_change(use) for other in _shared_by(function, name) for use in _uses(function, other))


def _is_plain(binding: Binding) -> bool:
    """Whether what is bound cannot change, or (as a row of a table) not whether it is there."""
    if isinstance(binding, Param):
        if binding.annotation is not None:
            named = [n for n in walk(binding.annotation) if isinstance(n, Name | Attribute)]
            return all(last_name(node) in _PLAIN_TYPES for node in named if not isinstance(node.parent, Attribute))
        return isinstance(binding.default, Constant) and binding.default.value is not None
    value = binding.value if isinstance(binding, Assigned) and binding.index is None else None
    value = value.value if isinstance(value, Await) else value
    if isinstance(value, Call):
        return last_name(value.func) in (_GIVE_ROWS if isinstance(value.func, Attribute) else _GIVE_PLAIN)
    return isinstance(value, Constant | FString | Other)


def _uses(function: FunctionDef, name: str) -> Iterator[Name]:
    return (use for use in nodes_of_kind(function, Name) if use.id == name)


def _shared_by(function: FunctionDef, name: str) -> set[str]:
    """A name, with those that may hold the same, or that it is a part of: `values = box.values`, `other = values`."""
    found, waiting = {name}, [name]
    while waiting:
        known = waiting.pop()
        for assign in nodes_of_kind(function, Assign):
            targets = {target.id for target in assign.targets if isinstance(target, Name)}
            root = _root(assign.value)
            if root is not None and (known in targets or (root.id == known and root is assign.value)):
                new = (targets | {root.id}) - found
                found |= new
                waiting += new
    return found


def _root(value: Node | None) -> Name | None:
    while isinstance(value, Attribute | Subscript):
        value = value.value
    return value if isinstance(value, Name) else None


def _may_change(use: Name) -> bool:
    """Whether the place where a name is used may change what it holds, or hands it to whoever may."""
    whole: Expr = use
    while isinstance(whole.parent, Attribute | Subscript) and whole.parent.value is whole:
        whole = whole.parent
    parent = whole.parent
    if isinstance(parent, Call) and parent.func is whole:
        return isinstance(whole, Attribute) and whole.attr not in _READ
    if isinstance(parent, Argument):
        call = parent.parent
        return isinstance(call, Call) and not is_log_call(call) and last_name(call.func) not in _ARE_GIVEN
    if isinstance(parent, Assign) and any(target is whole for target in parent.targets):
        return isinstance(whole, Subscript) or (parent.augmented and whole is not use)
    if isinstance(parent, Assign):
        return not all(isinstance(target, Name) for target in parent.targets)
    return isinstance(parent, Delete | DictItem | Collection)
