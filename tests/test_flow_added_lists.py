"""`add_all()` of a collection, and a way out where that is empty: nothing was added, so nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
from app.models import Job
from app.database import sessions


async def work(names, others, known):
    async with sessions() as session:
        BODY
"""
MADE = "new = [Job(status=name) for name in names]\nsession.add_all(new)\n"


def lost(root: Path, body: str) -> list[str]:
    """The lines of SUP308."""
    return [line.removeprefix("SUP308 ") for line in faults(root, WORK, body) if line.startswith("SUP308")]


@pytest.mark.parametrize(
    "body",
    [
        MADE + "if not new:\n    return 0\nawait session.commit()",
        MADE + "if new:\n    await session.commit()",
        MADE + "if new == []:\n    return 0\nawait session.commit()",
        MADE + "if len(new) == 0:\n    return 0\nawait session.commit()",
        MADE + "if len(new) > 0:\n    await session.commit()",
        MADE + "if not names:\n    return 0\nawait session.commit()",
        "new = [Job(status=n) for n in names if n]\nsession.add_all(new)\n"
        "if not new:\n    return 0\nawait session.commit()",
        "missing = set(names) - known\nsession.add_all([Job(status=n) for n in missing])\n"
        "if not missing:\n    return 0\nawait session.commit()",
        "missing = sorted(names)\nsession.add_all(Job(status=n) for n in missing)\n"
        "if missing:\n    await session.commit()",
        MADE + "await session.flush()\nif not new:\n    return 0\nawait session.commit()",
    ],
)
def test_there_was_nothing_to_add(tmp_path: Path, body: str) -> None:
    assert lost(tmp_path, body) == []


@pytest.mark.parametrize(
    "body",
    [
        MADE + "if others:\n    return 0\nawait session.commit()",
        MADE + "if not others:\n    return 0\nawait session.commit()",
        MADE + "if new:\n    return 0\nawait session.commit()",
    ],
)
def test_another_way_out_loses_what_was_added(tmp_path: Path, body: str) -> None:
    assert lost(tmp_path, body) == ["session.add_all(new)"]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", []),
        ("await session.get(Job, 1)\n", ["SUP302 async with session.begin():"]),
        ("session.add(Job())\n", ["SUP302 async with session.begin():"]),
    ],
)
def test_an_empty_list_begins_no_transaction(tmp_path: Path, before: str, expected: list[str]) -> None:
    body = f"{before}{MADE}if new:\n    await session.commit()\nasync with session.begin():\n    session.add(Job())"
    assert [line for line in faults(tmp_path, WORK, body) if line.startswith("SUP302")] == expected
