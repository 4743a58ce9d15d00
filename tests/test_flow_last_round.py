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


async def work(job_ids, others):
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
BY_VALUE = BY_NAME.replace("is_last = number == total", "is_last = job_id == job_ids[-1]")
BY_LAST = BY_NAME.replace("is_last = number == total", "pass").replace("if is_last", "if job_id is job_ids[-1]")
NAMED = "last = job_ids[-1]" + BY_LAST.replace("job_ids[-1]", "last")
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


SILENT = [
    BY_NAME,
    BY_TOTAL,
    BY_VALUE,
    BY_LAST,
    NAMED,
    GIVEN,
    GIVEN.replace("=is_last", "=number == total"),
    GIVEN.replace("=is_last", "=job_id == job_ids[-1]"),
    GIVEN.replace("number == total", "job_id == job_ids[-1]"),
    ANY,
]


@pytest.mark.parametrize("body", SILENT)
def test_a_commit_in_the_last_round(tmp_path: Path, body: str) -> None:
    assert faults(tmp_path, WORK, body) == []


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (BY_NAME.replace("        await session.commit()", "        print(job_id)"), "session.add(Job(id=job_id))"),
        (GIVEN.replace("=is_last", "=False"), "await save(session, job_id, commit=False)"),
        (BY_LAST.replace("[-1]", "[0]"), "session.add(Job(id=job_id))"),
        (BY_LAST.replace("[-1]", "[-2]"), "session.add(Job(id=job_id))"),
        (BY_LAST.replace("job_ids[-1]", "others[-1]"), "session.add(Job(id=job_id))"),
        (BY_LAST.replace("await session.commit()", "print(job_id)"), "session.add(Job(id=job_id))"),
        (
            GIVEN.replace("=is_last", "=job_id == job_ids[0]"),
            "await save(session, job_id, commit=job_id == job_ids[0])",
        ),
        (ANY.replace("await session.commit()", "print(changed)"), ANY.splitlines()[1]),
    ],
)
def test_rounds_that_nothing_commits(tmp_path: Path, body: str, line: str) -> None:
    assert faults(tmp_path, WORK, body) == [f"SUP308 {line}"]
