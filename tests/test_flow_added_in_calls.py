"""What a caller has made and a called function adds to the session is an object of the session from then on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import DATABASE, faults

WORK = """
from sqlalchemy import select

from app.models import Job
from app.database import expiring, sessions


async def put(session, obj):
    session.add(obj)


async def save(session, obj):
    session.add(obj)
    await session.commit()


async def save_and_refresh(session, obj):
    session.add(obj)
    await session.commit()
    await session.refresh(obj)


async def saved(session, obj):
    session.add(obj)
    await session.commit()
    return obj


async def copied(session, obj):
    obj = Job(status=obj.status)
    session.add(obj)
    await session.commit()


class Jobs:
    def __init__(self, session):
        self.session = session

    def add(self, obj):
        self.session.add(obj)


async def work(found, flag):
    async with expiring() as session:
        job = Job(status="new")
        BODY
"""


def reads(root: Path, body: str) -> list[str]:
    """The reads of expired objects, each with its line."""
    return [line.removeprefix("SUP309 ") for line in faults(root, WORK, body, DATABASE) if line.startswith("SUP309")]


@pytest.mark.parametrize(
    "body",
    [
        "await put(session, job)\nprint(job.status)\nawait session.commit()",
        "await put(session, job)\nawait session.flush()\nprint(job.id)\nawait session.commit()",
        "await save_and_refresh(session, job)\nprint(job.id)",
        "await save(session, job)\nawait session.refresh(job)\nprint(job.id)",
        "again = await saved(session, job)\nawait session.refresh(again)\nprint(job.id)",
        "job = await saved(session, job)\nawait session.refresh(job)\nprint(job.id)",
        "same = job\nawait save(session, job)\nawait session.refresh(same)\nprint(job.id)",
        "await copied(session, job)\nprint(job.status)",
        "job = found\nawait save(session, job)\nprint(job.id)",
        "await save(session, job)\njobs = (await session.scalars(select(Job))).all()\nprint(job.id)",
        "await put(session, job)\nawait session.commit()\nkey = await session.run_sync(lambda _: job.id)",
    ],
)
def test_what_can_be_read_is_no_fault(tmp_path: Path, body: str) -> None:
    assert reads(tmp_path, body) == []


@pytest.mark.parametrize(
    "body",
    [
        "await put(session, job)\nawait session.commit()\nprint(job.id)",
        "await save(session, job)\nprint(job.id)",
        "await save_and_refresh(session, job)\nawait session.commit()\nprint(job.id)",
        "again = await saved(session, job)\nprint(job.id)",
        "Jobs(session).add(job)\nawait session.commit()\nprint(job.id)",
        "jobs = Jobs(session)\njobs.add(job)\nawait session.commit()\nprint(job.id)",
    ],
)
def test_a_commit_expires_it(tmp_path: Path, body: str) -> None:
    assert reads(tmp_path, body) == ["print(job.id)"]
