"""SUP201's rewrite: a task opens a session of its own instead of working on somebody else's."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from template_support import after, reasons

HEAD = """
import asyncio
import logging

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Item, Job
from app.session import engine

logger = logging.getLogger(__name__)
shared = AsyncSession(engine)


async def clear(session):
    await session.execute(delete(Item))


async def sweep():
    await shared.execute(delete(Item))


# supavisor-lint: task
async def rebuild(job_id: int) -> None:
"""


def task(body: str) -> str:
    lines = dedent(body).strip("\n").splitlines()
    return HEAD + "".join(f"    {line}\n" if line.strip() else "\n" for line in lines)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("await shared.execute(update(Job))\nawait clear(shared)", "in a way that is not followed"),
        ("await shared.execute(update(Job))\nlater = lambda: shared.execute(select(Job))", "not followed"),
        ("await shared.execute(update(Job))\nglobal kept\nkept = shared", "not followed"),
        ("await shared.execute(update(Job))\nrun = shared.execute\nawait run(select(Job))", "not followed"),
        ("mine = shared\nawait mine.execute(update(Job))", "not followed"),
        ("await shared.execute(update(Job))\nawait sweep()", "`sweep`, which the task calls"),
        ("job = await shared.get(Job, job_id)\njob.status = 'completed'\nawait shared.commit()", "status"),
        ("await shared.execute(update(Job))\nawait shared.commit()\nawait shared.execute(update(Job))", "by hand"),
        ("await shared.execute(update(Job))\nif job_id:\n    await shared.commit()", "by hand"),
        ("await shared.execute(update(Job))\nawait shared.rollback()", "by hand"),
        ("await shared.execute(update(Job))\nasync with shared.begin():\n    shared.add(Item())", "not all"),
        (
            "try:\n    await shared.execute(update(Job))\nexcept ValueError:\n    await shared.execute(update(Job))",
            "handler",
        ),
        ("jobs = await shared.scalars(select(Job))\nawait shared.commit()\nprint(jobs)", "behind its commit"),
    ],
)
def test_where_it_is_not_plain_nothing_is_changed(tmp_path: Path, body: str, reason: str) -> None:
    source = task(body)
    assert after(tmp_path, source, "SUP201") == source
    (line,) = reasons(tmp_path, source, "SUP201")
    assert reason in line


def test_a_session_from_the_callers_is_left(tmp_path: Path) -> None:
    source = HEAD.replace("job_id: int", "db: AsyncSession") + "    await db.execute(update(Job))\n"
    assert after(tmp_path, source, "SUP201") == source
    assert "take the parameter away" in reasons(tmp_path, source, "SUP201")[0]


def test_several_helpers_are_no_choice(tmp_path: Path) -> None:
    from project_support import SESSION_MODULE
    from rewrite_support import left
    from template_support import project

    other = SESSION_MODULE.replace("get_session", "open_session").replace("async_session_factory", "factory")
    files = {
        **project(task("await shared.execute(update(Job))")),
        "app/other.py": other,
        "app/session.py": SESSION_MODULE,
    }
    files["app/session.py"] = files["app/session.py"].replace("get_session", "one_session")
    (line,) = left(tmp_path, files, unsafe=True, select=("SUP201",))
    assert "several session helpers fit" in line


def test_the_work_goes_into_one_transaction(tmp_path: Path) -> None:
    source = task('''
    """Doc."""
    found = 1
    # all of it
    await shared.execute(delete(Item).where(Item.job_id == job_id))
    if found:
        shared.add(Item(job_id=job_id))
    await shared.commit()  # saved
    logger.info("done")
    ''')
    found = after(tmp_path, source, "SUP201")
    assert found == task('''
    """Doc."""
    from app.session import get_session

    found = 1
    try:
        async with get_session() as session, session.begin():
            # all of it
            await session.execute(delete(Item).where(Item.job_id == job_id))
            if found:
                session.add(Item(job_id=job_id))
    except Exception:
        logger.exception("rebuild: failed (job_id=%s)", job_id)
        return
    # saved
    logger.info("done")
    ''')
    assert reasons(tmp_path, found, "SUP2", "SUP3", "SUP4") == []


def test_what_is_read_later_stays_in_the_block(tmp_path: Path) -> None:
    found = after(tmp_path, task("job = await shared.get(Job, job_id)\nprint(job.steps)"), "SUP201")
    assert "            job = await session.get(Job, job_id)\n            print(job.steps)\n    except" in found


def test_transactions_of_its_own_are_kept(tmp_path: Path) -> None:
    body = "async with shared.begin():\n    shared.add(Item())\nasync with shared.begin():\n    shared.add(Item())"
    found = after(tmp_path, task(body), "SUP201")
    assert "        async with get_session() as session:\n            async with session.begin():\n" in found
    assert "shared.begin" not in found


def test_a_global_called_session(tmp_path: Path) -> None:
    source = task("await shared.execute(update(Job))").replace("shared", "session")
    found = after(tmp_path, source, "SUP201")
    assert "        async with get_session() as session, session.begin():\n            await session.execute(" in found


def test_a_taken_name(tmp_path: Path) -> None:
    found = after(tmp_path, task("session = 3\nawait shared.execute(update(Job).values(steps=session))"), "SUP201")
    assert "as own_session, own_session.begin():" in found and "values(steps=session)" in found
