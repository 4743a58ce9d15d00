"""SUP204: the body of a task group beside its tasks, an element handed on twice, and methods of one object."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
import asyncio
from sqlalchemy import select
from app.models import Job
from app.database import sessions


async def load(session):
    await session.execute(select(Job))


async def own():
    async with sessions() as session:
        await load(session)


async def finish(task, session):
    await task
    await load(session)


class Board:
    def __init__(self, session):
        self.session = session
        self.lock = asyncio.Lock()
        self.cache = {}

    async def jobs(self):
        return (await self.session.execute(select(Job))).scalars().all()

    async def count(self):
        return len((await self.session.scalars(select(Job))).all())

    async def guarded(self):
        async with self.lock:
            return (await self.session.execute(select(Job))).scalars().all()

    async def cached(self):
        return self.cache.execute(1)

    async def show(self):
        SHOWN


async def work(key, other):
    async with sessions() as session, sessions() as second:
        BODY
        await session.commit()
"""


def told(root: Path, body: str, shown: str = "pass") -> list[str]:
    return [line for line in faults(root, WORK.replace("SHOWN", shown), body) if "SUP204" in line]


GROUP = "async with asyncio.TaskGroup() as tg:\n    "
TASK = "task = asyncio.create_task(load(session))\n"
RIGHT = [
    f"{GROUP}tg.create_task(load(session))\nawait session.execute(select(Job))",
    f"await session.execute(select(Job))\n{GROUP}tg.create_task(load(session))",
    f"{GROUP}await session.execute(select(Job))\n    tg.create_task(load(session))",
    f"{GROUP}tg.create_task(load(session))\n    await second.execute(select(Job))",
    f"{GROUP}tg.create_task(load(session))\n    session.add(Job())",
    f"{GROUP}await tg.create_task(load(session))\n    await session.execute(select(Job))",
    f"{GROUP}task = tg.create_task(load(session))\n    await task\n    await session.execute(select(Job))",
    f"{GROUP}if key:\n        tg.create_task(load(session))\n    else:\n        await session.execute(select(Job))",
    f"{GROUP}tg.create_task(load(session))\n    async with sessions() as session:\n"
    "        await session.execute(select(Job))",
    f"lock = asyncio.Lock()\n{GROUP}tg.create_task(load(second))\n    async with lock:\n"
    "        await session.execute(select(Job))",
    f"{TASK}await task\nawait session.execute(select(Job))",
    f"{TASK}await asyncio.gather(task)\nawait session.execute(select(Job))",
    f"await session.execute(select(Job))\n{TASK}await task",
    f"{TASK}await second.execute(select(Job))\nawait task",
    f"{TASK}session.add(Job())\nawait task",
    f"{TASK}await asyncio.wait_for(task, 5)\nawait load(session)",
    f"{TASK}await finish(task, session)",
    "task = asyncio.create_task(load(second))\nawait load(session)\nawait task",
    "task = asyncio.create_task(own())\nawait load(session)\nawait task",
    "if key:\n    task = asyncio.create_task(load(session))\nelse:\n"
    "    await load(session)\n    task = other\nawait task",
    f"{TASK}async with sessions() as session:\n    await load(session)\nawait task",
    "opened = [session, second]\nawait asyncio.gather(load(opened[0]), load(opened[1]))",
    "opened = [session, second]\nawait asyncio.gather(load(opened[key]), load(opened[other]))",
    "opened = [session, second]\nawait asyncio.gather(*[load(opened[n]) for n in (0, 1)])",
    "opened = [session, second]\nopened[0] = second\nawait asyncio.gather(load(opened[0]), load(opened[0]))",
    "opened = [session, second]\nawait load(opened[0])\nawait load(opened[0])",
    "opened = [session, second]\nawait asyncio.gather(load(opened[next(key)]), load(opened[next(key)]))",
]


@pytest.mark.parametrize("body", RIGHT)
def test_sessions_used_one_after_the_other_are_left_alone(tmp_path: Path, body: str) -> None:
    assert told(tmp_path, body) == []


WRONG = {
    f"{TASK}await load(session)\nawait task": "await load(session)",
    f"{TASK}await session.execute(select(Job))\nawait task": "await session.execute(select(Job))",
    f"{TASK}job = await session.get(Job, 1)\nprint(job)\nawait asyncio.gather(task)": "job = await session.get(Job, 1)",
    "some = []\nsome.append(asyncio.create_task(load(session)))\nawait session.commit()\nawait asyncio.gather(*some)": (
        "await session.commit()"
    ),
    f"{GROUP}tg.create_task(load(session))\n    await session.execute(select(Job))": (
        "await session.execute(select(Job))"
    ),
    f"{GROUP}tg.create_task(load(session))\n    await load(session)": "await load(session)",
    f"{GROUP}tg.create_task(load(session))\n    if key:\n        await session.commit()": "await session.commit()",
    f"{GROUP}for _ in key:\n        tg.create_task(load(session))": "tg.create_task(load(session))",
    f"{GROUP}task = tg.create_task(load(session))\n    await session.flush()\n    await task": "await session.flush()",
    "opened = [session, second]\nawait asyncio.gather(load(opened[0]), load(opened[0]))": (
        "await asyncio.gather(load(opened[0]), load(opened[0]))"
    ),
    "opened = {'a': session}\nawait asyncio.gather(load(opened['a']), load(opened['a']))": (
        "await asyncio.gather(load(opened['a']), load(opened['a']))"
    ),
}


@pytest.mark.parametrize("body", WRONG)
def test_a_session_used_twice_at_once_is_told(tmp_path: Path, body: str) -> None:
    assert told(tmp_path, body) == [f"SUP204 {WRONG[body]}"]


@pytest.mark.parametrize(
    "shown",
    [
        "await self.jobs()\n        await self.count()",
        "await asyncio.gather(self.jobs(), self.cached())",
        "await asyncio.gather(self.guarded(), self.guarded())",
        "await asyncio.gather(self.cached(), self.cached())",
    ],
)
def test_methods_that_do_not_meet_are_left_alone(tmp_path: Path, shown: str) -> None:
    assert told(tmp_path, "await Board(session).show()", shown) == []


def test_two_methods_that_use_the_session_of_their_object(tmp_path: Path) -> None:
    shown = "await asyncio.gather(self.jobs(), self.count())"
    assert told(tmp_path, "await Board(session).show()", shown) == [f"SUP204 {shown}"]
    assert told(tmp_path, "pass", shown) == []  # nobody is seen to make one with a session
