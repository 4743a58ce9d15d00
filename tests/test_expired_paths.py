"""What SUP309 says of an object that has expired on several paths: only those count that somebody gets along."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings
from tests.flow_support import DATABASE
from tests.project_support import write
from tests.template_support import MODELS

WORK = """
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Job


async def work(session: AsyncSession, job_id, last_id):
    job = await session.get(Job, job_id)
    await session.commit()
    last = await session.get(Job, last_id)
    try:
        await session.refresh(job)
    except Exception:
        pass
    try:
        session.add(Job(id=3))
        await session.flush()
    except Exception:
        pass
    print(last.status)
    print(job.status)
"""
LAST = "    print(last.status)\n"


def messages(root: Path, work: str) -> dict[str, str]:
    """What is said of each read, without the advice."""
    write(root, {"app/database.py": DATABASE, "app/models.py": MODELS, "app/work.py": work})
    found = check_paths([root], root, replace(Settings(), profile="hazards")).findings
    parts = [f.message.partition(";")[0].partition(" has expired here, on the path through ") for f in found]
    return {read.strip("`"): why for read, _, why in parts}


def test_a_read_before_it_would_have_raised(tmp_path: Path) -> None:
    """Where the flush has failed, the last job's status is not got past."""
    assert messages(tmp_path, WORK) == {
        "last.status": "line 17 (`session.flush()`): this raises PendingRollbackError",
        "job.status": "line 12 (`session.refresh()`): this raises MissingGreenlet",
    }


def test_the_first_read_is_got_to_on_both(tmp_path: Path) -> None:
    assert messages(tmp_path, WORK.replace(LAST, "")) == {
        "job.status": "line 12 (`session.refresh()`) or line 17 (`session.flush()`): this raises PendingRollbackError",
    }
