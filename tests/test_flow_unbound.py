"""A local name that is read before anything can have bound it raises: nothing behind that is reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import SESSION_MODULE, findings

WORK = """
from app.session import async_session_factory as factory, get_session


async def work(rows, given):
    async with get_session() as session:
        await session.execute("select 1")
        BEFORE
        async with session.begin():
            pass
    BEHIND
"""


def is_reported(root: Path, before: str, behind: str) -> bool:
    """Whether the `begin()` behind the first statement, and some others, is reported."""
    source = WORK.replace("BEFORE", before.replace("\n", "\n        ")).replace(
        "BEHIND", behind.replace("\n", "\n    ")
    )
    found = findings(root, {"app/session.py": SESSION_MODULE, "app/work.py": source})
    return any(line.endswith("SUP302") for line in found)


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("print(late)", "late = 1"),
        ("late.done()", "for late in rows:\n    pass"),
        ("await late.execute(1)", "async with factory() as late:\n    pass"),
        ("rows = rows + late", "late, other = rows"),
        ("if given and rows:\n    return\nlate = late", "late = 2"),
    ],
)
def test_behind_an_unbound_name_nothing_is_reached(tmp_path: Path, before: str, behind: str) -> None:
    assert not is_reported(tmp_path, before, behind)


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("print(given)", "given = 1"),
        ("for _ in rows:\n    if given:\n        print(late)\n    late = 1", "late = 2"),
        ("while given:\n    print(given and late)\n    for late in rows:\n        pass", "late = 2"),
        ("late = 1\nlate += 1", "late = 2"),
        ("print([late for row in rows if (late := row)])", "late = 2"),
        ("print([late for late in rows])", "late = 2"),
        ("def bind():\n    nonlocal late\n    late = 1\nbind()\nprint(late)", "late = 2"),
        ("global late\nprint(late)", "late = 2"),
        ("try:\n    print(late)\nexcept NameError:\n    pass", "late = 2"),
        ("given and print(late)", "late = 2"),
        ("print(lambda: late)", "late = 2"),
    ],
)
def test_a_name_that_may_be_bound_ends_nothing(tmp_path: Path, before: str, behind: str) -> None:
    assert is_reported(tmp_path, before, behind)
