"""A called function that says whether its update has changed a row: where it has not, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
from sqlalchemy import select, update

from app.models import Job
from app.database import sessions


async def claim(session, job_id):
    BODY


async def work(job_id):
    async with sessions() as session:
        if not await claim(session, job_id):
            return False
        await session.commit()
        return True
"""
CLAIM = 'result = await session.execute(update(Job).where(Job.id == job_id).values(status="running"))\n'


@pytest.mark.parametrize(
    "answer",
    [
        "return result.rowcount == 1",
        "return result.rowcount > 0",
        "return result.rowcount",
        "done = result.rowcount == 1\nreturn done",
        "return result.rowcount >= 1",
    ],
)
def test_a_change_of_no_row_is_not_lost(tmp_path: Path, answer: str) -> None:
    assert faults(tmp_path, WORK, CLAIM + answer) == []


@pytest.mark.parametrize(
    "answer",
    [
        "return result.rowcount == 2",
        "return job_id == 1",
        "return result.rowcount < 1",
        'await session.execute(update(Job).values(status="seen"))\nreturn result.rowcount == 1',
    ],
)
def test_any_other_change_is(tmp_path: Path, answer: str) -> None:
    assert faults(tmp_path, WORK, CLAIM + answer) == ["SUP308 if not await claim(session, job_id):"]
