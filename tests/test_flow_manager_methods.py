"""A method with `@asynccontextmanager` of an object that keeps a session: `async with self.tx():`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
from contextlib import asynccontextmanager

from app.models import Job
from app.database import sessions


class Service:
    def __init__(self, session):
        self.session = session

    @asynccontextmanager
    async def tx(self):
        BODY

    async def run(self):
        async with self.tx():
            self.session.add(Job(status="new"))

    async def add(self):
        self.session.add(Job(status="new"))


async def work():
    async with sessions() as session:
        await Service(session).run()


async def plain():
    async with sessions() as session:
        await Service(session).add()
"""


@pytest.mark.parametrize(
    "body",
    [
        "async with self.session.begin():\n    yield self.session",
        "async with self.session.begin():\n    yield",
        "yield\nawait self.session.commit()",
        "try:\n    yield self\n    await self.session.commit()\nexcept Exception:\n"
        "    await self.session.rollback()\n    raise",
        "if self.session.in_transaction():\n    yield\nelse:\n    async with self.session.begin():\n        yield",
    ],
)
def test_nothing_is_said_of_work_in_a_block_that_is_not_followed(tmp_path: Path, body: str) -> None:
    assert faults(tmp_path, WORK, body) == ["SUP308 await Service(session).add()"]
