"""Questions that say what a path has done: to the session, is anything unsent; to Python, has anything failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import SESSION_MODULE, findings

UNSENT = """
from app.session import get_session


async def work(job, other):
    async with get_session() as session:
        session.add(job)
        {between}
        if {test}:
            await session.commit()
        async with session.begin():
            session.add(other)
"""


def codes(tmp_path: Path, text: str) -> set[str]:
    """The codes of what is found in a module beside the session module."""
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": text})
    return {line[-6:] for line in found if line.startswith("app/work.py")} & {"SUP302", "SUP303", "SUP308"}


@pytest.mark.parametrize(
    "test",
    [
        "session.new or session.dirty",
        "session.new",
        "bool(session.new)",
        "any(session.new)",
        "len(session.new) > 0",
        "not len(session.new) == 0",
        "session.dirty or session.new or session.deleted",
        "job in session.new",
    ],
)
def test_a_commit_of_what_is_unsent_is_not_left_out_where_something_is(tmp_path: Path, test: str) -> None:
    assert codes(tmp_path, UNSENT.format(test=test, between="pass")) == set()


@pytest.mark.parametrize(
    ("test", "between"),
    [
        ("session.new", "await session.flush()"),  # nothing is unsent then
        ("session.new or session.dirty", "await session.flush()"),
        ("job.new", "pass"),  # somebody else's
        ("job.deleted or other.dirty", "pass"),
        ("session.info", "pass"),
    ],
)
def test_a_commit_that_depends_on_something_else_may_be_left_out(tmp_path: Path, test: str, between: str) -> None:
    assert codes(tmp_path, UNSENT.format(test=test, between=between)) == {"SUP302"}


FAILED = """
import sys
from sys import exc_info
from app.session import async_session_factory as factory


async def work(job):
    session = factory()
    try:
        session.add(job)
    finally:
        {test}
            await session.commit()
        await session.close()
"""


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("if sys.exc_info()[0] is None:", set()),
        ("if exc_info()[1] is None:", set()),
        ("if not sys.exc_info()[0]:", set()),
        ("if sys.exception() is None:", set()),
        ("error = sys.exc_info()[1]\n        if error is None:", set()),
        ("kind, error, where = sys.exc_info()\n        if not error:", set()),
        ("failed = sys.exc_info()[0] is not None\n        if not failed:", set()),
        ("if sys.exc_info()[0] is not None:", {"SUP308"}),
        ("if sys.exc_info()[0]:", {"SUP308"}),
        ("if job.failed:", {"SUP308"}),
    ],
)
def test_cleaning_up_asks_whether_something_has_failed(tmp_path: Path, test: str, found: set[str]) -> None:
    assert codes(tmp_path, FAILED.format(test=test)) == found


def test_a_handler_always_has_something_that_failed(tmp_path: Path) -> None:
    text = """
import sys
from app.session import get_session


async def work(job, other):
    async with get_session() as session:
        try:
            job.check()
        except ValueError:
            session.add(job)
            if sys.exc_info()[0] is None:
                await session.commit()
            async with session.begin():
                session.add(other)
"""
    assert codes(tmp_path, text) == {"SUP302"}
    assert codes(tmp_path, text.replace("is None", "is not None")) == set()


def test_cleaning_up_after_a_failure_has_one_to_ask_for(tmp_path: Path) -> None:
    text = """
import sys
from app.session import get_session


async def work(job, other):
    async with get_session() as session:
        try:
            try:
                session.add(job)
                job.check()
            finally:
                if sys.exc_info()[0] is not None:
                    await session.rollback()
        except ValueError:
            async with session.begin():
                session.add(other)
"""
    assert codes(tmp_path, text) == set()
    assert codes(tmp_path, text.replace("is not None", "is None")) == {"SUP302"}


HELPED = """
import sys
from app.session import async_session_factory as factory


async def finish(session):
    TEST
        await session.commit()
    await session.close()


async def work(job):
    session = factory()
    try:
        session.add(job)
        job.check()
    finally:
        await finish(session)


async def checked(job):
    session = factory()
    try:
        job.check()
    except ValueError:
        session.add(job)
        await finish(session)
        return
    await session.close()
"""


@pytest.mark.parametrize(
    ("test", "lost"),
    [
        ("if sys.exc_info()[0] is None:", ["work.py:26"]),
        ("if sys.exception() is not None:", ["work.py:15"]),
        ("if session.is_active:", []),
        ("if session.info:", ["work.py:15", "work.py:26"]),
    ],
)
def test_a_helper_that_cleans_up_asks_whether_something_has_failed(tmp_path: Path, test: str, lost: list[str]) -> None:
    files = {"app/session.py": SESSION_MODULE, "app/work.py": HELPED.replace("TEST", test)}
    assert [line[4:-7] for line in findings(tmp_path, files) if line.endswith("SUP308")] == lost
