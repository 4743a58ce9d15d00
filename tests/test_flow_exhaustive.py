"""A `match` whose cases leave nothing has no way past it, though it has no `case _`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
import enum
from app.models import Job
from app.database import sessions


class Mode(enum.Enum):
    SAVE = "save"
    DROP = "drop"

    def words(self):
        return self.value


async def work(flag, mode, name):
    async with sessions() as session:
        job = await session.get(Job, 1)
        match SUBJECT:
            case FIRST:
                await session.commit()
            case SECOND:
                await session.rollback()
        async with session.begin():
            BODY
"""
BEGUN = ["SUP302 async with session.begin():"]


def told(root: Path, subject: str, first: str, second: str) -> list[str]:
    """What is found behind the `match`."""
    work = WORK.replace("SUBJECT", subject).replace("FIRST", first).replace("SECOND", second)
    return faults(root, work, "print('begun')")


@pytest.mark.parametrize(
    ("subject", "first", "second"),
    [
        ("flag", "True", "False"),
        ("flag", "False", "True"),
        ("mode", "Mode.SAVE", "Mode.DROP"),
        ("mode", "Mode.DROP | Mode.SAVE", "None"),
        ("await session.get(Job, 2)", "None", "Job()"),
        ("name", "str()", "None"),
        ("name", "'x' | None", "str()"),
    ],
)
def test_the_cases_leave_nothing(tmp_path: Path, subject: str, first: str, second: str) -> None:
    assert told(tmp_path, subject, first, second) == []


@pytest.mark.parametrize(
    ("subject", "first", "second"),
    [
        ("flag", "True", "None"),
        ("flag", "True if name", "False"),
        ("mode", "Mode.SAVE", "None"),
        ("mode", "Mode.SAVE", "Mode.DROP if flag"),
        ("job", "None", "Job(status='x')"),
        ("job", "Job(done=True)", "Job(done=False)"),
        ("job", "Job(mode=Mode.SAVE)", "Job(mode=Mode.DROP)"),
        ("name", "'x'", "'y'"),
        ("name", "'x'", "None"),
    ],
)
def test_there_is_a_way_past_the_cases(tmp_path: Path, subject: str, first: str, second: str) -> None:
    assert told(tmp_path, subject, first, second) == BEGUN
