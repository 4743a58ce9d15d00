"""The async engines that a file makes, with everything that their options may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from supavisor_lint.facts.file import FileFacts, scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, NameImport
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import If
from supavisor_lint.facts.tree import Argument, Call, Constant, Expr, IfExp, Name, Operation, Other
from supavisor_lint.project.data import Data, Item, Map, Plain, Text, Url, merge, words_in
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.read_data import DataReader
from supavisor_lint.project.urls import UNKNOWN_URL, url_of
from supavisor_lint.project.values import External, Partial

_MAKERS = frozenset({"sqlalchemy.ext.asyncio.create_async_engine", "sqlalchemy.ext.asyncio.engine.create_async_engine"})
_FROM_CONFIG = frozenset(
    {"sqlalchemy.ext.asyncio.async_engine_from_config", "sqlalchemy.ext.asyncio.engine.async_engine_from_config"}
)
_WRAPPERS = frozenset({"sqlalchemy.ext.asyncio.AsyncEngine", "sqlalchemy.ext.asyncio.engine.AsyncEngine"})
_SYNC_MAKERS = frozenset(
    {
        "sqlalchemy.create_engine",
        "sqlalchemy.engine.create_engine",
        "sqlalchemy.engine.create.create_engine",
        "sqlmodel.create_engine",
    }
)
_NAMES = frozenset(dotted.rpartition(".")[2] for dotted in _MAKERS | _FROM_CONFIG | _WRAPPERS)
_NULL_POOLS = frozenset({"sqlalchemy.pool.NullPool", "sqlalchemy.NullPool", "sqlalchemy.pool.impl.NullPool"})
_OWN_CONNECTIONS = frozenset({"async_creator", "creator", "pool", "async_creator_fn"})
_MAX_FORMS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One of the ways in which an engine may be made: its keywords, its `connect_args`, its URL's alternatives."""

    urls: tuple[Url, ...]
    keywords: Map
    connect_args: Map

    @property
    def makes_connections(self) -> bool:
        """Whether code of the program's own makes the connections, from whatever options it likes."""
        keys = self.connect_args.items.keys() | self.keywords.items.keys()
        return not keys.isdisjoint(_OWN_CONNECTIONS)

    def map_under(self, key: str) -> Iterator[Map]:
        """The maps that a keyword may hold."""
        item = self.keywords.items.get(key)
        yield from (value for value in item.values if isinstance(value, Map)) if item is not None else ()


@dataclass(eq=False)
class Engine:
    """An async engine. `call` makes it; `url` is the expression of its URL, the call itself where there is none."""

    reader: DataReader
    file: FileFacts
    call: Call
    url: Expr
    forms: tuple[Form, ...]

    @cached_property
    def urls(self) -> tuple[Url, ...]:
        """The alternatives of its URL."""
        return tuple(url for form in self.forms for url in form.urls)

    @cached_property
    def null_pool(self) -> frozenset[bool]:
        """Whether it keeps no connections; both when that is unknown."""
        pool = next((a.value for a in self.call.args if a.keyword == "poolclass"), None)
        if pool is None:
            is_open = any(form.keywords.is_open or "poolclass" in form.keywords.items for form in self.forms)
            return frozenset({True, False} if is_open else {False})
        values = self.reader.ev.values(self.file, pool)
        return frozenset(
            answer
            for value in values
            for answer in ((value.dotted in _NULL_POOLS,) if isinstance(value, External) else (True, False))
        )

    @cached_property
    def tests(self) -> tuple[frozenset[str], frozenset[str]]:
        """The names and texts in the conditions that hold where it is made (`if "sqlite" in url:`), and that do not."""
        holding: set[str] = set()
        failing: set[str] = set()
        child: Node = self.call
        while child.parent is not None:
            parent = child.parent
            if isinstance(parent, If | IfExp) and child is not parent.test:
                body = parent.body if isinstance(parent, If) else (parent.body,)
                holds = (child in body) is not _denies(parent.test)
                (holding if holds else failing).update(words_in(parent.test))
            child = parent
        return frozenset(holding), frozenset(failing)


def _denies(test: Expr) -> bool:
    """Whether a condition is a negation: what it mentions is then what the engine is not for."""
    return type(test) is Other or (isinstance(test, Operation) and not {"not in", "!="}.isdisjoint(test.operators))


class Engines:
    """Finds engines; one for a project."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._reader = DataReader(evaluator)
        self._found: dict[str, tuple[Engine, ...]] = {}

    def of(self, file: FileFacts) -> tuple[Engine, ...]:
        """The engines that a file makes, in source order."""
        if file.path not in self._found:
            self._found[file.path] = tuple(self._search(file))
        return self._found[file.path]

    def _search(self, file: FileFacts) -> Iterator[Engine]:
        names = _names_of_makers(file)
        if not names:
            return
        for call in file.calls:
            if last_name(call.func) in names:
                for value in self._reader.ev.values(file, call.func):
                    engine = self._made(file, call, value)
                    if engine is not None:
                        yield engine
                        break

    def _made(self, file: FileFacts, call: Call, value: object) -> Engine | None:
        given: tuple[Argument, ...] = call.args
        if isinstance(value, Partial):
            given, value = (*value.call.args[1:], *given), value.target
        if not isinstance(value, External):
            return None
        if value.dotted in _MAKERS:
            return self._engine(file, call, given, is_config=False)
        if value.dotted in _FROM_CONFIG:
            return self._engine(file, call, given, is_config=True)
        wrapped = self._wrapped(file, call) if value.dotted in _WRAPPERS else None
        return self._engine(file, wrapped, wrapped.args, is_config=False) if wrapped is not None else None

    def _wrapped(self, file: FileFacts, call: Call) -> Call | None:
        """The `create_engine(…)` in `AsyncEngine(create_engine(…))`, also by way of a variable of this file."""
        inner = call.argument(0, "sync_engine")
        if isinstance(inner, Name):
            owner = scope_of(inner).lookup(inner.id)
            bindings = owner.bindings[inner.id] if owner is not None else []
            values = [b.value for b in bindings if isinstance(b, Assigned)]
            inner = values[0] if len(values) == len(bindings) == 1 else None
        if not isinstance(inner, Call):
            return None
        made_by = self._reader.ev.only(file, inner.func)
        return inner if isinstance(made_by, External) and made_by.dotted in _SYNC_MAKERS else None

    def _engine(self, file: FileFacts, call: Call, given: tuple[Argument, ...], is_config: bool) -> Engine:
        first = next((a for a in given if a.keyword in (None, "configuration" if is_config else "url")), None)
        if first is not None and first.star:
            first = None
        maps = self._configured(file, first, given) if is_config else [Map()]
        for arg in given:
            if arg is not first and not (is_config and arg.keyword == "prefix"):
                maps = [after for before in maps for after in self._with_argument(file, before, arg)][:_MAX_FORMS]
        url = first.value if first is not None and not is_config else None
        forms = [form for keywords in maps for form in self._forms(file, keywords, url)]
        return Engine(self._reader, file, call, first.value if first is not None else call, tuple(forms[:_MAX_FORMS]))

    def _with_argument(self, file: FileFacts, keywords: Map, arg: Argument) -> list[Map]:
        read = self._reader.read(file, arg.value)
        if arg.keyword is not None:
            return [keywords.with_item(arg.keyword, Item(file, arg, read))]
        if arg.star == "**":
            return [m for data in read if isinstance(m := merge(keywords, data), Map)]
        return [keywords]

    def _configured(self, file: FileFacts, config: Argument | None, given: tuple[Argument, ...]) -> list[Map]:
        """The keywords in the dict of `async_engine_from_config`, without their prefix."""
        stated = next((a.value for a in given if a.keyword == "prefix"), given[1].value if len(given) > 1 else None)
        positional = stated is not None and (len(given) < 2 or given[1].keyword in (None, "prefix"))
        prefix = "sqlalchemy."
        if positional and stated is not None:
            read = self._reader.read(file, stated)
            whole = read[0].whole if len(read) == 1 and isinstance(read[0], Text) else None
            if whole is None:
                return [Map(is_open=True)]
            prefix = whole
        maps = []
        for data in self._reader.read(file, config.value) if config is not None else ():
            items = data.items if isinstance(data, Map) else {}
            own = {key[len(prefix) :]: item for key, item in items.items() if key.startswith(prefix)}
            maps.append(Map(own, not isinstance(data, Map) or data.is_open))
        return maps or [Map(is_open=True)]

    def _forms(self, file: FileFacts, keywords: Map, url: Expr | None) -> Iterator[Form]:
        if url is not None:
            urls = tuple(url_of(data) for data in self._reader.read(file, url))
        else:
            item = keywords.items.get("url")
            urls = tuple(url_of(v) for v in item.values if v is not None) if item is not None else (UNKNOWN_URL,)
        item = keywords.items.get("connect_args")
        absent: Data = Map(is_open=keywords.is_open)
        for value in item.values if item is not None else (absent,):
            if value is None or value == Plain(None):
                yield Form(urls, keywords, Map())
            else:
                yield Form(urls, keywords, value if isinstance(value, Map) else Map(is_open=True))


def _names_of_makers(file: FileFacts) -> frozenset[str]:
    """The names by which a file may call what makes engines; none if it mentions nothing of the kind."""
    bindings = [(name, binding) for scope in file.scopes for name, found in scope.bindings.items() for binding in found]
    names = {name for name in _NAMES if name in file.names or name in file.attributes}
    names |= {name for name, binding in bindings if isinstance(binding, NameImport) and binding.name in _NAMES}
    renamed = {name for name, binding in bindings if names and _renamed(binding) in names}
    return frozenset(names | renamed)


def _renamed(binding: Binding) -> str:
    """What `make = create_async_engine` and `make = partial(create_async_engine, …)` give a new name."""
    value = binding.value if isinstance(binding, Assigned) else None
    if isinstance(value, Call):
        value = value.args[0].value if value.args else None
    return last_name(value) if value is not None else ""


def has_connect_hook(file: FileFacts, names: frozenset[str]) -> bool:
    """Whether a "do_connect" listener of the file mentions some of these options, which it may set by itself."""
    for call in file.calls:
        if last_name(call.func) not in ("listens_for", "listen"):
            continue
        if any(isinstance(arg.value, Constant) and arg.value.value == "do_connect" for arg in call.args):
            named = {last_name(arg.value) for arg in call.args}
            for function in file.functions:
                is_listener = function is call.parent or function.name in named
                if is_listener and any(isinstance(n, Constant) and n.value in names for n in walk(function)):
                    return True
    return False
