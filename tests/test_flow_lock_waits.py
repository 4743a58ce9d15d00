"""A failure handler whose second session waits for a row that the first one has locked; also by called functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import DATABASE
from tests.project_support import confidences
from tests.template_support import MODELS

TASK = """
import logging
from fastapi import BackgroundTasks
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from app.models import Item, Job
from app.database import replica, sessions

logger = logging.getLogger(__name__)


async def put(session: AsyncSession, job_id: int, status: str) -> None:
    await session.execute(update(Job).where(Job.id == job_id).values(status=status))


async def put_untyped(session, job_id, status):
    await session.execute(update(Job).where(Job.id == job_id).values(status=status))


async def put_on(session, job_id):
    logger.info("on")
    await put(session, job_id, "failed")


async def put_first(session):
    await session.execute(update(Job).where(Job.id == 1).values(status="failed"))


async def put_next(session, job_id):
    job_id = job_id + 1
    await session.execute(update(Job).where(Job.id == job_id).values(status="failed"))


async def put_and_commit(session, job_id):
    await put(session, job_id, "processing")
    await session.commit()


async def put_and_undo(session, job_id):
    await put(session, job_id, "processing")
    await session.rollback()


async def put_item(session, item_id):
    await session.execute(update(Item).where(Item.id == item_id).values(job_id=1))


async def read(session, job_id):
    return await session.scalar(select(Job.status).where(Job.id == job_id))


async def change(session, job_id):
    job = await session.get(Job, job_id)
    job.status = "failed"


async def undo_and_put(session, other, job_id):
    await session.rollback()
    await put(other, job_id, "failed")


async def put_with_both(session, other, job_id):
    await put(other, job_id, "failed")


async def put_elsewhere(other, job_id):
    async with replica() as third, third.begin():
        await put(third, job_id, "failed")


async def work(job_id, next_id):
    try:
        async with sessions() as session:
            try:
                FIRST
                await risky()
                await session.commit()
            except Exception:
                logger.exception("failed")
                UNDO
                async with OTHER() as other, other.begin():
                    SECOND
    except Exception:
        logger.exception("not recorded")


def endpoint(tasks: BackgroundTasks):
    tasks.add_task(work, 1, 2)
"""
BASES = DATABASE + 'replica = async_sessionmaker(create_async_engine("sqlite+aiosqlite:///replica"))\n'

INLINE = 'await session.execute(update(Job).where(Job.id == job_id).values(status="processing"))'
INLINE_AS_WELL = 'await other.execute(update(Job).where(Job.id == job_id).values(status="failed"))'
CALLED = 'await put(session, job_id, "processing")'
CALLED_AS_WELL = 'await put(other, job_id, "failed")'


LONG = "class LongJob(Job):\n    __tablename__ = 'long_jobs'\n"


def task(first: str, second: str, undo: str, other: str) -> str:
    return TASK.replace("FIRST", first).replace("SECOND", second).replace("UNDO", undo).replace("OTHER", other)


def waits(root: Path, first: str, second: str, undo: str = "pass", other: str = "sessions") -> list[str]:
    """What is found of handlers that are broken: its confidence, and the text of its line."""
    code = task(first, second, undo, other)
    files = {"app/database.py": BASES, "app/models.py": MODELS, "app/work.py": code}
    # only the template's profile tells what is less than sure
    found = ([*place.split(), told] for place, told in confidences(root, files, profile="template").items())
    lines = code.splitlines()
    return [
        f"{told} {lines[int(place.rpartition(':')[2]) - 1].strip()}" for place, rule, told in found if rule == "SUP406"
    ]


@pytest.mark.parametrize("first", [INLINE, CALLED])
@pytest.mark.parametrize(
    "second",
    [
        "await read(other, job_id)",
        "await put_item(other, job_id)",
        "await other.execute(update(Item).where(Item.id == job_id).values(job_id=1))",
        'await put(other, next_id, "failed")',
        'await other.execute(update(Job).where(Job.id == next_id).values(status="failed"))',
        "await put_elsewhere(other, job_id)",
        "await undo_and_put(session, other, job_id)",
    ],
)
def test_nothing_waits_for_another_row_or_behind_a_rollback(tmp_path: Path, first: str, second: str) -> None:
    assert waits(tmp_path, first, second) == []


@pytest.mark.parametrize("first", [INLINE, CALLED])
@pytest.mark.parametrize("second", [INLINE_AS_WELL, CALLED_AS_WELL])
@pytest.mark.parametrize("undo", ["await session.rollback()", "await session.close()", "await session.commit()"])
def test_nothing_waits_for_a_transaction_that_has_ended(tmp_path: Path, first: str, second: str, undo: str) -> None:
    found = waits(tmp_path, first, second, undo)
    assert [line for line in found if "other" in line] == []


@pytest.mark.parametrize(
    "first",
    [
        f"{INLINE}\n                await session.commit()",
        f"{CALLED}\n                await session.commit()",
        "await put_and_commit(session, job_id)",
        "await put_and_undo(session, job_id)",
        "await read(session, job_id)",
        "await put_item(session, job_id)",
        "await put_first(session)\n                await session.rollback()",
    ],
)
@pytest.mark.parametrize("second", [INLINE_AS_WELL, CALLED_AS_WELL])
def test_nothing_waits_for_what_a_function_has_not_locked(tmp_path: Path, first: str, second: str) -> None:
    assert waits(tmp_path, first, second) == []


@pytest.mark.parametrize("second", [INLINE_AS_WELL, CALLED_AS_WELL])
def test_nothing_waits_for_a_row_of_another_database(tmp_path: Path, second: str) -> None:
    assert waits(tmp_path, CALLED, second, other="replica") == []


@pytest.mark.parametrize(("first", "second"), [("await put_first(session)", 'await put(other, 2, "failed")')])
def test_nothing_waits_for_another_row_of_a_function(tmp_path: Path, first: str, second: str) -> None:
    assert waits(tmp_path, first, second) == []


SURE = [
    (INLINE, INLINE_AS_WELL),
    (CALLED, INLINE_AS_WELL),
    (INLINE, CALLED_AS_WELL),
    (CALLED, CALLED_AS_WELL),
    (CALLED.replace("put", "put_untyped"), CALLED_AS_WELL.replace("put", "put_untyped")),
    (CALLED, "await put_on(other, job_id)"),
    ("await put_on(session, job_id)", INLINE_AS_WELL),
    ("await put_first(session)", 'await put(other, 1, "failed")'),
    (INLINE, "await put_with_both(session, other, job_id)"),
    (INLINE, "await change(other, job_id)"),
]


@pytest.mark.parametrize(("first", "second"), SURE)
def test_a_handler_waits_for_the_row_of_its_own_task(tmp_path: Path, first: str, second: str) -> None:
    assert waits(tmp_path, first, second) == [f"high {second}"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("await put_next(session, job_id)", CALLED_AS_WELL),
        (CALLED, "await put_next(other, job_id)"),
        ("await put_first(session)", CALLED_AS_WELL),
        (CALLED, "await put(other, job_id + 0, 'failed')"),
    ],
)
def test_rows_that_may_be_one_are_less_sure(tmp_path: Path, first: str, second: str) -> None:
    assert waits(tmp_path, first, second) == [f"medium {second}"]


@pytest.mark.parametrize("second", ["await put_item(other, job_id)", "await put_long(other, job_id)"])
def test_a_class_and_one_that_derives_from_it_have_a_table_in_common(tmp_path: Path, second: str) -> None:
    put = TASK[TASK.index("async def put_item") : TASK.index("async def read")]
    derived = put.replace("put_item", "put_long").replace("Item", "LongJob").replace("job_id=1", "status='failed'")
    code = task(CALLED, second, "pass", "sessions").replace("import Item,", "import Item, LongJob,") + derived
    files = {"app/database.py": BASES, "app/models.py": MODELS + LONG, "app/work.py": code}
    told = [rule for place, rule in confidences(tmp_path, files, profile="template").items() if "SUP406" in place]
    assert told == ([] if "item" in second else ["medium"])
