"""The modules that every generated task imports from: the text that the tool reads, and what is executed.

There are two session modules with the same names in them: `shop.session` keeps what it has loaded after a commit,
`shop.expiring` expires it. Each has one factory and one helper.
"""

from __future__ import annotations

MODELS = '''"""Models."""

import enum

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Status(str, enum.Enum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    done: Mapped[int] = mapped_column(default=0)


class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int]
    value: Mapped[str] = mapped_column(unique=True)
'''

_SESSION = '''"""The engine, its factory and the session helper."""

from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite:///{database}.db")
{factory} = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit={expires})


@asynccontextmanager
async def {helper}():
    session = {factory}()
    try:
        yield session
        await session.commit()
    except Exception:
        await session.rollback()
        raise
    finally:
        await session.close()
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


async def fetch(address):
    return f"what stands at {address}"
'''

FACTORIES = {
    "shop.session": ("main", "async_session_factory", "get_session", False),
    "shop.expiring": ("main", "async_session_factory", "get_session", True),
    "shop.second": ("second", "second_factory", "get_second_session", False),
}
"""By module: the database, the factory's name, the helper's name, whether it expires on commit."""

MODULES = {
    "shop": '"""A shop."""\n',
    "shop.models": MODELS,
    **{
        module: _SESSION.format(database=database, factory=factory, helper=helper, expires=expires)
        for module, (database, factory, helper, expires) in FACTORIES.items()
    },
    "shop.support": SUPPORT,
}

SCHEMA = """
CREATE TABLE job (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL UNIQUE, status VARCHAR NOT NULL, done INTEGER NOT NULL);
CREATE TABLE item (id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL, value VARCHAR NOT NULL UNIQUE);
"""
FIRST_ROWS = """
INSERT INTO job VALUES (1, 'first', 'pending', 0);
INSERT INTO item VALUES (1, 1, 'one'), (2, 1, 'two');
"""
"""What each run starts with."""

ROWS = ("SELECT id, name, status, done FROM job ORDER BY id", "SELECT id, job_id, value FROM item ORDER BY id")
"""What there is to see."""

DATABASES = ("main", "second")
