"""Loops over generators that give a session, in a project of one function."""

from __future__ import annotations

from pathlib import Path

from tests.flow_support import DATABASE, faults

GENERATORS = f"""{DATABASE}
from contextlib import asynccontextmanager
from sqlalchemy.ext.asyncio import AsyncSession

maybe = None


async def committing():
    async with sessions() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise
        finally:
            await session.close()


async def closing():
    async with sessions() as session:
        yield session


async def expiring_on_commit():
    session = expiring()
    try:
        yield session
        await session.commit()
    finally:
        await session.close()


async def committing_in_the_end():
    session = sessions()
    try:
        yield session
    finally:
        await session.commit()
        await session.close()


async def in_a_block():
    async with sessions() as session, session.begin():
        yield session


async def begun_by_the_factory():
    async with sessions.begin() as session:
        yield session


async def over_another():
    async for session in committing():
        yield session


async def over_a_closing_one():
    async for session in closing():
        yield session


async def by_choice(fast):
    if fast:
        async with sessions() as session:
            yield session
    else:
        async with expiring() as session:
            yield session


async def perhaps():
    if maybe is None:
        return
    async with sessions() as session:
        yield session


async def each():
    for make in (sessions, sessions):
        async with make() as session:
            yield session


async def the_same(session: AsyncSession):
    yield session


async def twice():
    async with sessions() as session:
        yield session
        yield session


opened = asynccontextmanager(committing)


class Store:
    async def get_db(self):
        async with sessions() as session:
            yield session
            await session.commit()

    async def work(self, job_id):
        async for session in self.get_db():
            await session.get(Job, job_id)
            async with session.begin():
                session.add(Job(id=2))
"""
WORK = """
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from app import database
from app.database import (
    Store, begun_by_the_factory, by_choice, closing, committing, committing_in_the_end, each, expiring_on_commit,
    in_a_block, opened, over_a_closing_one, over_another, perhaps, sessions, the_same, twice,
)
from app.models import Job
from elsewhere import get_db as of_a_package, risky


def log(*values):
    print(*values)


async def begins(session):
    async with session.begin():
        session.add(Job(id=3))


# supavisor-lint: task
async def work(job_id, names=()):
    BODY
"""


def found(root: Path, body: str) -> list[str]:
    return faults(root, WORK, body, GENERATORS)


def loop(*statements: str, over: str = "committing()") -> str:
    return "\n".join((f"async for session in {over}:", *(f"    {statement}" for statement in statements)))


ADD = "session.add(Job(id=2))"
INSERT = "await session.execute(insert(Job))"
READ = "job = await session.get(Job, job_id)"
BEGIN = "async with session.begin():"
BEGUN = f"SUP302 {BEGIN}"
