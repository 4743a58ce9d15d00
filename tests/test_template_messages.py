"""What SUP203 and SUP401 ask for is what is there to be done."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_support import JOB_MODEL, SESSION_MODULE, write

from supavisor_lint.findings import Finding
from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings

HEAD = """
from sqlalchemy import delete
from app.models import Job
from app.session import get_session
import asyncio

def start(job_id):
    asyncio.create_task(work(job_id))
"""
RECORDS = "put `try … except Exception` round its database work, log, and record the failed status"
LOGS = "put `try … except Exception` round its database work, and log"
WITH_STATUS = """
async def work(job_id):
    async with get_session() as session, session.begin():
        job = await session.get_one(Job, job_id)
        job.status = "completed"
"""
WITHOUT_STATUS = """
async def work(job_id):
    async with get_session() as session, session.begin():
        await session.execute(delete(Job).where(Job.id == job_id))
"""
WITH_OUTER = """
async def work(job_id):
    try:
        async with get_session() as session, session.begin():
            job = await session.get_one(Job, job_id)
            job.status = "completed"
    except Exception:
        logger.exception("failed")
"""
SHADOWED = """
async def work(session):
    async with get_session() as session, session.begin():
        await session.execute(delete(Job))
"""


def found(tmp_path: Path, text: str, code: str) -> list[Finding]:
    files = {
        "app/__init__.py": "",
        "app/session.py": SESSION_MODULE,
        "app/models.py": JOB_MODEL,
        "app/w.py": HEAD + text,
    }
    write(tmp_path, files)
    return [f for f in check_paths([tmp_path], tmp_path, Settings()).findings if f.code == code]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WITH_STATUS, f"nothing catches a failure in `work`: {RECORDS}"),
        (WITHOUT_STATUS, f"nothing catches a failure in `work`: {LOGS}"),
        (WITH_OUTER, f"a failure in `work` is only caught in line 15, not recorded: {RECORDS}"),
    ],
)
def test_only_who_writes_a_status_is_to_record_one(tmp_path: Path, text: str, message: str) -> None:
    assert [f.message for f in found(tmp_path, text, "SUP401")] == [message]


def test_the_rewrite_of_a_shadowed_parameter_does_what_the_message_says(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, SHADOWED, "SUP203")
    assert "give that one a name of its own, and drop the parameter once no caller passes it" in finding.message
    assert finding.fix is not None
    assert "; the parameter stays, for its callers" in finding.fix.title
