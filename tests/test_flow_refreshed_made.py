"""`refresh()` of an object that was made here asks for its row alone: what else has expired stays so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import SESSION_MODULE, findings

MODELS = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)


class Step(Base):
    __tablename__ = "step"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    job: Mapped[Job] = relationship(LAZY)
"""
WORK = """
from app.models import Job, Step
from app.session import get_session


async def save(session, key):
    BODY
    await session.commit()
    await session.refresh(made)


async def work(key):
    async with get_session() as session:
        job = await session.get_one(Job, key)
        await save(session, key)
        return job.id
"""


def reads(root: Path, body: str, lazy: str = "") -> int:
    """How many reads of expired objects there are."""
    text = WORK.replace("BODY", body.replace("\n", "\n    "))
    models = MODELS.replace("LAZY", lazy)
    files = {"app/session.py": SESSION_MODULE, "app/models.py": models, "app/work.py": text}
    return sum(line.endswith("SUP309") for line in findings(root, files, profile="hazards"))


@pytest.mark.parametrize(
    ("body", "lazy"),
    [
        ("made = await session.get_one(Job, key)", ""),
        ("made = Step(job_id=key)\nsession.add(made)", 'lazy="selectin"'),
    ],
)
def test_a_refresh_that_may_read_the_other_object_is_no_fault(tmp_path: Path, body: str, lazy: str) -> None:
    assert reads(tmp_path, body, lazy) == 0


@pytest.mark.parametrize("body", ["made = Step(job_id=key)\nsession.add(made)", "made = Job()\nsession.add(made)"])
def test_a_refresh_of_a_new_object_leaves_the_other_one_expired(tmp_path: Path, body: str) -> None:
    assert reads(tmp_path, body) == 1
