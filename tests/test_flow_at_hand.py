"""`get()` of a row that the session may have at hand: it may begin no transaction, and then `begin()` is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import DATABASE, faults
from tests.template_support import MODELS

WORK = """
from sqlalchemy import select
from app.MODULE import Job
from app.database import expiring, sessions


async def work(job_id, other_id):
    async with sessions() as session:
        async with session.begin():
            BODY
        job = await session.get(Job, job_id)
        async with session.begin():
            print(job)
"""

NESTED = """
from sqlalchemy import select
from app.MODULE import Job
from app.database import expiring, sessions


async def work(job_id):
    async with sessions() as session:

        async def inner():
            job = await session.get(Job, job_id)
            async with session.begin():
                print(job)

        async with session.begin():
            BODY
        await inner()
        print(jobs)
"""

BEGUN = "SUP302 async with session.begin():"
KEPT = "jobs = (await session.scalars(select(Job))).all()"
LET_GO = "jobs = len((await session.execute(select(Job.id))).all())"
ADDED = "made = Job()\nsession.add(made)"
QUERY = "await session.execute(select(Job))"


def told(root: Path, work: str, body: str) -> list[str]:
    """The findings, be the module of the models read, as that of the sessions is, or not."""
    read = faults(root / "read", work.replace("MODULE", "database"), body, database=f"{DATABASE}\n{MODELS}")
    assert read == faults(root / "named", work.replace("MODULE", "models"), body)
    return read


def test_a_nested_function_may_ask_for_what_was_loaded_before_its_call(tmp_path: Path) -> None:
    assert told(tmp_path, NESTED, KEPT) == []


def test_a_nested_function_in_a_loop_may_ask_for_what_the_last_round_has_loaded(tmp_path: Path) -> None:
    again = NESTED.replace("        await inner()\n", "        for _ in range(2):\n            await inner()\n")
    assert told(tmp_path, again, KEPT) == []


@pytest.mark.parametrize("body", [LET_GO, "jobs = []"])
def test_a_nested_function_that_asks_for_what_nobody_has_kept(tmp_path: Path, body: str) -> None:
    assert told(tmp_path, NESTED, body) == [BEGUN]


def test_what_has_expired_is_not_at_hand_for_a_nested_function(tmp_path: Path) -> None:
    assert told(tmp_path, NESTED.replace("with sessions()", "with expiring()"), KEPT) == [BEGUN]


RETURNING = """async def inner():
                STATEMENT

            jobs = await inner()"""


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("return (await session.scalars(select(Job))).all()", []),
        ("return await session.scalar(select(Job))", []),
        ("print((await session.scalars(select(Job))).all())", [BEGUN]),
        ("return await session.get(Job, job_id)", []),
        ("job = await session.get(Job, job_id)\n                found.append(job)", []),
        ("known[job_id] = await session.get(Job, job_id)", []),
        ("rows = (await session.scalars(select(Job))).all()", [BEGUN]),
        ("job = await session.get(Job, job_id)", [BEGUN]),
        ("job = await session.get(Job, job_id)\n                return", [BEGUN]),
    ],
)
def test_what_a_nested_function_returns_is_kept(tmp_path: Path, statement: str, expected: list[str]) -> None:
    work = WORK.replace("BODY", RETURNING.replace("STATEMENT", statement))
    assert told(tmp_path, work, "") == expected


@pytest.mark.parametrize(
    ("first", "expected"),
    [("other = await session.get(Job, other_id)\n            session.expire(other)", []), ("print()", [BEGUN])],
)
def test_a_nested_function_may_bring_back_what_its_caller_holds(
    tmp_path: Path, first: str, expected: list[str]
) -> None:
    inner = RETURNING.replace("STATEMENT", "job = await session.get(Job, job_id)")
    assert told(tmp_path, WORK.replace("BODY", f"{first}\n            {inner}"), "") == expected


def test_a_query_may_bring_back_what_had_expired(tmp_path: Path) -> None:
    body = f"other = await session.get(Job, other_id)\nsession.expire(other)\n{QUERY}"
    assert told(tmp_path, WORK, body) == []


@pytest.mark.parametrize(("first", "expected"), [("session.expire(made)", []), ("print(made)", [BEGUN])])
def test_a_query_may_bring_back_what_was_made_here_and_has_expired(
    tmp_path: Path, first: str, expected: list[str]
) -> None:
    block = "        async with session.begin():\n            "
    work = WORK.replace(block, f"{block}made = Job()\n            session.add(made)\n{block}", 1)
    assert told(tmp_path, work, f"{first}\n{QUERY}") == expected


@pytest.mark.parametrize("body", [f"{ADDED}\n{QUERY}", ADDED, QUERY, f"{QUERY}\n{ADDED}"])
def test_a_query_brings_nothing_of_what_was_made_here(tmp_path: Path, body: str) -> None:
    assert told(tmp_path, WORK, body) == [BEGUN]
