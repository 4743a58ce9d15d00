"""Methods of a session whose meaning hangs on what they are given, and the session that an object belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
import logging
from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import async_object_session
from sqlalchemy.orm import object_session
from app.models import Job
from app.database import sessions

logger = logging.getLogger(__name__)


async def save(job):
    await async_object_session(job).commit()


async def save_all(log, job):
    log.info("saving")
    await save(job)


async def end(job):
    session = object_session(job)
    await session.bind.commit(session)


async def announce(job):
    logger.info("%s", job)


async def work(job_id, given):
    async with sessions() as session:
        job = await session.get(Job, job_id)
    async with sessions() as session:
        BODY
"""


@pytest.mark.parametrize(
    "body",
    [
        "job = await session.merge(job)\nlogger.info(job.status)",
        "job = await session.merge(job, load=False)\nlogger.info(job.status)",
        "await session.merge(job, load=False)",
        "merged = await session.merge(given)\nlogger.info(merged.status)",
        "job = await session.merge(Job(id=job_id))\nlogger.info(job.status)",
        "logger.info((await session.merge(job)).status)",
    ],
)
def test_merge_may_only_bring_an_object_over(tmp_path: Path, body: str) -> None:
    assert faults(tmp_path, WORK, body) == []


@pytest.mark.parametrize(
    "merge",
    [
        "await session.merge(job)",
        "await session.merge(given)",
        "job = await session.merge(Job(id=job_id, status='done'))",
        "made = Job(id=job_id, status='done')\nmade = await session.merge(made)",
        "job.status = 'done'\njob = await session.merge(job)",
        "setattr(job, 'status', 'done')\njob = await session.merge(job)",
    ],
)
def test_what_was_changed_and_merged_is_lost(tmp_path: Path, merge: str) -> None:
    assert faults(tmp_path, WORK, merge) == [f"SUP308 {merge.splitlines()[-1]}"]


def test_what_is_changed_behind_a_merge_is_lost(tmp_path: Path) -> None:
    body = "row = await session.merge(job)\nrow.status = 'done'"
    assert faults(tmp_path, WORK, body) == ["SUP308 row.status = 'done'"]


ROW = "row = await session.get(Job, 1)\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("await session.merge(row)", []),
        ("row = await session.merge(row)\nlogger.info(row.status)", []),
        ("row.status = 'done'\nawait session.merge(row)", ["SUP308 row.status = 'done'"]),
        ("row = await session.merge(row)\nrow.status = 'done'", ["SUP308 row.status = 'done'"]),
        ("session.expunge(row)\nawait session.merge(row)", ["SUP308 await session.merge(row)"]),
        (
            "session.expire(row)\nawait session.merge(row)\nlogger.info(row.status)",
            ["SUP309 logger.info(row.status)"],
        ),
    ],
)
def test_a_merge_of_an_object_of_the_same_session_does_nothing(tmp_path: Path, body: str, told: list[str]) -> None:
    assert faults(tmp_path, WORK, ROW + body) == told


CHANGE = "row = await session.get(Job, 1)\nrow.status = 'done'\n"


@pytest.mark.parametrize(
    "kept",
    [
        "await save(row)",
        "await save_all(logger, row)",
        "await save_all(logger, job=row)",
        "await end(row)",
        "await async_object_session(row).commit()",
        "own = async_object_session(row)\nawait own.commit()",
        "await inspect(row).async_session.commit()",
        "state = inspect(row)\nawait state.async_session.commit()",
    ],
)
def test_an_object_leads_to_its_session(tmp_path: Path, kept: str) -> None:
    assert faults(tmp_path, WORK, CHANGE + kept) == []


@pytest.mark.parametrize(
    "lost",
    ["await announce(row)", "await save(job)", "logger.info(inspect(row).identity)", "async_object_session(row)"],
)
def test_an_object_that_is_not_asked_for_its_session_saves_nothing(tmp_path: Path, lost: str) -> None:
    assert faults(tmp_path, WORK, CHANGE + lost) == ["SUP308 row.status = 'done'"]


def test_the_session_of_an_object_is_followed(tmp_path: Path) -> None:
    body = f"{CHANGE}async with async_object_session(row).begin():\n    logger.info('saved')"
    assert faults(tmp_path, WORK, body) == ["SUP302 async with async_object_session(row).begin():"]


TASK = """
from fastapi import BackgroundTasks
from app.models import Job
from app.database import sessions


def undo(session):
    session.rollback()


def clear(session):
    session.expunge_all()
    session.close()


def count(session):
    return len(session.query(Job).all())


def finish(session):
    session.commit()


async def work(job_id):
    async with sessions() as session:
        try:
            job = await session.get(Job, job_id)
            job.status = "done"
            await session.flush()
        except Exception:
            BODY
            async with session.begin():
                session.add(Job(id=2, error="failed"))
        else:
            await session.commit()


def endpoint(tasks: BackgroundTasks):
    tasks.add_task(work, 1)
"""


@pytest.mark.parametrize(
    "undone", ["lambda s: s.rollback()", "lambda s: s.close()", "undo", "clear", "lambda s: (s.rollback(), s.close())"]
)
def test_run_sync_may_roll_back(tmp_path: Path, undone: str) -> None:
    assert faults(tmp_path, TASK, f"await session.run_sync({undone})") == []


@pytest.mark.parametrize("used", ["count", "finish", "lambda s: s.execute('select 1')"])
def test_run_sync_of_anything_else_uses_the_failed_session(tmp_path: Path, used: str) -> None:
    call = f"await session.run_sync({used})"
    assert f"SUP406 {call}" in faults(tmp_path, TASK, call)
