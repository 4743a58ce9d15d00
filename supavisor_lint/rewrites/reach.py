"""Which names a handler can use that does not stand yet: those that are certainly bound when it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from supavisor_lint.facts.file import FileFacts, scope_of, walk
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Binding, ModuleImport, NameImport, node_of
from supavisor_lint.facts.statements import ClassDef, Delete, FunctionDef
from supavisor_lint.facts.tree import Attribute, Collection, Expr, Name, Param, Stmt
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.mapped import orm_parameter
from supavisor_lint.project.names import bound_at_run_time


class Reach:
    """A handler of the `try` round some neighbouring statements of a function."""

    def __init__(self, function: FunctionDef, guarded: Sequence[Stmt]) -> None:
        self.function = function
        self._guarded = guarded

    def has(self, read: Name, whole: Node | None = None) -> bool:
        """Whether a name, as it is read somewhere in the function, means the same in the handler."""
        owner = scope_of(read).lookup(read.id)
        if owner is None:
            return True  # a builtin
        if owner.kind in ("comprehension", "lambda"):
            return whole is not None and whole.contains(owner.node)
        if owner is not self.function.scope:
            return owner.kind != "module" or bound_at_run_time(owner, read.id)
        if read.id in deleted_names(own_nodes_in(self.function)):
            return False
        bindings = owner.bindings[read.id]
        return any(self._runs_before(b) for b in bindings) and not any(self._inside(b) for b in bindings)

    def import_of(self, read: Name) -> str | None:
        """The import, as a line, that binds a name inside the guarded statements: the handler can repeat it."""
        owner = scope_of(read).lookup(read.id)
        bindings = owner.bindings[read.id] if owner is self.function.scope and owner is not None else []
        if len(bindings) != 1 or not isinstance(bindings[0], NameImport):
            return None
        found = bindings[0]
        alias = f" as {read.id}" if read.id != found.name else ""
        return f"from {'.' * found.level}{found.module} import {found.name}{alias}"

    def covers(self, node: Node) -> bool:
        """Whether a node stands in the guarded statements."""
        return any(statement.contains(node) for statement in self._guarded)

    def _inside(self, binding: Binding) -> bool:
        return self.covers(node_of(binding))

    def _runs_before(self, binding: Binding) -> bool:
        """Whether a binding stands before the guarded statements, in a block around them."""
        if isinstance(binding, Param):
            return True
        statement = _statement(node_of(binding))
        holder = statement.parent
        return statement.order < self._guarded[0].order and holder is not None and holder.contains(self._guarded[0])


def _statement(node: Node) -> Node:
    child = node
    while not isinstance(child, Stmt) and child.parent is not None:
        child = child.parent
    return child


def deleted_names(nodes: Iterable[Node]) -> set[str]:
    """The names that some nodes delete: `del job_id`, `del (a, b)`."""
    targets = (target for node in nodes if isinstance(node, Delete) for target in node.targets)
    return {name.id for target in targets for name in _deleted(target)}


def _deleted(target: Expr) -> Iterator[Name]:
    if isinstance(target, Name):
        yield target
    elif isinstance(target, Collection):
        for item in target.items:
            yield from _deleted(item)


def reads(expr: Expr) -> Iterator[Name]:
    """The names in an expression."""
    return (node for node in walk(expr) if isinstance(node, Name))


def may_be_row(ev: Evaluator, file: FileFacts, function: FunctionDef, read: Name) -> bool:
    """Whether an attribute is read here of what may be a row, which a rollback expires.

    Imported things, the task's own object, and parameters of a type that is no table are none.
    """
    bindings = function.scope.bindings.get(read.id, []) if scope_of(read).lookup(read.id) is function.scope else []
    if not isinstance(read.parent, Attribute) or read.parent.value is not read:
        return False
    first = function.params[0] if function.params and isinstance(function.parent, ClassDef) else None
    for binding in bindings:
        if isinstance(binding, Param) and (binding is first or binding.annotation is not None):
            if binding is not first and orm_parameter(ev, file, binding):
                return True
        elif not isinstance(binding, NameImport | ModuleImport | FunctionDef | ClassDef):
            return True
    return False
