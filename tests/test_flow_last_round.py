"""Commits in the last round of a loop, or when any of its rounds has changed something: not certain enough to tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
from app.database import sessions
from app.models import Job


async def save(session, job_id, commit):
    session.add(Job(id=job_id))
    if commit:
        await session.commit()


async def change(session, job_id):
    job = await session.get(Job, job_id)
    if job is None:
        return False
    job.status = "seen"
    return True


async def work(job_ids):
    total = len(job_ids)
    async with sessions() as session:
        BODY
"""
BY_NAME = """
for number, job_id in enumerate(job_ids, 1):
    is_last = number == total
    session.add(Job(id=job_id))
    if is_last:
        await session.commit()
"""
BY_TOTAL = BY_NAME.replace("if is_last", "if number == total")
GIVEN = """
for number, job_id in enumerate(job_ids, 1):
    is_last = number == total
    await save(session, job_id, commit=is_last)
"""
ANY = """
changed = [await change(session, job_id) for job_id in job_ids]
if any(changed):
    await session.commit()
"""


@pytest.mark.parametrize("body", [BY_NAME, BY_TOTAL, GIVEN, GIVEN.replace("=is_last", "=number == total"), ANY])
def test_a_commit_in_the_last_round(tmp_path: Path, body: str) -> None:
    assert faults(tmp_path, WORK, body) == []


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (BY_NAME.replace("        await session.commit()", "        print(job_id)"), "session.add(Job(id=job_id))"),
        (GIVEN.replace("=is_last", "=False"), "await save(session, job_id, commit=False)"),
        (ANY.replace("await session.commit()", "print(changed)"), ANY.splitlines()[1]),
    ],
)
def test_rounds_that_nothing_commits(tmp_path: Path, body: str, line: str) -> None:
    assert faults(tmp_path, WORK, body) == [f"SUP308 {line}"]
