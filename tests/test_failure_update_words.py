"""What SUP403 says is not logged is not logged."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_support import JOB_MODEL, SESSION_MODULE, write

from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings

TASK = """
import asyncio
import logging
from sqlalchemy import update
from app.models import Job
from app.session import get_session

logger = logging.getLogger(__name__)


def start(job_id):
    asyncio.create_task(work(job_id))


async def record(job_id):
    async with get_session() as other, other.begin():
        await other.execute(update(Job).where(Job.id == job_id).values(status="failed"))


async def record_or_not(job_id):
    try:
        async with get_session() as other, other.begin():
            await other.execute(update(Job).where(Job.id == job_id).values(status="failed"))
    except Exception:
        pass


async def work(job_id):
    try:
        async with get_session() as session:
            try:
                job = await session.get_one(Job, job_id)
                job.status = "started"
                await session.commit()
            except Exception as error:
                {first}
                {update}
    except Exception as outer:
        {second}
"""
LOG = "logger.exception('failed')"
UPDATE = "await record(job_id)"
RAISE = "raise"
NOTHING = "pass"
NEITHER = "nothing logs either error"
NOT_SECOND = "nothing logs that second error"
BOTH = "only the handler in line 36 logs that, as any error of the task"
INSTEAD = "the handler in line 36 gets that error instead of the first"
SWALLOWED = (
    "try:\n                    await record(job_id)\n                except Exception:\n                    pass"
)


@pytest.mark.parametrize(
    ("first", "update", "second", "said"),
    [
        (LOG, UPDATE, LOG, BOTH),
        (LOG, UPDATE, "report(outer)", BOTH),
        ("report(error)", UPDATE, LOG, BOTH),
        (NOTHING, UPDATE, LOG, INSTEAD),
        (NOTHING, f"{UPDATE}; {LOG}", LOG, INSTEAD),
        (LOG, UPDATE, RAISE, NOT_SECOND),
        (NOTHING, UPDATE, RAISE, NEITHER),
        (NOTHING, f"{UPDATE}; {LOG}", NOTHING, NEITHER),
        (LOG, SWALLOWED, LOG, NOT_SECOND),
        (NOTHING, SWALLOWED, LOG, NEITHER),
        (NOTHING, f"{SWALLOWED}\n                {LOG}", LOG, NOT_SECOND),
        (LOG, "await record_or_not(job_id)", LOG, NOT_SECOND),
        (NOTHING, "await record_or_not(job_id)", LOG, NEITHER),
    ],
)
def test_it_says_which_error_nothing_logs(tmp_path: Path, first: str, update: str, second: str, said: str) -> None:
    text = TASK.format(first=first, update=update, second=second)
    line = text[: text.index("except Exception as outer")].count("\n") + 1
    files = {"app/__init__.py": "", "app/session.py": SESSION_MODULE, "app/models.py": JOB_MODEL, "app/w.py": text}
    write(tmp_path, files)
    found = [f.message for f in check_paths([tmp_path], tmp_path, Settings()).findings if f.code == "SUP403"]
    said = said.replace("line 36", f"line {line}")
    head = "the failure update of `work` is not guarded: when it fails as well, "
    assert found == [f"{head}{said}; put `try … except Exception` with a log line round it"]
