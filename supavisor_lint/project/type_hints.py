"""What a type annotation, a parameter's default or a `Depends` says about a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.facts.tree import Attribute, Call, Constant, Expr, Name, Other, Param, Subscript
from supavisor_lint.project import calls
from supavisor_lint.project.classes import is_session_class
from supavisor_lint.project.values import (
    UNKNOWN,
    ClassValue,
    External,
    Factory,
    FunctionValue,
    Instance,
    Literally,
    ParamValue,
    Session,
    Unknown,
    Value,
)
from supavisor_lint.project.vocabulary import FACTORY_MAKERS, SESSION_CLASSES

if TYPE_CHECKING:
    from supavisor_lint.project.evaluate import Evaluator

DEPENDS = frozenset({"fastapi.Depends", "fastapi.params.Depends", "fastapi.Security", "fast_depends.Depends"})
# Types that say nothing about what the value is: `Callable`, `Coroutine`, `Any`, `int`.
_GENERIC_PACKAGES = frozenset({"builtins", "typing", "typing_extensions", "collections", "types"})
_GENERATORS = frozenset({"AsyncIterator", "AsyncGenerator", "AsyncIterable", "Iterator", "Generator", "Iterable"})
_TRANSPARENT = frozenset({"Optional", "Union", "Annotated", "ClassVar", "Final", "Required", "NotRequired"})


def param_values(ev: Evaluator, file: FileFacts, param: Param) -> Iterable[Value]:
    """What a parameter holds: by its annotation or default, else whatever the callers pass."""
    owner = param.parent
    if isinstance(owner, FunctionDef):
        implicit = _implicit_receiver(ev, file, owner, param)
        if implicit is not None:
            return (implicit,)
    if param.kind in ("*", "**"):
        return (UNKNOWN,)
    default = _from_depends(ev, file, param.default)
    if default:
        return default
    found = tuple(v for v in annotated(ev, file, param.annotation) if not isinstance(v, Unknown))
    if found:
        return found
    if isinstance(owner, FunctionDef):
        return (ParamValue(file, owner, param.name),)
    return (UNKNOWN,)


def _implicit_receiver(ev: Evaluator, file: FileFacts, function: FunctionDef, param: Param) -> Value | None:
    """`self` and `cls`."""
    owner = function.parent
    if not isinstance(owner, ClassDef) or not function.params or function.params[0] is not param:
        return None
    decorators = {v.dotted for d in function.decorators for v in ev.values(file, d) if isinstance(v, External)}
    if "builtins.staticmethod" in decorators:
        return None
    cls = ClassValue(file, owner)
    return cls if "builtins.classmethod" in decorators else Instance(cls)


def annotated(ev: Evaluator, file: FileFacts, annotation: Expr | None) -> Iterable[Value]:
    """The values that a type annotation allows, as far as they are known (`None` left out)."""
    if annotation is None:
        return (UNKNOWN,)
    return ev.guarded(("annotation", annotation), lambda: _annotated(ev, file, annotation))


def _annotated(ev: Evaluator, file: FileFacts, annotation: Expr) -> Iterable[Value]:
    match annotation:
        case Constant(None):
            return ()
        case Name() | Attribute():
            return _of_type_name(ev, file, annotation)
        case Subscript(value, items):
            return _of_subscript(ev, file, value, items)
        case Other(parts):  # X | None
            return tuple(v for part in parts for v in annotated(ev, file, part) if not isinstance(v, Unknown))
        case _:
            return (UNKNOWN,)


def _of_subscript(ev: Evaluator, file: FileFacts, value: Expr, items: tuple[Expr, ...]) -> Iterable[Value]:
    name = value.id if isinstance(value, Name) else value.attr if isinstance(value, Attribute) else ""
    if name == "Annotated" and items:
        for item in items[1:]:
            found = tuple(_from_depends(ev, file, item))
            if found:
                return found
        return annotated(ev, file, items[0])
    if name in _TRANSPARENT:
        return tuple(v for item in items for v in annotated(ev, file, item) if not isinstance(v, Unknown))
    found = tuple(annotated(ev, file, value))
    return tuple(v for v in found if isinstance(v, Factory | Instance | Session)) or (UNKNOWN,)


def _of_type_name(ev: Evaluator, file: FileFacts, annotation: Name | Attribute) -> Iterable[Value]:
    aliased = [(home, expr) for home, expr in alias_expressions(ev, file, annotation) if expr is not annotation]
    if aliased:
        for home, expr in aliased:
            yield from annotated(ev, home, expr)
        return
    for value in ev.values(file, annotation):
        if isinstance(value, External):
            if value.dotted in SESSION_CLASSES:
                yield Session("parameter")
            elif value.dotted in FACTORY_MAKERS:
                yield Factory(file, None, value.last)
            elif value.root not in _GENERIC_PACKAGES:
                yield Instance(value)
        elif isinstance(value, ClassValue):
            yield Session("parameter") if is_session_class(ev, value) else Instance(value)


def alias_expressions(ev: Evaluator, file: FileFacts, annotation: Name | Attribute) -> Iterable[tuple[FileFacts, Expr]]:
    """The right-hand sides of the assignments that a type name stands for, with the files they stand in.

    `SessionDep = Annotated[AsyncSession, Depends(get_db)]`, here or in the module that it is imported from.
    """
    from supavisor_lint.project.members import definition_sites  # mutual: members needs annotations

    for home, binding in definition_sites(ev, file, annotation):
        if isinstance(binding, Assigned) and binding.value is not None and binding.index is None:
            yield home, binding.value


def yields_session(ev: Evaluator, function: FunctionValue) -> bool:
    """Whether a generator's annotation says that it yields an AsyncSession: `AsyncIterator[AsyncSession]`."""
    return any(isinstance(value, Session) for value in _yielded_type(ev, function.file, function.node.returns))


def _yielded_type(ev: Evaluator, file: FileFacts, annotation: Expr | None) -> Iterable[Value]:
    """The values that the annotation of a generator allows it to yield."""
    match annotation:
        case Subscript(Name(name) | Attribute(attr=name), (item, *_)) if name in _GENERATORS:
            return annotated(ev, file, item)
        case Name() | Attribute():
            aliased = [(home, e) for home, e in alias_expressions(ev, file, annotation) if e is not annotation]
            return tuple(value for home, expr in aliased for value in _yielded_type(ev, home, expr))
        case _:
            return ()


def _from_depends(ev: Evaluator, file: FileFacts, default: Expr | None) -> tuple[Value, ...]:
    """What `Depends(dependency)` provides: a request's session if the dependency gives one, else an object of ours."""
    if not isinstance(default, Call):
        return ()
    if not any(isinstance(v, External) and v.dotted in DEPENDS for v in ev.values(file, default.func)):
        return ()
    dependency = default.argument(0, "dependency")
    if dependency is None:
        return ()
    values = tuple(provided(ev, file, dependency))
    for value in values:
        if isinstance(value, Session):
            return (Session("request", value.definition),)
    return tuple(value for value in values if _is_ours(value))


def _is_ours(value: Value) -> bool:
    return isinstance(value, Instance) and isinstance(value.of, ClassValue)


def provided(ev: Evaluator, file: FileFacts, dependency: Expr) -> Iterable[Value]:
    """What a FastAPI dependency hands to the endpoint."""
    for value in ev.values(file, dependency):
        if isinstance(value, FunctionValue):
            result = calls.call_function(ev, value, None)
            yield from (*calls.awaited(ev, file, result), *calls.iterated(ev, file, result))
            yield from (v for v in result if isinstance(v, Session) or _is_ours(v))
        elif not isinstance(value, Literally):
            yield from calls.entered(ev, file, calls.called(ev, file, value, None))
