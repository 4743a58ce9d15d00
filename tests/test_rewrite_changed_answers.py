"""Tests whose answer changes between two askings, or is another than it looks: what stands behind is not committed."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
from swap_support import function, verdict

TOOLS = """
import contextlib
import enum
import sys

MEMO = {}
READY = [1]


class Mode(enum.Enum):
    DROP = "x"
    KEEP = "X".lower()


class Plain(enum.Enum):
    DROP = "x"
    KEEP = "y"


class Quiet:
    def __enter__(self):
        return self

    def __exit__(self, *about):
        return True


if len(sys.argv) > 5:
    from sys import exit as quit
else:
    def quit(words):
        print(words)


def drain(values):
    values.clear()


def turn():
    global READY
    READY = []


def give_up():
    raise ValueError


def note_missing():
    with Quiet():
        raise ValueError


def forget():
    for key in list(MEMO):
        MEMO.pop(key)


async def finish(session, mode):
    if mode is not Mode.DROP:
        await session.commit()


async def finish_plain(session, mode):
    if mode is not Plain.DROP:
        await session.commit()


async def remember(session, key):
    if key in MEMO:
        await session.commit()
        return
    MEMO[key] = 1


"""
ADD = "session.add(Job(id=job_id, status='new'))"
CLAIM = "update(Job).where(Job.id == job_id).values(status='new')"
EACH = f"for value in values:\n    {ADD}\n"
COMMIT = "if values:\n    await session.commit()"
LOST = {
    "emptied": f"values = load()\n{EACH}values.clear()\n{COMMIT}",
    "emptied item by item": f"values = load()\n{EACH}while values:\n    values.pop()\n{COMMIT}",
    "emptied by `del`": f"values = load()\n{EACH}del values[:]\n{COMMIT}",
    "emptied by a function": f"values = load()\n{EACH}drain(values)\n{COMMIT}",
    "emptied under another name": f"values = load()\n{EACH}other = values\nother.clear()\n{COMMIT}",
    "emptied where it is kept": f"box = load()\nvalues = box.values\n{EACH}box.values.clear()\n{COMMIT}",
    "an element of a dict": (
        f"data = load()\nif data['keep']:\n    {ADD}\n"
        "data.update(keep=False)\nif data['keep']:\n    await session.commit()"
    ),
    "a name of the module": f"if READY:\n    {ADD}\nturn()\nif READY:\n    await session.commit()",
    "a name that a nested function binds": (
        "keep = True\ndef flip():\n    nonlocal keep\n    keep = False\nflip()\n"
        f"{ADD}\nif keep:\n    await session.commit()"
    ),
    "a column that may be 0": (
        f"done = await session.scalar({CLAIM}.returning(Job.status))\nif not done:\n    return\nawait session.commit()"
    ),
    "several rows": (
        "found = await session.execute(update(Job).values(status='new'))\n"
        "if found.rowcount != 1:\n    return\nawait session.commit()"
    ),
    "an `exit` of one's own": f"{ADD}\nquit('done')",
    "a raise that is swallowed": f"{ADD}\nnote_missing()",
    "an error that a caller handles": f"{ADD}\nif sys.exc_info()[0] is None:\n    await session.commit()",
    "a mapping that is emptied out of sight": (
        f"MEMO[job_id] = 1\n{ADD}\nif job_id in MEMO:\n    forget()\nawait remember(session, job_id)"
    ),
    "a member by another name": f"{ADD}\nawait finish(session, Mode.KEEP)",
}
KEPT = {
    "a list that is only read": f"values = load()\n{EACH}logger.info('%s', len(values))\n{COMMIT}",
    "a flag": f"keep = bool(load())\nif keep:\n    {ADD}\ndrain(keep)\nif keep:\n    await session.commit()",
    "a row": (
        "job = await session.get(Job, job_id)\nif job:\n    job.status = 'new'\n    drain(job)\n"
        "if job:\n    await session.commit()"
    ),
    "a key that is returned": (
        f"done = await session.scalar({CLAIM}.returning(Job.id))\nif done is None:\n    return\nawait session.commit()"
    ),
    "one row": f"found = await session.execute({CLAIM})\nif found.rowcount != 1:\n    return\nawait session.commit()",
    "a raise": f"{ADD}\ngive_up()",
    "an exit": f"{ADD}\nsys.exit(1)",
    "a member": f"{ADD}\nawait finish_plain(session, Plain.KEEP)",
}


def _work(body: str) -> str:
    return TOOLS + function("async with async_session_factory() as session:\n" + indent(dedent(body).strip(), "    "))


@pytest.mark.parametrize("name", LOST)
def test_what_may_not_be_committed_now_is_not_committed_by_the_helper(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, _work(LOST[name])).startswith("unsafe: line")


@pytest.mark.parametrize("name", KEPT)
def test_answers_that_stay(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, _work(KEPT[name])) == "safe"


KEEPS = """
from app.session import get_session

async def put(session, job_id):
    errors = []
    try:
        session.add(Job(id=job_id, status="new"))
        await session.flush()
    except Exception as error:
        errors.append(error)
    if errors and job_id > 5:
        raise errors[0]


async def work_with_own_session(job_id):
    async with get_session() as session:
"""


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("session.add(Job(id=1))\nawait put(session, job_id)\nprint(job_id)\nawait session.commit()", "SUP304"),
        (
            "async with session.begin():\n    session.add(Job(id=1))\n    await put(session, job_id)\n"
            "    await session.commit()",
            "SUP303",
        ),
    ],
)
def test_an_error_that_is_only_sometimes_raised_again(tmp_path: Path, body: str, code: str) -> None:
    work = function("pass") + KEEPS + indent(body, "        ") + "\n"
    assert "may swallow a failure of the database" in verdict(tmp_path, work, code)
    plain = work.replace("errors and job_id > 5", "False").replace("errors.append(error)", "raise")
    assert verdict(tmp_path, plain, code) == "safe"
