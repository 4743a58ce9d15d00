"""A handler that writes the failed status and raises: the session's block ends with an error, and rolls it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import DATABASE, faults

HELPER = (
    DATABASE
    + """
from contextlib import asynccontextmanager


@asynccontextmanager
async def get_session():
    async with sessions() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            ON_ERROR
            raise
"""
)
WORK = """
import contextlib
from sqlalchemy import update
from app.models import Job
from app.database import get_session, sessions
from app.other import run


async def work(job_id):  # supavisor-lint: task
    BODY


def start(background_tasks, job_id):
    background_tasks.add_task(work, job_id)
"""
STATUS = "job.status = 'failed'"
UPDATE = "await session.execute(update(Job).where(Job.id == job_id).values(status='failed'))"
RUN = """
async with OPEN as session:
    job = await session.get(Job, job_id)
    try:
        await run(job.url)
    except Exception:
        await session.rollback()
        HANDLER
"""


def told(root: Path, body: str, on_error: str = "await session.rollback()") -> list[str]:
    """The lines of SUP406."""
    found = faults(root, WORK, body, HELPER.replace("ON_ERROR", on_error))
    return [line.removeprefix("SUP406 ") for line in found if line.startswith("SUP406")]


def in_handler(handler: str, opened: str = "get_session()") -> str:
    """The body of the task."""
    return RUN.replace("HANDLER", handler.replace("\n", "\n        ")).replace("OPEN", opened)


@pytest.mark.parametrize(
    "handler",
    [
        f"{UPDATE}\nawait session.commit()\nraise",
        f"{UPDATE}\nprint('goes on')",
        f"async with session.begin():\n    {UPDATE}\nraise",
        "raise",
        f"{UPDATE}\nif job_id:\n    await session.commit()\n    raise",
        f"{UPDATE}\ntry:\n    raise ValueError('told')\nexcept ValueError:\n    print('told')",
        f"{UPDATE}\nwith contextlib.suppress(ValueError):\n    raise ValueError('told')",
        f"try:\n    {UPDATE}\n    raise ValueError('told')\nfinally:\n    await session.commit()",
    ],
)
def test_a_write_that_is_kept(tmp_path: Path, handler: str) -> None:
    assert told(tmp_path, in_handler(handler)) == []


@pytest.mark.parametrize("on_error", ["await session.commit()", "if True:\n                await session.commit()"])
def test_a_helper_that_commits_what_has_failed(tmp_path: Path, on_error: str) -> None:
    assert told(tmp_path, in_handler(f"{UPDATE}\nraise"), on_error) == []


@pytest.mark.parametrize(
    "around",
    [
        "try:\n    INNER\nexcept ValueError:\n    await session.commit()",
        "try:\n    INNER\nfinally:\n    await session.commit()",
        "with contextlib.suppress(Exception):\n    INNER",
    ],
)
def test_a_raise_that_does_not_get_out_of_the_session_as_it_is(tmp_path: Path, around: str) -> None:
    inner = f"try:\n    await run(job_id)\nexcept Exception:\n    {UPDATE}\n    raise ValueError('told')"
    body = around.replace("INNER", inner.replace("\n", "\n    "))
    opened = "async with get_session() as session:\n    " + body.replace("\n", "\n    ")
    assert told(tmp_path, opened) == []


def test_a_session_that_the_caller_ends(tmp_path: Path) -> None:
    body = f"try:\n    await run(job_id)\nexcept Exception:\n    {UPDATE}\n    raise"
    given = WORK.replace("async def work(job_id):", "async def work(session, job_id):")
    assert [line for line in faults(tmp_path, given, body, HELPER) if "SUP406" in line] == []


@pytest.mark.parametrize("opened", ["get_session()", "sessions()", "sessions.begin()"])
@pytest.mark.parametrize(
    ("handler", "at"),
    [
        (f"{UPDATE}\nraise", UPDATE),
        (f"{UPDATE}\nraise RuntimeError('told') from None", UPDATE),
        (f"if job_id:\n    {UPDATE}\n    raise\nprint('goes on')", UPDATE),
        (f"{UPDATE}\nawait session.flush()\nraise", UPDATE),
        (f"async with session.begin_nested():\n    {UPDATE}\nraise", UPDATE),
    ],
)
def test_a_write_that_the_raise_rolls_back(tmp_path: Path, handler: str, at: str, opened: str) -> None:
    if opened != "sessions.begin()":
        assert told(tmp_path, in_handler(handler, opened)) == [at]
    else:
        inside = in_handler(handler, opened).replace("        await session.rollback()\n", "")
        assert told(tmp_path, inside) == [at]


def test_a_status_that_is_set_on_the_object(tmp_path: Path) -> None:
    body = in_handler(f"{STATUS}\nraise").replace("        await session.rollback()\n", "")
    assert told(tmp_path, body) == [STATUS]


def test_in_a_block_of_its_own(tmp_path: Path) -> None:
    assert told(tmp_path, in_handler(f"async with session.begin():\n    {UPDATE}\n    raise")) == [UPDATE]
