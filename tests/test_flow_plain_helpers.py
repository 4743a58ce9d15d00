"""A helper that speaks of no session but by its parameter is read all the same: what it does counts at its call."""

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
HELPERS = """
from app.models import Job


async def peek(session, key: int):
    return await session.get(Job, key)


async def note(*, db=None):
    db.add(Job(id=1))


async def told(session_id, key: int):
    return {session_id: key}
"""
USE = """
from app.database import sessions
from app.helpers import note, peek, told


async def work() -> None:
    async with sessions() as session:
        BODY
"""


@pytest.mark.parametrize(
    "body",
    [
        "await told(1, 2)\n        async with session.begin():\n            pass",
        "async with session.begin():\n            await note(db=session)",
    ],
)
def test_a_plain_helper_that_does_no_harm_is_not_reported(tmp_path: Path, body: str) -> None:
    assert _codes(tmp_path, body) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("await peek(session, 1)\n        async with session.begin():\n            pass", "SUP302"),
        ("await note(db=session)", "SUP308"),
    ],
)
def test_what_a_plain_helper_does_counts_at_its_call(tmp_path: Path, body: str, code: str) -> None:
    assert _codes(tmp_path, body) == [code]


def _codes(tmp_path: Path, body: str) -> list[str]:
    files = {"app/__init__.py": "", "app/models.py": MODELS, "app/database.py": DATABASE, "app/helpers.py": HELPERS}
    found = findings(tmp_path, {**files, "app/use.py": USE.replace("BODY", body)}, profile="hazards")
    return [line.rpartition(" ")[2] for line in found]
