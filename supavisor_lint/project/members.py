"""What is `value.attr`? Members of modules, classes, instances, sessions and factories."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeGuard

from supavisor_lint.facts.file import FileFacts, nodes_in, scope_of
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.scopes import Binding, ModuleImport, NameImport
from supavisor_lint.facts.statements import Assign, ClassDef, ExprStmt, FunctionDef
from supavisor_lint.facts.tree import Attribute, Collection, Constant, Expr, Name, Other, Stmt
from supavisor_lint.project import calls, names, type_hints, unpacking
from supavisor_lint.project.values import (
    UNKNOWN,
    ClassValue,
    Decorated,
    External,
    Factory,
    FunctionValue,
    GeneratorValue,
    Instance,
    Literally,
    Method,
    ModuleValue,
    Partial,
    Session,
    Unknown,
    Value,
    leaves_open,
    told,
)
from supavisor_lint.project.vocabulary import BACKGROUND_TASKS, SESSION_CLASSES

if TYPE_CHECKING:
    from supavisor_lint.project.evaluate import Evaluator


def attribute_values(ev: Evaluator, file: FileFacts, node: Attribute) -> Iterable[Value]:
    """What an attribute access gives."""
    for value in ev.values(file, node.value):
        yield from member(ev, value, node.attr)


def member(ev: Evaluator, value: Value, attr: str) -> Iterable[Value]:
    """What a member of one value is."""
    match value:
        case External(dotted):
            return names.named_by_settings(ev, attr, External(f"{dotted}.{attr}"))
        case ModuleValue(path):
            return names.member_of_module(ev, path, attr)
        case ClassValue():
            return _class_member(ev, value, attr, None)
        case Instance(ClassValue() as cls):
            return _class_member(ev, cls, attr, value)
        case Instance(External()) | Session() | Factory() | GeneratorValue():
            return (Method(value, attr),)
        case Partial(target) if attr == "func":
            return (target,)
        case Literally(None):
            return ()  # whoever asks has seen to it that it is something else by now
        case _:
            return (UNKNOWN,)


def _class_member(
    ev: Evaluator, cls: ClassValue, attr: str, instance: Instance | None, depth: int = 0
) -> Iterable[Value]:
    return ev.guarded((cls.node, attr, instance), lambda: _find_class_member(ev, cls, attr, instance, depth))


def _find_class_member(
    ev: Evaluator, cls: ClassValue, attr: str, instance: Instance | None, depth: int
) -> Iterable[Value]:
    bindings = cls.node.scope.bindings.get(attr, [])
    found: list[Value] = []
    for binding in bindings:
        for value in names.given_values(ev, cls.file, binding):
            found += _bind(ev, cls, value, instance)
    if all(map(leaves_open, found)):
        assigned = tuple(_self_assigned(ev, cls, attr)) if instance is not None else ()
        declared = (value for binding in bindings for value in names.declared_values(ev, cls.file, binding))
        found = told((*found, *assigned), declared)
    if found:
        return found
    for base in cls.node.bases:
        for value in ev.values(cls.file, base):
            if isinstance(value, ClassValue) and depth < 8:
                inherited = _class_member(ev, value, attr, instance, depth + 1)
                if any(not isinstance(v, Unknown) for v in inherited):
                    return inherited
    external = _external_base(ev, cls)
    return (Method(Instance(external), attr),) if external is not None else (UNKNOWN,)


def _external_base(ev: Evaluator, cls: ClassValue) -> External | None:
    for base in cls.node.bases:
        for value in ev.values(cls.file, base):
            if isinstance(value, External) and value.dotted in SESSION_CLASSES | BACKGROUND_TASKS:
                return value
    return None


def _bind(ev: Evaluator, cls: ClassValue, value: Value, instance: Instance | None) -> Iterable[Value]:
    if not isinstance(value, Decorated | FunctionValue):
        return (value,)
    function = value.function if isinstance(value, Decorated) else value
    bound = _bound_function(ev, cls, function, instance)
    method: Value = Decorated(bound) if isinstance(value, Decorated) else bound
    decorators = names.decorator_names(ev, function)
    if instance is not None and _PROPERTIES & decorators:
        return calls.called(ev, cls.file, method, None)
    return (UNKNOWN,) if _is_left_to_subclasses(function.node, decorators) else (method,)


def _is_left_to_subclasses(function: FunctionDef, decorators: frozenset[str]) -> bool:
    """Whether a method only declares what another class does: `...`, a docstring alone, or marked as abstract."""
    return "abc.abstractmethod" in decorators or all(_does_nothing(statement) for statement in function.body)


def _does_nothing(statement: Stmt) -> bool:
    """A docstring or `...`, which is an expression without parts."""
    match statement:
        case ExprStmt(Constant() | Other(parts=())):
            return True
        case _:
            return False


_PROPERTIES = frozenset({"builtins.property", "functools.cached_property"})


def _bound_function(ev: Evaluator, cls: ClassValue, value: FunctionValue, instance: Instance | None) -> FunctionValue:
    decorators = names.decorator_names(ev, value)
    if "builtins.staticmethod" in decorators or value.node.parent is not cls.node:
        return FunctionValue(value.file, value.node)
    if "builtins.classmethod" in decorators:
        return FunctionValue(value.file, value.node, bound=True, receiver=cls)
    return FunctionValue(value.file, value.node, bound=instance is not None, receiver=instance or cls)


def _self_assigned(ev: Evaluator, cls: ClassValue, attr: str) -> Iterable[Value]:
    """`self.attr = value` in the methods of a class."""
    for value, annotation in self_assignments(cls.node).get(attr, ()):
        values = ev.values(cls.file, value) if value is not None else ()
        declared = type_hints.annotated(ev, cls.file, annotation) if annotation is not None else ()
        yield from told(values, declared)
    for value, target, index in self_unpackings(cls.node).get(attr, ()):
        yield from unpacking.target_values(ev, cls.file, target, value, index)


@kept
def self_assignments(cls: ClassDef) -> dict[str, list[tuple[Expr | None, Expr | None]]]:
    """Attribute name to the (value, annotation) pairs that the methods of a class assign to it."""
    found: dict[str, list[tuple[Expr | None, Expr | None]]] = {}
    for method in cls.body:
        if isinstance(method, FunctionDef) and method.params:
            _collect_assignments(method, method.params[0].name, found)
    return found


@kept
def self_unpackings(cls: ClassDef) -> dict[str, list[tuple[Expr, Attribute, int]]]:
    """Attribute name to what the methods of a class unpack into it: `self.first, self.second = value`.

    That is the value, the target, and its position among the targets (0-based).
    """
    found: dict[str, list[tuple[Expr, Attribute, int]]] = {}
    for method in cls.body:
        if isinstance(method, FunctionDef) and method.params:
            for node in nodes_in(method):
                targets = node.targets[0] if isinstance(node, Assign) and len(node.targets) == 1 else None
                if isinstance(node, Assign) and node.value is not None and isinstance(targets, Collection):
                    for index, target in enumerate(targets.items):
                        if _is_own(target, method.params[0].name):
                            found.setdefault(target.attr, []).append((node.value, target, index))
    return found


def _is_own(target: Expr, receiver: str) -> TypeGuard[Attribute]:
    return isinstance(target, Attribute) and isinstance(target.value, Name) and target.value.id == receiver


def _collect_assignments(
    method: FunctionDef, receiver: str, into: dict[str, list[tuple[Expr | None, Expr | None]]]
) -> None:
    for node in nodes_in(method):
        if isinstance(node, Assign) and not node.augmented:
            for target in node.targets:
                if _is_own(target, receiver):
                    into.setdefault(target.attr, []).append((node.value, node.annotation))


def definition_sites(
    ev: Evaluator, file: FileFacts, expr: Name | Attribute, *, everywhere: bool = False
) -> Iterable[tuple[FileFacts, Binding]]:
    """The bindings that a name or `module.name` ends at, imports followed; with the files that hold them.

    `everywhere`: also in modules of which the bytes say that they have nothing to do with sessions.
    """
    if isinstance(expr, Name):
        owner = scope_of(expr).lookup(expr.id)
        if owner is not None:
            yield from _follow(ev, file, owner.bindings[expr.id], everywhere)
        return
    for value in ev.values(file, expr.value):
        if isinstance(value, ModuleValue):
            home = _home(ev, value.path, expr.attr, everywhere)
            if home is not None:
                yield from _follow(ev, home, home.scope.bindings.get(expr.attr, []), everywhere)


def _home(ev: Evaluator, path: str, name: str, everywhere: bool) -> FileFacts | None:
    return ev.files.peek(path) if everywhere else ev.files.facts_defining(path, name)


def _follow(
    ev: Evaluator, file: FileFacts, bindings: Iterable[Binding], everywhere: bool, depth: int = 0
) -> Iterable[tuple[FileFacts, Binding]]:
    for binding in bindings:
        if isinstance(binding, NameImport):
            path = ev.files.module(file.path, binding.module, binding.level)
            home = _home(ev, path, binding.name, everywhere) if path is not None else None
            if home is not None and depth < 8:
                yield from _follow(ev, home, home.scope.bindings.get(binding.name, []), everywhere, depth + 1)
        elif not isinstance(binding, ModuleImport):
            yield file, binding
