"""What a call gives: methods of texts, dicts and URLs, the environment, builders of the project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from supavisor_lint.facts.file import FileFacts, walk_own
from supavisor_lint.facts.statements import FunctionDef, Return
from supavisor_lint.facts.tree import Attribute, Call, Constant, Expr
from supavisor_lint.project import urls
from supavisor_lint.project.data import (
    Data,
    Item,
    Map,
    Plain,
    Text,
    Unclear,
    Url,
    as_text,
    few,
    merge,
    text_of,
    words_in,
    words_of,
)
from supavisor_lint.project.values import Decorated, External, FunctionValue, Value

if TYPE_CHECKING:
    from supavisor_lint.project.read_data import DataReader, Given

_TEXT_METHODS = frozenset({"replace", "strip", "rstrip", "lstrip", "lower", "format", "removesuffix", "removeprefix"})
_UNCHANGED = frozenset({"strip", "rstrip", "lstrip", "lower", "unicode_string", "render_as_string", "copy"})
_URL_METHODS = frozenset({"set", "update_query_dict", "update_query_string", "with_query"})
_SAME = frozenset({"builtins.str", "builtins.dict", "copy.copy", "copy.deepcopy", "typing.cast", "builtins.int"})
_ENVIRONMENT = frozenset({"os.getenv", "os.environ.get", "os.environ.setdefault", "builtins.getattr"})
_MAKE_URL = frozenset({"sqlalchemy.make_url", "sqlalchemy.engine.make_url", "sqlalchemy.engine.url.make_url"})
_URL_CREATE = frozenset({"sqlalchemy.URL.create", "sqlalchemy.engine.URL.create", "sqlalchemy.engine.url.URL.create"})
_DRIVER = re.compile(r"\+(\w+)")
_FIELD = {"%": re.compile(r"%(?:\((\w+)\))?[sdr]"), "{": re.compile(r"\{(\w*)[^{}]*\}")}


def call_data(reader: DataReader, file: FileFacts, call: Call, given: Given | None) -> tuple[Data, ...]:
    """What a call gives."""
    method = call.func.attr if isinstance(call.func, Attribute) else ""
    if isinstance(call.func, Attribute) and method in _TEXT_METHODS | _UNCHANGED | _URL_METHODS | {"get"}:
        receivers = reader.read(file, call.func.value, given)
        if method in _TEXT_METHODS or any(isinstance(data, Map | Url) for data in receivers):
            return few([d for data in receivers for d in _method(reader, file, data, method, call, given)])
    found: list[Data] = []
    for function in _callees(reader, file, call):
        found += _called(reader, file, function, call, given)
    return few(found)


def _callees(reader: DataReader, file: FileFacts, call: Call) -> tuple[Value, ...]:
    from supavisor_lint.project.read_names import objects  # mutual: names are followed through calls

    return objects(reader, file, call.func)


def _called(
    reader: DataReader, file: FileFacts, function: Value, call: Call, given: Given | None
) -> tuple[Data, ...] | list[Data]:
    match function:
        case FunctionValue():
            return [Unclear()] if function.node.is_generator else _of_project(reader, file, function, call, given)
        case Decorated(FunctionValue()):
            return [Unclear(words_in(call))]
        case External(dotted):
            return _external(reader, file, dotted, call, given)
        case _:
            return _unknown(reader, file, call, given)


def _of_project(
    reader: DataReader, file: FileFacts, function: FunctionValue, call: Call, given: Given | None
) -> list[Data]:
    """A function of the project, with its parameters as this call gives them."""
    from supavisor_lint.project.read_data import Given

    values: dict[str, tuple[Data, ...]] = {}
    starred = any(arg.star for arg in call.args)
    positional = [param for param in function.node.params if param.kind == "positional"][1 if function.bound else 0 :]
    for param in function.node.params:
        index = positional.index(param) if param in positional else None
        argument = call.argument(index, param.name)
        if argument is not None:
            values[param.name] = reader.read(file, argument, given)
        elif param.default is not None and not starred:
            values[param.name] = reader.read(function.file, param.default)
    found = returned_data(reader, function.file, function.node, Given(function.node, values))
    return found or [Unclear(words_in(call))]


def returned_data(reader: DataReader, file: FileFacts, function: FunctionDef, given: Given | None) -> list[Data]:
    """What the `return` statements of a function give."""
    return [data for value in returned_expressions(function) for data in reader.read(file, value, given)]


def returned_expressions(function: FunctionDef) -> Iterator[Expr]:
    """The expressions that a function returns."""
    for statement in function.body:
        for node in walk_own(statement):
            if isinstance(node, Return) and node.value is not None:
                yield node.value


def _external(
    reader: DataReader, file: FileFacts, dotted: str, call: Call, given: Given | None
) -> tuple[Data, ...] | list[Data]:
    if dotted in _SAME:
        return _same(reader, file, dotted, call, given)
    if dotted in _ENVIRONMENT:
        return _with_default(reader, file, call, 2 if dotted.endswith("getattr") else 1, given)
    if dotted in _MAKE_URL and call.args:
        return [urls.url_of(data) for data in reader.read(file, call.args[0].value, given)]
    if dotted in _URL_CREATE or _builds_url(call):
        return [_url_created(reader, file, call, given)]
    return _unknown(reader, file, call, given)


def _same(reader: DataReader, file: FileFacts, dotted: str, call: Call, given: Given | None) -> list[Data]:
    """`str(x)`, `dict(x, key=…)`, `copy(x)`, `cast(type, x)`."""
    position = 1 if dotted == "typing.cast" else 0
    plain = [arg for arg in call.args if arg.keyword is None and not arg.star]
    if dotted != "builtins.dict":
        return list(reader.read(file, plain[position].value, given)) if len(plain) > position else [Unclear()]
    maps: list[Data] = [Map()]
    for arg in call.args:
        if arg.keyword is not None:
            item = Item(file, arg, reader.read(file, arg.value, given))
            maps = [m.with_item(arg.keyword, item) for m in maps if isinstance(m, Map)]
        else:
            maps = [merge(left, right) for left in maps for right in reader.read(file, arg.value, given)]
    return maps


def _with_default(
    reader: DataReader, file: FileFacts, call: Call, position: int, given: Given | None
) -> tuple[Data, ...]:
    """A value from outside the program, or the default that stands beside it."""
    words = frozenset(w for arg in call.args[:position] for w in words_in(arg.value))
    default = call.argument(position, "default")
    read = reader.read(file, default, given) if default is not None else ()
    return (*(data for data in read if data != Plain(None)), Unclear(words))


def _unknown(reader: DataReader, file: FileFacts, call: Call, given: Given | None) -> tuple[Data, ...]:
    """A call that nothing is known of: its words may tell something, and so may its `default=`."""
    if _builds_url(call):
        return (_url_created(reader, file, call, given),)
    drivers = {
        arg.value.value.rpartition("+")[2]
        for arg in call.args
        if isinstance(arg.value, Constant) and isinstance(arg.value.value, str)
    }
    unknown = Unclear(words_in(call), frozenset(drivers & urls.DRIVERS))
    default = call.argument(None, "default")
    if default is None:
        return (unknown,)
    return (*(data for data in reader.read(file, default, given) if data != Plain(None)), unknown)


def _builds_url(call: Call) -> bool:
    """`PostgresDsn.build(scheme=…)` and its like."""
    return isinstance(call.func, Attribute) and call.func.attr == "build" and call.argument(None, "scheme") is not None


def _url_created(reader: DataReader, file: FileFacts, call: Call, given: Given | None) -> Url:
    parts = {}
    for arg in call.args:
        if arg.keyword is not None:
            parts[arg.keyword] = reader.read(file, arg.value, given)
        elif arg.star:
            return replace(urls.UNKNOWN_URL)
    scheme = call.argument(0, "drivername") or call.argument(0, "scheme")
    if scheme is not None:
        parts["drivername"] = reader.read(file, scheme, given)
    return urls.with_parts(urls.EMPTY_URL, parts)


# ------------------------------------------------------------------------------------------------------------ methods


def _method(
    reader: DataReader, file: FileFacts, data: Data, name: str, call: Call, given: Given | None
) -> tuple[Data, ...] | list[Data]:
    if name in _URL_METHODS and isinstance(data, Url):
        return [_url_changed(reader, file, data, name, call, given)]
    if name == "get" and isinstance(data, Map):
        return _got(reader, file, data, call, given)
    if name in _UNCHANGED:
        return [data]
    if name == "replace":
        return [_replaced(reader, file, data, call, given)]
    if name == "format":
        fields = {
            arg.keyword: as_text(values[0])
            for arg in call.args
            if arg.keyword and len(values := reader.read(file, arg.value, given)) == 1
        }
        return [filled(data, "{", fields, words_in(call))]
    return [Unclear(words_of(data))]


def _got(reader: DataReader, file: FileFacts, data: Map, call: Call, given: Given | None) -> list[Data]:
    key = reader.key(file, call.args[0].value, given) if call.args else None
    item = data.items.get(key) if key is not None else None
    default = call.argument(1)
    found: list[Data] = [v for v in item.values if v is not None] if item is not None else []
    if item is None and default is not None:
        found += reader.read(file, default, given)
    if item is None and (data.is_open or key is None):
        found.append(Unclear(words_in(call)))
    return found or [Plain(None)]


def _replaced(reader: DataReader, file: FileFacts, data: Data, call: Call, given: Given | None) -> Data:
    """`text.replace(old, new)`: what is unknown may hold the old text, and so the new one's driver."""
    old, new = (_whole(reader, file, call.argument(i), given) for i in (0, 1))
    text = as_text(data)
    if old is None or new is None or not old:
        return Unclear(words_of(text))
    drivers = frozenset(_DRIVER.findall(new))
    return text_of(
        *(p.replace(old, new) if isinstance(p, str) else replace(p, drivers=p.drivers | drivers) for p in text.pieces)
    )


def _whole(reader: DataReader, file: FileFacts, expr: Expr | None, given: Given | None) -> str | None:
    read = reader.read(file, expr, given) if expr is not None else ()
    return read[0].whole if len(read) == 1 and isinstance(read[0], Text) else None


def filled(template: Data, style: str, fields: dict[str, Text], words: frozenset[str]) -> Data:
    """A template of `%s` or `{}` fields with what is known put in; the rest stays unknown."""
    if not isinstance(template, Text) or template.whole is None:
        return Unclear(words | words_of(template))
    pieces: list[str | Unclear] = []
    end = 0
    for match in _FIELD[style].finditer(template.whole):
        pieces.append(template.whole[end : match.start()])
        known = fields.get(match[1] or "")
        pieces += known.pieces if known is not None else (Unclear(words),)
        end = match.end()
    return text_of(*pieces, template.whole[end:])


def _url_changed(reader: DataReader, file: FileFacts, url: Url, name: str, call: Call, given: Given | None) -> Url:
    parts = {arg.keyword: reader.read(file, arg.value, given) for arg in call.args if arg.keyword is not None}
    if name == "set":
        return urls.with_parts(url, parts)
    added = [data for arg in call.args if arg.keyword is None for data in reader.read(file, arg.value, given)]
    if name == "update_query_dict" and len(added) == 1:
        return urls.with_parts(url, {"query": tuple(d for d in (merge(url.query, added[0]),))})
    return urls.with_parts(url, {"query": (url.query.opened(),)})
