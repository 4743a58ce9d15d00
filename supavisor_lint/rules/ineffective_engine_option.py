"""An option of an async engine that does nothing, or that makes every connection fail.

## What it finds
`no_prepare` and `raw_sql` (SQLAlchemy and the drivers know neither); cache sizes as keywords of the engine, in
`execution_options`, in `server_settings`, as texts (`"0"`) in `connect_args`; `statement_cache_size`, `pgbouncer` and
`prepare_threshold` in the URL of asyncpg (`?prepared_statement_cache_size=0` works there); asyncpg's options on
psycopg, and on asyncpg psycopg's and libpq's (`sslmode`, `connect_timeout`), in `connect_args` or the URL. Engines of
session modules are judged like all others.

## Why it matters
What does nothing hides what is missing: the engine looks safe behind a pooler and is not. What is not understood ends
in a TypeError or in PostgreSQL's "unrecognized configuration parameter", at the first connection; Supavisor may ignore
what PgBouncer and PostgreSQL refuse.

## Example
```python
engine = create_async_engine(
    "postgresql+asyncpg://app@pooler.example.com:6543/app",
    connect_args={"server_settings": {"statement_cache_size": "0"}},
    execution_options={"no_prepare": True, "raw_sql": True},
)
```

## Use instead
```python
engine = create_async_engine(
    "postgresql+asyncpg://app@pooler.example.com:6543/app",
    connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0},
)
```

## Fix safety
Unsafe: what the option was meant to do is for its author to say. It goes, a size as a text becomes a number, and an
engine that would fail without it gets what works. An option in a URL or in another file is left; of libpq's only
`sslmode` is rewritten, to `ssl`.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Constant
from supavisor_lint.findings import Finding, Place
from supavisor_lint.project.engine_options import (
    NAMES,
    PREPARED,
    STATEMENTS,
    THRESHOLD,
    Ineffective,
    is_zero,
    values_of,
)
from supavisor_lint.project.engines import Engine
from supavisor_lint.project.libpq_options import REFUSED, advice
from supavisor_lint.project.pooler import PooledEngine
from supavisor_lint.rules.base import FileView, Rule

_PLACES = {
    "keyword": "as a keyword of the engine",
    "execution_options": "in `execution_options`",
    "connect_args": "in `connect_args`",
    "server_settings": "in `server_settings`",
    "url": "in the URL",
}
_EFFECTS = {
    "nothing": "does nothing",
    "engine fails": "raises TypeError when the engine is made",
    "connection fails": "makes every connection fail",
}


def detect(view: FileView) -> Iterator[Finding]:
    """The options of each engine that do not do what they say."""
    for engine in view.project.engines.of(view.file):
        pooled = PooledEngine(view.project, engine)
        for option in pooled.ineffective:
            where, related = _where(view, engine, option)
            yield RULE.at(view, where, _message(pooled, option), related=related)


def _where(view: FileView, engine: Engine, option: Ineffective) -> tuple[Node, list[Place]]:
    """Where the option stands; for one in another file the engine, with the place of the option."""
    if option.node is None or option.file is None:
        return engine.url, list(_texts(view, engine, option.name))
    if option.file is view.file:
        return option.node, [view.place(view.file, engine.call, "the engine is made here")]
    return engine.call, [view.place(option.file, option.node, f"`{option.name}` stands here")]


def _texts(view: FileView, engine: Engine, name: str) -> Iterator[Place]:
    """Where the file spells an option of a URL, if that is not in the engine's call itself."""
    for node in walk(view.file.module):
        text = node.value if isinstance(node, Constant) and not engine.call.contains(node) else None
        if isinstance(text, str) and (f"?{name}=" in text or f"&{name}=" in text):
            yield view.place(view.file, node, f"`{name}` stands here")


def _message(pooled: PooledEngine, option: Ineffective) -> str:
    value = " as a text" if option.is_text else ""
    return f"`{option.name}`{value} {_PLACES[option.where]} {_EFFECTS[option.effect]}; {_advice(pooled, option)}"


def _advice(pooled: PooledEngine, option: Ineffective) -> str:
    name, driver = option.name, pooled.driver
    if driver == "psycopg":
        return 'psycopg wants `connect_args={"prepare_threshold": None}` behind a pooler'
    replaced = option.where == "url" and option.effect == "nothing"
    if name in REFUSED and not replaced:
        return advice(name)
    if replaced or (name in (STATEMENTS, PREPARED) and _is_right_beside(pooled, name)):
        return "remove it: `connect_args` has it already"
    if name in (STATEMENTS, PREPARED):
        return f'write the number: `connect_args={{"{name}": 0}}`'
    if name == NAMES:
        return f"put `{name}` into `connect_args`"
    if name == "server_settings":
        return "put it into `connect_args`"
    if name == THRESHOLD:
        return 'it is psycopg\'s; asyncpg wants `connect_args={"statement_cache_size": 0}`'
    if pooled.fails() and not _is_right_beside(pooled, STATEMENTS):
        return f'remove it; asyncpg wants `connect_args={{"{STATEMENTS}": 0, "{PREPARED}": 0}}` behind a pooler'
    return "remove it"


def _is_right_beside(pooled: PooledEngine, name: str) -> bool:
    return all(is_zero(values_of(form.connect_args, name)) == {True} for form in pooled.engine.forms)


RULE = Rule("SUP502", "ineffective-engine-option", "warning", "hazards", "unsafe", __doc__, detect)
