"""The module that every program imports from: the text that the rules read, and the same text brought to life.

The rules see `judged/session.py` and `judged/support.py` below. At run time the same texts are executed; then the
engine, the factories and the small functions get recording twins, which the helpers find there by name.
"""

from __future__ import annotations

SESSION = '''"""Models, engines, factories and session helpers."""

from contextlib import asynccontextmanager

from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]


engine = create_async_engine("sqlite+aiosqlite:///main.db")
second_engine = create_async_engine("sqlite+aiosqlite:///second.db")
factory = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
expiring_factory = async_sessionmaker(engine, class_=AsyncSession)
second_factory = async_sessionmaker(second_engine, class_=AsyncSession, expire_on_commit=False)


@asynccontextmanager
async def get_session():
    session = factory()
    try:
        yield session
        await session.commit()
    except Exception:
        await session.rollback()
        raise
    finally:
        await session.close()


@asynccontextmanager
async def get_expiring_session():
    async with expiring_factory() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise


@asynccontextmanager
async def open_session():
    session = factory()
    try:
        yield session
    finally:
        await session.close()


@asynccontextmanager
async def get_second_session():
    async with second_factory() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise


async def get_db():
    session = factory()
    try:
        yield session
        await session.commit()
    except Exception:
        await session.rollback()
        raise
    finally:
        await session.close()


async def get_expiring_db():
    async with expiring_factory() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise


async def open_db():
    async with factory() as session:
        yield session
'''

SUPPORT = '''"""Small functions without a session."""


def fail(now):
    if now:
        raise ValueError("asked to fail")


def log(*values):
    print(*values)


def mark():
    return "a status that no other write uses"


def fresh():
    return "a name that no row has yet"


def taken(really):
    return "first" if really else fresh()
'''

HEAD = """from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from judged.session import (
    Job,
    expiring_factory,
    factory,
    get_db,
    get_expiring_db,
    get_expiring_session,
    get_second_session,
    get_session,
    open_db,
    open_session,
    second_factory,
)
from judged.support import fail, fresh, log, mark, taken
"""

FACTORIES = {"factory": ("main", False), "expiring_factory": ("main", True), "second_factory": ("second", False)}
"""Each factory: its database, and whether it expires on commit."""

SCHEMA = """
CREATE TABLE job (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL UNIQUE, status VARCHAR NOT NULL);
CREATE TABLE journal (value VARCHAR NOT NULL);
CREATE TRIGGER inserted AFTER INSERT ON job BEGIN INSERT INTO journal VALUES (new.status); END;
CREATE TRIGGER updated AFTER UPDATE ON job BEGIN INSERT INTO journal VALUES (new.status); END;
"""
"""The tables; the journal keeps every status that was ever committed, whatever was written over it later."""

EMPTY = "BEGIN; DELETE FROM job; DELETE FROM journal; COMMIT;"
RESET = "BEGIN; DELETE FROM job; INSERT INTO job VALUES (1, 'first', 'new'); DELETE FROM journal; COMMIT;"
