"""Scopes and bindings of one file: which names are bound where, and by what. Built in the same walk as the tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.facts.tree import Expr, Param

ScopeKind: TypeAlias = Literal["module", "class", "function", "lambda", "comprehension"]


@dataclass(slots=True, eq=False)
class ModuleImport:
    """`import dotted` (binds the first part) or `import dotted as name` (binds the whole)."""

    dotted: str
    node: Node


@dataclass(slots=True, eq=False)
class NameImport:
    """`from module import name`; `level` counts the leading dots."""

    module: str
    level: int
    name: str
    node: Node


@dataclass(slots=True, eq=False)
class Assigned:
    """A value; `index` is the position inside an unpacked target (`a, b = value`)."""

    value: Expr | None
    node: Node
    index: int | None = None
    annotation: Expr | None = None


@dataclass(slots=True, eq=False)
class Entered:
    """The target of a `with` item."""

    context: Expr
    is_async: bool
    node: Node
    index: int | None = None


@dataclass(slots=True, eq=False)
class Iterated:
    """The target of a `for` or of a comprehension."""

    iter: Expr
    is_async: bool
    node: Node
    index: int | None = None


@dataclass(slots=True, eq=False)
class Opaque:
    """Bound, but nothing is known about the value: `except … as x`, augmented assignment, patterns."""

    node: Node


Binding: TypeAlias = ModuleImport | NameImport | Assigned | Entered | Iterated | Opaque | FunctionDef | ClassDef | Param


def node_of(binding: Binding) -> Node:
    """What stands in the tree where a name is bound: the statement, the definition, or the name itself."""
    return binding if isinstance(binding, Node) else binding.node


@dataclass(slots=True, eq=False)
class Scope:
    """One scope. `bindings` hold every binding of a name in it, in source order."""

    kind: ScopeKind
    parent: Scope | None
    node: Node | None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    star_import: bool = False

    def bind(self, name: str, binding: Binding) -> None:
        """Record a binding where Python would put it (`global`, `nonlocal`, walrus in a comprehension)."""
        target = self._owner(name, binding)
        target.bindings.setdefault(name, []).append(binding)

    def _owner(self, name: str, binding: Binding) -> Scope:
        scope = self
        if scope.kind == "comprehension" and isinstance(binding, Assigned):
            while scope.kind == "comprehension" and scope.parent is not None:
                scope = scope.parent
        if name in scope.globals:
            return scope.module
        if name in scope.nonlocals and scope.parent is not None:
            return scope.parent.lookup(name) or scope
        return scope

    def only_value(self, name: str) -> Expr | None:
        """The value of a name that is bound once in this scope, by an assignment of its own; else None."""
        found = self.bindings.get(name, ())
        one = found[0] if len(found) == 1 else None
        return one.value if isinstance(one, Assigned) and one.index is None else None

    @property
    def module(self) -> Scope:
        """The module scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def function(self) -> FunctionDef | None:
        """The function whose body this is, or whose lambda or comprehension; None at module or class level."""
        scope: Scope | None = self
        while scope is not None:
            if isinstance(scope.node, FunctionDef):
                return scope.node
            if scope.kind == "class":
                return None
            scope = scope.parent
        return None

    def lookup(self, name: str) -> Scope | None:
        """The scope in which Python would find the name when read from here; None if nothing binds it."""
        if name in self.globals:
            return self.module if name in self.module.bindings else None
        scope: Scope | None = self
        while scope is not None:
            if (scope is self or scope.kind != "class") and name in scope.bindings:
                return scope
            scope = scope.parent
        return None

    def sees_star_import(self) -> bool:
        """Whether a star import anywhere in reach may bind names that nobody can see."""
        scope: Scope | None = self
        while scope is not None:
            if scope.star_import:
                return True
            scope = scope.parent
        return False
