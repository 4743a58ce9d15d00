"""Runs one program on every input against SQLAlchemy, and collects what goes wrong.

An input is the sequence of answers that the program gets from `flags`: each read is a free choice, so that every path
through the program is some input. `World` is one database with the prelude brought to life; it is used for many
programs. With faults, each statement sent to the database fails once as well: what an `except` may meet.
"""

from __future__ import annotations

import asyncio
import logging
import random
import shutil
import sqlite3
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidRequestError, MissingGreenlet, SAWarning, StatementError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import object_session
from sqlalchemy.orm.exc import DetachedInstanceError

from .driver import FAULTS, Faults, connect
from .entering import brought_to_life
from .events import Event, Kind
from .lines import Lines
from .prelude import EMPTY, FACTORIES, RESET, SCHEMA, SESSION, SUPPORT
from .recorder import NOW, Decisions, Mark, Recorder, may_fail, stack
from .sessions import JudgedSession

MOST_FAULTS = 2
"""How many faults (or an aid and one) a run has at most."""
MOST_FAULTY_RUNS = 700
"""How many runs with faults are made at most of one program."""
MOST_RUNS = 160
"""How many inputs of one program are tried at most."""


class Aid(IntEnum):
    """What a run is eased with, to see whether a finding is possible; nothing has to be found for what it shows.

    It stands among the faults of the run: empty tables, or reads of expired attributes that do not raise (they have
    findings of their own, and hide what is behind them).
    """

    NO_ROWS = -1
    READS_PASS = -2


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the answers that the program got, the statements that were made to fail (or an Aid), what went wrong.

    `saved` are the lines of the writes that were committed, `status` is the job's at the end, `entered` are the names
    of the helpers that were called and the lines of the handlers.
    """

    flags: tuple[bool, ...]
    faults: tuple[int, ...]
    events: tuple[Event, ...]
    escaped: str
    saved: tuple[int, ...]
    status: str
    entered: frozenset[str | int] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """All runs of a program; `complete` says that no input was left out."""

    runs: tuple[Run, ...]
    complete: bool


class World:
    """Two databases, engines, factories and helpers; close it after use."""

    def __init__(self, like_postgres: bool = True, real_driver: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self._like_postgres = like_postgres
        self._real_driver = real_driver
        self._faults = Faults()
        self._loop = asyncio.new_event_loop()
        self._readers = {name: self._database(name) for name in ("main", "second")}
        self._engines = {name: self._engine(name) for name in self._readers}
        self._session = _module("judged.session", SESSION)
        self._support = _module("judged.support", SUPPORT)
        self._bring_to_life()

    def close(self) -> None:
        """Remove the databases."""
        for engine in self._engines.values():
            self._loop.run_until_complete(engine.dispose())
        self._loop.close()
        for reader in self._readers.values():
            reader.close()
        shutil.rmtree(self._folder)

    def _database(self, name: str) -> sqlite3.Connection:
        reader = sqlite3.connect(self._folder / name, isolation_level=None)
        reader.execute("PRAGMA journal_mode=WAL")
        reader.execute("PRAGMA synchronous=OFF")
        reader.executescript(SCHEMA)
        return reader

    def _engine(self, name: str) -> AsyncEngine:
        path = str(self._folder / name)
        if self._real_driver:
            connect_args = {"timeout": 0, "isolation_level": None}
            engine = create_async_engine(f"sqlite+aiosqlite:///{path}", connect_args=connect_args)
        else:
            engine = create_async_engine(
                f"sqlite+aiosqlite:///{path}",
                async_creator=lambda: connect(path, self._faults, self._like_postgres),
            )
        event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine

    def _bring_to_life(self) -> None:
        space: dict[str, Any] = self._session.__dict__
        for name, (database, expires) in FACTORIES.items():
            space[name] = async_sessionmaker(
                self._engines[database], class_=JudgedSession, expire_on_commit=expires, info={"database": database}
            )
        _record_attributes(space["Base"])
        self._support.__dict__.update(fail=_fail, mark=_mark, fresh=_fresh, log=_log)

    # --------------------------------------------------------------------------------------------------------- runs

    def outcome(self, text: str, is_explained: Callable[[Outcome], bool] | None = None) -> Outcome:
        """Run a program on every input, up to a limit; with one fault and with two until all is explained."""
        lines = Lines(text)
        sys.modules["judged"] = types.ModuleType("judged")
        sys.modules.update({module.__name__: module for module in (self._session, self._support)})
        task = brought_to_life(text)["task"]
        runs, complete, statements = self._every_input(task, lines, {})
        outcome = Outcome(tuple(runs), complete)
        if is_explained is None or not complete or is_explained(outcome):
            return outcome
        for aid in Aid:
            aided, _, more_statements = self._every_input(task, lines, {}, aid)
            statements = max(statements, more_statements)  # an aid may get further
            runs += aided
            if is_explained(Outcome(tuple(aided), True)):
                return Outcome(tuple(runs), True)
        left = MOST_FAULTY_RUNS
        seen: dict[tuple[int, type[Exception]], int] = {}
        for faults in _faults(statements, seen):
            more, all_tried, count = self._every_input(task, lines, faults)
            if len(faults) == 1:
                seen.update((fault, count) for fault in faults.items())
                more += [run for aid in Aid for run in self._every_input(task, lines, faults, aid)[0]]
            runs += more
            complete = complete and (all_tried or len(faults) > 1)
            left -= len(more)
            if any(run.events for run in more) and is_explained(Outcome(tuple(more), True)):
                break
            if left < 0:
                return Outcome(tuple(runs), False)
        return Outcome(tuple(runs), complete)

    def _every_input(
        self, task: Any, lines: Lines, faults: dict[int, type[Exception]], aid: Aid | None = None
    ) -> tuple[list[Run], bool, int]:
        """All inputs, depth first: the runs, whether none was left out, the most statements of a run.

        Of a run in which something happens that only SQLite does, the events before that count.
        """
        runs: list[Run] = []
        complete = True
        statements = 0
        given: tuple[bool, ...] = ()
        for _ in range(MOST_RUNS):
            run, spoiled = self.run(task, lines, given, faults, aid)
            statements = max(statements, self._faults.seen)
            complete = complete and not spoiled
            runs.append(run)
            taken = list(run.flags)
            while taken and taken[-1]:
                taken.pop()
            if not taken:
                return runs, complete, statements
            given = (*taken[:-1], True)
        return runs, False, statements

    def run(
        self,
        task: Any,
        lines: Lines,
        flags: tuple[bool, ...],
        faults: dict[int, type[Exception]],
        aid: Aid | None = None,
    ) -> tuple[Run, bool]:
        """One run of a program, and whether something happened in it that only SQLite does."""
        for reader in self._readers.values():
            reader.executescript(EMPTY if aid is Aid.NO_ROWS else RESET)
        self._faults.planned, self._faults.seen = faults, 0
        NOW.recorder = recorder = Recorder(lines, Decisions(flags), self._faults, self._readers)
        recorder.no_rows, recorder.reads_pass = aid is Aid.NO_ROWS, aid is Aid.READS_PASS
        escaped, reason = "", None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)
            try:
                self._loop.run_until_complete(task(recorder.decisions, 1))
            except Exception as error:
                reason = error
                escaped = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        if reason is None:
            self._loop.run_until_complete(_collected())
        for book in recorder.books:
            book.settle("end", (), reason, False)
            if book.session.in_transaction():  # nobody closed it
                self._loop.run_until_complete(AsyncSession.close(book.owner))
        if reason is not None:
            self._loop.run_until_complete(_collected())
        (status,) = self._readers["main"].execute("SELECT status FROM job WHERE id = 1").fetchone() or ("",)
        events, saved = tuple(recorder.events), tuple(recorder.saved)
        planned = tuple(faults) if aid is None else (aid, *faults)
        entered = frozenset(recorder.entered)
        run = Run(tuple(recorder.decisions.taken), planned, events, escaped, saved, status, entered)
        return run, recorder.spoiled


async def _collected() -> None:
    """Let the loop close the generators that nobody goes on with."""
    await asyncio.sleep(0)
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


def _module(name: str, text: str) -> types.ModuleType:
    module = types.ModuleType(name)
    exec(compile(text, f"<{name}>", "exec", dont_inherit=True), module.__dict__)
    return module


# ------------------------------------------------------------------------------------------- what programs call


def _fail(now: bool) -> None:
    if now:
        NOW.recorder.error(stack())
        raise ValueError("asked to fail")


def _mark() -> Mark:
    recorder = NOW.recorder
    may_fail()
    recorder.mark = Mark(f"mark {recorder.tick()}")
    recorder.mark.lines = stack()
    return recorder.mark


def _fresh() -> str:
    return f"name {NOW.recorder.tick()}"


def _log(*values: object) -> None:
    """The values were read; nobody prints them."""
    may_fail()


def _record_attributes(base: Any) -> None:
    """Note the reads that fail, and the writes, of the attributes of all models."""

    def read(self: Any, name: str) -> Any:
        try:
            return object.__getattribute__(self, name)
        except (MissingGreenlet, StatementError) as error:
            if isinstance(error, StatementError) and not isinstance(error.orig, MissingGreenlet):
                raise
            _note(self, "greenlet", error)
            if NOW.recorder.reads_pass:
                return None
            raise
        except DetachedInstanceError as error:
            _note(self, "detached", error)
            raise
        except InvalidRequestError as error:
            session = object_session(self)
            if session is not None:
                session.info["book"].failed("read", stack(), error)
            raise

    def write(self: Any, name: str, value: Any) -> None:
        session = object_session(self) if isinstance(value, Mark) else None
        try:
            object.__setattr__(self, name, value)
        except Exception as error:
            if session is not None:
                session.info["book"].failed("set", stack(), error)
            raise
        if session is not None:
            row = 1 if self.__dict__.get("id") == 1 else None
            session.info["book"].wrote(value, stack(), row, self)

        if session is not None:
            session.info["book"].look(stack())

    base.__getattribute__ = read
    base.__setattr__ = write


def _note(target: Any, kind: Kind, error: Exception) -> None:
    lines, recorder, session = stack(3), NOW.recorder, object_session(target)
    recorder.error(lines)
    if session is not None:
        session.info["book"].attribute(kind, lines, str(error))
    else:
        recorder.event(kind, lines, required=False, text=str(error))


logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


def _faults(statements: int, seen: dict[tuple[int, type[Exception]], int]) -> Iterator[dict[int, type[Exception]]]:
    """Every single fault, then every pair: a handler may fail for a reason of its own.

    `seen` is filled meanwhile: how many statements there were with each single fault.
    """
    for first in range(statements):
        for error in FAULTS:
            yield {first: error}
    pairs = [
        {first: error, second: other}
        for (first, error), count in seen.items()
        for second in range(first + 1, count)
        for other in FAULTS
    ]
    random.Random(len(pairs)).shuffle(pairs)  # the limit of runs cuts off any of them, not always the last
    yield from pairs
