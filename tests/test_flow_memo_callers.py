"""Who calls a function that asks for what was looked up: tests name their fixtures like what they test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import DATABASE
from tests.project_support import findings
from tests.template_support import MODELS

WORK = """
from functools import wraps

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Job


async def rights_of(session, user_id):
    memo = session.info.setdefault("rights", {})
    if user_id in memo:
        return memo[user_id]
    try:
        memo[user_id] = set((await session.execute(select(Job.status))).scalars().all())
        return memo[user_id]
    except Exception:
        try:
            session.add(Job(id=1))
            await session.commit()
        except Exception:
            pass
        return set()


def needs(func):
    @wraps(func)
    async def wrapper(*args, **kwargs):
        if "edit" not in await rights_of(KEYS):
            raise PermissionError("edit")
        return await func(*args, **kwargs)

    return wrapper


class Store:
    async def drop(self, session: AsyncSession, job_id, user_id):
        job = await session.get(Job, job_id)
        await rights_of(session, user_id)
        print(job.status)


store = Store()


async def wipe(session: AsyncSession, job_id, user_id):
    job = await session.get(Job, job_id)
    await rights_of(session, user_id)
    print(job.status)


@needs
async def drop_route(session, job_id, user_id, other_id):
    await store.drop(session, job_id, user_id)


@needs
async def wipe_route(session, job_id, user_id, other_id):
    await wipe(session, job_id, user_id)
"""
KEYS = 'kwargs["session"], kwargs["user_id"]'
FIXTURES = """
import pytest


@pytest.fixture
def drop(client):
    def dropped(job_id):
        return client.delete(f"/jobs/{job_id}")

    return dropped


wipe = drop
"""
GIVEN = """
def test_drop(drop, wipe):
    assert drop(1) == wipe(1)


def test_drop_later(drop, wipe):
    def later():
        assert drop(1) == wipe(1)

    later()
"""
DROP, WIPE = (WORK[: WORK.index("print(job.status)", at)].count("\n") + 1 for at in (0, WORK.index("async def wipe")))


def reached(root: Path, work: str = WORK.replace("KEYS", KEYS), **others: str) -> list[int]:
    """The lines that can be reached with the job expired; `others` are further modules, with `__` for the slash."""
    files = {"app/database.py": DATABASE, "app/models.py": MODELS, "app/work.py": work}
    files |= {f"{name.replace('__', '/')}.py": text for name, text in others.items()}
    told = findings(root, files, profile="hazards")
    return [int(line.split(":")[1].split()[0]) for line in told if line.startswith("app/work.py") and "SUP309" in line]


def test_a_tests_fixture_of_that_name_is_another_one(tmp_path: Path) -> None:
    assert reached(tmp_path, tests__conftest=FIXTURES, tests__test_drop=GIVEN) == []


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("app__other", "async def run(drop, wipe):\n    await drop(1)\n", []),  # a method is called on its object
        ("app__other", "async def run(wipe):\n    await wipe(1)\n", [WIPE]),
        ("app__other", "async def run(given):\n    await given.drop(1)\n", [DROP]),
        ("app__other", "async def run(given):\n    await (given.\n        drop (1))\n", [DROP]),
        ("tests__test_it", "async def test_it(given):\n    await given.drop(1)\n", [DROP]),
        ("tests__test_it", "from app.work import wipe\n\nasync def test_it(s):\n    await wipe(s, 1, 2)\n", [WIPE]),
        ("tests__test_it", "from app.elsewhere import *\n\nasync def test_it(s):\n    await wipe(s, 1, 2)\n", [WIPE]),
    ],
)
def test_another_caller_has_not_looked_that_up(tmp_path: Path, name: str, text: str, lines: list[int]) -> None:
    assert reached(tmp_path, **{name: text}) == lines


@pytest.mark.parametrize(
    "keys",
    [
        'kwargs["session"], kwargs["job_id"]',
        'kwargs["session"], kwargs["user"]',
        'kwargs["other"], kwargs["user_id"]',
        'kwargs["session"], args["user_id"]',
    ],
)
def test_a_decorator_that_looks_something_else_up(tmp_path: Path, keys: str) -> None:
    assert reached(tmp_path, WORK.replace("KEYS", keys)) == [DROP, WIPE]
