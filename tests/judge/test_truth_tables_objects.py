"""The tables of the session semantics, sections 4 to 6, as far as SQLite shows them: each row is run (see `truth`)."""

from __future__ import annotations

import pytest

from .run_program import World
from .truth import check

# ----------------------------------------------------------------------------------------- 4. the exit, control flow


@pytest.mark.parametrize("leave", ["return", "break", "continue"])
def test_leaving_a_block_commits(world: World, leave: str) -> None:
    body = f"""
async with open_session() as session:
    for _ in range(1):
        async with session.begin():
            WORK
            {leave}
"""
    assert check(world, body).runs[0].saved


def test_the_exit_commits(world: World) -> None:
    for last in ("log()", "return"):
        body = (
            f"async with get_session() as session:\n    async with session.begin():\n        READ\n    WORK\n    {last}"
        )
        assert check(world, body).runs[0].saved
    swallowed = """
async with get_session() as session:
    try:
        WORK
        fail(True)
    except ValueError:
        log()
"""
    assert check(world, swallowed).runs[0].saved


# -------------------------------------------------------------------------------------------- 5. objects across phases

PHASES = """
async with {opening} as session:
    async with session.begin():
        job = await session.get(Job, job_id)
    {between}
    async with session.begin():
        {second}
"""


@pytest.mark.parametrize("second", ["log(job.status)", "log(job.id)", "log([each.name for each in [job]])"])
def test_read_in_the_next_phase(world: World, second: str) -> None:
    comment = "  # greenlet"
    check(world, PHASES.format(opening="expiring_factory()", between="log()", second=second + comment))
    check(world, PHASES.format(opening="factory()", between="log()", second=second))


@pytest.mark.parametrize("opening", ["factory()", "expiring_factory()"])
def test_what_may_be_done_in_the_next_phase(world: World, opening: str) -> None:
    for second in ("job.status = mark()", "await session.refresh(job); log(job.status)"):
        check(world, PHASES.format(opening=opening, between="log()", second=second))
    again = "job = await session.get(Job, job_id); log(job.status)"
    check(world, PHASES.format(opening=opening, between="log()", second=again))


@pytest.mark.parametrize("opening", ["factory()", "expiring_factory()"])
def test_read_after_a_rollback(world: World, opening: str) -> None:
    rolled_back = "await session.rollback()"
    check(
        world,
        PHASES.format(opening=opening, between=rolled_back, second="log(job.status)").replace(
            "log(job.status)", "log(job.status)" + ("  # greenlet" if opening.startswith("expiring") else "")
        ),
    )
    get = "async with {} as session:\n    job = await session.get(Job, 1)\n    {}\n    log(job.id)  # greenlet"
    check(world, get.format(opening, rolled_back))


def test_read_after_the_session(world: World) -> None:
    for opening, comment in (("get_expiring_session()", "  # detached?"), ("get_session()", "")):
        check(world, f"async with {opening} as session:\n    job = await session.get(Job, 1)\nlog(job.status){comment}")


def test_a_new_objects_id(world: World) -> None:
    for opening, comment in (("expiring_factory()", "  # greenlet"), ("factory()", "")):
        check(
            world,
            f"""
async with {opening} as session:
    async with session.begin():
        made = Job(name=fresh(), status=mark())
        session.add(made)
        log(made.id)
        await session.flush()
        log(made.id)
    log(made.id){comment}
""",
        )


# --------------------------------------------------------------------------------------------- 6. ways to get a session

WAYS = {
    "factory, no commit": ("async with factory() as session:\n    WORK  # lost", False),
    "factory, commit": ("async with factory() as session:\n    WORK\n    await session.commit()", True),
    "helper that closes": ("async with open_session() as session:\n    WORK  # lost", False),
    "helper that commits": ("async with get_session() as session:\n    WORK", True),
    "closed by hand": ("session = factory()\ntry:\n    WORK  # lost\nfinally:\n    await session.close()", False),
    "never closed": ("session = factory()\nWORK  # lost", False),
    "factory.begin()": ("async with factory.begin() as session:\n    WORK", True),
    "begin in factory.begin()": (
        "async with factory.begin() as session:\n    WORK\n    async with session.begin():  # begun\n        log()",
        False,
    ),
    "two items": ("async with factory() as session, session.begin():\n    WORK", True),
    "reopened after close()": (
        "async with factory() as session:\n    await session.close()\n    WORK  # lost",
        False,
    ),
    "rolled back by hand": ("async with factory() as session:\n    WORK\n    await session.rollback()", False),
}


@pytest.mark.parametrize("name", WAYS)
def test_ways_to_get_a_session(world: World, name: str) -> None:
    body, saved = WAYS[name]
    assert bool(check(world, body).runs[0].saved) is saved


def test_a_loss_that_a_handler_knows(world: World) -> None:
    body = """
async with factory() as session:
    try:
        WORK
        fail({})
        await session.commit()
    except ValueError:
        log()
"""
    assert not check(world, body.format("True")).runs[0].saved
    assert check(world, body.format("False")).runs[0].saved
