"""`async for session in get_db():`: the body runs once, with the session that the generator yields."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import DATABASE, faults

GENERATORS = f"""{DATABASE}
from contextlib import asynccontextmanager

maybe = None


async def committing():
    async with sessions() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise
        finally:
            await session.close()


async def closing():
    async with sessions() as session:
        yield session


async def expiring_on_commit():
    session = expiring()
    try:
        yield session
        await session.commit()
    finally:
        await session.close()


async def committing_in_the_end():
    session = sessions()
    try:
        yield session
    finally:
        await session.commit()
        await session.close()


async def in_a_block():
    async with sessions() as session, session.begin():
        yield session


async def begun_by_the_factory():
    async with sessions.begin() as session:
        yield session


async def over_another():
    async for session in committing():
        yield session


async def over_a_closing_one():
    async for session in closing():
        yield session


async def by_choice(fast):
    if fast:
        async with sessions() as session:
            yield session
    else:
        async with expiring() as session:
            yield session


async def perhaps():
    if maybe is None:
        return
    async with sessions() as session:
        yield session


async def each():
    for make in (sessions, sessions):
        async with make() as session:
            yield session


async def the_same(session):
    yield session


async def twice():
    async with sessions() as session:
        yield session
        yield session


opened = asynccontextmanager(committing)


class Store:
    async def get_db(self):
        async with sessions() as session:
            yield session
            await session.commit()

    async def work(self, job_id):
        async for session in self.get_db():
            await session.get(Job, job_id)
            async with session.begin():
                session.add(Job(id=2))
"""
WORK = """
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from app import database
from app.database import (
    Store, begun_by_the_factory, by_choice, closing, committing, committing_in_the_end, each, expiring_on_commit,
    in_a_block, opened, over_a_closing_one, over_another, perhaps, sessions, the_same, twice,
)
from app.models import Job
from elsewhere import get_db as of_a_package, risky


def log(*values):
    print(*values)


async def begins(session):
    async with session.begin():
        session.add(Job(id=3))


# supavisor-lint: task
async def work(job_id, names=()):
    BODY
"""


def found(root: Path, body: str) -> list[str]:
    return faults(root, WORK, body, GENERATORS)


def loop(*statements: str, over: str = "committing()") -> str:
    return "\n".join((f"async for session in {over}:", *(f"    {statement}" for statement in statements)))


ADD = "session.add(Job(id=2))"
INSERT = "await session.execute(insert(Job))"
READ = "job = await session.get(Job, job_id)"
BEGIN = "async with session.begin():"
BEGUN = f"SUP302 {BEGIN}"
COMMITTING = ["committing()", "over_another()", "committing_in_the_end()", "expiring_on_commit()", "Store().get_db()"]

SILENT = {
    "a commit behind the loop": loop(ADD),
    "a `continue` goes on as well": loop(ADD, "if names:", "    continue", INSERT),
    "blocks only": loop(BEGIN, f"    {ADD}", BEGIN, f"    {INSERT}"),
    "a read, and a return": loop(f"{READ}", "return job.id"),
    "its own commit, and a break": loop(ADD, "await session.commit()", "break"),
    "a return in front of the write": loop("if names:", "    return", ADD),
    "an exception, which is what the author wants": loop(ADD, "if names:", "    raise ValueError(job_id)"),
    "a rollback between": loop(READ, "await session.rollback()", BEGIN, f"    {ADD}"),
    "a new session each time": f"for name in names:\n    {loop(BEGIN, '    ' + ADD, READ)}".replace(
        "\n    ", "\n        "
    ).replace("        async", "    async", 1),
    "two loops": f"{loop(READ)}\n{loop(BEGIN, f'    {ADD}')}",
    "the commit comes with the end": loop(ADD, over="committing_in_the_end()"),
    "the commit comes even so": loop(ADD, "return job_id", over="committing_in_the_end()").replace(
        "committing_in_the_end()", "database.committing_in_the_end()"
    ),
    "a block round the yield": loop(ADD, INSERT, over="in_a_block()"),
    "the factory's block": loop(ADD, over="begun_by_the_factory()"),
    "objects that last": loop(READ, "await session.commit()", "log(job.id)"),
    "read behind the loop": f"{loop(READ)}\nlog(job.id)",
    "several sessions": loop(READ, BEGIN, f"    {ADD}", over="each()"),
    "one session, twice": loop(READ, BEGIN, f"    {ADD}", over="twice()"),
    "a session of the caller's": loop(ADD, over="the_same(job_id)"),
    "of an installed package": loop(READ, BEGIN, f"    {ADD}", over="of_a_package()"),
    "somebody closes it meanwhile": loop(READ, "break", over="closing()") + f"\n{BEGIN}\n    {ADD}",
    "behind a return in the loop": loop("return None") + "\nasync with sessions() as session:\n    " + ADD,
    "rows, not sessions": "async with sessions() as session:\n    async for job in await session.stream(select(Job)):\n"
    "        log(job.id)",
}


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_wrong(tmp_path: Path, name: str) -> None:
    assert [fault for fault in found(tmp_path, SILENT[name]) if not fault.startswith("SUP103")] == []


@pytest.mark.parametrize("over", COMMITTING)
def test_what_the_generator_commits_is_not_lost(tmp_path: Path, over: str) -> None:
    assert found(tmp_path, loop(ADD, INSERT, over=over)) == []


@pytest.mark.parametrize("over", [*COMMITTING, "closing()", "perhaps()", "by_choice(job_id)"])
def test_a_begin_after_a_read(tmp_path: Path, over: str) -> None:
    assert found(tmp_path, loop(READ, BEGIN, "    log(names)", over=over)) == [BEGUN]


def test_a_begin_after_a_read_over_a_kept_generator(tmp_path: Path) -> None:
    body = "generator = committing()\n" + loop(READ, BEGIN, "    log(names)", over="generator")
    assert found(tmp_path, body) == [BEGUN]


def test_a_begin_after_a_read_in_the_class_of_the_generator(tmp_path: Path) -> None:
    code = GENERATORS.partition("class Store:")[2]
    work = f"from app.database import sessions\nfrom app.models import Job\n\n\nclass Store:{code}"
    assert faults(tmp_path, work, "", GENERATORS.partition("class Store:")[0]) == [BEGUN]


@pytest.mark.parametrize("over", ["in_a_block()", "begun_by_the_factory()"])
def test_a_block_in_the_generators_block(tmp_path: Path, over: str) -> None:
    assert found(tmp_path, loop(BEGIN, f"    {ADD}", over=over)) == [BEGUN]


def test_the_loop_is_the_place_of_the_block(tmp_path: Path) -> None:
    assert found(tmp_path, loop(ADD, "await session.commit()", ADD, over="in_a_block()")) == [
        "SUP303 await session.commit()"
    ]


@pytest.mark.parametrize("over", ["closing()", "over_a_closing_one()", "by_choice(names)"])
@pytest.mark.parametrize("write", [ADD, INSERT])
def test_nobody_commits(tmp_path: Path, over: str, write: str) -> None:
    assert found(tmp_path, loop(write, over=over)) == [f"SUP308 {write}"]


@pytest.mark.parametrize("write", [ADD, INSERT])
@pytest.mark.parametrize("end", ["break", "return job_id"])
@pytest.mark.parametrize("over", ["committing()", "over_another()", "closing()", "in_a_block()"])
def test_what_is_lost_where_the_loop_is_left_is_told_once(tmp_path: Path, write: str, end: str, over: str) -> None:
    assert found(tmp_path, loop(write, end, over=over)) == [f"SUP103 async for session in {over}:"]


def test_what_is_lost_where_the_loop_over_a_kept_generator_is_left(tmp_path: Path) -> None:
    body = "generator = committing()\n" + loop(ADD, "break", over="generator") + "\nawait generator.aclose()"
    assert found(tmp_path, body) == [f"SUP308 {ADD}"]


def test_what_is_lost_either_way_is_told_at_the_write_as_well(tmp_path: Path) -> None:
    body = loop(ADD, "if names:", "    return", "log(names)", over="closing()")
    assert found(tmp_path, body) == ["SUP103 async for session in closing():", f"SUP308 {ADD}"]


def test_a_loop_that_loses_nothing_is_no_hazard(tmp_path: Path) -> None:
    """It is left in front of the write only."""
    assert found(tmp_path, loop("if names:", "    return", ADD)) == []
    assert found(tmp_path, loop(ADD, "return job_id", over="committing_in_the_end()")) == []


def test_an_expired_object(tmp_path: Path) -> None:
    read = "log(job.id)"
    assert found(tmp_path, loop(READ, "await session.commit()", read, over="expiring_on_commit()")) == [
        f"SUP309 {read}"
    ]
    assert found(tmp_path, f"{loop(READ, over='expiring_on_commit()')}\n{read}") == [f"SUP309 {read}"]
    left = loop(READ, "await session.commit()", "break", over="expiring_on_commit()")
    assert found(tmp_path, f"{left}\n{read}") == [f"SUP309 {read}"]
    assert found(tmp_path, f"{loop(READ, 'break', over='expiring_on_commit()')}\n{read}") == []


FLUSHING = ("try:", f"    {ADD}", "    await session.flush()", "except Exception:")
SAVEPOINT = "async with session.begin_nested():"
UPDATE = "await session.execute(update(Job).where(Job.id == 1).values(status='a'))"
OTHER = "async with sessions() as other, other.begin():"
UPDATE_AS_WELL = UPDATE.replace("session.", "other.")
AS_IN_A_BLOCK = {
    "a handler that begins": (
        ("try:", f"    {READ}", "    risky(job.id)", "except Exception:", f"    {BEGIN}", f"        {ADD}"),
        [f"SUP406 {BEGIN}"],
    ),
    "a handler that rolls back first": (
        ("try:", f"    {READ}", "except Exception:", "    await session.rollback()", f"    {BEGIN}", f"        {ADD}"),
        [],
    ),
    "a handler that reads after the rollback": (
        ("try:", f"    {BEGIN}", f"        {READ}", "        risky()", "except Exception:", "    log(job.id)"),
        ["SUP406 log(job.id)"],
    ),
    "a handler that uses a failed transaction": (
        ("try:", f"    {ADD}", "    await session.flush()", "except Exception:", f"    {INSERT}"),
        [f"SUP406 {INSERT}"],
    ),
    "a swallowed error": (
        (BEGIN, *(f"    {line}" for line in (*FLUSHING, "    log(names)"))),
        ["SUP306 except Exception:"],
    ),
    "a savepoint round what may fail": (
        (
            BEGIN,
            "    try:",
            f"        {SAVEPOINT}",
            f"            {ADD}",
            "    except Exception:",
            "        log(names)",
        ),
        [],
    ),
    "a commit in a block": (
        (BEGIN, f"    {ADD}", "    await session.commit()", f"    {INSERT}"),
        ["SUP303 await session.commit()"],
    ),
    "a rollback in a block": (
        (BEGIN, f"    {ADD}", "    await session.rollback()"),
        ["SUP303 await session.rollback()"],
    ),
    "a helper that begins": (
        ("await begins(session)", READ, "await begins(session)"),
        ["SUP302 await begins(session)"],
    ),
    "a second session that waits for the first one's lock": (
        ("try:", f"    {UPDATE}", "    risky()", "except Exception:", f"    {OTHER}", f"        {UPDATE_AS_WELL}"),
        [f"SUP406 {UPDATE_AS_WELL}"],
    ),
}


@pytest.mark.parametrize("name", AS_IN_A_BLOCK)
def test_it_is_as_in_the_block_of_a_helper(tmp_path: Path, name: str) -> None:
    statements, expected = AS_IN_A_BLOCK[name]
    assert found(tmp_path / "loop", loop(*statements)) == expected
    block = loop(*statements).replace("async for session in committing():", "async with opened() as session:")
    assert found(tmp_path / "block", block) == expected


def test_the_generator_hears_of_no_exception(tmp_path: Path) -> None:
    """The handler outside the loop meets a session that is closed at any time: nothing is certain of it."""
    body = f"try:\n    async for session in committing():\n        {READ}\n        raise ValueError\n"
    assert found(tmp_path, f"{body}except ValueError:\n    {BEGIN}\n        {ADD}") == []


def test_what_stands_behind_a_loop_that_always_returns_is_never_reached(tmp_path: Path) -> None:
    lost = f"async with sessions() as other:\n    other.{ADD.partition('.')[2]}"
    assert found(tmp_path, f"{loop('return job_id')}\n{lost}") == []
    assert found(tmp_path, f"{loop('return job_id', over='perhaps()')}\n{lost}") == [
        f"SUP308 other.{ADD.partition('.')[2]}"
    ]
    assert found(tmp_path, f"{loop('break')}\n{lost}") == [f"SUP308 other.{ADD.partition('.')[2]}"]


def test_the_else_of_a_loop(tmp_path: Path) -> None:
    lost = f"other.{ADD.partition('.')[2]}"
    other = f"else:\n    async with sessions() as other:\n        {lost}"
    assert found(tmp_path, f"{loop(READ)}\n{other}") == [f"SUP308 {lost}"]
    assert found(tmp_path, f"{loop(READ, 'break')}\n{other}") == []


def test_helpers_over_such_a_loop(tmp_path: Path) -> None:
    """What the generator does behind its `yield` is what the helper does there."""
    helper = """
from contextlib import asynccontextmanager


@asynccontextmanager
async def opened_anew():
    async for session in GENERATOR():
        yield session
"""
    work = "from app.database import opened_anew\nfrom app.models import Job\n\n\nasync def work():\n    BODY\n"
    body = f"async with opened_anew() as session:\n    {ADD}"
    assert faults(tmp_path / "a", work, body, GENERATORS + helper.replace("GENERATOR", "committing")) == []
    assert faults(tmp_path / "b", work, body, GENERATORS + helper.replace("GENERATOR", "closing")) == [f"SUP308 {ADD}"]
