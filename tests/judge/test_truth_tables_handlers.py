"""The table of the session semantics, section 3: failure handlers. Each row is run (see `truth`)."""

from __future__ import annotations

import pytest

from .run_program import World
from .truth import EXECUTE, FLUSH, check

# ---------------------------------------------------------------------------------------------------- 3. the handler

HANDLER = """
async with {opening} as session:
    try:
        {body}
    except Exception:
        {first}
        async with session.begin():{comment}
            FAILED
"""
IN_BLOCK = "async with session.begin():\n            WORK\n            fail(True)"
STUCK = {
    "after a read outside": "READ\n        fail(True)",
    "failing operation outside": EXECUTE,
    "begin after a read": "READ\n        async with session.begin():  # begun\n            log()",
    "set between blocks": (
        "async with session.begin():\n            job = await session.get(Job, 1)\n"
        "        job.status = mark()\n        async with session.begin():  # begun\n            log()"
    ),
}


@pytest.mark.parametrize("cured", [False, True], ids=["stuck", "rollback first"])
@pytest.mark.parametrize("name", STUCK)
def test_stuck_status(world: World, name: str, cured: bool) -> None:
    first = "await session.rollback()" if cured else "log()"
    again = "begun?" if "# begun" in STUCK[name] else "begun"
    comment = "" if cured else f"  # {again}"
    body = HANDLER.format(opening="get_session()", body=STUCK[name], first=first, comment=comment)
    assert check(world, body).runs[0].status == ("failed" if cured else "new")


@pytest.mark.parametrize("first", ["log()", "await session.rollback()"])
def test_handler_after_a_block(world: World, first: str) -> None:
    body = HANDLER.format(opening="get_session()", body=IN_BLOCK, first=first, comment="")
    assert check(world, body).runs[0].status == "failed"


@pytest.mark.parametrize("opening", ["factory()", "expiring_factory()"])
def test_handler_that_reads_an_object_after_the_rollback(world: World, opening: str) -> None:
    body = f"""
async with {opening} as session:
    async with session.begin():
        job = await session.get(Job, job_id)
    try:
        {IN_BLOCK}
    except Exception:
        log(job.id)  # greenlet
        async with session.begin():
            FAILED
"""
    assert check(world, body).runs[0].status == "new"


def test_handler_in_the_block(world: World) -> None:
    body = """
async with get_session() as session:
    async with session.begin():
        try:
            WORK
            fail(True)
        except ValueError:
            async with session.begin():  # begun
                FAILED
"""
    assert check(world, body).runs[0].status == "new"


def test_handler_that_waits_for_its_own_lock(world: World) -> None:
    body = """
async with get_session() as session:
    try:
        await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
        fail(True)
    except Exception:
        {}
        async with get_session() as second, second.begin():
            await second.execute(update(Job).where(Job.id == job_id).values(status="failed")){}
"""
    assert check(world, body.format("log()", "  # locked")).runs[0].status == "new"
    assert check(world, body.format("await session.rollback()", "")).runs[0].status == "failed"


def test_handler_without_begin(world: World) -> None:
    body = """
async with get_session() as session:
    try:
        WORK
        fail(True)
    except Exception:
        FAILED"""
    run = check(world, body).runs[0]
    assert run.status == "failed" and len(run.saved) == 2  # half the work is kept
    assert check(world, body + "\n        raise").runs[0].status == "new"


def test_handler_after_a_failed_flush(world: World) -> None:
    body = f"""
async with get_session() as session:
    try:
        {FLUSH.replace(" " * 12, " " * 8)}
    except Exception:
        await session.execute(select(Job))  # pending?
"""
    check(world, body)
