"""What the project's own context managers, and transaction objects, do to a session that they were given."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
import logging
from contextlib import AsyncExitStack
from app.models import Job
from app.database import sessions

logger = logging.getLogger(__name__)


class Unit:
    def __init__(self, session):
        self.session = session

    async def __aenter__(self):
        return self

    async def __aexit__(self, exc_type, exc, tb):
        await self.finish(exc_type)

    async def finish(self, failed):
        raise NotImplementedError


class Saving(Unit):
    async def finish(self, failed):
        if failed is None:
            await self.session.commit()
        else:
            await self.session.rollback()


class Bare:
    def __init__(self, db):
        self.db = db

    async def __aenter__(self):
        return self.db

    async def __aexit__(self, *error):
        await self.db.commit()


class Asking(Bare):
    async def __aexit__(self, *error):
        if not error[0]:
            await self.db.commit()


class Careful(Unit):
    async def finish(self, failed):
        try:
            if failed is None:
                await self.session.commit()
        except Exception:
            await self.session.rollback()
            raise
        if failed:
            await self.session.rollback()


class Choosing(Bare):
    def __init__(self, db, keep):
        super().__init__(db)
        self.keep = keep

    async def __aexit__(self, *_):
        if self.keep:
            await self.db.commit()


class Closing(Bare):
    async def __aexit__(self, exc_type, exc, tb):
        await self.db.close()


class Timed(Bare):
    async def __aexit__(self, exc_type, exc, tb):
        logger.info("done")


class Undoing(Bare):
    async def __aexit__(self, exc_type, exc, tb):
        if exc_type:
            await self.db.rollback()


class Once(Bare):
    def __init__(self, db):
        self.db = db
        self.done = False

    async def undo(self):
        if not self.done:
            await self.db.rollback()
            self.done = True

    async def __aexit__(self, exc_type, exc, tb):
        await self.undo()


class Always(Bare):
    async def undo(self):
        await self.db.rollback()

    async def __aexit__(self, exc_type, exc, tb):
        await self.undo()


class Savepoint(Bare):
    async def __aenter__(self):
        self.point = await self.db.begin_nested()

    async def __aexit__(self, exc_type, exc, tb):
        await (self.point.rollback() if exc_type else self.point.commit())


def saving(log, session):
    log.info("a unit")
    return Saving(session)


async def work(job_id):
    async with sessions() as session:
        BODY
"""


def found(root: Path, body: str) -> list[str]:
    return faults(root, WORK, body)


ADD = "session.add(Job(id=1))"
LOST = f"SUP308 {ADD}"
BEGIN = "async with session.begin():"


@pytest.mark.parametrize(
    "manager",
    [
        "Saving(session)",
        "Bare(session)",
        "Bare(db=session)",
        "saving(logger, session)",
        "Asking(session)",
        "Choosing(session, True)",
    ],
)
def test_what_a_manager_commits_is_not_lost(tmp_path: Path, manager: str) -> None:
    assert found(tmp_path, f"async with {manager}:\n    {ADD}") == []


@pytest.mark.parametrize(
    "body",
    [
        f"{ADD}\nasync with Saving(session):\n    pass",
        f"unit = Saving(session)\n{ADD}\nasync with unit:\n    logger.info('now')",
        "async with Saving(session) as unit:\n    unit.session.add(Job(id=1))",
        "async with Bare(session) as db:\n    db.add(Job(id=1))",
        f"async with Saving(session) as unit, Timed(unit.session):\n    {ADD}",
    ],
)
def test_a_manager_commits_what_is_written_before_and_through_it(tmp_path: Path, body: str) -> None:
    assert found(tmp_path, body) == []


@pytest.mark.parametrize("manager", ["Closing(session)", "Timed(session)", "Undoing(session)", "Unit(session)"])
def test_what_no_manager_commits_is_lost(tmp_path: Path, manager: str) -> None:
    expected = [] if manager == "Unit(session)" else [LOST]  # that one raises
    assert found(tmp_path, f"async with {manager}:\n    {ADD}") == expected


def test_what_is_written_behind_the_manager_is_lost(tmp_path: Path) -> None:
    assert found(tmp_path, f"async with Saving(session):\n    pass\n{ADD}") == [LOST]


@pytest.mark.parametrize("manager", ["Saving(session)", "Bare(session)", "Undoing(session)"])
def test_no_transaction_is_open_behind_a_manager_that_commits(tmp_path: Path, manager: str) -> None:
    body = f"async with {manager}:\n    {ADD}\n{BEGIN}\n    await session.get(Job, 1)"
    assert (f"SUP302 {BEGIN}" in found(tmp_path, body)) is (manager == "Undoing(session)")


@pytest.mark.parametrize("manager", ["Once", "Always"])
def test_a_manager_that_may_have_ended_the_work_before_does_not_surely_end_it_again(
    tmp_path: Path, manager: str
) -> None:
    body = f"""
job = await session.get(Job, 1)
unit = {manager}(session)
async with unit:
    await unit.undo()
    await session.refresh(job)
logger.info(job.status)
"""
    assert found(tmp_path, body) == (["SUP309 logger.info(job.status)"] if manager == "Always" else [])


def test_a_manager_that_ends_a_failure_leaves_nothing_open(tmp_path: Path) -> None:
    body = f"""
try:
    async with MANAGER:
        {ADD}
        await session.flush()
except Exception:
    async with session.begin():
        session.add(Job(id=2, error="failed"))
else:
    await session.commit()
"""
    assert found(tmp_path, body.replace("MANAGER", "Careful(session)")) == []
    for manager in ("Timed(session)", "Saving(session)"):  # whose commit may fail
        assert found(tmp_path, body.replace("MANAGER", manager)) == [f"SUP302 {BEGIN}"]


SWALLOWED = f"""
{BEGIN}
    {ADD}
    await session.flush()
    try:
        async with MANAGER:
            session.add(Job(id=2))
            await session.flush()
    except Exception:
        logger.exception("there already")
"""


@pytest.mark.parametrize("manager", ["Savepoint(session)", "session.begin_nested()"])
def test_a_savepoint_saves_the_work_around_it(tmp_path: Path, manager: str) -> None:
    assert found(tmp_path, SWALLOWED.replace("MANAGER", manager)) == []


def test_no_savepoint_saves_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, SWALLOWED.replace("MANAGER", "Timed(session)")) == ["SUP306 except Exception:"]


@pytest.mark.parametrize("entered", ["session.begin_nested()", "other(session.begin_nested())"])
def test_a_savepoint_may_be_entered_by_a_stack(tmp_path: Path, entered: str) -> None:
    body = SWALLOWED.replace("MANAGER:", f"AsyncExitStack() as stack:\n            await stack.enter({entered})")
    assert found(tmp_path, body.replace(".enter(", ".enter_async_context(")) == []


def test_a_stack_of_something_else_saves_nothing(tmp_path: Path) -> None:
    body = SWALLOWED.replace(
        "MANAGER:", "AsyncExitStack() as stack:\n            await stack.enter_async_context(open())"
    )
    assert found(tmp_path, body) == ["SUP306 except Exception:"]


BEGUN = ["await tx", "await tx.start()", "other = await tx", "await tx.__aenter__()"]


@pytest.mark.parametrize("begun", BEGUN)
@pytest.mark.parametrize("end", ["await tx.commit()", "await tx.rollback()", "await tx.__aexit__(None, None, None)"])
def test_a_transaction_object_ends_what_it_has_begun(tmp_path: Path, begun: str, end: str) -> None:
    body = f"tx = session.begin()\n{begun}\n{ADD}\n{end}\n{BEGIN}\n    await session.get(Job, 1)"
    assert found(tmp_path, body) == []


@pytest.mark.parametrize("begun", BEGUN)
def test_a_transaction_object_that_is_not_ended_is_open(tmp_path: Path, begun: str) -> None:
    body = f"tx = session.begin()\n{begun}\n{BEGIN}\n    await session.get(Job, 1)"
    assert found(tmp_path, body) == [f"SUP302 {BEGIN}"]


def test_a_transaction_object_has_not_begun_before_it_is_awaited(tmp_path: Path) -> None:
    assert found(tmp_path, f"tx = session.begin()\n{BEGIN}\n    await session.get(Job, 1)") == []


def test_a_block_may_be_entered_by_its_transaction(tmp_path: Path) -> None:
    body = f"tx = session.begin()\nasync with tx:\n    {ADD}\n    await tx.END()\n    logger.info('ended')"
    assert found(tmp_path, body.replace("END", "commit")) == []
    again = f"{body}\n    await session.get(Job, 1)".replace("END", "commit")
    assert found(tmp_path, again) == ["SUP303 await tx.commit()"]


def test_who_gets_a_transaction_object_may_end_it(tmp_path: Path) -> None:
    body = f"tx = await session.begin()\n{ADD}\nHAND\n{BEGIN}\n    await session.get(Job, 1)"
    for hand in ("registry[session] = tx", "await finish(tx)", "unit.tx = tx\nawait unit.finish()"):
        assert found(tmp_path, body.replace("HAND", hand)) == []
    assert found(tmp_path, body.replace("HAND", "logger.info('open')")) == [f"SUP302 {BEGIN}"]


STACK = """
async with AsyncExitStack() as stack:
    await stack.enter_async_context(session.begin())
    session.add(Job(id=1))
"""


def test_a_stack_enters_a_block_only_where_no_transaction_is_open(tmp_path: Path) -> None:
    enter = "await stack.enter_async_context(session.begin())"
    assert found(tmp_path, f"await session.get(Job, 1)\n{STACK.strip()}") == [f"SUP302 {enter}"]
    assert found(tmp_path, f"{ADD}\nawait session.commit()\n{STACK.strip()}") == []


def test_the_open_transaction_ends_by_its_object(tmp_path: Path) -> None:
    body = f"{ADD}\ntx = session.get_transaction()\nawait tx.END()\n{BEGIN}\n    await session.get(Job, 1)"
    for end in ("commit", "rollback"):
        assert found(tmp_path, body.replace("END", end)) == []
    assert found(tmp_path, body.replace("await tx.END()", "logger.info(tx.is_active)")) == [f"SUP302 {BEGIN}"]


def test_a_rollback_of_the_open_transaction_expires_its_objects(tmp_path: Path) -> None:
    body = """
job = await session.get(Job, 1)
tx = session.get_transaction()
if tx is not None:
    await tx.END()
logger.info(job.status)
"""
    assert found(tmp_path, body.replace("END", "rollback")) == ["SUP309 logger.info(job.status)"]
    assert found(tmp_path, body.replace("END", "commit")) == []


def test_a_commit_of_the_open_transaction_ends_its_block(tmp_path: Path) -> None:
    body = f"{BEGIN}\n    {ADD}\n    await session.get_transaction().commit()\n    LAST"
    told = ["SUP303 await session.get_transaction().commit()"]
    assert found(tmp_path, body.replace("LAST", "await session.get(Job, 2)")) == told
    assert found(tmp_path, body.replace("LAST", "logger.info('saved')")) == []


@pytest.mark.parametrize("there", ["tx is not None", "tx", "not (tx is None)"])
def test_an_open_transaction_is_there(tmp_path: Path, there: str) -> None:
    body = f"{ADD}\ntx = session.get_transaction()\nif {there}:\n    await tx.rollback()\n{BEGIN}\n    {ADD}"
    assert found(tmp_path, body) == []
    assert found(tmp_path, body.replace("tx.rollback()", "other.rollback()")) == [f"SUP302 {BEGIN}"]


def test_where_no_transaction_is_open_none_is_given(tmp_path: Path) -> None:
    body = f"if session.get_transaction() is not None:\n    await session.get(Job, 1)\n{BEGIN}\n    {ADD}"
    assert found(tmp_path, body) == []
