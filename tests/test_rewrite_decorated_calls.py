"""A phase that calls a function which hands the session to a decorated one: the decorator may begin a transaction."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewrite_runs import ends, project
from rewrite_support import fix_project

DECORATORS = """\
import functools


def transactional(function):
    @functools.wraps(function)
    async def begun(session, *args):
        async with session.begin():
            return await function(session, *args)

    return begun


"""
STORE = """\
async def store(session):
    await session.execute(update(Job).values(status="stored"))


async def through(session, job_id):
    await store(session)


async def deeper(session, job_id):
    await through(session, job_id)


"""
TASK = """\
async def work_with_own_session(job_id):
    try:
        async with get_session() as session:
            CALL
            session.add(Line(text="a"))
            await session.commit()
    except Exception:
        logger.exception("job %s failed", job_id)
"""
CALLS = ["await store(session)", "await through(session, job_id)", "await deeper(session, job_id)"]
NESTED = """\
async def work_with_own_session(job_id):
    async def mine():
        await session.execute(update(Job).values(status="stored"))
        await session.commit()

    try:
        async with get_session() as session:
            await mine()
            session.add(Line(text="a"))
            await session.commit()
    except Exception:
        logger.exception("job %s failed", job_id)
"""


def text_of(call: str, decorator: str = "") -> str:
    """The task that makes a call, behind the functions that are called."""
    return DECORATORS + (f"@{decorator}\n" if decorator else "") + STORE + TASK.replace("CALL", call)


@pytest.mark.parametrize("call", CALLS)
def test_what_nobody_decorates_is_wrapped_safely(tmp_path: Path, call: str) -> None:
    files = project(text_of(call))
    (change,) = fix_project(tmp_path, files, select=("SUP304",)).changes
    assert "await session.commit()" not in change.after.partition("async def work_with_own_session")[2]
    assert ends(change.after, files, tmp_path) == ends(files["app/work.py"], files, tmp_path)


@pytest.mark.parametrize("decorator", ["transactional", "from_nowhere", "functools.cache"])
@pytest.mark.parametrize("call", CALLS)
def test_a_decorator_that_may_begin_makes_it_unsafe(tmp_path: Path, call: str, decorator: str) -> None:
    assert not fix_project(tmp_path, project(text_of(call, decorator)), select=("SUP301", "SUP304")).changes


def test_a_nested_function_that_uses_the_session_makes_it_impossible(tmp_path: Path) -> None:
    fixed = fix_project(tmp_path, project(NESTED), unsafe=True, select=("SUP304",))
    assert not fixed.changes
    reasons = [finding.no_fix_reason for finding in fixed.result.findings]
    assert "is used by a function inside this one" in str(reasons)
