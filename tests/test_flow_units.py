"""Units of work that open a session of their own: what is written through `unit.session`, and how that ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
import logging
from app.models import Job
from app.database import expiring, sessions

logger = logging.getLogger(__name__)


class Base:
    def __init__(self):
        self.session = None

    async def __aenter__(self):
        self.session = MAKE()
        ENTER
        return self

    async def __aexit__(self, exc_type, exc, tb):
        EXIT
        await self.session.close()

    async def save(self):
        await self.session.commit()

    async def end(self):
        await self.session.rollback()

    def look(self):
        logger.info("still here")


async def work(job_id):
    async with Base() as unit:
        BODY
    logger.info("done")
"""
ADD = "unit.session.add(Job(id=1))"
BEGIN = "async with unit.session.begin():"


def found(root: Path, body: str, *, at_end: str = "pass", enter: str = "pass", make: str = "sessions") -> list[str]:
    return faults(root, WORK.replace("EXIT", at_end).replace("ENTER", enter).replace("MAKE", make), body)


@pytest.mark.parametrize(
    "body",
    [
        f"{ADD}\nawait unit.save()",
        f"{ADD}\nawait unit.session.commit()",
        f"{ADD}\nawait finish(unit)",
        f"{ADD}\nregistry['unit'] = unit",
        f"{ADD}\nawait unit.jobs.flush()",
        f"{BEGIN}\n    {ADD}",
        "await unit.session.get(Job, 1)",
    ],
)
def test_what_may_be_committed_is_not_lost(tmp_path: Path, body: str) -> None:
    assert found(tmp_path, body) == []


@pytest.mark.parametrize("behind", ["", "unit.look()", "await unit.session.flush()"])
def test_what_nobody_commits_is_lost(tmp_path: Path, behind: str) -> None:
    assert found(tmp_path, f"{ADD}\n{behind}") == [f"SUP308 {ADD}"]
    assert found(tmp_path, f"{ADD}\n{behind}", at_end="await self.save()") == []
    assert found(tmp_path, f"{ADD}\n{behind}", at_end="await self.session.commit()") == []


@pytest.mark.parametrize("enter", ["await self.session.begin()", "await self.session.get(Job, 1)"])
def test_a_unit_may_have_begun_the_transaction(tmp_path: Path, enter: str) -> None:
    body = f"{BEGIN}\n    {ADD}"
    assert found(tmp_path, body, enter=enter) == [f"SUP302 {BEGIN}"]
    assert found(tmp_path, f"await unit.end()\n{body}", enter=enter) == []
    assert found(tmp_path, f"{ADD}\nawait unit.save()", enter=enter) == []


@pytest.mark.parametrize(
    "enter",
    [
        "if self.eager:\n            await self.session.begin()",
        "for _ in range(self.tries):\n            await self.session.get(Job, 1)",
        "await ping(self.session)",
        "await self.session.get(Job, 1)\n        await ping(self.session)",
        "try:\n            await self.session.get(Job, 1)\n        finally:\n            await self.session.rollback()",
    ],
)
def test_a_unit_that_may_have_begun_nothing(tmp_path: Path, enter: str) -> None:
    helper = "async def ping(session):\n    await session.get(Job, 1)\n    await session.rollback()\n\n\nclass Base:"
    work = (
        WORK.replace("class Base:", helper).replace("EXIT", "pass").replace("ENTER", enter).replace("MAKE", "sessions")
    )
    assert faults(tmp_path, work, f"{BEGIN}\n    {ADD}") == []


def test_a_unit_may_leave_its_transaction_by_hand(tmp_path: Path) -> None:
    enter = "self.tx = await self.session.begin()"
    assert found(tmp_path, ADD, enter=enter, at_end="await self.tx.__aexit__(exc_type, exc, tb)") == []
    assert found(tmp_path, ADD, enter=enter) == [f"SUP308 {ADD}"]


def test_objects_expire_with_the_commit_of_their_unit(tmp_path: Path) -> None:
    body = "job = await unit.session.get(Job, 1)\nawait unit.save()\nlogger.info(job.status)"
    assert found(tmp_path, body, make="expiring") == ["SUP309 logger.info(job.status)"]
    assert found(tmp_path, body) == []
    assert found(tmp_path, body.replace("unit.save()", "unit.other()"), make="expiring") == []
