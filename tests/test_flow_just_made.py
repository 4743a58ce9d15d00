"""Rows that belong to an object which the path itself has just made: a query finds none, and no branch needs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import SESSION_MODULE, findings

MODELS = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int]


class Step(Base):
    __tablename__ = "step"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
"""
WORK = """
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Job, Step
from app.session import get_session


async def follow_up(db: AsyncSession, job: Job) -> None:
    QUERY
    db.add(Step(job_id=job.id))
    await db.flush()
    try:
        if known:
            db.add(Step(job_id=1))
            await db.flush()
    except Exception:
        print("skipped")


async def in_between(db: AsyncSession, job: Job) -> None:
    await follow_up(db, job)


async def work(owner_id: int, old: Job) -> int:
    async with get_session() as session:
        MAKE
        await session.commit()
        await session.refresh(job)
        await in_between(session, job)
        print(job.id)
        await session.commit()
"""
MADE = "job = Job(owner_id=owner_id)\nsession.add(job)"
ROWS = "rows = (await db.execute(select(Step).where(Step.job_id == job.id))).scalars().all()\n"


def reads(root: Path, query: str, make: str = MADE) -> list[str]:
    """The reads of expired objects in `work`."""
    text = WORK.replace("QUERY", query.replace("\n", "\n    ")).replace("MAKE", make.replace("\n", "\n        "))
    files = {"app/session.py": SESSION_MODULE, "app/models.py": MODELS, "app/work.py": text}
    return [line for line in findings(root, files, profile="hazards") if line.endswith("SUP309")]


@pytest.mark.parametrize(
    "query",
    [
        "known = (await db.execute(select(Step).where(Step.job_id == job.id))).scalars().all()",
        "known = (await db.scalars(select(Step).filter(job.id == Step.job_id).order_by(Step.id))).all()",
        "known = (await db.scalars(select(Step).where(Step.job_id == str(job.id)))).first()",
        "asked = select(Step).where(Step.id > 3, Step.job_id == job.id)\nknown = (await db.scalars(asked)).all()",
        ROWS + "known = {row.id: row for row in rows if row.id > 3}",
        ROWS + "known = sorted(row.id for row in rows)",
        ROWS + "known = False\nfor row in rows:\n    known = True",
    ],
)
def test_nothing_belongs_yet_to_what_was_just_made(tmp_path: Path, query: str) -> None:
    assert reads(tmp_path, query) == []


@pytest.mark.parametrize(
    "query",
    [
        "known = (await db.scalars(select(Step).where(Step.job_id == job.owner_id))).all()",
        "known = (await db.scalars(select(Job).where(Job.id == job.id))).all()",
        "known = (await db.scalars(select(Step).where(Step.job_id != job.id))).all()",
        "known = (await db.scalars(select(Step).where(or_(Step.job_id == job.id, Step.id > 3)))).all()",
        "known = (await db.scalars(select(Step).where(Step.job_id == job.id).union(select(Step)))).all()",
        "step = Step(job_id=job.id)\ndb.add(step)\n"
        "known = (await db.scalars(select(Step).where(Step.job_id == job.id))).all()",
        "rows = (await db.scalars(select(Step).where(Step.job_id == job.id))).all()\nknown = not rows",
    ],
)
def test_other_rows_may_be_there(tmp_path: Path, query: str) -> None:
    assert len(reads(tmp_path, query)) == 1


@pytest.mark.parametrize(
    "make",
    [
        "job = await session.get(Job, owner_id)",
        "job = Job(id=owner_id)\nsession.add(job)",
        "job = Job(**vars(old))\nsession.add(job)",
        "job = old\nsession.add(job)",
    ],
)
def test_rows_may_belong_to_an_object_that_was_there_or_has_a_given_key(tmp_path: Path, make: str) -> None:
    known = "known = (await db.scalars(select(Step).where(Step.job_id == job.id))).all()"
    assert len(reads(tmp_path, known, make)) == 1
