"""A method of an asynchronous session that is called and not awaited: its coroutine never runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings
from tests.flow_support import DATABASE, faults

WORK = """
import asyncio
import inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from app.models import Job
from app.database import sessions


def store(sync: Session):
    sync.add(Job())
    sync.commit()


async def save(db):
    if isinstance(db, AsyncSession):
        await db.commit()
    else:
        db.commit()


async def save_early(db):
    if inspect.iscoroutinefunction(db.commit):
        await db.commit()
        return
    db.commit()


async def store_with(db: AsyncSession | Session):
    db.add(Job())
    db.commit()


async def forget(db):
    db.add(Job())
    db.commit()


async def work(job_id, tasks):
    async with sessions() as session:
        BODY
"""


@pytest.mark.parametrize(
    "commit",
    [
        "return session.commit()",
        "return await asyncio.shield(session.commit())",
        "await asyncio.gather(session.commit())",
        "await asyncio.wait_for(session.commit(), 5)",
        "committing = session.commit()\nawait committing",
        "tasks.append(session.commit())\nawait asyncio.gather(*tasks)",
        "await session.run_sync(lambda sync: sync.commit())",
        "await save(session)",
        "await save_early(session)",
        "finished = await session.commit()",
    ],
)
def test_a_coroutine_that_somebody_awaits_commits(tmp_path: Path, commit: str) -> None:
    assert faults(tmp_path, WORK, f"session.add(Job())\n{commit}") == []


@pytest.mark.parametrize("body", ["await session.run_sync(store)\nawait session.commit()", "await store_with(session)"])
def test_a_synchronous_session_awaits_nothing(tmp_path: Path, body: str) -> None:
    assert [fault for fault in faults(tmp_path, WORK, body) if "sync" in fault or "db." in fault] == []


def test_a_commit_that_nobody_awaits_ends_no_block(tmp_path: Path) -> None:
    body = "async with session.begin():\n    session.add(Job())\n    session.commit()\n    session.add(Job())"
    assert faults(tmp_path, WORK, body) == []


@pytest.mark.parametrize("end", ["session.commit()", "session.flush()", "session.close()"])
def test_a_commit_that_nobody_awaits_saves_nothing(tmp_path: Path, end: str) -> None:
    assert faults(tmp_path, WORK, f"session.add(Job())\n{end}") == ["SUP308 session.add(Job())"]


@pytest.mark.parametrize("end", ["session.commit()", "session.rollback()"])
def test_the_transaction_stays_begun_behind_it(tmp_path: Path, end: str) -> None:
    body = f"await session.get(Job, job_id)\n{end}\nasync with session.begin():\n    pass"
    assert faults(tmp_path, WORK, body) == ["SUP302 async with session.begin():"]


def test_a_called_function_that_does_not_await_it_saves_nothing(tmp_path: Path) -> None:
    assert faults(tmp_path, WORK, "await forget(session)") == ["SUP308 await forget(session)"]


def test_a_helper_that_does_not_await_its_commit_saves_nothing(tmp_path: Path) -> None:
    helper = """
from contextlib import asynccontextmanager

@asynccontextmanager
async def get_session():
    async with sessions() as session:
        yield session
        COMMIT
"""
    work = "from app.database import get_session\n\n\nasync def work(job_id):\n    BODY"
    body = "async with get_session() as session:\n    session.add(job_id)"
    awaits, forgets = (DATABASE + helper.replace("COMMIT", f"{word}session.commit()") for word in ("await ", ""))
    assert faults(tmp_path / "awaits", work, body, awaits) == []
    assert faults(tmp_path / "forgets", work, body, forgets) == ["SUP308 session.add(job_id)"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("session.add(Job())\nsession.commit()", "`session.commit()` at line 42 is not awaited, so it does nothing"),
        ("await forget(session)", "`db.commit()` at line 36 is not awaited, so it does nothing"),
        (
            "await session.get(Job, 1)\nsession.rollback()\nasync with session.begin():\n    pass",
            "`session.rollback()` at line 42 is not awaited, so it does nothing",
        ),
    ],
)
def test_the_message_says_what_is_not_awaited(tmp_path: Path, body: str, said: str) -> None:
    faults(tmp_path, WORK, body)
    (finding,) = check_paths([tmp_path], tmp_path, Settings(profile="hazards")).findings
    assert finding.message.endswith(said)
