"""What a name or an attribute holds where it is read: the assignments that reach it, and the changes since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from supavisor_lint.facts.file import FileFacts, enclosing_function, scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, NameImport, Opaque, Scope, node_of
from supavisor_lint.facts.statements import Assign, ClassDef, FunctionDef
from supavisor_lint.facts.tree import Attribute, Call, Collection, Expr, Name, Param
from supavisor_lint.project import read_calls, read_changes
from supavisor_lint.project.data import Data, Map, Plain, Text, Thing, Unclear, as_text, few, merge, text_of, words_in
from supavisor_lint.project.members import self_assignments
from supavisor_lint.project.reaching import are_exclusive, is_certain
from supavisor_lint.project.values import ClassValue, Decorated, FunctionValue, Instance, ModuleValue, Value

if TYPE_CHECKING:
    from supavisor_lint.project.read_data import DataReader, Given

_MAX_IMPORTS = 8
_PROPERTIES = frozenset({"property", "cached_property", "computed_field"})


def name_data(reader: DataReader, file: FileFacts, read: Name, given: Given | None) -> tuple[Data, ...]:
    """What a name holds where it is read."""
    scope = scope_of(read)
    owner = scope.lookup(read.id)
    if owner is None:
        return (Unclear(frozenset((read.id,))),)
    at = read if owner.function is enclosing_function(read) else None
    return data_at(reader, file, owner, read.id, at, given)


def data_at(
    reader: DataReader, file: FileFacts, owner: Scope, name: str, at: Node | None, given: Given | None
) -> tuple[Data, ...]:
    """What a name of a scope holds at a node of it, or (None) when all of the scope has run."""
    found: list[Data] = []
    for binding in _reaching(owner.bindings.get(name, []), at):
        since = node_of(binding)
        for data in _bound(reader, file, owner, name, binding, given):
            named = _named(data, name)
            if isinstance(named, Map):
                found += read_changes.changed(reader, file, name, owner, named, since, at, given)
            else:
                found.append(named)
    return few(found) if found else (Unclear(frozenset((name,))),)


def _reaching(bindings: list[Binding], at: Node | None) -> list[Binding]:
    """The bindings that may hold at a node, the latest first; a certain one hides those before it."""
    before = [b for b in bindings if at is None or isinstance(b, Param) or node_of(b).order < at.order]
    found: list[Binding] = []
    for binding in reversed(before or bindings):
        node = node_of(binding)
        if isinstance(binding, Param):
            return [*found, binding]
        if are_exclusive(node, at):
            continue
        found.append(binding)
        if is_certain(node, at):
            break
    return found


def _named(data: Data, name: str) -> Data:
    """Data under a name that may tell more about what is unknown in it."""
    if isinstance(data, Unclear):
        return replace(data, words=data.words | {name})
    if isinstance(data, Text) and data.whole is None:
        return Text(tuple(p if isinstance(p, str) else replace(p, words=p.words | {name}) for p in data.pieces))
    return data


def _bound(
    reader: DataReader, file: FileFacts, owner: Scope, name: str, binding: Binding, given: Given | None
) -> tuple[Data, ...]:
    match binding:
        case Assigned(value=None):
            return (Unclear(),)
        case Assigned(value=Expr() as value, index=None):
            return reader.read(file, value, given)
        case Assigned(value=Collection(items), index=int() as index) if index < len(items):
            return reader.read(file, items[index], given)
        case Opaque(node):
            return _augmented(reader, file, owner, name, node, given)
        case Param():
            return _param(reader, file, binding, given)
        case NameImport():
            return _imported(reader, file, binding)
        case FunctionDef() | ClassDef():
            return (
                Thing(FunctionValue(file, binding) if isinstance(binding, FunctionDef) else ClassValue(file, binding)),
            )
        case _:
            return (Unclear(),)


def _augmented(
    reader: DataReader, file: FileFacts, owner: Scope, name: str, node: Node, given: Given | None
) -> tuple[Data, ...]:
    """`name += value`, `name |= value`; anything else that binds it is unknown."""
    statement = node.parent
    if not isinstance(statement, Assign) or not statement.augmented or statement.value is None:
        return (Unclear(),)
    found: list[Data] = []
    for before in data_at(reader, file, owner, name, statement.value, given):
        for added in reader.read(file, statement.value, given):
            if isinstance(before, Map):
                found.append(merge(before, added))
            else:
                found.append(text_of(*as_text(before).pieces, *as_text(added).pieces))
    return few(found)


def _param(reader: DataReader, file: FileFacts, param: Param, given: Given | None) -> tuple[Data, ...]:
    if given is not None and param.parent is given.function and param.name in given.values:
        return given.values[param.name]
    unknown = Unclear(frozenset((param.name,)))
    if param.kind == "**":
        return (Map(is_open=True),)
    if param.default is None:
        return (unknown,)
    return (*(d for d in reader.read(file, param.default) if d != Plain(None)), unknown)


def _imported(reader: DataReader, file: FileFacts, binding: NameImport) -> tuple[Data, ...]:
    path = reader.ev.files.module(file.path, binding.module, binding.level)
    home = reader.ev.files.facts_quietly(path) if path is not None else None
    if home is None or binding.name not in home.scope.bindings:
        return (Unclear(frozenset((binding.name,))),)
    return data_at(reader, home, home.scope, binding.name, None, None)


# --------------------------------------------------------------------------------------------------------- attributes


def attribute_data(reader: DataReader, file: FileFacts, node: Attribute) -> tuple[Data, ...]:
    """What `value.attr` holds: a name of a module, a field or property of a class of the project."""
    found: list[Data] = []
    for value in objects(reader, file, node.value):
        if isinstance(value, ModuleValue):
            home = reader.ev.files.facts_quietly(value.path)
            if home is not None and node.attr in home.scope.bindings:
                found += data_at(reader, home, home.scope, node.attr, None, None)
                continue
        cls = value.of if isinstance(value, Instance) else value
        if isinstance(cls, ClassValue):
            found += _field_data(reader, cls, node.attr)
        else:
            found.append(Unclear(words_in(node)))
    if read_changes.is_changed_in(file, node.attr):
        found = [data.opened() if isinstance(data, Map) else data for data in found]
    return few([_named(data, node.attr) for data in found])


def objects(reader: DataReader, file: FileFacts, expr: Expr, depth: int = 0) -> tuple[Value, ...]:
    """What kind of object an expression is; imports are followed also into modules that know nothing of sessions."""
    owner = scope_of(expr).lookup(expr.id) if isinstance(expr, Name) else None
    if owner is None or not isinstance(expr, Name) or depth >= _MAX_IMPORTS:
        return reader.ev.values(file, expr)
    found: list[Value] = []
    for binding in owner.bindings[expr.id]:
        path = (
            reader.ev.files.module(file.path, binding.module, binding.level)
            if isinstance(binding, NameImport)
            else None
        )
        home = reader.ev.files.facts_quietly(path) if path is not None else None
        if home is None or not isinstance(binding, NameImport) or binding.name not in home.scope.bindings:
            return reader.ev.values(file, expr)
        found += _objects_of_module(reader, home, binding.name, depth)
    return tuple(found)


def _objects_of_module(reader: DataReader, home: FileFacts, name: str, depth: int) -> Iterator[Value]:
    for binding in home.scope.bindings[name]:
        match binding:
            case ClassDef():
                yield ClassValue(home, binding)
            case FunctionDef():
                yield FunctionValue(home, binding)
            case Assigned(value=Expr() as value):
                yield from _objects_of_value(reader, home, value, depth)
            case NameImport():
                read = Name(name)
                read.stand_for(binding.node)
                yield from objects(reader, home, read, depth + 1)


def _objects_of_value(reader: DataReader, file: FileFacts, value: Expr, depth: int) -> Iterator[Value]:
    """`Settings()` and `get_settings()`, whose definitions may be imported as well."""
    if not isinstance(value, Call):
        yield from reader.ev.values(file, value)
        return
    for called in objects(reader, file, value.func, depth + 1):
        if isinstance(called, ClassValue):
            yield Instance(called)
        elif isinstance(called, FunctionValue | Decorated):
            function = called.function if isinstance(called, Decorated) else called
            for returned in read_calls.returned_expressions(function.node):
                yield from _objects_of_value(reader, function.file, returned, depth + 1) if depth < 3 else ()
        else:
            yield from reader.ev.values(file, value)


def _field_data(reader: DataReader, cls: ClassValue, attr: str, depth: int = 0) -> list[Data]:
    """What an attribute of an instance holds; the default of a settings class is only one of the possibilities."""
    found: list[Data] = []
    for binding in cls.node.scope.bindings.get(attr, ()):
        if isinstance(binding, FunctionDef):
            if _is_property(binding):
                found += read_calls.returned_data(reader, cls.file, binding, None)
        elif isinstance(binding, Assigned):
            if binding.value is not None:
                found += reader.read(cls.file, binding.value)
            if binding.annotation is not None or cls.node.bases:
                found.append(Unclear(frozenset((attr,))))
    for value, _ in self_assignments(cls.node).get(attr, ()):
        found += reader.read(cls.file, value) if value is not None else (Unclear(frozenset((attr,))),)
    if not found and depth < _MAX_IMPORTS:
        for base in cls.node.bases:
            for parent in objects(reader, cls.file, base):
                if isinstance(parent, ClassValue) and parent.node is not cls.node:
                    found += _field_data(reader, parent, attr, depth + 1)
    return found or [Unclear(frozenset((attr,)))]


def _is_property(function: FunctionDef) -> bool:
    names = (d.attr if isinstance(d, Attribute) else getattr(d, "id", "") for d in function.decorators)
    return not _PROPERTIES.isdisjoint(names)
