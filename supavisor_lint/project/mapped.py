"""Which classes are mapped to tables, and which parameters hold their instances?"""

from __future__ import annotations

from supavisor_lint.facts.file import FileFacts, scope_of, walk_own
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, NameImport
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.facts.tree import Attribute, Call, Constant, Expr, Name, Other, Param, Subscript
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.type_hints import DEPENDS
from supavisor_lint.project.values import External, FunctionValue, Instance, ModuleValue

_BASES = frozenset({"sqlalchemy.orm.DeclarativeBase", "sqlalchemy.orm.DeclarativeBaseNoMeta"})
_BASE_MAKERS = frozenset({"sqlalchemy.orm.declarative_base", "sqlalchemy.ext.declarative.declarative_base"})
_SQLMODEL = frozenset({"sqlmodel.SQLModel", "sqlmodel.main.SQLModel"})
_MAX_DEPTH = 8

Found = tuple[FileFacts, ClassDef]


def orm_parameter(ev: Evaluator, file: FileFacts, param: Param) -> bool:
    """Whether a parameter holds an ORM object: by a mapped class as its type, or by a `Depends` that returns one.

    The body of a request can be a SQLModel class as well: where a route says nothing else, that is no row.
    """
    owner = param.parent
    dependency = _dependency(ev, file, param)
    found = _typed(ev, file, param.annotation)
    if found is not None:
        is_route = isinstance(owner, FunctionDef) and bool(owner.decorators)
        return dependency is not None or not is_route or not _is_sqlmodel(ev, *found)
    for value in ev.values(file, dependency) if dependency is not None else ():
        if isinstance(value, FunctionValue) and _typed(ev, value.file, value.node.returns) is not None:
            return True
    return False


def _dependency(ev: Evaluator, file: FileFacts, param: Param) -> Expr | None:
    """What the `Depends` of a parameter names, as its default or in its annotation."""
    annotation = param.annotation
    candidates = [param.default, *(annotation.items[1:] if isinstance(annotation, Subscript) else ())]
    for candidate in candidates:
        if isinstance(candidate, Call):
            names = {v.dotted for v in ev.values(file, candidate.func) if isinstance(v, External)}
            if names & DEPENDS:
                return candidate.argument(0, "dependency")
    return None


def _typed(ev: Evaluator, file: FileFacts, annotation: Expr | None) -> Found | None:
    """The mapped class that an annotation names: alone, `| None`, `Optional[…]` or `Annotated[…]`."""
    match annotation:
        case Name() | Attribute():
            found = _definition(ev, file, annotation, 0)
            if isinstance(found, tuple):
                return found if is_mapped(ev, *found) else None
            return _typed(ev, *found.alias) if found is not None else None
        case Subscript(value, items) if _last(value) in ("Optional", "Annotated") and items:
            return _typed(ev, file, items[0])
        case Other(parts):
            return next((found for part in parts if (found := _typed(ev, file, part)) is not None), None)
        case _:
            return None


def class_behind(ev: Evaluator, file: FileFacts, expr: Expr) -> Found | None:
    """The class of the project that an expression names, with its file; modules are read for it if need be."""
    found = _definition(ev, file, expr, 0)
    return found if isinstance(found, tuple) else None


class _Alias:
    """`CurrentUser = Annotated[User, Depends(…)]`."""

    def __init__(self, file: FileFacts, value: Expr) -> None:
        self.alias = (file, value)


def _definition(ev: Evaluator, file: FileFacts, expr: Expr, depth: int) -> Found | _Alias | None:
    """The class behind a name. Modules of tables speak of no session: the evaluator does not read them."""
    if isinstance(expr, Attribute):
        for value in ev.values(file, expr.value):
            if isinstance(value, ModuleValue):
                home = ev.files.peek(value.path)
                return _in_module(ev, home, expr.attr, depth) if home is not None else None
        return None
    if not isinstance(expr, Name):
        return None
    owner = scope_of(expr).lookup(expr.id)
    return _bound(ev, file, owner.bindings[expr.id], depth) if owner is not None else None


def _in_module(ev: Evaluator, file: FileFacts, name: str, depth: int) -> Found | _Alias | None:
    return _bound(ev, file, file.scope.bindings.get(name, []), depth)


def _bound(ev: Evaluator, file: FileFacts, bindings: list[Binding], depth: int) -> Found | _Alias | None:
    binding = bindings[-1] if bindings else None
    if isinstance(binding, ClassDef):
        return file, binding
    if isinstance(binding, Assigned) and isinstance(binding.value, Subscript):
        return _Alias(file, binding.value)
    if isinstance(binding, NameImport) and depth < _MAX_DEPTH:
        path = ev.files.module(file.path, binding.module, binding.level)
        home = ev.files.peek(path) if path is not None else None
        return _in_module(ev, home, binding.name, depth + 1) if home is not None else None
    return None


def is_mapped(ev: Evaluator, file: FileFacts, cls: ClassDef, depth: int = 0) -> bool:
    """Whether a class has a table: `__tablename__`, a declarative base, or SQLModel with a primary key."""
    if "__tablename__" in cls.scope.bindings or "__table__" in cls.scope.bindings:
        return True
    if _is_sqlmodel(ev, file, cls):
        return any(_is_key(node) for statement in cls.body for node in walk_own(statement))
    return _derives(ev, file, cls, _BASES, depth)


def _is_key(node: Node) -> bool:
    """`Field(primary_key=True)`: what `table=True` cannot do without."""
    value = node.argument(None, "primary_key") if isinstance(node, Call) else None
    return isinstance(value, Constant) and value.value is True


def _is_sqlmodel(ev: Evaluator, file: FileFacts, cls: ClassDef) -> bool:
    return _derives(ev, file, cls, _SQLMODEL, 0)


def _derives(ev: Evaluator, file: FileFacts, cls: ClassDef, names: frozenset[str], depth: int) -> bool:
    for base in cls.bases:
        if any(isinstance(v, External) and v.dotted in names for v in ev.values(file, base)):
            return True
        if names is _BASES and _is_made_base(ev, file, base):
            return True
        found = _definition(ev, file, base, 0)
        if isinstance(found, tuple) and depth < _MAX_DEPTH and _derives(ev, *found, names, depth + 1):
            return True
    return False


def _is_made_base(ev: Evaluator, file: FileFacts, base: Expr) -> bool:
    """`Base = declarative_base()`."""
    return any(
        isinstance(v, Instance) and isinstance(v.of, External) and v.of.dotted in _BASE_MAKERS
        for v in ev.values(file, base)
    )


def _last(expr: Expr) -> str:
    return expr.attr if isinstance(expr, Attribute) else expr.id if isinstance(expr, Name) else ""
