"""A look-up that failed before on the same path, and whose handler got through: it fails in no other way again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Job


async def found(session, user_id):
    return {row[0] for row in (await session.execute(select(Job.id))).all()}


async def note(session):
    session.add(Job(id=1))
    await session.commit()


async def rights_of(session, user_id):
    memo = session.info.setdefault("rights", {})
    if user_id in memo:
        return memo[user_id]
    try:
        memo[user_id] = await found(session, user_id)
        return memo[user_id]
    except Exception:
        try:
            await note(session)
        except Exception:
            pass
    return set()


async def rights_in(session, user):
    return await rights_of(session, str(user.id))


async def resettled(session, user_id):
    memo = session.info.setdefault("rights", {})
    if user_id in memo:
        return memo[user_id]
    try:
        memo[user_id] = await found(session, user_id)
        return memo[user_id]
    except Exception:
        await session.rollback()
        return set()


async def made(session, user_id):
    memo = session.info.setdefault("rights", {})
    if user_id in memo:
        return memo[user_id]
    name = await session.scalar(select(Job.status))
    if name is None:
        try:
            await note(session)
        except Exception:
            pass
        return set()
    memo[user_id] = name
    return memo[user_id]


async def work(session: AsyncSession, job_id, user, user_id, other_id):
    BODY
    print(job.status)
"""
LOADS = "job = (await session.execute(select(Job).where(Job.id == job_id))).scalar_one()\n"
RIGHTS = "await rights_of(session, user_id)\n"
READ = ["SUP309 print(job.status)"]


@pytest.mark.parametrize(
    "body",
    [
        RIGHTS + LOADS + RIGHTS,
        RIGHTS + "await session.commit()\n" + LOADS + RIGHTS,  # it flushes, and that is refused
        RIGHTS + LOADS + f"if job_id:\n    {RIGHTS}",
        f"if user_id:\n    {RIGHTS}else:\n    {RIGHTS}" + LOADS + RIGHTS,
        "await rights_in(session, user)\n" + LOADS + "await rights_of(session, user.id)",
        RIGHTS + LOADS + f"for _ in range(3):\n    {RIGHTS}",
        RIGHTS + LOADS + f"try:\n    {RIGHTS}except ValueError:\n    pass",
    ],
)
def test_the_failure_of_the_first_would_have_shown(tmp_path: Path, body: str) -> None:
    assert faults(tmp_path, WORK, body) == []


@pytest.mark.parametrize(
    "body",
    [
        LOADS + RIGHTS,
        LOADS + RIGHTS + RIGHTS,  # the first one's failure
        RIGHTS + LOADS + RIGHTS.replace("user_id", "other_id"),
        RIGHTS + "user_id = other_id\n" + LOADS + RIGHTS,
        f"if job_id:\n    {RIGHTS}" + LOADS + RIGHTS,
        RIGHTS + LOADS + "session.info['rights'].pop(user_id)\n" + RIGHTS,
        # what the first one has left is put right
        RIGHTS + "await session.rollback()\n" + LOADS + RIGHTS,
        # another function's failure behind it
        RIGHTS + LOADS + RIGHTS + "try:\n    await note(session)\nexcept Exception:\n    pass",
    ],
)
def test_one_failure_is_enough(tmp_path: Path, body: str) -> None:
    assert faults(tmp_path, WORK, body) == READ


@pytest.mark.parametrize("name", ["resettled", "made"])
def test_the_second_may_be_the_first_that_harms(tmp_path: Path, name: str) -> None:
    """One rolls back whenever it fails, and the objects are loaded since; the other has not failed before."""
    rights = RIGHTS.replace("rights_of", name)
    assert faults(tmp_path, WORK, rights + LOADS + rights) == READ


def test_a_handler_that_commits_with_expiring_objects(tmp_path: Path) -> None:
    """It gets through both times, and what it commits expires the second time as well."""
    body = "async with expiring() as session:\n" + "".join(
        f"    {line}" for line in (RIGHTS, LOADS, RIGHTS, "print(job.status)\n")
    )
    work = WORK.replace("import Job\n", "import Job\nfrom app.database import expiring\n", 1)
    work = work.replace("    print(job.status)\n", "").replace("session: AsyncSession, job_id", "job_id")
    assert faults(tmp_path, work, body) == READ
