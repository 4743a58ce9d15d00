"""A nested function whose coroutine is started, and not awaited where it is called, is followed on its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
import asyncio
from app.models import Job
from app.database import sessions


async def work(job_ids):
    async def one(job_id):
        async with sessions() as session:
            BODY

    START
"""
STARTS = [
    "await asyncio.gather(*(one(job_id) for job_id in job_ids))",
    "await asyncio.gather(one(1), one(2))",
    "tasks = [asyncio.create_task(one(job_id)) for job_id in job_ids]\n    await asyncio.gather(*tasks)",
    "async with asyncio.TaskGroup() as group:\n        group.create_task(one(1))",
    "for job_id in job_ids:\n        await one(job_id)",
    "await asyncio.wait_for(one(1), 5)",
]


@pytest.mark.parametrize("start", STARTS)
def test_one_that_is_right_is_silent(tmp_path: Path, start: str) -> None:
    body = "async with session.begin():\n    job = await session.get(Job, job_id)\n    job.status = 'done'"
    assert faults(tmp_path, WORK.replace("START", start), body) == []


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            "await session.get(Job, job_id)\nasync with session.begin():\n    pass",
            "SUP302 async with session.begin():",
        ),
        ("session.add(Job())", "SUP308 session.add(Job())"),
    ],
)
def test_its_faults_are_told_once(tmp_path: Path, start: str, body: str, fault: str) -> None:
    assert faults(tmp_path, WORK.replace("START", start), body) == [fault]
