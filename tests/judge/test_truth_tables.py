"""The tables of the session semantics, sections 1 and 2, as far as SQLite shows them: each row is run (see `truth`).

These are also the tests of the judge itself: with the other truth tables, every kind of event is seen.
"""

from __future__ import annotations

import pytest

from .run_program import World
from .truth import EXECUTE, FLUSH, check

# ------------------------------------------------------------------------------------------------ 1. what autobegins

BEGINS = (
    "await session.execute(select(Job))",
    "await session.scalars(select(Job))",
    "await session.scalar(select(Job.id))",
    "await session.get(Job, 1)",
    "await session.get(Job, 99)",
    "await session.refresh(job)",
    "await session.delete(job)",
    "await session.connection()",
    "session.add(Job(name=fresh(), status='x'))",
    "session.add_all([Job(name=fresh(), status='x')])",
    "job.status = 'other'",
    "job.status = job.status",
    "await session.begin()",
    "await session.run_sync(lambda s: s.get(Job, 99))",
    "async with session.begin_nested(): log()",
)
IS_FREE = (
    "session.add_all([])",
    "session.expunge(job)",
    "session.expunge_all()",
    "session.expire(job)",
    "session.expire_all()",
    "log(job.status)",
    "await session.flush()",
    "await session.run_sync(lambda s: None)",
    "log(session.new, session.dirty, session.is_active, job in session, session.in_transaction())",
    "log(select(Job))",
    "await session.get(Job, 1)",
    "log(Job(name='n', status='s').status)",
    "session.begin()",
    *(f"await session.execute(select(Job)); await session.{end}()" for end in ("commit", "rollback", "close", "reset")),
)
FRAME = """
async with factory() as session:
    async with session.begin():
        job = await session.get(Job, 1)
    {}
    async with session.begin():{}
        log()
"""


@pytest.mark.parametrize("operation", BEGINS)
def test_begins(world: World, operation: str) -> None:
    body = FRAME.format(operation, "  # begun")
    if "session.get(Job, 1)" in operation:  # the identity map answers while the object is not expired
        body = body.replace("job = await session.get(Job, 1)", "log()")
    if "delete" in operation or "= '" in operation:
        body = body.replace("    async with session.begin():  #", "    async with session.begin():  #")
    check(world, body)


@pytest.mark.parametrize("operation", IS_FREE)
def test_does_not_begin(world: World, operation: str) -> None:
    check(world, FRAME.format(operation, ""))


def test_a_failing_statement_begins(world: World) -> None:
    check(
        world,
        """
async with factory() as session:
    try:
        await session.execute(insert(Job).values(name="first", status=mark()))
    except IntegrityError:
        log()
    async with session.begin():  # begun
        log()
""",
    )


def test_an_expired_object_begins(world: World) -> None:
    check(
        world,
        """
async with expiring_factory() as session:
    async with session.begin():
        job = await session.get(Job, 1)
    if flags[0]:
        await session.get(Job, 1)
    else:
        try:
            log(job.id)  # greenlet
        except Exception:
            log()
    async with session.begin():  # begun, begun?
        log()
""",
    )


# ------------------------------------------------------------------------------------------------- 2. inside a block

INSIDE = {
    "commit last": ("await session.commit()", True),
    "commit, then plain Python": ("await session.commit()\n        log()", True),
    "commit; return": ("await session.commit()\n        return", True),
    "rollback last": ("await session.rollback()  # discarded, discarded?", False),
    "rollback; return": ("await session.rollback()  # discarded, discarded?\n        return", False),
    "close last": ("await session.close()  # discarded, discarded?", False),
    "flush": ("await session.flush()", True),
    "savepoint": ("async with session.begin_nested():\n            READ", True),
    "failing savepoint": (
        "try:\n            async with session.begin_nested():\n                fail(True)\n"
        "        except ValueError:\n            log()",
        True,
    ),
    "commit inside a savepoint": ("async with session.begin_nested():\n            await session.commit()", True),
}
AFTER = ("READ", "session.add(Job(name=fresh(), status=mark()))", "await session.commit()", "await session.get(Job, 1)")


@pytest.mark.parametrize("name", INSIDE)
def test_inside_a_block(world: World, name: str) -> None:
    statements, saved = INSIDE[name]
    body = f"async with factory() as session:\n    async with session.begin():\n        WORK\n        {statements}"
    for run in check(world, body).runs:
        assert bool(run.saved) is saved and not run.escaped


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_use_after_the_end_of_a_block(world: World, end: str, after: str) -> None:
    discards = "" if end == "commit" else "discarded, discarded?"
    comment = "committed-early?" if end == "commit" else discards
    check(
        world,
        f"""
async with factory() as session:
    async with session.begin():
        WORK
        await session.{end}()  # {comment}
        {after}  # closed
""",
    )


def test_commit_then_raise(world: World) -> None:
    outcome = check(
        world,
        """
async with factory() as session:
    async with session.begin():
        WORK
        await session.commit()  # committed-early?
        raise ValueError
""",
    )
    assert [bool(run.saved) for run in outcome.runs] == [True]


def test_rollback_then_raise_is_no_loss(world: World) -> None:
    outcome = check(
        world,
        """
async with factory() as session:
    async with session.begin():
        try:
            WORK
            fail(True)
        except ValueError:
            await session.rollback()  # discarded?
            raise
""",
    )
    assert outcome.runs[0].escaped.startswith("ValueError")


def test_begin_inside_begin(world: World) -> None:
    check(
        world,
        """
async def phase(session):
    async with session.begin():  # begun
        log()
---
async with factory() as session:
    async with session.begin():
        await phase(session)
""",
    )


CAUGHT = """
async with factory() as session:
    async with session.begin():
        WORK
        try:
            {failing}
        except IntegrityError:
            log()
{after}
"""


def test_caught_execute_error(world: World, plain_sqlite: World) -> None:
    lost = check(world, CAUGHT.format(failing=f"{EXECUTE}  # swallowed", after=""))
    assert not lost.runs[0].saved and not lost.runs[0].escaped
    kept = check(plain_sqlite, CAUGHT.format(failing=f"{EXECUTE}  # swallowed?", after=""))
    assert kept.runs[0].saved


def test_caught_execute_error_then_more(world: World, plain_sqlite: World) -> None:
    check(world, CAUGHT.format(failing=EXECUTE, after="        READ  # aborted?"))
    check(plain_sqlite, CAUGHT.format(failing=f"{EXECUTE}  # swallowed?", after="        READ"))


@pytest.mark.parametrize("which", ["world", "plain_sqlite", "real_aiosqlite"])
def test_caught_flush_error(which: str, request: pytest.FixtureRequest) -> None:
    outcome = check(request.getfixturevalue(which), CAUGHT.format(failing=f"{FLUSH}  # swallowed", after=""))
    assert not outcome.runs[0].saved and not outcome.runs[0].escaped


def test_caught_flush_error_then_more(world: World) -> None:
    check(world, CAUGHT.format(failing=FLUSH, after="        READ  # closed"))
    check(
        world,
        CAUGHT.format(failing=f"{FLUSH}  # swallowed", after="        session.add(Job(name=fresh(), status=mark()))"),
    )


def test_a_savepoint_saves_the_rest(world: World) -> None:
    outcome = check(
        world,
        f"""
async with factory() as session:
    async with session.begin():
        WORK
        try:
            async with session.begin_nested():
                {EXECUTE}
        except IntegrityError:
            log()
        WORK
""",
    )
    assert len(outcome.runs[0].saved) == 2
