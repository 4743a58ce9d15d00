"""A name that is declared, given a placeholder or passed in, and then bound again: what counts where it is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_support import around, task
from project_support import SESSION_MODULE, findings

HEAD = """
import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from app.session import async_session_factory
from elsewhere import lent


"""
START = """


def start(q):
    asyncio.create_task(work(q))
"""


def codes(root: Path, code: str) -> list[str]:
    """The codes for a module beside a session module, without those that are there whoever's session it is."""
    found = findings(root, {"app/__init__.py": "", "app/session.py": SESSION_MODULE, "app/tasks.py": HEAD + code})
    return sorted({line.split()[1] for line in found} - {"SUP101", "SUP304", "SUP404"})


def task_of(*lines: str, params: str = "q") -> str:
    """A task that runs these lines, then works on `s` and commits."""
    body = [*lines, "await s.execute(q)", "await s.commit()"]
    return f"async def work({params}):\n" + "".join(f"    {line}\n" for line in body) + START


# ------------------------------------------------------------------------------------------------------------- silence

LENT = [
    ("s: AsyncSession | None = None", "s = lent()"),
    ("s: AsyncSession", "s = lent()"),
    ("s: AsyncSession | None = None", "if q:", "    s = lent()"),
    ("s = async_session_factory()", "s = lent()"),
]


@pytest.mark.parametrize("lines", LENT)
def test_what_nobody_knows_is_not_the_tasks_own(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert codes(tmp_path, task_of(*lines)) == []


def test_a_parameter_that_is_replaced_only_when_missing_stays_the_callers(tmp_path: Path) -> None:
    code = task_of("if s is None:", "    s = async_session_factory()", params="q, s: AsyncSession | None = None")
    assert codes(tmp_path, code) == []


def test_what_a_nested_function_binds_is_not_overwritten_by_what_stands_after_it(tmp_path: Path) -> None:
    code = task_of(
        "s = None",
        "def lend():",
        "    nonlocal s",
        "    s = lent()",
        "s = async_session_factory()",
        "lend()",
    )
    assert codes(tmp_path, code) == []


def test_an_object_that_opens_its_declared_session_itself_hands_no_request_session_over(tmp_path: Path) -> None:
    code = """
class Work:
    session: AsyncSession | None = None

    async def run(self, q):
        try:
            self.session = async_session_factory()
            await self.session.execute(q)
            await self.session.commit()
        except Exception:
            print("failed")
            raise


def start(q):
    asyncio.create_task(Work().run(q))
"""
    assert codes(tmp_path, code) == []


# ------------------------------------------------------------------------------------------------------------ findings

OWN = [
    ("s: AsyncSession | None = None", "s = async_session_factory()"),
    ("s: AsyncSession", "s = async_session_factory()"),
    ("s: AsyncSession | None = None", "if q:", "    s = async_session_factory()"),
    ("s: AsyncSession | None = None", "s: AsyncSession = async_session_factory()"),
    ("s = None", "s = async_session_factory()"),
    ("s = lent()", "s = async_session_factory()"),
    ("for q in q:", "    s = lent()", "s = async_session_factory()"),
]


@pytest.mark.parametrize("lines", OWN)
def test_a_session_opened_after_a_placeholder_is_the_tasks_own(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert codes(tmp_path, task_of(*lines)) == ["SUP401"]


def test_a_parameter_that_is_always_replaced_is_the_tasks_own_from_there_on(tmp_path: Path) -> None:
    code = task_of("s = async_session_factory()", params="q, s: AsyncSession | None = None")
    assert codes(tmp_path, code) == ["SUP203", "SUP401"]


def test_the_inventory_sees_the_handler_round_a_replaced_parameter(tmp_path: Path) -> None:
    body = (
        "session = async_session_factory()\n    try:\n        await session.execute(q)\n"
        "    except Exception:\n        logger.exception('x')"
    )
    found = task(tmp_path, around(body, given=True))
    assert (found.session, found.handlers) == ("factory", ("inner",))


# -------------------------------------------------------------------------------------- where no value tells: the type

DECLARED = """
from contextvars import ContextVar
from dataclasses import dataclass, field

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from elsewhere import container, lent

current: ContextVar[AsyncSession] = ContextVar("current")


@dataclass
class Given:
    factory: async_sessionmaker[AsyncSession] = field(default_factory=lent)
    name: str = field(default="")


class Kept(BaseModel):
    factory: async_sessionmaker[AsyncSession] | None = Field(None, exclude=True)


class Client:
    def __init__(self, factory, name):
        self.factory: async_sessionmaker[AsyncSession] = factory
        self.name: str = name


"""


@pytest.mark.parametrize(
    "opening",
    [
        "given.factory()",
        "kept.factory()",
        "client.factory()",
        "local()",
    ],
)
def test_a_declared_factory_is_one_whatever_gives_it(tmp_path: Path, opening: str) -> None:
    code = f"""async def work(given: Given, kept: Kept, client: Client):
    local: async_sessionmaker[AsyncSession] = container.factory()
    async with {opening} as session:
        await session.execute("select 1")
"""
    assert [line.split()[1] for line in findings(tmp_path, {"use.py": DECLARED + code})] == ["SUP101"]


@pytest.mark.parametrize("value", ["container.session()", "current.get()", "await container.session()", "session"])
def test_a_declared_session_is_one_whatever_gives_it(tmp_path: Path, value: str) -> None:
    code = f"""import asyncio


async def other(s):
    await s.execute("select 1")


async def work(session):
    s: AsyncSession = {value}
    asyncio.create_task(other(s))
"""
    assert [line.split()[1] for line in findings(tmp_path, {"use.py": DECLARED + code})] == ["SUP202"]


@pytest.mark.parametrize("opening", ["given.name()", "client.name()", "local()"])
def test_a_declared_type_that_means_nothing_here_is_none(tmp_path: Path, opening: str) -> None:
    code = f"""async def work(given: Given, client: Client):
    local: object = container.factory()
    async with {opening} as session:
        await session.execute("select 1")
"""
    assert findings(tmp_path, {"use.py": DECLARED + code}) == []


# ------------------------------------------------------------------------------------ `None`, until somebody sets it up

LATER = """
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

factory = None
database = None


class Database:
    @asynccontextmanager
    async def session(self):
        async with factory() as session:
            yield session
            await session.commit()


def start(url):
    global factory, database
    factory = async_sessionmaker(create_async_engine(url))
    database = Database()
"""


@pytest.mark.parametrize("opening", ["late.factory()", "late.database.session()"])
def test_what_is_set_up_later_is_what_it_is_then(tmp_path: Path, opening: str) -> None:
    code = f"""
    from app import late

    async def work(q):
        async with {opening} as session:
            await session.execute(q)
            async with session.begin():
                await session.execute(q)
    """
    files = {"app/__init__.py": "", "app/late.py": LATER, "app/use.py": code}
    assert findings(tmp_path, files, select=("SUP302",)) == ["app/use.py:7 SUP302"]


def test_what_is_never_set_up_is_nothing(tmp_path: Path) -> None:
    code = """
    from app import late

    nothing = None

    async def work(q):
        async with nothing() as session, nothing.session() as other:
            await session.execute(q)
            async with session.begin(), other.begin():
                await session.execute(q)
    """
    assert findings(tmp_path, {"app/__init__.py": "", "app/late.py": LATER, "app/use.py": code}) == []
