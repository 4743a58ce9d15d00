"""What makes a background task: forms of registration that count, and concurrency that is only awaited."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest
from project_support import SESSION_MODULE, findings

ROUTES = """
import asyncio
from functools import partial
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import get_session
from company.jobs import note

router = APIRouter()


async def dependency():
    async with get_session() as session:
        yield session


async def work(session, *ids):
    await session.execute("select 1")


async def close_quietly(session):
    await session.close()


class Keeper:
    def __init__(self, session):
        self.session = session

    async def __call__(self):
        await self.session.execute("select 1")


class Reader:
    def __init__(self, session):
        self.name = session.bind.name

    async def read(self):
        return self.name


async def with_limit(coroutine):
    task = asyncio.create_task(coroutine)
    return await asyncio.wait_for(task, 5)


def spawn(coroutine):
    return asyncio.create_task(coroutine)


async def later(coroutine):
    asyncio.create_task(coroutine)


async def handed_out(coroutine):
    return asyncio.create_task(coroutine)


@router.post("/")
async def route(tasks: BackgroundTasks, db: AsyncSession = Depends(dependency)):
"""

AWAITED = {
    "directly": "await asyncio.create_task(work(db))",
    "in a gather": "await asyncio.gather(asyncio.create_task(work(db)), asyncio.create_task(work(db)))",
    "in a returned gather": "return await asyncio.gather(*[asyncio.create_task(work(db, i)) for i in range(3)])",
    "with a limit": "await asyncio.wait_for(asyncio.create_task(work(db)), 5)",
    "by its name": "task = asyncio.create_task(work(db))\nawait task",
    "by another name": "task = asyncio.create_task(work(db))\nother = task\nawait other",
    "in a walrus": "await (task := asyncio.create_task(work(db)))\nprint(task)",
    "in a loop": "tasks = [asyncio.create_task(work(db))]\nfor task in tasks:\n    await task",
    "from a list": "running = []\nrunning.append(asyncio.create_task(work(db)))\nawait asyncio.gather(*running)",
    "from a longer list": "running = []\nrunning += [asyncio.create_task(work(db))]\nawait asyncio.wait(running)",
    "from a dict": "jobs = {}\njobs['a'] = asyncio.create_task(work(db))\nawait asyncio.gather(*jobs.values())",
    "from an attribute": "tasks.one = asyncio.create_task(work(db))\nawait tasks.one",
    "in pairs": "a, b = asyncio.create_task(work(db)), asyncio.create_task(work(db))\nawait a\nawait b",
    "as they end": (
        "jobs = [asyncio.create_task(work(db))]\nasync for job in asyncio.as_completed(jobs):\n    print(job)"
    ),
    "in another thread": "asyncio.run_coroutine_threadsafe(work(db), loop).result()",
    "in another thread, later": "future = asyncio.run_coroutine_threadsafe(work(db), loop)\nfuture.result()",
    "in a function that awaits it": "await with_limit(work(db))\nawait asyncio.gather(with_limit(work(db)))",
    "from a function that returns it": "await asyncio.gather(spawn(work(db)))",
    "what a coroutine function has started": "task = await handed_out(work(db))\nawait task",
    "at once what a coroutine function has started": "await (await handed_out(work(db)))",
    "only closed": "asyncio.create_task(close_quietly(db))",
    "nothing is kept": "reader = Reader(db)\ntasks.add_task(reader.read)\ntasks.add_task(print, reader)",
    "a callback of the loop": "asyncio.get_running_loop().call_soon(print, work)\ntasks.loop.call_soon(spawn, 1)",
    "a task of another kind": "tasks.Task(work(db))",
    "a dict that is filled": "given = {}\ngiven = {'ids': [1]}\ntasks.add_task(work, **given)",
    "no callable": "tasks.queue.add_job(1, args=[db])",
    "a name that was bound again": "async with company.client() as db:\n    tasks.add_task(work, db)",
}

# Awaited, but at once on one session: that is a fault of its own.
CONCURRENT = ("in a gather", "in a returned gather", "in pairs")

STARTED = {
    "by name": "tasks.add_task(work, db)",
    "a coroutine": "asyncio.create_task(work(db))",
    "a coroutine with a name": "coroutine = note(db)\nasyncio.create_task(coroutine)",
    "by keyword": "asyncio.ensure_future(coro_or_future=work(db))",
    "a partial": "tasks.add_task(partial(work, db))",
    "a partial of something unknown": "tasks.add_task(partial(note, db))",
    "a lambda": "tasks.add_task(lambda: work(db))",
    "a lambda of something unknown": "tasks.add_task(lambda: note(db))",
    "something unknown": "tasks.add_task(note, db)",
    "an object": "keeper = Keeper(db)\ntasks.add_task(keeper)",
    "an object as an argument": "tasks.add_task(note, Keeper(db))",
    "shielded": "task = asyncio.create_task(work(db))\nawait asyncio.shield(task)",
    "only read": "task = asyncio.create_task(work(db))\nprint(task.result())",
    "a function that returns it": "spawn(work(db))",
    "by an alias": "start = asyncio.create_task\nstart(work(db))",
    "by an alias of a method": "add = tasks.add_task\nadd(work, db)",
    "by a coroutine function": "await later(work(db))",
    "by a coroutine function that returns it": "task = await handed_out(work(db))\nprint(task)",
    "by a scheduler that is awaited": "await scheduler.add_job(work, args=[db])",
    "a task made by its class": "asyncio.Task(work(db))",
    "by the loop, later": "loop = asyncio.get_running_loop()\nloop.call_later(5, loop.create_task, work(db))",
    "by a loop in another thread": "tasks.loop.call_soon_threadsafe(asyncio.create_task, work(db))",
    "behind a star": "tasks.add_task(work, *[db])",
    "behind two stars": "tasks.add_task(work, **{'session': db})",
    "in a dict by its name": "given = {'session': db}\ntasks.add_task(work, **given)",
    "awaited by nobody here": "tasks.running.add(asyncio.create_task(work(db)))",
}


def shared_sessions(tmp_path: Path, body: str) -> list[str]:
    files = {"app/session.py": SESSION_MODULE, "app/routes.py": ROUTES + indent(body, "    ") + "\n"}
    return [line for line in findings(tmp_path, files, profile="hazards") if "routes" in line]


@pytest.mark.parametrize("form", AWAITED)
def test_what_is_awaited_is_no_background_task(tmp_path: Path, form: str) -> None:
    first = ROUTES.count("\n") + 1
    expected = [f"app/routes.py:{first} SUP204"] if form in CONCURRENT else []
    assert shared_sessions(tmp_path, AWAITED[form]) == expected


@pytest.mark.parametrize("form", STARTED)
def test_what_is_only_started_is_one(tmp_path: Path, form: str) -> None:
    found = shared_sessions(tmp_path, STARTED[form])
    assert [line.rpartition(" ")[2] for line in found] == ["SUP202"]


def test_a_string_names_the_task(tmp_path: Path) -> None:
    files = {
        "app/session.py": SESSION_MODULE,
        "app/jobs.py": """
        from app.session import async_session_factory, get_session

        shared = async_session_factory()

        async def dotted():
            await shared.execute("select 1")

        async def with_a_colon():
            await shared.execute("select 1")

        async def nobody():
            await shared.execute("select 1")
        """,
        "app/main.py": """
        scheduler.add_job("app.jobs.dotted", "interval")
        scheduler.add_job(func="app.jobs:with_a_colon")
        scheduler.add_job("app.jobs:missing")
        scheduler.add_job("nowhere:nobody")
        """,
    }
    assert findings(tmp_path, files, select=("SUP201",)) == ["app/jobs.py:6 SUP201", "app/jobs.py:9 SUP201"]


def test_definitions_that_lead_on_and_on_end_somewhere(tmp_path: Path) -> None:
    chain = "\n".join(f"def f{i}():\n    return f{i + 1}()\n" for i in range(300))
    rebound = "def g(q):\n" + "    q = q.again(q)\n" * 300 + "    return q\n"
    calls = "x = make" + ".then()" * 120 + "\n"
    files = {
        "app/session.py": SESSION_MODULE,
        "app/deep.py": f"from app.session import async_session_factory\n{chain}\n{rebound}\n{calls}\n"
        "async def use():\n    return f0(), g(x), async_session_factory()\n",
    }
    found = findings(tmp_path, files)
    assert [line.rpartition(" ")[2] for line in found] == ["SUP101"]


JOBS = """
from app.session import async_session_factory

shared = async_session_factory()


async def job(ctx):
    await shared.execute("select 1")


async def other(ctx):
    pass


"""
LISTS = {
    "a list": "class WorkerSettings:\n    functions = [other, job]",
    "a list by its name": "FUNCTIONS = [job]\nclass WorkerSettings:\n    functions = FUNCTIONS",
    "a list of another module": "from app import lists\nclass WorkerSettings:\n    functions = lists.ALL",
    "a list of another module by name": "from app.lists import ALL\nclass WorkerSettings:\n    functions = ALL",
    "lists in a list": "FUNCTIONS = [job]\nclass WorkerSettings:\n    functions = [*FUNCTIONS, other]",
    "a sum of lists": "FUNCTIONS = [other]\nclass WorkerSettings:\n    functions = FUNCTIONS + [func(job)]",
    "cron jobs": "class WorkerSettings:\n    cron_jobs = (cron(job, hour=1),)",
    "a worker": "worker = Worker(functions=[job], redis_pool=None)",
    "a loop": "for one in (other, job):\n    scheduler.add_job(one)",
    "a loop over a list by its name": "from app.lists import ALL\nfor one in ALL:\n    scheduler.add_job(one)",
    "a loop over the values of a dict": "MORE = {'a': job}\nfor one in MORE.values():\n    scheduler.add_job(one)",
    "a loop over the items of a dict": "MORE = {'a': job}\nfor name, one in MORE.items():\n    scheduler.add_job(one)",
    "a loop over pairs": "for one, hour in [(other, 1), (job, 2)]:\n    scheduler.add_job(one, hour=hour)",
}
NO_LISTS = {
    "another class's list": "class Menu:\n    entries = [job]",
    "a list that leads to itself": "FUNCTIONS = [*FUNCTIONS]\nclass WorkerSettings:\n    functions = FUNCTIONS",
    "another worker": "def setup(Worker):\n    return Worker(functions=[job])",
    "a loop over something else": "def setup():\n    for job in (other, other):\n        scheduler.add_job(job)",
    "a loop over the keys of a dict": "MORE = {'a': job}\nfor one in MORE:\n    scheduler.add_job(one)",
    "a loop over pairs of keys": "MORE = {'a': job}\nfor one, name in MORE.items():\n    scheduler.add_job(one)",
    "a loop over unknown pairs": "for one, hour in [job, job]:\n    scheduler.add_job(one, hour=hour)",
}


def tasks_with_the_shared_session(tmp_path: Path, code: str) -> list[str]:
    head = "from arq import Worker, cron, func\nfrom app.jobs import job, other\nfrom elsewhere import scheduler\n"
    files = {
        "app/__init__.py": "",
        "app/session.py": SESSION_MODULE,
        "app/jobs.py": JOBS,
        "app/lists.py": "from app.jobs import job\n\nALL = [job]\n",
        "app/worker.py": f"{head}\n\n{code}\n",
    }
    return findings(tmp_path, files, select=("SUP201",))


@pytest.mark.parametrize("form", NO_LISTS)
def test_what_is_no_list_of_tasks(tmp_path: Path, form: str) -> None:
    assert tasks_with_the_shared_session(tmp_path, NO_LISTS[form]) == []


@pytest.mark.parametrize("form", LISTS)
def test_a_list_makes_tasks(tmp_path: Path, form: str) -> None:
    assert tasks_with_the_shared_session(tmp_path, LISTS[form]) == ["app/jobs.py:7 SUP201"]
