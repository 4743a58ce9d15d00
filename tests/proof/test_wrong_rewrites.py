"""The proof itself: a rewrite that is wrong is caught, one that is right is not."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import dedent, indent

import pytest

from .on_sqlite import SqliteStage
from .rewriting import fault_of_text
from .stage import Stage
from .trial import tried

HEAD = """
from sqlalchemy import select, update
from shop.models import Item, Job
from shop.support import fail, fetch, fresh, log, mark
from shop.MODULE import async_session_factory, get_session


async def task(flags, job_id):
"""
FAILED = 'await session.execute(update(Job).where(Job.id == job_id).values(status="failed"))'


@pytest.fixture(scope="module", name="stage")
def stage_fixture() -> Iterator[Stage]:
    made = SqliteStage()
    yield made
    made.close()


def text_of(body: str, module: str = "session") -> str:
    return HEAD.replace("MODULE", module) + indent(dedent(body).strip().replace("FAILED", FAILED), "    ") + "\n"


def kind(stage: Stage, before: str, after: str, module: str = "session") -> str | None:
    found = tried(stage, text_of(before, module), text_of(after, module), 300).difference
    return found.kind if found is not None else None


BY_HAND = """
session = async_session_factory()
try:
    job = await session.get(Job, job_id)
    job.status = "processing"
    await session.commit()
    log(await fetch("a page"))
    session.add(Item(job_id=job_id, value=fresh()))
    await session.commit()
except Exception as error:
    log(type(error).__name__)
    await session.rollback()
    FAILED
    await session.commit()
finally:
    await session.close()
"""
SWAPPED = """
async with get_session() as session:
    try:
        job = await session.get(Job, job_id)
        job.status = "processing"
        await session.commit()
        log(await fetch("a page"))
        session.add(Item(job_id=job_id, value=fresh()))
        await session.commit()
    except Exception as error:
        log(type(error).__name__)
        await session.rollback()
        FAILED
        await session.commit()
"""
WRAPPED = """
async with get_session() as session:
    try:
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = "processing"
        async with session.begin():
            log(await fetch("a page"))
            session.add(Item(job_id=job_id, value=fresh()))
    except Exception as error:
        log(type(error).__name__)
        await session.rollback()
        async with session.begin():
            FAILED
"""
RIGHT = {"swapped": SWAPPED, "wrapped": WRAPPED}
"""What may become of BY_HAND."""

WRONG_WRAPS = {
    "a commit between is gone": SWAPPED.replace('"processing"\n        await session.commit()', '"processing"'),
    "the last commit is gone": SWAPPED.replace("fresh()))\n        await session.commit()", "fresh()))"),
    "the rollback is gone": SWAPPED.replace("        await session.rollback()\n", ""),
    "the rollback is gone behind blocks": SWAPPED.replace(
        "        await session.rollback()\n        ", "        "
    ).replace(
        "        FAILED\n        await session.commit()", "        async with session.begin():\n            FAILED"
    ),
    "the handler's commit is gone, and the helper's too": SWAPPED.replace(
        "FAILED\n        await session.commit()", "FAILED"
    ).replace("get_session", "async_session_factory"),
    "one block for both phases": WRAPPED.replace('"processing"\n        async with session.begin():', '"processing"'),
    "a read stays outside of its block": WRAPPED.replace(
        "        async with session.begin():\n            job = await session.get(Job, job_id)",
        "        job = await session.get(Job, job_id)\n        async with session.begin():",
    ),
    "a call has moved": SWAPPED.replace('        log(await fetch("a page"))\n', "").replace(
        "fresh()))", 'fresh()))\n        log(await fetch("a page"))'
    ),
    "the handler is gone": SWAPPED[: SWAPPED.index("    except")].replace("    try:\n", "    if True:\n"),
    "errors are swallowed": SWAPPED + "    except BaseException:\n        pass\n",
    "another error escapes": SWAPPED.replace("await session.rollback()", "await session.rollback(now=True)"),
    "the session stays open": BY_HAND.replace("await session.close()", "task.kept = session"),
}
"""What must not become of BY_HAND."""

OTHERS = {
    "a loop wrapped from outside": (
        """
        async with get_session() as session:
            for value in ("one more", "two more"):
                session.add(Item(job_id=job_id, value=value))
                fail(flags[0])
                await session.commit()
        """,
        """
        async with get_session() as session:
            async with session.begin():
                for value in ("one more", "two more"):
                    session.add(Item(job_id=job_id, value=value))
                    fail(flags[0])
        """,
    ),
    "work behind the last commit": (
        """
        async with async_session_factory() as session:
            await session.commit()
            FAILED
        """,
        """
        async with get_session() as session:
            await session.commit()
            FAILED
        """,
    ),
    "a continue that commits": (
        """
        async with get_session() as session:
            for value in ("one more", "two more"):
                session.add(Item(job_id=job_id, value=value))
                if flags[0]:
                    continue
                await session.commit()
        """,
        """
        async with get_session() as session:
            for value in ("one more", "two more"):
                async with session.begin():
                    session.add(Item(job_id=job_id, value=value))
                    if flags[0]:
                        continue
        """,
    ),
    "a commit that is not the last thing in its block": (
        """
        async with get_session() as session:
            async with session.begin():
                FAILED
                await session.commit()
                log("saved")
        """,
        """
        async with get_session() as session:
            async with session.begin():
                FAILED
                log("saved")
        """,
    ),
    "a rollback that is deleted": (
        """
        async with get_session() as session:
            async with session.begin():
                FAILED
                await session.rollback()
        """,
        """
        async with get_session() as session:
            async with session.begin():
                FAILED
        """,
    ),
}


def test_what_is_right_makes_no_difference(stage: Stage) -> None:
    for after in RIGHT.values():
        for module in ("session", "expiring"):
            assert kind(stage, BY_HAND, after, module) is None


@pytest.mark.parametrize("name", WRONG_WRAPS)
def test_wrong_wraps_make_a_difference(name: str, stage: Stage) -> None:
    after = WRONG_WRAPS[name]
    assert after not in (SWAPPED, WRAPPED, BY_HAND)
    assert kind(stage, BY_HAND, after) is not None


@pytest.mark.parametrize("name", OTHERS)
def test_other_wrong_rewrites_make_a_difference(name: str, stage: Stage) -> None:
    assert kind(stage, *OTHERS[name]) is not None


def test_another_expiry_makes_a_difference(stage: Stage) -> None:
    body = """
    async with get_session() as session:
        job = await session.get(Job, 1)
        await session.commit()
        log(job.name)
    """
    before, after = text_of(body), text_of(body, "expiring")
    assert tried(stage, before, after, 10).difference is not None


def test_what_could_only_fail_may_be_cured(stage: Stage) -> None:
    """A handler's `begin()` after work that has begun: before, the job was stuck."""
    before = """
    async with get_session() as session:
        try:
            log(await session.scalar(select(Job.status)))
            raise ValueError
        except Exception:
            async with session.begin():
                FAILED
    """
    assert kind(stage, before, before.replace("Exception:", "Exception:\n            await session.rollback()")) is None
    assert kind(stage, before, before.replace("Job.status", "Job.name")) is not None


def test_a_row_that_is_still_at_hand_need_not_be_loaded_again(stage: Stage) -> None:
    """The block that only reads ends before the failure: the rollback expires nothing any more."""
    before = """
    async with get_session() as session:
        try:
            job = await session.get(Job, 1)
            log("read")
            raise ValueError
        except Exception:
            await session.rollback()
            job = await session.get(Job, 1)
            job.status = "failed"
            await session.commit()
    """
    read = "job = await session.get(Job, 1)\n            log"
    after = before.replace(read, f"async with session.begin():\n                {read}")
    assert kind(stage, before, after) is None
    assert kind(stage, before, after.replace('"failed"', '"other"')) is not None
    loads = "await session.refresh(job)\n            raise"
    assert kind(stage, before.replace("raise", loads), after) is not None


def test_a_session_that_waits_for_the_lock_of_another_one_may_be_cured(stage: Stage) -> None:
    """Without the `rollback()` the second session waits for the first one's lock for ever."""
    before = """
    async with get_session() as session:
        try:
            await session.execute(update(Job).values(status=mark()))
            fail(flags[0])
        except Exception:
            async with get_session() as second:
                await second.execute(update(Job).values(status="failed"))
    """
    assert kind(stage, before, before.replace("Exception:", "Exception:\n            await session.rollback()")) is None
    assert kind(stage, before, before.replace("mark()", "fresh()")) is not None


def test_texts_are_looked_at() -> None:
    before = "a = 1  # why\r\nb = 2\r\n"
    assert fault_of_text(before, before) is None
    assert fault_of_text(before, before.replace("# why", "# how")) == "lost the comment # why"
    assert fault_of_text(before, before + "c = 3\n") == "line ends are mixed"
    assert str(fault_of_text(before, "a = = 1  # why")).startswith("does not compile")
