"""Whether an engine works behind a pooler in transaction mode. Unknown options never make it fail.

What holds was measured (asyncpg 0.30.0 and 0.32.0, SQLAlchemy 2.0 and 2.1, PgBouncer 1.18 with several processes at
once, and a type of the database's own, for which asyncpg asks by statements of its own):

- asyncpg needs `statement_cache_size=0`, an int in connect_args. From 0.31 on that is enough; before, SQLAlchemy's
  statements keep their counted names, and need `prepared_statement_name_func` as well.
- Unique names bring SQLAlchemy's own cache back: they need `prepared_statement_cache_size=0` or NullPool, too. The
  name `""` needs neither.
- psycopg needs `prepare_threshold=None`; 0 means "prepare at once", and NullPool only lowers the number of errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from supavisor_lint.facts.tree import Constant, FString
from supavisor_lint.project import engines
from supavisor_lint.project.data import Data, Map, Plain, Text, Thing, Unclear, Url
from supavisor_lint.project.engine_options import (
    NAMES,
    PREPARED,
    STATEMENTS,
    THRESHOLD,
    Ineffective,
    ineffective_options,
    is_none,
    is_zero,
    values_of,
)
from supavisor_lint.project.engines import Engine, Form
from supavisor_lint.project.project import Project
from supavisor_lint.project.requirements import Limit, limit_of, only_driver, parsed_version
from supavisor_lint.project.urls import all_words, driver_of, place_of
from supavisor_lint.project.values import LambdaValue
from supavisor_lint.settings import Pooler, Settings

Naming: TypeAlias = Literal["counted", "unique", "empty"]

UNNAMED_SINCE = (0, 31)
"""The asyncpg whose `prepare()` needs no name when its cache is off (MagicStack/asyncpg#1245)."""

VALUES = {STATEMENTS: "0", PREPARED: "0", NAMES: 'lambda: f"__asyncpg_{uuid4()}__"', THRESHOLD: "None"}
"""The values, as they are written in `connect_args`, with which an engine works behind a pooler."""

_ASYNCPG_KEYS = frozenset(
    {
        STATEMENTS,
        PREPARED,
        NAMES,
        "server_settings",
        "command_timeout",
        "connection_class",
        "max_cached_statement_lifetime",
        "max_cacheable_statement_size",
    }
)
_PSYCOPG_KEYS = frozenset({THRESHOLD, "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"})
_TESTS = re.compile(r"(?:^|_)test(?:s|ing)?(?:_|$)", re.IGNORECASE)
_THIS_DATABASE = ("postgres", "asyncpg", "psycopg")
_OTHER_DATABASES = ("sqlite", "mysql", "mariadb", "oracle", "mssql")


@dataclass(eq=False)
class PooledEngine:
    """An engine with the answers to what it connects by, whereto, and whether that works."""

    project: Project
    engine: Engine

    @property
    def mode(self) -> Pooler:
        """What counts as pooled."""
        return self.project.settings.pooler_in_force

    @cached_property
    def driver(self) -> str | None:
        """ "asyncpg" or "psycopg"; "other" when the engine is for another database, None when that is unknown."""
        stated = {driver_of(url) for url in self.engine.urls}
        if None in stated and self._is_tested_for_another():
            return "other"  # `if url.startswith("sqlite"):`, whatever the URL is by default
        known = stated & {"asyncpg", "psycopg"}
        if known:
            return known.pop() if len(known) == 1 else None
        if None not in stated:
            return "other"
        return self._hinted

    @cached_property
    def is_stated(self) -> bool:
        """Whether every alternative of the URL names the driver itself."""
        return all(driver_of(url) is not None for url in self.engine.urls)

    def _is_tested_for_another(self) -> bool:
        """Whether the conditions around the engine say that it is for another database."""
        holding, failing = self.engine.tests
        return _mention(holding, _OTHER_DATABASES) or _mention(failing, _THIS_DATABASE)

    @cached_property
    def _hinted(self) -> str | None:
        """The driver of an unknown URL, where something else names one and nothing contradicts."""
        hints = {"psycopg" if d.startswith("psycopg") else d for d in self._hints()} & {"asyncpg", "psycopg"}
        if len(hints) == 1:
            return hints.pop()
        required = only_driver(self.project.requirements(self.engine.file.path)) if not hints else None
        return required if required in ("asyncpg", "psycopg") else "other" if required is not None else None

    def _hints(self) -> Iterator[str]:
        for url in self.engine.urls:
            if isinstance(url.scheme, Unclear):
                yield from url.scheme.drivers
                yield from ("asyncpg" for word in url.scheme.words if "asyncpg" in word.lower())
        yield from ("asyncpg" for word in self.engine.tests[0] if "asyncpg" in word.lower())
        for form in self.engine.forms:
            keys = form.connect_args.items.keys()
            yield from ("asyncpg" for _ in keys & _ASYNCPG_KEYS)
            yield from ("psycopg" for _ in keys & _PSYCOPG_KEYS)

    # ----------------------------------------------------------------------------------------------------- whereto

    @cached_property
    def pooled(self) -> tuple[Url, ...]:
        """The alternatives of its URL that lead, or are taken to lead, to a pooler in transaction mode."""
        urls = [url for url in self.engine.urls if driver_of(url) != "other" and not self._is_for_tests(url)]
        if self.mode == "transaction":
            return tuple(url for url in urls if place_of(url) != "direct")
        if self.mode == "auto":
            has_option = any(self._has_pooler_option(form) for form in self.engine.forms)
            wanted = ("pooler", "unknown") if has_option else ("pooler",)
            return tuple(url for url in urls if place_of(url) in wanted)
        return ()

    def _is_for_tests(self, url: Url) -> bool:
        """Whether an unknown address is that of a test's database, by its name or by `if settings.TESTING:`."""
        if place_of(url) != "unknown":
            return False
        return any(_TESTS.search(word) for word in (*self.engine.tests[0], *all_words(url)))

    @property
    def is_seen_pooled(self) -> bool:
        """Whether the code itself says so."""
        return any(place_of(url) == "pooler" for url in self.pooled)

    def _has_pooler_option(self, form: Form) -> bool:
        """Whether somebody has thought of a pooler: a cache turned off, names made unique, one of the no-ops."""
        args = form.connect_args
        if True in is_zero(values_of(args, STATEMENTS)) | is_zero(values_of(args, PREPARED)):
            return True
        if not args.items.keys().isdisjoint({NAMES, THRESHOLD}):
            return True
        return any(option.is_for_pooler for option in self.ineffective)

    # ---------------------------------------------------------------------------------------------- whether it works

    @cached_property
    def ineffective(self) -> list[Ineffective]:
        """The options that do not do what they say."""
        driver = self.driver
        return ineffective_options(self.engine, driver if driver in ("asyncpg", "psycopg") else None)

    @cached_property
    def limit(self) -> Limit | None:
        """What keeps asyncpg below the version that needs no names; None when nothing does."""
        settings: Settings = self.project.settings
        if settings.asyncpg_version is not None:
            version = parsed_version(settings.asyncpg_version)
            is_old = version < UNNAMED_SINCE
            return Limit((*version, 1), f"asyncpg {settings.asyncpg_version}", "") if is_old else None
        limit = limit_of("asyncpg", self.project.requirements(self.engine.file.path))
        return limit if limit is not None and limit.below <= UNNAMED_SINCE else None

    def fails(self, as_meant: bool = False) -> bool:
        """Whether it fails at one of its pooled addresses, with every alternative of its options.

        `as_meant`: if the ineffective ones did what they say.
        """
        if self.driver not in ("asyncpg", "psycopg") or not self.pooled:
            return False
        if engines.has_connect_hook(self.engine.file, _ASYNCPG_KEYS | _PSYCOPG_KEYS):
            return False
        return any(not any(self._may_work(f, url, as_meant) for f in self.engine.forms) for url in self.pooled)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The options of `connect_args` that make an engine work which fails: what is needed, and what goes with it."""
        if self.driver == "psycopg":
            return (THRESHOLD,)
        lacking = self._lacking()
        advised = {*lacking, PREPARED} if STATEMENTS in lacking else set(lacking)
        return tuple(name for name in (STATEMENTS, PREPARED, NAMES) if name in advised)

    def _lacking(self) -> list[str]:
        """The options that no alternative of the engine has as it needs them."""
        lacking = []
        forms = self.engine.forms
        if not any(True in is_zero(values_of(form.connect_args, STATEMENTS)) for form in forms):
            lacking.append(STATEMENTS)
        has_names = any(NAMES in form.connect_args.items for form in forms)
        if not any(True in is_zero(values_of(form.connect_args, PREPARED)) for form in forms) and (
            has_names or self.limit is not None
        ):
            lacking.append(PREPARED)
        if self.limit is not None and not has_names:
            lacking.append(NAMES)
        return lacking or [STATEMENTS]

    def _may_work(self, form: Form, url: Url, as_meant: bool) -> bool:
        if form.makes_connections or form.connect_args.is_open:
            return True
        meant = {option.name for option in self.ineffective} if as_meant else set()
        if self.driver == "psycopg":
            return True in is_none(values_of(form.connect_args, THRESHOLD)) or THRESHOLD in meant
        statements = _possibly(is_zero(values_of(form.connect_args, STATEMENTS)), STATEMENTS in meant)
        prepared = _possibly(self._prepared(form, url), PREPARED in meant)
        naming = self._naming(form)
        if NAMES in meant:
            naming.add("unique")
        return any(
            self._works(size, other, names, pool)
            for size in statements
            for other in prepared
            for names in naming
            for pool in self.engine.null_pool
        )

    def _works(self, statements: bool, prepared: bool, naming: Naming, null_pool: bool) -> bool:
        if not statements:
            return False
        if naming == "unique":
            return prepared or null_pool
        return naming == "empty" or self.limit is None

    def _prepared(self, form: Form, url: Url) -> frozenset[bool]:
        """Whether SQLAlchemy's own cache is off; in the URL the text "0" does it."""
        answers = set(is_zero(values_of(form.connect_args, PREPARED)))
        in_url = values_of(url.query, PREPARED)
        if any(isinstance(value, Text) and value.whole in ("0", None) for value in in_url) or url.query.is_open:
            answers.add(True)
        return frozenset(answers)

    def _naming(self, form: Form) -> set[Naming]:
        if "connection_class" in form.connect_args.items:  # it may make the names itself
            return {"unique", "empty"}
        return {name for value in values_of(form.connect_args, NAMES) for name in _naming_of(value)}


def _mention(words: Iterable[str], names: Iterable[str]) -> bool:
    return any(name in word.lower() for word in words for name in names)


def _naming_of(value: Data | None) -> Iterable[Naming]:
    match value:
        case None | Plain() | Text() | Map():
            return ("counted",)
        case Thing(LambdaValue(_, node)):
            if isinstance(node.body, Constant):
                return ("empty",) if node.body.value == "" else ("counted",)
            return ("unique",) if isinstance(node.body, FString) else ("unique", "empty")
        case _:
            return ("unique", "empty")


def _possibly(answers: frozenset[bool], is_meant: bool) -> frozenset[bool]:
    return answers | {True} if is_meant else answers
