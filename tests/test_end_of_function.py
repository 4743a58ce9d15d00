"""A message that names the end of a function names the line where it ends, not the one where it begins."""

from __future__ import annotations

from pathlib import Path

from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings
from tests.project_support import write
from tests.template_support import MODELS

DATABASE = """from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

sessions = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))
"""
WORK = """from app.database import sessions
from app.models import Job


async def work(rows):
    async with sessions() as session:
        await session.get(Job, 1)
    session.add(Job(id=2))
    for row in rows:
        print(row,
              rows)
"""


def test_the_end_of_a_function_is_its_last_line(tmp_path: Path) -> None:
    write(tmp_path, {"app/database.py": DATABASE, "app/models.py": MODELS, "app/work.py": WORK})
    lost = [f.message for f in check_paths([tmp_path], tmp_path, Settings()).findings if f.code == "SUP308"]
    assert len(lost) == 1
    assert "line 11 (the end of `work`)" in lost[0]
