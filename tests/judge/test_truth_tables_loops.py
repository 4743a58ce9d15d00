"""What a loop over a session dependency does (semantics, section 6): each row is run (see `truth`)."""

from __future__ import annotations

import pytest

from .run_program import World
from .truth import check

LOSES = "  # lost"
ENDS = {
    "its end": ("log()", ""),
    "`continue`": ("continue", ""),
    "`break`": ("break", LOSES),
    "`return`": ("return", LOSES),
    "a commit, and `break`": ("await session.commit(); break", ""),
    "an exception, which is what the author wants": ("raise ValueError()", ""),
}
FRAME = """
async for session in {}:
    WORK{}
    {}
"""


@pytest.mark.parametrize("generator", ["get_db()", "get_expiring_db()"])
@pytest.mark.parametrize("name", ENDS)
def test_what_is_left_to_the_generators_commit(world: World, name: str, generator: str) -> None:
    end, comment = ENDS[name]
    check(world, FRAME.format(generator, comment, end))


@pytest.mark.parametrize("name", ENDS)
def test_a_generator_that_only_closes(world: World, name: str) -> None:
    end, _ = ENDS[name]
    check(world, FRAME.format("open_db()", "" if "commit" in end or "raise" in end else LOSES, end))


@pytest.mark.parametrize("end", ["return", "break"])
def test_a_block_commits_for_itself(world: World, end: str) -> None:
    check(world, f"async for session in get_db():\n    async with session.begin():\n        WORK\n        {end}")


def test_a_begin_after_a_read(world: World) -> None:
    check(world, "async for session in get_db():\n    READ\n    async with session.begin():  # begun\n        WORK")


def test_a_begin_directly_behind_the_loop(world: World) -> None:
    """Nothing has closed the session yet; the rules do not count on that."""
    check(world, "async for session in get_db():\n    READ\n    break\nasync with session.begin():  # begun\n    WORK")


def test_an_object_behind_the_loop(world: World) -> None:
    read = "    job = await session.get(Job, 1)\n"
    end = "log(job.status)"
    check(world, f"async for session in get_db():\n{read}{end}")
    check(world, f"async for session in get_expiring_db():\n{read}{end}  # detached?")
    check(world, f"async for session in get_expiring_db():\n{read}    break\n{end}")
    check(
        world,
        f"async for session in get_expiring_db():\n{read}    await session.commit()\n    break\n{end}  # greenlet",
    )
