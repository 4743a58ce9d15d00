"""What happens to a dict after it was made: `d[key] = …`, `d.update(…)`, `d.setdefault(…)`, `del d[key]`, escapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from supavisor_lint.facts.file import FileFacts, enclosing_function, scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Scope
from supavisor_lint.facts.statements import Assign, Delete
from supavisor_lint.facts.tree import Argument, Attribute, Call, Expr, Name, Subscript
from supavisor_lint.project.data import MAX_ALTERNATIVES, NOTHING_KNOWN, Data, Item, Map, merge
from supavisor_lint.project.reaching import are_exclusive, is_certain
from supavisor_lint.project.values import External, Instance, Method, Value

if TYPE_CHECKING:
    from supavisor_lint.project.read_data import DataReader, Given

Change = Callable[[Map], "list[Map]"]

_READING_METHODS = frozenset({"get", "items", "keys", "values", "copy"})
_CHANGING_METHODS = frozenset({"update", "setdefault", "pop", "popitem", "clear", "__setitem__"})
_LOGGING = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log", "print"})


def changed(
    reader: DataReader,
    file: FileFacts,
    name: str,
    owner: Scope,
    made: Map,
    since: Node,
    at: Node | None,
    given: Given | None,
) -> list[Data]:
    """The map that was made at `since` under a name, as it is at a node (None: when its scope has run)."""
    maps: list[Map] = [made]
    for use in file.names.get(name, ()):
        if not _is_between(use, since, at, owner):
            continue
        change = _change(reader, file, use, given)
        if change is None:
            continue
        outside = owner.function is not enclosing_function(use)
        before, after = maps, [after for data in maps for after in change(data)]
        maps = _both(before, after) if outside or not is_certain(use, at) else after
    return list(maps) if len(maps) <= MAX_ALTERNATIVES else [Map(is_open=True)]


def _is_between(use: Name, since: Node, at: Node | None, owner: Scope) -> bool:
    if scope_of(use).lookup(use.id) is not owner:
        return False
    if owner.function is not enclosing_function(use):
        return True  # in another function: it may have run before
    if use.order < since.order or (at is not None and use.order >= at.order):
        return False
    return not are_exclusive(use, at) and not are_exclusive(since, use)


def _both(before: list[Map], after: list[Map]) -> list[Map]:
    """The maps in which a change may or may not have happened; one item with both values where that says the same."""
    if len(before) != 1 or len(after) != 1 or before[0].is_open != after[0].is_open:
        return [*before, *after]
    first, second = before[0], after[0]
    if not first.items.keys() <= second.items.keys():
        return [first, second]
    items = {}
    for key, item in second.items.items():
        old = first.items[key].values if key in first.items else (None,)
        items[key] = replace(item, values=tuple(dict.fromkeys((*old, *item.values))))
    return [Map(items, first.is_open)]


def _change(reader: DataReader, file: FileFacts, use: Name, given: Given | None) -> Change | None:
    """What the use of a dict's name does to the dict; None when it only reads."""
    parent = use.parent
    if isinstance(parent, Subscript) and parent.value is use:
        return _of_subscript(reader, file, parent, given)
    if isinstance(parent, Attribute) and isinstance(parent.parent, Call) and parent.parent.func is parent:
        return _of_method(reader, file, parent.attr, parent.parent, given)
    if isinstance(parent, Argument) and not parent.star and isinstance(parent.parent, Call):
        return None if _only_reads(reader, file, parent.parent) else _open
    return None


def _of_subscript(reader: DataReader, file: FileFacts, target: Subscript, given: Given | None) -> Change | None:
    statement = target.parent
    key = reader.key(file, target.items[0], given) if len(target.items) == 1 else None
    if isinstance(statement, Assign) and target in statement.targets and statement.value is not None:
        values = reader.read(file, statement.value, given)
        item = Item(file, target, (NOTHING_KNOWN,) if statement.augmented else values)
        return _open if key is None else partial(_with_item, key, item)
    if isinstance(statement, Delete):
        return _open if key is None else lambda data: [data.without(key)]
    if _is_changed(target):  # d[key][inner] = …, d[key].update(…)
        return _open if key is None else lambda data: [_inner_opened(data, key)]
    return None


def _is_changed(inner: Subscript) -> bool:
    parent = inner.parent
    if isinstance(parent, Subscript) and parent.value is inner:
        return isinstance(parent.parent, Assign | Delete) and parent not in _values_of(parent.parent)
    return isinstance(parent, Attribute) and parent.attr in _CHANGING_METHODS


def _values_of(statement: Node) -> tuple[Expr | None, ...]:
    return (statement.value,) if isinstance(statement, Assign) else ()


def _inner_opened(data: Map, key: str) -> Map:
    item = data.items.get(key)
    if item is None:
        return data
    values = tuple(v.opened() if isinstance(v, Map) else v for v in item.values)
    return data.with_item(key, replace(item, values=values))


def _of_method(reader: DataReader, file: FileFacts, name: str, call: Call, given: Given | None) -> Change | None:
    if name in _READING_METHODS:
        return None
    if name == "update":
        return lambda data: _updated(reader, file, data, call, given)
    if name == "setdefault" and call.args and call.args[0].keyword is None:
        key = reader.key(file, call.args[0].value, given)
        default = call.argument(1)
        if key is not None and default is not None:
            item = Item(file, call, reader.read(file, default, given))
            if isinstance(call.parent, Expr | Assign):  # its value is used, and may be changed in turn
                item = replace(item, values=(*item.values, NOTHING_KNOWN))
            return partial(_with_default, key, item)
    if name == "pop" and call.args:
        key = reader.key(file, call.args[0].value, given)
        if key is not None:
            return lambda data: [data.without(key)]
    return _open


def _updated(reader: DataReader, file: FileFacts, data: Map, call: Call, given: Given | None) -> list[Map]:
    maps: list[Data] = [data]
    for arg in call.args:
        if arg.keyword is not None:
            item = Item(file, arg, reader.read(file, arg.value, given))
            maps = [m.with_item(arg.keyword, item) for m in maps if isinstance(m, Map)]
        else:
            added = reader.read(file, arg.value, given)
            maps = [merge(left, right) for left in maps for right in added]
    return [m for m in maps if isinstance(m, Map)]


def _with_item(key: str, item: Item, data: Map) -> list[Map]:
    return [data.with_item(key, item)]


def _with_default(key: str, item: Item, data: Map) -> list[Map]:
    return [data if key in data.items else data.with_item(key, item)]


def _open(data: Map) -> list[Map]:
    return [data.opened()]


def _only_reads(reader: DataReader, file: FileFacts, call: Call) -> bool:
    """Whether a function can be trusted not to change a dict: other packages' functions, classes and log calls."""
    name = call.func.attr if isinstance(call.func, Attribute) else getattr(call.func, "id", "")
    return name in _LOGGING or all(_is_foreign(value) for value in reader.ev.values(file, call.func))


def _is_foreign(value: Value) -> bool:
    return isinstance(value, External) or (
        isinstance(value, Method) and isinstance(value.receiver, Instance) and isinstance(value.receiver.of, External)
    )


def is_changed_in(file: FileFacts, attr: str) -> bool:
    """Whether a file changes a dict that it keeps in an attribute of that name."""
    for node in file.attributes.get(attr, ()):
        parent = node.parent
        if isinstance(parent, Subscript) and parent.value is node and isinstance(parent.parent, Assign | Delete):
            if parent not in _values_of(parent.parent):
                return True
        elif isinstance(parent, Attribute) and parent.attr in _CHANGING_METHODS:
            return True
    return False
