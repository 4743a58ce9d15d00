"""A query sends what has changed before, unless the session's factory says `autoflush=False`."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_support import findings

MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
"""
FACTORIES = """
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")
plain = async_sessionmaker(engine, expire_on_commit=False)
"""
HEAD = """
import logging
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from app.db import plain, quiet
from app.models import Job

logger = logging.getLogger(__name__)
"""
QUIET = "quiet = async_sessionmaker(engine, expire_on_commit=False, autoflush=False)\n"
READ = "logger.exception('%s', job.id)"


def found_in(tmp_path: Path, text: str, factories: str) -> list[str]:
    """The findings, by place and code."""
    files = {"app/__init__.py": "", "app/models.py": MODELS, "app/db.py": factories, "app/jobs.py": text}
    return findings(tmp_path, files, profile="hazards")


def expired(tmp_path: Path, text: str, factories: str = FACTORIES + QUIET) -> list[str]:
    """The lines of which SUP309 complains, as they stand in the text."""
    text = HEAD + text
    found = found_in(tmp_path, text, factories)
    lines = [int(f.split(":")[1].split()[0]) for f in found if f.endswith("SUP309")]
    return [text.splitlines()[line - 1].strip() for line in lines]


def opened(source: str, work: str = "await session.execute(select(Job))") -> str:
    return f"""
async def run(job_id):
    async with {source} as session:
        job = await session.get_one(Job, job_id)
        job.status = "running"
        try:
            {work}
        except Exception:
            {READ}
        await session.commit()
"""


@pytest.mark.parametrize("source", ["quiet()", "plain(autoflush=False)"])
def test_nothing_expires_where_the_query_sends_nothing(tmp_path: Path, source: str) -> None:
    assert expired(tmp_path, opened(source)) == []


@pytest.mark.parametrize("source", ["plain()", "quiet(autoflush=True)"])
def test_what_the_query_sends_first_may_fail(tmp_path: Path, source: str) -> None:
    assert expired(tmp_path, opened(source)) == [READ]


@pytest.mark.parametrize("work", ["await session.flush()", "await session.commit()"])
def test_what_sends_by_itself_may_fail_in_any_session(tmp_path: Path, work: str) -> None:
    assert expired(tmp_path, opened("quiet()", work)) == [READ]


GIVEN = f"""
async def mark(session: AsyncSession, job_id):
    job = await session.get_one(Job, job_id)
    job.status = "running"
    try:
        await session.execute(select(Job))
    except Exception:
        {READ}
    await session.commit()
"""


def test_a_session_of_unknown_origin_may_be_of_any_factory(tmp_path: Path) -> None:
    assert expired(tmp_path, GIVEN) == []


def test_a_session_of_unknown_origin_where_every_factory_flushes(tmp_path: Path) -> None:
    assert expired(tmp_path, GIVEN, FACTORIES) == [READ]


def test_a_write_that_no_query_has_sent_is_lost_all_the_same(tmp_path: Path) -> None:
    text = """
async def run(job_id):
    async with quiet() as session:
        job = await session.get_one(Job, job_id)
        await session.commit()
        job.status = "running"
        await session.execute(select(Job))
"""
    assert [f.split()[1] for f in found_in(tmp_path, HEAD + text, FACTORIES + QUIET)] == ["SUP308"]
