"""The names in a handler that is written: those that the task has when all rewrites of the round are done."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

from template_support import TEMPLATE, after

SHADOWED = """
import logging

from sqlalchemy import update

from app.models import Job, JobStatus
from app.session import get_session

logger = logging.getLogger(__name__)


async def work_with_own_session(job_id, session=None):
    async with get_session() as session:
        async with session.begin():
            await session.execute(update(Job).where(Job.id == job_id).values(status=JobStatus.COMPLETED))
"""


def test_a_handler_waits_for_the_name_that_the_session_gets(tmp_path: Path) -> None:
    made = after(tmp_path, SHADOWED, "SUP203", *TEMPLATE)
    body = made.partition("async with get_session() as own_session:")[2]
    assert "await own_session.rollback()" in body
    assert "async with session.begin()" not in body


def test_a_handler_of_its_own_accord_uses_the_name_that_there_is(tmp_path: Path) -> None:
    assert "await session.rollback()" in after(tmp_path, SHADOWED)


def test_a_static_method_has_no_object_of_its_own(tmp_path: Path) -> None:
    head, _, body = SHADOWED.replace(", session=None", "").partition("async def")
    method = indent(f"@staticmethod\nasync def{body}", "    ")
    made = after(tmp_path, f"{head}class Runner:\n{method}")
    assert 'logger.info("work_with_own_session: started (job_id=%s)", job_id)' in made


SILENT = (
    SHADOWED.replace(", session=None", "").partition("    async with get_session")[0]
    + """\
    async with get_session() as session:
        try:
            async with session.begin():
                await session.execute(update(Job).where(Job.id == job_id).values(status=JobStatus.COMPLETED))
        except Exception:
            pass
"""
)


def test_a_silent_handler_that_will_record_the_failure_logs_one(tmp_path: Path) -> None:
    assert 'logger.exception("work_with_own_session: failed' in after(tmp_path, SILENT)
    assert 'logger.exception("work_with_own_session: an error is ignored' in after(tmp_path, SILENT, "SUP405")
