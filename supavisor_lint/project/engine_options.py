"""Options of an engine that do nothing or make every connection fail, and what they were meant to do.

Each row was measured against PgBouncer in transaction mode; tests/pooler/ measures it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import DictItem
from supavisor_lint.project.data import Data, Item, Map, Plain, Text, Thing
from supavisor_lint.project.engines import Engine, Form, has_connect_hook
from supavisor_lint.project.libpq_options import REFUSED

Where: TypeAlias = Literal["keyword", "execution_options", "connect_args", "server_settings", "url"]
Effect: TypeAlias = Literal["nothing", "engine fails", "connection fails"]

STATEMENTS = "statement_cache_size"
PREPARED = "prepared_statement_cache_size"
NAMES = "prepared_statement_name_func"
THRESHOLD = "prepare_threshold"

_SIZES = frozenset({STATEMENTS, PREPARED})
_ASYNCPG = _SIZES | {NAMES}
_OPTIONS = _ASYNCPG | {THRESHOLD}
_NO_OPTIONS = frozenset({"no_prepare", "raw_sql", "pgbouncer"})

# Where an option does not work, for each driver; under None what works with no driver.
_WRONG: dict[tuple[Where, str | None], frozenset[str]] = {
    ("keyword", None): _OPTIONS | _NO_OPTIONS | {"server_settings"},
    ("execution_options", None): _OPTIONS | _NO_OPTIONS,
    ("connect_args", None): _NO_OPTIONS,
    ("connect_args", "asyncpg"): REFUSED | {THRESHOLD},
    ("connect_args", "psycopg"): _ASYNCPG | {"server_settings"},
    ("server_settings", "asyncpg"): _OPTIONS | _NO_OPTIONS,
    ("url", "asyncpg"): REFUSED | _NO_OPTIONS | {STATEMENTS, NAMES, THRESHOLD},
    ("url", "psycopg"): _NO_OPTIONS | _ASYNCPG | {THRESHOLD},
}
_EFFECTS: dict[Where, Effect] = {"keyword": "engine fails", "execution_options": "nothing"}


@dataclass(frozen=True, slots=True)
class Ineffective:
    """An option that does not do what it says. `node` is None for one in a URL: it stands in the URL's expression."""

    name: str
    where: Where
    effect: Effect
    file: FileFacts | None
    node: Node | None
    is_text: bool = False

    @property
    def is_for_pooler(self) -> bool:
        """Whether who wrote it has thought of a pooler."""
        return self.name not in REFUSED


def ineffective_options(engine: Engine, driver: str | None) -> list[Ineffective]:
    """The options of an engine that do not work, in source order as far as they stand in one file.

    `driver` is "asyncpg" or "psycopg", None when it is unknown; what an unknown one may understand is left out.
    """
    found: dict[object, Ineffective] = {}
    for form in engine.forms:
        for option in _of_form(form, driver):
            if option.name in REFUSED and not _is_refused(engine, form, option):
                continue
            key = (option.name, option.where, option.file, option.node)
            if key not in found or option.effect == "nothing":  # the worse is said only where it is so on every path
                found[key] = option
    return sorted(
        found.values(), key=lambda option: (option.node.order if option.node is not None else -1, option.name)
    )


def _is_refused(engine: Engine, form: Form, option: Ineffective) -> bool:
    """Whether an option of libpq gets to asyncpg: no code that makes connections may know it, and take it out.

    In `connect_args` it has to be there on every path: the others are asyncpg's, and this one is another driver's.
    """
    if form.makes_connections or has_connect_hook(engine.file, REFUSED):
        return False
    return option.where != "connect_args" or all(
        None not in values_of(f.connect_args, option.name) for f in engine.forms
    )


def _of_form(form: Form, driver: str | None) -> Iterator[Ineffective]:
    yield from _wrong(form.keywords, "keyword", driver)
    for options in form.map_under("execution_options"):
        yield from _wrong(options, "execution_options", driver)
    yield from _wrong(form.connect_args, "connect_args", driver)
    if driver == "asyncpg":
        yield from _texts(form.connect_args)
        yield from _in_server_settings(form.connect_args)
    for url in form.urls:
        for option in _wrong(url.query, "url", driver):
            is_alone = None in values_of(form.connect_args, option.name)  # else `connect_args` replaces it
            yield option if is_alone else replace(option, effect="nothing")


def _wrong(options: Map, where: Where, driver: str | None) -> Iterator[Ineffective]:
    names = _WRONG.get((where, None), frozenset()) | _WRONG.get((where, driver), frozenset())
    for name, item in options.items.items():
        if name in names and any(value is not None for value in item.values):
            yield _option(name, where, item)


def _texts(connect_args: Map) -> Iterator[Ineffective]:
    """Sizes that are texts: asyncpg and SQLAlchemy compare them with numbers."""
    for name in _SIZES & connect_args.items.keys():
        item = connect_args.items[name]
        if any(isinstance(value, Text) and value.whole is not None for value in item.values):
            yield _option(name, "connect_args", item, is_text=True)


def _in_server_settings(connect_args: Map) -> Iterator[Ineffective]:
    item = connect_args.items.get("server_settings")
    for value in item.values if item is not None else ():
        if isinstance(value, Map):
            yield from _wrong(value, "server_settings", "asyncpg")


def _option(name: str, where: Where, item: Item, is_text: bool = False) -> Ineffective:
    effect = _EFFECTS.get(where, "connection fails")
    if where == "url":
        return Ineffective(name, where, effect, None, None)
    node = item.node.key if isinstance(item.node, DictItem) and item.node.key is not None else item.node
    return Ineffective(name, where, effect, item.file, node, is_text)


# ------------------------------------------------------------------------------------------------- what options may be


def is_zero(values: Iterable[Data | None]) -> frozenset[bool]:
    """Whether a size is the number 0: every answer that is possible."""
    answers: set[bool] = set()
    for value in values:
        if isinstance(value, Plain | Text | Map) or value is None:
            answers.add(isinstance(value, Plain) and value.value is not None and value.value == 0)
        else:
            answers |= {True, False}
    return frozenset(answers)


def is_none(values: Iterable[Data | None]) -> frozenset[bool]:
    """Whether an option is given as None: every answer that is possible."""
    answers: set[bool] = set()
    for value in values:
        if isinstance(value, Plain | Text | Map | Thing) or value is None:
            answers.add(value == Plain(None))
        else:
            answers |= {True, False}
    return frozenset(answers)


def values_of(options: Map, name: str) -> tuple[Data | None, ...]:
    """What an option may hold; None stands for its absence."""
    item = options.items.get(name)
    return item.values if item is not None else (None,)
