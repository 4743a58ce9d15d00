"""Objects of a session that are changed where no path follows them: the helper would save what was thrown away."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
from rewrite_runs import ends, project
from rewrite_support import fix_project, rewritten
from swap_support import function, verdict

TOOLS = """
import contextlib
import functools
import types

from sqlalchemy.ext.asyncio import async_object_session

LAST = None


def mark(job):
    job.status = "marked"


def seen(job):
    return job.status


class Box:
    def __init__(self, job):
        self.job = job


class Keeper:
    job = None

    def mark(self):
        self.job.status = "marked"

    def count(self):
        return len(self.job.status)


async def mark_last():
    LAST.status = "marked"
"""

LOST = {
    "the greatest of several": """
        jobs = (await session.scalars(select(Job))).all()
        job = max(jobs, key=lambda j: j.id)
        job.status = "x"
        """,
    "the next one of an iterator": """
        jobs = (await session.scalars(select(Job))).all()
        job = next((j for j in jobs if j.id == job_id), None)
        job.status = "x"
        """,
    "the last one of a list": """
        jobs = list(await session.scalars(select(Job)))
        job = jobs.pop()
        job.status = "x"
        """,
    "handed on after that": """
        jobs = (await session.scalars(select(Job))).all()
        mark(min(jobs, key=lambda j: j.id))
        """,
    "a function that is mapped": """
        jobs = (await session.scalars(select(Job))).all()
        list(map(mark, jobs))
        """,
    "a function that runs in a thread": """
        job = await session.get(Job, job_id)
        await asyncio.to_thread(mark, job)
        """,
    "a lambda": """
        job = await session.get(Job, job_id)
        change = lambda: mark(job)
        change()
        """,
    "a partial": """
        job = await session.get(Job, job_id)
        change = functools.partial(mark, job)
        change()
        """,
    "a nested function": """
        job = await session.get(Job, job_id)
        def change():
            job.status = "x"
        change()
        """,
    "kept in a namespace": """
        box = types.SimpleNamespace(job=await session.get(Job, job_id))
        box.job.status = "x"
        """,
    "kept by an object of a class": """
        box = Box(await session.get(Job, job_id))
        box.job.status = "x"
        """,
    "kept by an object with a method": """
        keeper = Keeper()
        keeper.job = await session.get(Job, job_id)
        keeper.mark()
        """,
    "kept by the module": """
        global LAST
        LAST = await session.get(Job, job_id)
        await mark_last()
        """,
}


def _work(body: str) -> str:
    return TOOLS + function("async with async_session_factory() as session:\n" + indent(dedent(body).strip(), "    "))


@pytest.mark.parametrize("name", LOST)
def test_what_is_changed_out_of_sight_may_be_lost_now(tmp_path: Path, name: str) -> None:
    assert "may not be committed now, and would be then" in verdict(tmp_path, _work(LOST[name]))


CALLED_LATER = {
    "a method": """
        job = await session.get(Job, job_id)
        change = job.__setattr__
        change("status", "x")
        """,
    "a partial of a builtin": """
        job = await session.get(Job, job_id)
        change = functools.partial(setattr, job)
        change("status", "x")
        """,
}


@pytest.mark.parametrize("name", CALLED_LATER)
def test_what_is_made_of_a_row_and_called_later_may_change_it(tmp_path: Path, name: str) -> None:
    assert "calls what is made of a row, which may change it" in verdict(tmp_path, _work(CALLED_LATER[name]))


KEPT = {
    "a partial that only looks": """
        job = await session.get(Job, job_id)
        look = functools.partial(seen, job)
        print(look())
        """,
    "committed behind the change": """
        jobs = (await session.scalars(select(Job))).all()
        job = max(jobs, key=lambda j: j.id)
        job.status = "x"
        await session.commit()
        """,
    "only looked at": """
        jobs = (await session.scalars(select(Job))).all()
        job = max(jobs, key=lambda j: j.id)
        print(job.status, list(map(seen, jobs)), await asyncio.to_thread(seen, job))
        """,
    "a response that is given a column's value": """
        job = await session.get(Job, job_id)
        answer = types.SimpleNamespace(status=job.status)
        answer.encoding = "utf-8"
        """,
    "kept, and only looked at": """
        keeper = Keeper()
        keeper.job = await session.get(Job, job_id)
        keeper.count()
        """,
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_not_changed_or_is_committed_stays_safe(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, _work(KEPT[name])) == "safe"


def test_the_session_of_an_object_is_in_other_hands(tmp_path: Path) -> None:
    body = "        job = await session.get(Job, job_id)\n        async_object_session(job).add(Job())\n"
    said = verdict(tmp_path, _work(body))
    assert said.startswith("no fix: `async_object_session()` in line") and said.endswith("may hand the session on")


# ------------------------------------------------------------------------------------------------------- phases

ENTERED_AGAIN = """
async def work_with_own_session(job_id):
    async with get_session() as session:
        async with session as inner:
            inner.add(Line(text="a"))
"""


def test_a_session_that_is_entered_again_is_closed_there(tmp_path: Path) -> None:
    files = project(ENTERED_AGAIN)
    assert rewritten(tmp_path, files, "app/work.py", select=("SUP301", "SUP304")) == files["app/work.py"]
    found = fix_project(tmp_path, files, select=("SUP301", "SUP308")).result.findings
    assert [finding.code for finding in found] == ["SUP308"]


ENTERED_LATER = """
async def work_with_own_session(job_id):
    session = session_factory()
    async with session:
        session.add(Line(text="a"))
        await session.commit()
"""


def test_a_session_that_is_entered_later_is_swapped(tmp_path: Path) -> None:
    files = project(ENTERED_LATER.replace("async def", "from app.session import session_factory\n\n\nasync def", 1))
    after = rewritten(tmp_path, files, "app/work.py", select=("SUP101",))
    assert "async with get_session() as session:" in after
    assert ends(after, files, tmp_path, (1,)) == ends(files["app/work.py"], files, tmp_path, (1,))


OF_THE_MODULE = """
LAST = None


async def mark_last():
    LAST.status = "marked"


async def work_with_own_session(job_id):
    global LAST
    async with get_session() as session:
        LAST = await session.get(Job, job_id)
        await session.commit()
        await mark_last()
        await step()
        session.add(Line(text="b"))
        await session.commit()
"""


def test_an_object_of_the_module_is_changed_by_others(tmp_path: Path) -> None:
    fixed = fix_project(tmp_path, project(OF_THE_MODULE), select=("SUP304",))
    reasons = {finding.fix.title for finding in fixed.result.findings if finding.fix is not None}
    assert fixed.changes == ()
    assert any("keeps an object where other code may change it" in reason for reason in reasons)
