"""`async for session in get_db():`: the body runs once, with the session that the generator yields."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults
from tests.session_loop_support import ADD, BEGIN, BEGUN, GENERATORS, INSERT, READ, found, loop

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
    "and it opens again when it is used": loop(READ, "break") + f"\n{READ}\n{BEGIN}\n    {ADD}",
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


def test_an_expired_object(tmp_path: Path) -> None:
    read = "log(job.id)"
    assert found(tmp_path, loop(READ, "await session.commit()", read, over="expiring_on_commit()")) == [
        f"SUP309 {read}"
    ]
    assert found(tmp_path, f"{loop(READ, over='expiring_on_commit()')}\n{read}") == [f"SUP309 {read}"]
    left = loop(READ, "await session.commit()", "break", over="expiring_on_commit()")
    assert found(tmp_path, f"{left}\n{read}") == [f"SUP309 {read}"]
    assert found(tmp_path, f"{loop(READ, 'break', over='expiring_on_commit()')}\n{read}") == []


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
    for goes_on in ("break", "continue", "log(names)"):
        assert found(tmp_path, f"{loop(goes_on)}\n{lost}") == [f"SUP308 other.{ADD.partition('.')[2]}"]


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
