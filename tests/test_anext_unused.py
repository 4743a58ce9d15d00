"""A session out of a dependency's generator that nobody does anything with: without a connection, nothing can break."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import DATABASE
from tests.project_support import findings

GETTERS = """
from sqlalchemy import text


async def get_session(request=None):
    label = await request.label() if request else None
    async with sessions() as session:
        session.info["label"] = label
        try:
            yield session
        except Exception:
            await session.rollback()
            raise


async def get_prepared():
    async with sessions() as session:
        await session.execute(text("set search_path to app"))
        yield session
"""
WORK = """
import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import get_prepared, get_session


async def work(keep, Store):
    BODY
"""
TAKEN = "session = await anext(get_session())\n"
IS_ONE = "assert isinstance(session, AsyncSession)\n"


def hazards(root: Path, body: str, path: str = "app/work.py") -> list[str]:
    """The codes of the hazards in a function with that body."""
    files = {"app/database.py": DATABASE + GETTERS, path: WORK.replace("BODY", body.strip().replace("\n", "\n    "))}
    return [line.split()[-1] for line in findings(root, files, profile="hazards")]


@pytest.mark.parametrize(
    "body",
    [
        TAKEN + IS_ONE,
        TAKEN + "assert session is not None",
        TAKEN + "assert type(session) == AsyncSession",
        "session: AsyncSession = await anext(get_session())\n" + IS_ONE,
        "session = await get_session().__anext__()\n" + IS_ONE,
        TAKEN + TAKEN.replace("session =", "other =") + "assert session is not other",
        "assert isinstance(await anext(get_session()), AsyncSession)",
        TAKEN,
    ],
)
def test_a_session_that_is_looked_at(tmp_path: Path, body: str) -> None:
    assert hazards(tmp_path, body) == []
    assert hazards(tmp_path, body, "tests/test_work.py") == []


@pytest.mark.parametrize(
    "body",
    [
        TAKEN + IS_ONE + "await session.execute(text('select 1'))",
        TAKEN + IS_ONE + "await keep(session)",
        TAKEN + IS_ONE + "return session",
        TAKEN + "keep.session = session",
        TAKEN + "store = Store(session=session)",
        TAKEN + "def later():\n    return session.get_bind()\nkeep(later)",
        TAKEN + "assert isinstance(keep, session)",
        TAKEN + "other = session\nawait other.execute(text('select 1'))",
        "keep.session = await anext(get_session())",
        "await keep(await anext(get_session()))",
        "session = await anext(get_prepared())\n" + IS_ONE,
    ],
)
def test_a_session_that_may_be_used(tmp_path: Path, body: str) -> None:
    assert hazards(tmp_path, body) == ["SUP103"]


def test_it_is_no_template_all_the_same(tmp_path: Path) -> None:
    files = {"app/database.py": DATABASE + GETTERS, "app/work.py": WORK.replace("BODY", TAKEN)}
    assert "SUP103" in [line.split()[-1] for line in findings(tmp_path, files, profile="template")]
