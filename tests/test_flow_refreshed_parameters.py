"""A parameter that a function refreshes is an object of its session: what is told of it stands in that function."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import findings
from tests.template_support import MODELS

DATABASE = """
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")
sessions = async_sessionmaker(engine, expire_on_commit=False)
"""
LOG = """
import contextlib
from sqlalchemy.ext.asyncio import AsyncSession
from app.models import Job


class Log:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def finished(self, entry: Job, note: str):
        BODY
        await self.session.commit()
"""
WORK = """
from app.models import Job
from app.database import sessions
from app.log import Log


async def first(job_id):
    async with sessions() as session:
        entry = await session.get(Job, job_id)
        await Log(session).finished(entry, "first")


async def second(job_id):
    async with sessions() as session:
        entry = await session.get(Job, job_id)
        await session.rollback()
        await Log(session).finished(entry, "second")
"""
SWALLOWED = "with contextlib.suppress(Exception):\n    await self.session.refresh(entry)\n"
CAUGHT = "try:\n    await self.session.refresh(entry)\nexcept Exception:\n    print('not loaded')\n"
READ = "print(entry.status)"


def test_a_function_that_no_rule_looks_at_is_told_at_its_calls(tmp_path: Path) -> None:
    """It stands where the factory is defined, and has no finding of its own."""
    code = LOG.replace("BODY", (SWALLOWED + READ).replace("\n", "\n        "))
    database = DATABASE + code
    work = WORK.replace("from app.log import Log", "from app.database import Log")
    told = findings(
        tmp_path, {"app/database.py": database, "app/models.py": MODELS, "app/work.py": work}, profile="hazards"
    )
    assert [line.partition(" ")[2] for line in told if line.startswith("app/work.py")] == ["SUP309", "SUP309"]
    assert not [line for line in told if line.startswith("app/database.py")]


def read_expired(root: Path, body: str) -> list[str]:
    """The lines that read what has expired, in both files."""
    code = LOG.replace("BODY", body.replace("\n", "\n        "))
    files = {"app/database.py": DATABASE, "app/models.py": MODELS, "app/log.py": code, "app/work.py": WORK}
    reads = [line.split(":") for line in findings(root, files, profile="hazards") if "SUP309" in line]
    return [files[path].splitlines()[int(line.split()[0]) - 1].strip() for path, line, *_ in reads]


@pytest.mark.parametrize("refresh", [SWALLOWED, CAUGHT])
def test_a_refresh_that_failed_is_told_once_where_the_object_is_read(tmp_path: Path, refresh: str) -> None:
    assert read_expired(tmp_path, refresh + READ) == [READ]


@pytest.mark.parametrize(
    "body",
    [
        "await self.session.refresh(entry)\n" + READ,
        "try:\n    await self.session.refresh(entry)\nexcept Exception:\n    return\n" + READ,
        SWALLOWED + "entry.status = note\n" + READ,
        SWALLOWED + "entry = await self.session.get(Job, 1)\n" + READ,
        SWALLOWED + "print(entry)",
    ],
)
def test_an_object_that_is_there_or_is_not_read(tmp_path: Path, body: str) -> None:
    assert read_expired(tmp_path, body) == []


def test_what_the_caller_expired_is_told_at_the_call(tmp_path: Path) -> None:
    """Only one of the callers has: the function itself is right."""
    assert read_expired(tmp_path, READ) == ['await Log(session).finished(entry, "second")']


def test_behind_a_rollback_of_its_own(tmp_path: Path) -> None:
    assert read_expired(tmp_path, "await self.session.refresh(entry)\nawait self.session.rollback()\n" + READ) == [READ]


BEGUN = """
from app.models import Job
from app.database import sessions


async def work(flag, keep):
    async with sessions() as session:
        job = Job(id=1, status="new")
        BODY
        async with session.begin():
            print("begun")
"""


@pytest.mark.parametrize(
    ("body", "begun"),
    [
        ("await session.refresh(job)", False),
        ("job.status = 'later'\nawait session.refresh(job)", False),
        ("if flag:\n    session.add(job)\n    await session.commit()\nelse:\n    await session.refresh(job)", False),
        ("session.add(job)\nawait session.rollback()\nawait session.refresh(job)", False),
        ("session.add(job)\nawait session.flush()\nawait session.rollback()\nawait session.refresh(job)", False),
        (
            "session.add(job)\nawait session.rollback()\nsession.add_all([job])\nawait session.flush()\n"
            "await session.refresh(job)",
            True,
        ),
        ("session.add(job)\nawait session.commit()\nawait session.refresh(job)", True),
        ("keep(job)\nawait session.refresh(job)", True),
        ("jobs = [job]\nsession.add_all(jobs)\nawait session.commit()\nawait session.refresh(job)", True),
        ("def put():\n    session.add(job)\nput()\nawait session.commit()\nawait session.refresh(job)", True),
        ("other = job\nsession.add(other)\nawait session.commit()\nawait session.refresh(job)", True),
    ],
)
def test_behind_a_refresh_of_what_was_never_added_nothing_is_reached(tmp_path: Path, body: str, begun: bool) -> None:
    code = BEGUN.replace("BODY", body.replace("\n", "\n        "))
    files = {"app/database.py": DATABASE, "app/models.py": MODELS, "app/work.py": code}
    told = [line for line in findings(tmp_path, files, profile="hazards") if "SUP302" in line]
    assert bool(told) is begun
