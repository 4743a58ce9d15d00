"""What the rules say of the session of `async for session in get_db():`, and which one says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import findings
from tests.session_loop_support import ADD, BEGIN, GENERATORS, INSERT, READ, WORK, found, loop
from tests.template_support import MODELS


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


def test_the_end_of_a_loop_inside_leaves_the_outer_one(tmp_path: Path) -> None:
    inner = ("while names:", "    names.pop()")
    ended = loop(ADD, *inner, "else:", "    break", over="closing()")
    assert found(tmp_path, ended) == ["SUP103 async for session in closing():"]
    assert found(tmp_path, loop(ADD, *inner, "    break", over="committing()")) == []


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


def test_the_rules_of_the_template_see_the_session(tmp_path: Path) -> None:
    """Its work stands outside a block, or in its caller's."""
    over = "async with sessions() as own, own.begin():\n    "
    lent = over + loop(READ, over="the_same(own)").replace("\n", "\n    ")
    assert of_the_template(tmp_path / "own", loop(READ, ADD)) == ["SUP301"]
    assert of_the_template(tmp_path / "committed", loop(READ, ADD, "await session.commit()")) == ["SUP304"]
    assert of_the_template(tmp_path / "begun", loop(READ, ADD, over="in_a_block()")) == []
    assert of_the_template(tmp_path / "lent", lent) == ["SUP101"]


def of_the_template(root: Path, body: str) -> list[str]:
    """The codes of what the template asks of a task's transactions and sessions."""
    code = WORK.replace("BODY", body.replace("\n", "\n    "))
    files = {"app/database.py": GENERATORS, "app/models.py": MODELS, "app/work.py": code}
    codes = [found.split()[-1] for found in findings(root, files) if found.startswith("app/work.py")]
    return [code for code in codes if code.startswith(("SUP1", "SUP3"))]
