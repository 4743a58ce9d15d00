"""What is this name? Bindings of scopes, and imports followed to their definitions."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import TYPE_CHECKING

from supavisor_lint.facts.file import FileFacts, scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import (
    Assigned,
    Binding,
    Entered,
    Iterated,
    ModuleImport,
    NameImport,
    Scope,
    node_of,
)
from supavisor_lint.facts.statements import ClassDef, FunctionDef, If
from supavisor_lint.facts.tree import Attribute, Expr, Name, Param
from supavisor_lint.project import calls, type_hints, unpacking
from supavisor_lint.project.reaching import bindings_reaching
from supavisor_lint.project.values import (
    UNKNOWN,
    ClassValue,
    Decorated,
    External,
    Factory,
    FunctionValue,
    ModuleValue,
    NamedHelper,
    Unbound,
    Value,
    leaves_open,
    told,
)
from supavisor_lint.project.vocabulary import CONTEXT_MANAGER_MAKERS

if TYPE_CHECKING:
    from supavisor_lint.project.evaluate import Evaluator

_HARMLESS_DECORATORS = CONTEXT_MANAGER_MAKERS | {
    "builtins.staticmethod",
    "builtins.classmethod",
    "typing.overload",
    "typing.override",
    "typing_extensions.override",
}
BUILTINS = frozenset(dir(builtins)) | {
    "__file__",
    "__name__",
    "__doc__",
    "__path__",
    "__spec__",
    "WindowsError",
}


def name_values(ev: Evaluator, file: FileFacts, read: Name) -> Iterable[Value]:
    """What a name is where it is read."""
    name, scope = read.id, scope_of(read)
    owner = scope.lookup(name)
    if owner is None:
        return named_by_settings(ev, name, _unbound(name, scope))
    bindings = owner.bindings[name]
    if owner.kind != "module" and len(bindings) > 1:
        reaching = bindings_reaching(bindings, owner, read)
        if len(reaching) < len(bindings):
            return together(ev, file, reaching)
    return ev.guarded((owner, name), lambda: bound_values(ev, file, name, owner))


def _unbound(name: str, scope: Scope) -> Value:
    if name in BUILTINS:
        return External(f"builtins.{name}")
    return UNKNOWN if scope.sees_star_import() else Unbound(name)


def bound_values(ev: Evaluator, file: FileFacts, name: str, owner: Scope) -> Iterable[Value]:
    """What the bindings of a name in its scope are, taken together."""
    values = together(ev, file, owner.bindings[name])
    if owner.kind == "module":
        return [dotted_by_settings(ev, file, name, value) for value in values]
    return values


def together(ev: Evaluator, file: FileFacts, bindings: Iterable[Binding]) -> list[Value]:
    """What several bindings of one name give it; the types that they declare count where no value tells more."""
    found = tuple(bindings)
    values = [value for binding in found for value in given_values(ev, file, binding)]
    return told(values, (value for binding in found for value in declared_values(ev, file, binding)))


def binding_values(ev: Evaluator, file: FileFacts, binding: Binding) -> Iterable[Value]:
    """What one binding gives its name, by its value or else by the type that it declares."""
    return together(ev, file, (binding,))


def declared_values(ev: Evaluator, file: FileFacts, binding: Binding) -> Iterable[Value]:
    """What an annotation says where the assigned value does not: `s: T`, `s: T = unknown()`, `s: T | None = None`.

    That is what the name may hold some time, not where a session comes from: where another binding of the same name
    gives it one, that one counts alone.
    """
    if not isinstance(binding, Assigned) or binding.annotation is None:
        return ()
    values = ev.values(file, binding.value) if binding.value is not None else ()
    return type_hints.annotated(ev, file, binding.annotation) if all(map(leaves_open, values)) else ()


def given_values(ev: Evaluator, file: FileFacts, binding: Binding) -> Iterable[Value]:
    """What one binding gives its name by its value, annotations of assignments left out."""
    match binding:
        case FunctionDef():
            return (decorated(ev, file, binding),)
        case ClassDef():
            return (ClassValue(file, binding),)
        case ModuleImport(dotted):
            return (_imported_module(ev, file, dotted),)
        case NameImport():
            return imported_name(ev, file, binding)
        case Param():
            return type_hints.param_values(ev, file, binding)
        case Assigned():
            return _assigned(ev, file, binding)
        case Entered(context, is_async, _, index):
            entered = calls.entered(ev, file, ev.values(file, context)) if is_async else (UNKNOWN,)
            return entered if index is None else (UNKNOWN,)
        case Iterated(iterated, True, _, None):
            return calls.iterated(ev, file, ev.values(file, iterated))
        case Iterated(iterated, False, _, index):
            return unpacking.round_values(ev, file, iterated, index)
        case _:
            return (UNKNOWN,)


def _assigned(ev: Evaluator, file: FileFacts, binding: Assigned) -> Iterable[Value]:
    if binding.value is None:
        return () if binding.annotation is not None else (UNKNOWN,)
    if binding.index is not None:
        return unpacking.target_values(ev, file, binding.node, binding.value, binding.index)
    return ev.values(file, binding.value)


# ---------------------------------------------------------------------------------------------------------- imports


def _imported_module(ev: Evaluator, file: FileFacts, dotted: str) -> Value:
    path = ev.files.module(file.path, dotted, 0)
    return External(dotted) if path is None else ModuleValue(path)


def imported_name(ev: Evaluator, file: FileFacts, binding: NameImport) -> Iterable[Value]:
    """What `from module import name` binds."""
    path = ev.files.module(file.path, binding.module, binding.level)
    bare_folder = path is not None and not path.endswith(".py") and ev.files.submodule(path, binding.name) is None
    if path is None or bare_folder:  # a folder of that name says nothing where the name itself is not in it
        dotted = f"{'.' * binding.level}{binding.module}.{binding.name}"
        return named_by_settings(ev, binding.name, External(dotted))
    submodule = _module_beside(ev, file, path, binding.name)
    return member_of_module(ev, path, binding.name) if submodule is None else (ModuleValue(submodule),)


def _module_beside(ev: Evaluator, file: FileFacts, path: str, name: str) -> str | None:
    """The module that a package imports from itself (`from . import session`), if nothing else binds its name there."""
    if path != file.path or not all(
        isinstance(bound, NameImport) and ev.files.module(path, bound.module, bound.level) == path
        for bound in file.scope.bindings.get(name, ())
    ):
        return None
    return ev.files.submodule(path, name)


def member_of_module(ev: Evaluator, path: str, name: str) -> Iterable[Value]:
    """What the attribute of a project module is; a submodule if the module itself does not bind the name."""
    file = ev.files.facts_defining(path, name)
    if file is not None and name in file.scope.bindings:
        scope = file.scope
        return ev.guarded((scope, name), lambda: bound_values(ev, file, name, scope))
    submodule = ev.files.submodule(path, name)
    if submodule is not None:
        return (ModuleValue(submodule),)
    return named_by_settings(ev, name, UNKNOWN)


# --------------------------------------------------------------------------------------------------------- decorators


def decorated(ev: Evaluator, file: FileFacts, function: FunctionDef) -> Value:
    """A function as its decorators leave it; decorators that nobody knows are taken as transparent."""
    value = FunctionValue(file, function)
    if any(is_context_manager_maker(ev, file, decorator) for decorator in function.decorators):
        return Decorated(value)
    return value


def decorator_names(ev: Evaluator, function: FunctionValue) -> frozenset[str]:
    """The dotted names of a function's decorators, as far as they come from outside the project."""
    return frozenset(
        value.dotted
        for decorator in function.node.decorators
        for value in ev.values(function.file, decorator)
        if isinstance(value, External)
    )


def is_what_it_says(ev: Evaluator, function: FunctionValue) -> bool:
    """Whether a function's decorators, if any, certainly leave it what its `def` says."""
    return len(function.node.decorators) == len(decorator_names(ev, function) & _HARMLESS_DECORATORS)


def is_context_manager_maker(ev: Evaluator, file: FileFacts, expr: Expr) -> bool:
    """Whether an expression is `contextlib.asynccontextmanager`."""
    if isinstance(expr, Name | Attribute):
        return any(isinstance(v, External) and v.dotted in CONTEXT_MANAGER_MAKERS for v in ev.values(file, expr))
    return False


# ------------------------------------------------------------------------------------------------ names in the settings


def named_by_settings(ev: Evaluator, name: str, value: Value) -> Iterable[Value]:
    """A name that resolves to nothing known, as the settings' name lists see it (medium confidence)."""
    dotted = value.dotted if isinstance(value, External) else name
    if _listed(ev.settings.session_factories, name, dotted):
        return (Factory(None, None, name, "medium"),)
    if _listed((*ev.settings.session_helpers, *ev.settings.phase_helpers), name, dotted):
        return (NamedHelper(name),)
    return (value,)


def _listed(entries: tuple[str, ...], name: str, dotted: str) -> bool:
    return any(entry == name if "." not in entry else entry in (dotted, dotted.lstrip(".")) for entry in entries)


def names_function(entries: tuple[str, ...], qualname: str, modules: Iterable[str]) -> bool:
    """Whether a list of the settings names a function: by its bare name, or by a dotted name it may be imported by."""
    if any(entry == qualname.rpartition(".")[2] for entry in entries if "." not in entry):
        return True
    dotted = {f"{module}.{qualname}" for module in modules}
    return any(entry in dotted for entry in entries)


def dotted_by_settings(ev: Evaluator, file: FileFacts, name: str, value: Value) -> Value:
    """A definition that the settings name by its dotted name is what they say."""
    factories = [entry for entry in ev.settings.session_factories if entry.endswith(f".{name}")]
    helpers = [entry for entry in ev.settings.session_helpers if entry.endswith(f".{name}")]
    if not factories and not helpers:
        return value
    dotted = {f"{module}.{name}" for module in ev.files.dotted_names(file.path)}
    if dotted.intersection(factories) and not isinstance(value, Factory):
        return Factory(file, None, name, "medium")
    if dotted.intersection(helpers) and not isinstance(value, Decorated | ClassValue):
        return NamedHelper(name)
    return value


# ------------------------------------------------------------------------------------------------------ TYPE_CHECKING


def bound_at_run_time(scope: Scope, name: str) -> bool:
    """Whether some binding of a name in its scope happens outside `if TYPE_CHECKING:`."""
    return any(not _only_for_types(node_of(binding)) for binding in scope.bindings[name])


def _only_for_types(node: Node) -> bool:
    child, parent = node, node.parent
    while parent is not None:
        if isinstance(parent, If) and child in parent.body:
            test = parent.test
            if (isinstance(test, Name) and test.id == "TYPE_CHECKING") or (
                isinstance(test, Attribute) and test.attr == "TYPE_CHECKING"
            ):
                return True
        child, parent = parent, parent.parent
    return False
