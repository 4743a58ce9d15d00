"""An answer that is asked for where it is given: `if await decide(session) == "created":`, with no name for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
from enum import Enum, auto
from app.database import sessions
from app.models import Job

SKIPPED = "skipped"


class Outcome(Enum):
    CREATED = auto()
    SKIPPED = auto()
    LEFT = SKIPPED


async def decide(session, job):
    session.add(job)
    if job.ready:
        await session.commit()
        return "created"
    return "skipped"


async def decide_kind(session, job):
    session.add(job)
    if job.ready:
        await session.commit()
        return Outcome.CREATED
    return Outcome.SKIPPED


async def decide_later(session, job):
    outcome = "skipped"
    session.add(job)
    if job.ready:
        await session.commit()
        outcome = "created"
    return outcome


async def decide_or_none(session, job):
    session.add(job)
    if job.ready:
        await session.commit()
        return None
    return "skipped"


async def has_created(session, job):
    created = False
    session.add(job)
    if job.ready:
        await session.commit()
        created = True
    return created


async def created_and_count(session, job):
    created = False
    count = len(job.rows)
    session.add(job)
    if job.ready:
        await session.commit()
        created = True
    return created, count


async def work(job, other, anything):
    async with sessions() as session:
        BODY
        async with session.begin():
            session.add(other)
"""
COMMIT = ":\n    await session.commit()"
ASKED = [
    'if await decide(session, job) == "skipped"',
    'if await decide(session, job) != "created"',
    'if "skipped" == await decide(session, job)',
    "if await decide(session, job) == SKIPPED",
    'if await decide(session, job) in ("skipped", "late")',
    'if await decide(session, job) not in ("created", "late")',
    'if not (await decide(session, job) == "created")',
    'if (answer := await decide(session, job)) == "skipped"',
    "if await decide_kind(session, job) is Outcome.SKIPPED",
    "if await decide_kind(session, job) is Outcome.LEFT",
    "if await decide_kind(session, job) != Outcome.CREATED",
    'if await decide_later(session, job) == "skipped"',
    'if await decide_or_none(session, job) == "skipped"',
    'skipped = await decide(session, job) == "skipped"\nif skipped',
    'answer = await decide(session, job)\nskipped = answer == "skipped"\nif skipped',
    'answer = await decide_later(session, job)\nif answer == "skipped"',
    'answer = await decide_or_none(session, job)\nif answer == "skipped"',
    "if not await has_created(session, job)",
    "created, count = await created_and_count(session, job)\nif not created",
]
BEGUN = ["SUP302 async with session.begin():"]


@pytest.mark.parametrize("asked", ASKED)
def test_a_helpers_answer_goes_with_what_it_has_done(tmp_path: Path, asked: str) -> None:
    assert faults(tmp_path, WORK, asked + COMMIT) == []


@pytest.mark.parametrize("asked", ASKED)
def test_the_other_answer_leaves_the_work_uncommitted(tmp_path: Path, asked: str) -> None:
    before, _, test = asked.rpartition("if ")
    turned = f"{before}if not ({test})" if test != "skipped" else asked.replace("if skipped", "if not skipped")
    assert faults(tmp_path, WORK, turned + COMMIT) == BEGUN


@pytest.mark.parametrize(
    "asked",
    [
        "if await decide(session, job) == anything",
        "if await decide(session, job) == Outcome.SKIPPED or anything",
        'if await decide(session, job) in ("created", anything)',
        'if (await decide(session, job)).strip() == "skipped"',
        'if (await decide(session, job))[0] == "skipped"',
        'if await decide(session, job) < "skipped"',
        'if await anything(session, job) == "skipped"',
    ],
)
def test_an_answer_that_nothing_tells(tmp_path: Path, asked: str) -> None:
    body = f"session.add(job)\n{asked}{COMMIT}" if "anything(" in asked else asked + COMMIT
    assert faults(tmp_path, WORK, body) == ([] if "anything(" in asked else BEGUN)
