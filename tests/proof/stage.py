"""Runs one task with given answers and given faults, and notes all that it does to the database and to the world.

What is noted: each statement with its parameters, each commit with the rows that a second connection sees after it, each
call of a plain function (what it was given, and what a second connection sees meanwhile), what the task returns, what
escapes, the rows at the end, and the connections that nobody has given back.

A fault stands at a *step*: a statement, a commit or a plain call. The commit with which a session helper ends a
transaction that has only read is none: there the task without the helper rolled back, which nobody can tell apart.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import shutil
import sqlite3
import sys
import tempfile
import types
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidRequestError, SAWarning
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.ext.asyncio.session import AsyncSessionTransaction

from ..judge.driver import Connection, Cursor, Faults
from ..judge.recorder import Decisions
from .shop import FACTORIES, MODULES, RESET, ROWS, SCHEMA, STATUS

PROGRAM = "<task>"
"""The file name under which a task is compiled."""
_ADDRESS = re.compile(r"0x[0-9a-f]+")
_READS = ("SELECT", "BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT")

Step = str
"""What stands at a step: `statement`, `commit` or `call`."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run has done. `already_begun` is the length of the trace when a `begin()` first had to fail, if one did.

    `trace` is what happened, in order; `steps` are the places for faults; `flags` are the answers that it got.
    """

    flags: tuple[bool, ...]
    trace: tuple[tuple[Any, ...], ...]
    steps: tuple[Step, ...]
    escaped: str
    result: str
    rows: tuple[Any, ...]
    status: str
    left_out: int
    already_begun: int | None


@dataclass
class Notes:
    """What the run that is going on has done so far."""

    decisions: Decisions
    faults: Mapping[int, type[BaseException]]
    trace: list[tuple[Any, ...]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    already_begun: int | None = None
    count: int = 0

    def step(self, kind: Step) -> type[BaseException] | None:
        """A place for a fault; the error if it is one that fails."""
        self.steps.append(kind)
        return self.faults.get(len(self.steps) - 1)

    def number(self) -> int:
        """A number that is new in this run."""
        self.count += 1
        return self.count


class Stage:
    """Two databases with engines, factories and helpers over them; close it after use."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self._loop = asyncio.new_event_loop()
        self._readers = {name: self._database(name) for name in ("main", "second")}
        self._engines = {name: self._engine(name) for name in self._readers}
        self.notes = Notes(Decisions(), {})
        self._modules = self._brought_to_life()

    def close(self) -> None:
        """Remove the databases."""
        for engine in self._engines.values():
            self._loop.run_until_complete(engine.dispose())
        self._loop.close()
        for reader in self._readers.values():
            reader.close()
        shutil.rmtree(self._folder)

    def task(self, text: str) -> Any:
        """The task that a text defines."""
        sys.modules.update(self._modules)
        space: dict[str, Any] = {"__name__": "shop.tasks.generated", "print": self._log}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(text, PROGRAM, "exec", dont_inherit=True), space)
        return space["task"]

    def run(self, task: Any, flags: tuple[bool, ...], faults: Mapping[int, type[BaseException]]) -> Run:
        """One run of a task."""
        for reader in self._readers.values():
            reader.executescript(RESET)
        self.notes = notes = Notes(Decisions(flags), faults)
        escaped, result = "", ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)
            try:
                result = _plain(self._loop.run_until_complete(task(notes.decisions, 1)))
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                escaped = _plain(f"{type(error).__name__}: {error}")
            left_out = self._left_out()
        rows = self.rows()
        (status,) = self._readers["main"].execute(STATUS).fetchone() or ("",)
        taken = tuple(notes.decisions.taken)
        trace, steps = tuple(notes.trace), tuple(notes.steps)
        return Run(taken, trace, steps, escaped, result, rows, status, left_out, notes.already_begun)

    def rows(self) -> tuple[Any, ...]:
        """What a second connection sees."""
        return tuple(
            tuple(reader.execute(query).fetchall()) for reader in self._readers.values() for query in ROWS
        )

    # ------------------------------------------------------------------------------------------------- what it is

    def _database(self, name: str) -> sqlite3.Connection:
        reader = sqlite3.connect(self._folder / name, isolation_level=None)
        reader.execute("PRAGMA journal_mode=WAL")
        reader.execute("PRAGMA synchronous=OFF")
        reader.executescript(SCHEMA)
        return reader

    def _engine(self, name: str) -> AsyncEngine:
        async def connect() -> NotedConnection:
            return NotedConnection(str(self._folder / name), self)

        engine = create_async_engine(f"sqlite+aiosqlite:///{self._folder / name}", async_creator=connect)
        event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine

    def _left_out(self) -> int:
        """How many connections nobody has given back, not even the garbage collector; they are thrown away."""

        def count() -> int:
            return sum(engine.pool.checkedout() for engine in self._engines.values())  # type: ignore[attr-defined]

        if not count():
            return 0
        gc.collect()
        self._loop.run_until_complete(asyncio.sleep(0))
        left = count()
        if left:
            for engine in self._engines.values():
                self._loop.run_until_complete(engine.dispose())
        return left

    def _brought_to_life(self) -> dict[str, types.ModuleType]:
        modules: dict[str, types.ModuleType] = {}
        for name, text in MODULES.items():
            modules[name] = module = types.ModuleType(name)
            exec(compile(text, f"<{name}>", "exec", dont_inherit=True), module.__dict__)
            parent, _, own = name.rpartition(".")
            if parent:
                setattr(modules[parent], own, module)
        for name, (database, factory, _, expires) in FACTORIES.items():
            made = async_sessionmaker(
                self._engines[database], class_=NotedSession, expire_on_commit=expires, info={"stage": self}
            )
            setattr(modules[name], factory, made)
        space = modules["shop.support"].__dict__
        space.update(fail=self._fail, log=self._log, mark=self._mark, fresh=self._fresh, fetch=self._fetch)
        return modules

    # -------------------------------------------------------------------------------------------- what tasks call

    def plain_call(self, name: str, values: Sequence[object] = ()) -> None:
        """Note a call of a plain function, and raise what is to be raised there."""
        self.notes.trace.append((name, *map(_plain, values), self.rows()))
        error = self.notes.step("call")
        if error is not None:
            raise error("the call failed")

    def _fail(self, now: object) -> None:
        if now:
            self.plain_call("fail")
            raise ValueError("asked to fail")

    def _log(self, *values: object, **_: object) -> None:
        self.plain_call("log", values)

    def _mark(self) -> str:
        return f"mark {self.notes.number()}"

    def _fresh(self) -> str:
        return f"name {self.notes.number()}"

    async def _fetch(self, address: object) -> str:
        self.plain_call("fetch", (address,))
        await asyncio.sleep(0)
        return f"page {self.notes.number()} of {address}"


def _plain(value: object) -> str:
    return _ADDRESS.sub("0x", str(value))


# ------------------------------------------------------------------------------------------------- the noting twins


class NotedConnection(Connection):
    """The judge's driver, like PostgreSQL, which notes what it is sent."""

    def __init__(self, path: str, stage: Stage) -> None:
        super().__init__(path, Faults(), like_postgres=True)
        self.stage = stage
        self.wrote = False

    def cursor(self) -> NotedCursor:
        return NotedCursor(self)

    async def commit(self) -> None:
        if self.raw.in_transaction:
            await NotedCursor(self).execute("COMMIT")

    def check(self) -> None:
        super().check()
        error = self.stage.notes.step("statement")
        if error is not None:
            if error is asyncio.CancelledError:
                raise error
            raise error("the statement failed")


class NotedCursor(Cursor):
    """A cursor that notes statements and commits."""

    _connection: NotedConnection

    async def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> Cursor:
        connection = self._connection
        stage, word = connection.stage, sql.partition(" ")[0].upper()
        if word == "COMMIT":
            return await self._commit()
        if word not in ("BEGIN", "ROLLBACK") or " TO " in sql:
            stage.notes.trace.append(("sql", sql, tuple(parameters or ())))
        if word == "ROLLBACK" and " TO " not in sql:
            connection.wrote = False
        connection.wrote = connection.wrote or word not in _READS
        return await super().execute(sql, parameters)

    async def _commit(self) -> Cursor:
        connection, stage = self._connection, self._connection.stage
        only_ends = not connection.wrote and _is_called_by_helper()
        wrote, connection.wrote = connection.wrote, False
        if only_ends:
            return await super().execute("ROLLBACK")
        error = stage.notes.step("commit")
        if error is not None:
            stage.notes.trace.append(("commit fails",))
            await super().execute("ROLLBACK")
            raise error("the commit failed")
        await super().execute("COMMIT")
        if wrote:
            stage.notes.trace.append(("committed", stage.rows()))
        return self


def _is_called_by_helper() -> bool:
    at = sys._getframe(2)
    while at is not None:
        if at.f_code.co_filename.startswith("<shop."):
            return True
        at = at.f_back  # type: ignore[assignment]
    return False


class NotedTransaction(AsyncSessionTransaction):
    """`session.begin()`: notes when it has to fail because a transaction has begun already."""

    async def start(self, is_ctxmanager: bool = False) -> AsyncSessionTransaction:
        try:
            return await super().start(is_ctxmanager)
        except InvalidRequestError:
            notes: Notes = self.session.info["stage"].notes
            if notes.already_begun is None:
                notes.already_begun = len(notes.trace)
            raise


class NotedSession(AsyncSession):
    """A session that behaves like any other."""

    def begin(self) -> AsyncSessionTransaction:
        return NotedTransaction(self)


logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
