"""What is known of a session by how it was made: its options, its connection, the registry that gives it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import DATABASE, faults

READ = """
from contextlib import asynccontextmanager
from functools import partial
from sqlalchemy.ext.asyncio import AsyncSession
from app.models import Job
from app.database import engine, expiring, sessions

keeping = partial(expiring, expire_on_commit=False)
flushing = partial(expiring, autoflush=True)
twice = partial(partial(expiring, expire_on_commit=True), expire_on_commit=False)


def make(expire=False):
    return expiring(expire_on_commit=expire)


def make_with(**options):
    return expiring(**options)


@asynccontextmanager
async def opened(kept=False):
    async with make(expire=kept) as session, session.begin():
        yield session


@asynccontextmanager
async def lasting():
    async with expiring(expire_on_commit=False) as session:
        yield session


async def work(job_id):
    async with BODY as session:
        job = await session.get(Job, job_id)
        await session.commit()
    return job.id
"""
EXPIRED = ["SUP309 return job.id"]


@pytest.mark.parametrize(
    "made",
    [
        "keeping()",
        "twice()",
        "make()",
        "make(False)",
        "make(expire=bool(job_id))",
        "make_with(expire_on_commit=False)",
        "lasting()",
        "partial(expiring, expire_on_commit=False)()",
    ],
)
def test_objects_do_not_expire_where_the_session_is_asked_to_keep_them(tmp_path: Path, made: str) -> None:
    assert faults(tmp_path, READ, made) == []


@pytest.mark.parametrize(
    "made",
    [
        "expiring()",
        "flushing()",
        "keeping(expire_on_commit=True)",
        "make(True)",
        "make(expire=True)",
        "partial(sessions, expire_on_commit=True)()",
    ],
)
def test_objects_expire_where_it_is_not(tmp_path: Path, made: str) -> None:
    assert faults(tmp_path, READ, made) == EXPIRED


WRITE = """
from contextlib import asynccontextmanager
from functools import partial
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from app.models import Job
from app.database import engine, sessions


@asynccontextmanager
async def opened(connection):
    async with sessions(bind=connection) as session:
        yield session


async def work(job_id, given, typed: AsyncConnection, job_engine):
    async with engine.begin() as connection:
        BODY
"""
ADD = "session.add(Job(id=1))"


@pytest.mark.parametrize(
    "made",
    [
        "sessions(bind=connection)",
        "AsyncSession(connection)",
        "AsyncSession(bind=typed)",
        "sessions(bind=given)",
        "partial(sessions, bind=connection)()",
        "opened(connection)",
        'sessions(bind=connection, join_transaction_mode="rollback_only")',
    ],
)
def test_a_connection_keeps_what_a_session_on_it_writes(tmp_path: Path, made: str) -> None:
    assert faults(tmp_path, WRITE, f"async with {made} as session:\n    {ADD}\n    await session.flush()") == []
    if "opened" not in made:
        assert faults(tmp_path, WRITE, f"session = {made}\n{ADD}\nawait session.flush()\nawait session.close()") == []


@pytest.mark.parametrize(
    "made",
    [
        "sessions()",
        "sessions(bind=engine)",
        "AsyncSession(engine)",
        "AsyncSession(bind=job_engine)",
        'sessions(bind=connection, join_transaction_mode="create_savepoint")',
    ],
)
def test_a_session_of_an_engine_loses_it(tmp_path: Path, made: str) -> None:
    expected = [f"SUP308 {ADD}"]
    assert faults(tmp_path, WRITE, f"async with {made} as session:\n    {ADD}\n    await session.flush()") == expected
    if made.startswith("sessions"):
        assert faults(tmp_path, WRITE, f"session = {made}\n{ADD}\nawait session.close()") == expected


def test_a_factory_may_be_made_for_a_connection(tmp_path: Path) -> None:
    body = "from sqlalchemy.ext.asyncio import async_sessionmaker\nmake = async_sessionmaker(BIND)\n"
    body += f"async with make() as session:\n    {ADD}\n    await session.flush()"
    assert faults(tmp_path, WRITE, body.replace("BIND", "connection")) == []
    assert faults(tmp_path, WRITE, body.replace("BIND", "engine")) == [f"SUP308 {ADD}"]


REGISTRY = f"""
{DATABASE}
from asyncio import current_task
from sqlalchemy.ext.asyncio import async_scoped_session

Session = async_scoped_session(sessions, scopefunc=current_task)
"""
SCOPED = """
from app.models import Job
from app.database import Session, sessions


async def save():
    await Session().commit()


async def work(job_id):
    session = Session()
    await session.get(Job, job_id)
    BODY
    async with session.begin():
        session.add(Job(id=1))
"""
BEGIN = ["SUP302 async with session.begin():"]


@pytest.mark.parametrize("end", ["commit", "rollback", "close", "remove"])
def test_a_registry_ends_the_session_that_it_gives(tmp_path: Path, end: str) -> None:
    work = SCOPED.replace("await Session().commit()", "pass")
    assert faults(tmp_path, work, f"await Session.{end}()", REGISTRY) == []


def test_a_registry_may_be_asked_again_for_the_session(tmp_path: Path) -> None:
    assert faults(tmp_path, SCOPED, "await save()", REGISTRY) == []


@pytest.mark.parametrize("between", ["pass", "await sessions().commit()", "transaction.commit()"])
def test_nothing_else_ends_the_session_of_a_registry(tmp_path: Path, between: str) -> None:
    work = SCOPED.replace("await Session().commit()", "pass")
    assert faults(tmp_path, work, between, REGISTRY) == BEGIN


ASSIGNED = """
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from app.models import Job
from app.database import engine


async def work(job_id):
    session = MADE
    session.add(Job())
    BODY
    await session.close()
"""


@pytest.mark.parametrize("made", ["AsyncSession(engine)", "AsyncSession(bind=engine)", "async_sessionmaker(engine)()"])
def test_a_session_of_the_class_itself_is_followed_where_a_name_holds_it(tmp_path: Path, made: str) -> None:
    text = ASSIGNED.replace("MADE", made)
    assert faults(tmp_path, text, "await session.flush()") == ["SUP308 session.add(Job())"]
    assert faults(tmp_path, text, "await session.commit()") == []
