"""An engine for asyncpg or psycopg that fails behind a transaction pooler.

## What it finds
`create_async_engine(…)`, `async_engine_from_config(…)` and `AsyncEngine(create_engine(…))` for asyncpg without
`statement_cache_size=0` in `connect_args`, or for psycopg without `prepare_threshold=None`. With an asyncpg below 0.31
(`asyncpg-version`, else the project's requirement and lock files) `prepared_statement_name_func` is needed as well; and
where names are unique, `prepared_statement_cache_size=0` or NullPool. Engines of session modules are judged like all
others. Which addresses count as pooled is the setting `pooler`: "transaction" takes an unknown one as pooled, "auto"
wants a sign (port 6543 or 6432, "pooler", "supavisor" or "pgbouncer" in the address or in the names of its variables,
an option that only a pooler needs), "session" and "none" switch the rule off. Port 5432, names such as `DIRECT_URL` and
`TEST_DATABASE_URL`, and engines under `if TESTING:` are left alone, and so is what cannot be seen: another driver,
options that come from elsewhere.

## Why it matters
In transaction mode each transaction may get another server connection. A statement that was prepared under a name is
not there, or is there already, made by another process: `DuplicatePreparedStatementError`,
`InvalidSQLStatementNameError`, or another statement's result. It shows with a second process or after a restart, not on
the developer's machine; tasks then die before they can write a status, whatever their handlers do.

## Example
```python
engine = create_async_engine("postgresql+asyncpg://app@aws-0.pooler.supabase.com:6543/postgres", poolclass=NullPool)
```

## Use instead
```python
engine = create_async_engine(
    "postgresql+asyncpg://app@aws-0.pooler.supabase.com:6543/postgres",
    connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0},
)
```
With asyncpg below 0.31 also `"prepared_statement_name_func": lambda: f"__asyncpg_{uuid4()}__"`. `server_settings` such
as `jit` need PgBouncer's `ignore_startup_parameters`; that is outside of what this rule can see.

## Fix safety
Unsafe: the engine's address is not always known, and another driver (of SQLite in tests) refuses the options: the
fix says so where the URL comes from elsewhere. The options are put into the engine's own call, or into the dict that
only this call uses; what else has no effect there goes.
"""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.findings import Finding, Place
from supavisor_lint.project.data import Item
from supavisor_lint.project.engine_options import NAMES, PREPARED, STATEMENTS, THRESHOLD
from supavisor_lint.project.pooler import VALUES, PooledEngine
from supavisor_lint.rules.base import FileView, Rule

_OPTIONS = (STATEMENTS, PREPARED, NAMES, THRESHOLD)


def detect(view: FileView) -> Iterator[Finding]:
    """Engines that would fail even if their ineffective options worked: those others are SUP502's."""
    for engine in view.project.engines.of(view.file):
        pooled = PooledEngine(view.project, engine)
        if pooled.fails() and pooled.fails(as_meant=True):
            yield RULE.at(
                view,
                engine.call,
                _message(pooled),
                confidence="high" if pooled.is_stated and pooled.is_seen_pooled else "medium",
                related=_places(view, pooled),
            )


def _message(pooled: PooledEngine) -> str:
    if pooled.driver == "psycopg":
        return (
            "this psycopg engine prepares statements, which fails behind a transaction pooler; "
            'write `connect_args={"prepare_threshold": None}` (0 means "prepare at once")'
        )
    wanted = pooled.wanted
    reason = f" with {pooled.limit.shown}{_source(pooled)}" if pooled.limit is not None and NAMES in wanted else ""
    options = ", ".join(f'"{name}": {VALUES[name]}' for name in wanted)
    return (
        "this asyncpg engine keeps prepared statements, which fails behind a transaction pooler"
        f"{reason}; put `{options}` into its `connect_args`"
    )


def _source(pooled: PooledEngine) -> str:
    limit = pooled.limit
    return f" ({limit.path})" if limit is not None and limit.path else ""


def _places(view: FileView, pooled: PooledEngine) -> Iterator[Place]:
    """The options that are there and do not help."""
    seen: set[Item] = set()
    for form in pooled.engine.forms:
        for name in _OPTIONS:
            item = form.connect_args.items.get(name)
            if item is not None and item not in seen and len(seen) < 5:
                seen.add(item)
                yield view.place(item.file, item.node, f"`{name}` is set here")
    for option in pooled.ineffective:
        if option.file is not None and option.node is not None:
            yield view.place(option.file, option.node, f"`{option.name}` does not work here")


RULE = Rule("SUP501", "engine-not-pooler-safe", "error", "template", "unsafe", __doc__, detect)
