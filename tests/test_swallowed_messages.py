"""What a swallowed database error costs, as SUP306 says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_support import JOB_MODEL, SESSION_MODULE, write

from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings

TEXT = """
from sqlalchemy import select, text
from app.models import Job
from app.session import get_session


async def work(job_id):
    async with get_session() as session, session.begin():
        job = await session.get_one(Job, job_id)
        await session.execute(text("update job set status = 'seen'"))
        try:
            {attempt}
        except Exception:
            {instead}
"""


@pytest.mark.parametrize(
    ("attempt", "instead", "said"),
    [
        ("await session.execute(select(Job))", "pass", "goes on: its work is lost without an error;"),
        ("await session.execute(select(Job))", "job.status = 'failed'", "lost, and its end raises on PostgreSQL;"),
        ("session.add(Job()); await session.flush()", "job.status = 'failed'", "its work is lost without an error;"),
        ("await session.execute(select(Job))", "await session.get(Job, 2)", "(`session.get()`) raises then;"),
    ],
)
def test_what_is_lost_and_who_says_so(tmp_path: Path, attempt: str, instead: str, said: str) -> None:
    text = TEXT.format(attempt=attempt, instead=instead)
    write(
        tmp_path,
        {"app/__init__.py": "", "app/session.py": SESSION_MODULE, "app/models.py": JOB_MODEL, "app/w.py": text},
    )
    messages = [f.message for f in check_paths([tmp_path], tmp_path, Settings()).findings if f.code == "SUP306"]
    assert [said in message for message in messages] == [True], messages
