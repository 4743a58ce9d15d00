"""Words that a function gives itself, or is given back, and asks for later: `state = "save"`, `return Action.SKIP`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

MACHINE = """
from enum import Enum, auto
from sqlalchemy import text
from app.database import sessions
from app.models import Job


class State(Enum):
    LOAD = auto()
    SAVE = auto()
    WORK = auto()


async def work(job_id):
    state = LOAD
    async with sessions() as session:
        while True:
            if state == LOAD:
                job = await session.get_one(Job, job_id)
                job.status = "seen"
                state = NEXT
            elif state == SAVE:
                await session.commit()
                state = WORK
            else:
                async with session.begin():
                    await session.execute(text("select 1"))
                break
"""
ANSWER = """
from enum import Enum
from app.database import sessions
from app.models import Job


class Action(Enum):
    SKIP = "skip"
    CREATE = "create"


async def decide(session, job_id):
    if await session.get(Job, job_id) is None:
        session.add(Job(id=job_id))
        return CREATED
    return SKIPPED


async def work(job_id):
    async with sessions() as session:
        action = await decide(session, job_id)
        if action == CREATED:
            await session.commit()
"""
HANDLER = """
from sqlalchemy import text
from app.database import sessions


async def work():
    outcome = "done"
    async with sessions() as session:
        try:
            await session.execute(text("select 1"))
        except Exception:
            outcome = WORD
            await session.rollback()
        if outcome == "done":
            await session.commit()
        async with session.begin():
            await session.execute(text("select 1"))
"""


def spelled(text: str, words: dict[str, str]) -> str:
    """A program whose states are spelled as texts, or as members of its enumeration."""
    for name, word in words.items():
        text = text.replace(f" {name}\n", f" {word}\n").replace(f" {name}:", f" {word}:")
    return text


TEXTS = {"LOAD": '"load"', "SAVE": '"save"', "WORK": '"work"', "CREATED": '"created"', "SKIPPED": '"skipped"'}
MEMBERS = {
    "LOAD": "State.LOAD",
    "SAVE": "State.SAVE",
    "WORK": "State.WORK",
    "CREATED": "Action.CREATE",
    "SKIPPED": "Action.SKIP",
}


@pytest.mark.parametrize("words", [TEXTS, MEMBERS])
def test_a_state_that_a_loop_goes_through(tmp_path: Path, words: dict[str, str]) -> None:
    assert faults(tmp_path, spelled(MACHINE.replace("NEXT", "SAVE"), words), "") == []


@pytest.mark.parametrize("words", [TEXTS, MEMBERS])
def test_a_state_that_skips_the_commit(tmp_path: Path, words: dict[str, str]) -> None:
    found = faults(tmp_path, spelled(MACHINE.replace("NEXT", "WORK"), words), "")
    assert "SUP302 async with session.begin():" in found


@pytest.mark.parametrize("words", [TEXTS, MEMBERS])
def test_a_word_that_a_called_function_answers(tmp_path: Path, words: dict[str, str]) -> None:
    assert faults(tmp_path, spelled(ANSWER, words), "") == []


@pytest.mark.parametrize("words", [TEXTS, MEMBERS])
def test_the_wrong_word_for_an_answer(tmp_path: Path, words: dict[str, str]) -> None:
    wrong = ANSWER.replace("action == CREATED", "action == SKIPPED")
    assert faults(tmp_path, spelled(wrong, words), "") == ["SUP308 action = await decide(session, job_id)"]


def test_a_word_that_a_handler_sets(tmp_path: Path) -> None:
    assert faults(tmp_path, HANDLER.replace("WORD", '"failed"'), "") == []


def test_a_word_that_leaves_the_transaction_open(tmp_path: Path) -> None:
    left = HANDLER.replace("WORD", '"failed"').replace("            await session.rollback()\n", "")
    assert faults(tmp_path, left, "") == ["SUP302 async with session.begin():"]
