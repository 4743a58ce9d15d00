"""Running a task before and after its rewrite on SQLite, with a fault at each place where one can happen.

A task is a module's `work_with_own_session(job_id)`. Each call of `step()` in it, and each statement sent to the
database, fails once. Compared are the rows that are left, what escapes, and the connections still out.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import types
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

SESSION = """
from contextlib import asynccontextmanager
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")
session_factory = async_sessionmaker(engine, expire_on_commit={expires})


@asynccontextmanager
async def get_session():
    async with session_factory() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise
"""
MODELS = """
from sqlalchemy import Integer, String
from sqlalchemy.orm import DeclarativeBase, mapped_column


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "job"
    id = mapped_column(Integer, primary_key=True)
    status = mapped_column(String)
    url = mapped_column(String)


class Line(Base):
    __tablename__ = "line"
    id = mapped_column(Integer, primary_key=True)
    text = mapped_column(String)
"""
SUPPORT = """
async def step(value=None):
    return value


def plain(value=None):
    return value


async def add_line(session, text):
    from app.models import Line

    session.add(Line(text=text))
    await session.flush()


async def count_lines(session):
    from sqlalchemy import select

    from app.models import Line

    return len((await session.scalars(select(Line))).all())


async def save_line(session, text):
    from app.models import Line

    session.add(Line(text=text))
    await session.commit()
"""
HEAD = """
import logging

from sqlalchemy import delete, select, update

from app.models import Job, Line
from app.session import get_session
from app.support import add_line, count_lines, plain, save_line, step

logger = logging.getLogger(__name__)


"""


def project(task: str, *, expires: bool = False) -> dict[str, str]:
    """The files of a project whose only task is the given text (behind imports, at column 0)."""
    return {
        "app/__init__.py": "",
        "app/session.py": SESSION.format(expires=expires),
        "app/models.py": MODELS,
        "app/support.py": SUPPORT,
        "app/work.py": HEAD + task,
    }


MOST_FAULTS = 2


class Fault(Exception):  # noqa: N818 - it is named for what it is
    """What a step raises when it is its turn."""


@dataclass(frozen=True, slots=True)
class End:
    """How one run ended."""

    escaped: str
    jobs: tuple[tuple[Any, ...], ...]
    lines: tuple[tuple[Any, ...], ...]
    left_out: int


class _Faults:
    """Counts what can fail, and says when it is to: at the numbers `at` of the run."""

    def __init__(self) -> None:
        self.start(())

    def start(self, at: tuple[int, ...]) -> None:
        self.at = at
        self.count = 0

    def next(self) -> bool:
        self.count += 1
        return self.count - 1 in self.at

    @property
    def were_all_reached(self) -> bool:
        return all(number < self.count for number in self.at)


def ends(text: str, files: dict[str, str], folder: Path, job_ids: tuple[object, ...] = (1, 2, 99)) -> list[End]:
    """How the task ends for each job: without a fault, with one at each place in turn, and with two.

    Places are counted along the run: a rewrite asks the database for the same things in the same order.
    """
    with patch.dict(sys.modules):  # the project's modules must not be met by other tests
        return asyncio.run(_World(text, files, folder / "run.db").ends(job_ids))


class _World:
    """One database, and the project's modules brought to life over it."""

    def __init__(self, text: str, files: dict[str, str], database: Path) -> None:
        self._database = database
        self._database.unlink(missing_ok=True)
        self._faults = _Faults()
        self._out = 0
        self._engine = create_async_engine(f"sqlite+aiosqlite:///{database}")
        self._modules = self._brought_to_life(text, files)
        self._listen()

    def _listen(self) -> None:
        pool = self._engine.sync_engine.pool
        event.listen(pool, "connect", lambda connection, _: connection.execute("pragma synchronous=off"))
        event.listen(pool, "checkout", lambda *_: self._count(1))
        event.listen(pool, "checkin", lambda *_: self._count(-1))
        event.listen(self._engine.sync_engine, "before_cursor_execute", lambda *_: self._ask())

    def _count(self, number: int) -> None:
        self._out += number

    def _ask(self) -> None:
        if self._faults.next():
            raise sqlite3.OperationalError("the database has failed")

    def _brought_to_life(self, text: str, files: dict[str, str]) -> dict[str, types.ModuleType]:
        modules: dict[str, types.ModuleType] = {}
        for name in ("app", "app.session", "app.models", "app.support", "app.work"):
            modules[name] = sys.modules[name] = types.ModuleType(name)
        for name in ("session", "models", "support"):
            exec(files[f"app/{name}.py"], modules[f"app.{name}"].__dict__)
        expires = "expire_on_commit=True" in files["app/session.py"]
        modules["app.session"].__dict__["session_factory"] = async_sessionmaker(self._engine, expire_on_commit=expires)

        async def step(value: object = None) -> object:
            return plain(value)

        def plain(value: object = None) -> object:
            if self._faults.next():
                raise Fault
            return value

        modules["app.support"].__dict__.update(step=step, plain=plain)
        exec(compile(text, "work.py", "exec"), modules["app.work"].__dict__)
        return modules

    async def ends(self, job_ids: tuple[object, ...]) -> list[End]:
        """See `ends`."""
        async with self._engine.begin() as connection:
            await connection.run_sync(self._modules["app.models"].Base.metadata.create_all)
        found = [end for job_id in job_ids for end in await self._ends_with(job_id, ())]
        await self._engine.dispose()
        return found

    async def _ends_with(self, job_id: object, at: tuple[int, ...]) -> list[End]:
        end = await self._run(job_id, at)
        count = self._faults.count
        if not self._faults.were_all_reached:
            return []
        found = [end]
        if len(at) < MOST_FAULTS:
            for number in range(at[-1] + 1 if at else 0, count):
                found += await self._ends_with(job_id, (*at, number))
        return found

    async def _run(self, job_id: object, at: tuple[int, ...]) -> End:
        self._reset()
        self._out = 0
        self._faults.start(at)
        escaped = ""
        try:
            await self._modules["app.work"].work_with_own_session(job_id)
        except Exception as error:
            escaped = type(error).__name__
        return self._end(escaped)

    def _reset(self) -> None:
        with closing(sqlite3.connect(self._database)) as connection:
            connection.execute("pragma synchronous=off")
            connection.execute("delete from job")
            connection.execute("delete from line")
            connection.executemany(
                "insert into job values (?, 'pending', ?)", [(number, f"u{number}") for number in (1, 2)]
            )
            connection.commit()

    def _end(self, escaped: str) -> End:
        with closing(sqlite3.connect(self._database)) as connection:
            jobs = tuple(connection.execute("select id, status, url from job order by id"))
            lines = tuple(connection.execute("select text from line order by id"))
        return End(escaped, jobs, lines, self._out)
