"""A memo that is emptied, or replaced by an empty one, does not know what was looked up before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
from sqlalchemy import select
from app.models import Job
from app.database import sessions


class Cache:
    def __init__(self, session):
        self.session = session
        self.memo = {}
        self.asked = {}
        self.last = None

    def forget(self):
        self.memo = {}

    def forget_all(self):
        self.asked = {}
        self.forget()

    def empty(self):
        self.memo.clear()

    def reset(self):
        self.asked = dict()
        self.last = None

    def start(self, job_id):
        self.last = job_id

    async def status(self, job_id, commit=False):
        if job_id in self.memo:
            return self.memo[job_id]
        status = await self.session.scalar(select(Job.status).where(Job.id == job_id))
        if commit:
            await self.session.commit()
        self.memo[job_id] = status
        return status


async def work(job_id, other_id):
    async with sessions() as session, session.begin():
        cache, other = Cache(session), Cache(session)
        print(await cache.status(job_id))
        BODY
        await session.execute(select(Job.id))
"""
AGAIN = "await cache.status(job_id, True)"


@pytest.mark.parametrize(
    "between",
    [
        "",
        "cache.reset()\n",
        "cache.start(job_id)\n",
        "other.forget()\n",
        "other.empty()\n",
        "other.memo = {}\n",
        "cache.last = None\n",
    ],
)
def test_a_memo_that_is_left_alone_answers_again(tmp_path: Path, between: str) -> None:
    assert faults(tmp_path, WORK, between + AGAIN) == []


@pytest.mark.parametrize(
    "between",
    ["cache.forget()\n", "cache.forget_all()\n", "cache.empty()\n", "cache.memo = {}\n", "job_id = other_id\n"],
)
def test_a_memo_that_was_emptied_does_not(tmp_path: Path, between: str) -> None:
    assert faults(tmp_path, WORK, between + AGAIN) == [f"SUP303 {AGAIN}"]


PAIR = "one, two = job_id, other_id\nprint(await cache.status(one))\nawait cache.status(KEY, True)"


@pytest.mark.parametrize(("key", "told"), [("one", False), ("two", True)])
def test_what_is_unpacked_is_not_the_whole(tmp_path: Path, key: str, told: bool) -> None:
    assert bool(faults(tmp_path, WORK, PAIR.replace("KEY", key))) is told
