"""What only rewritten code has used goes from the imports; all else in them stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from swap_support import HEAD, swapped

TASK = """
async def {name}(job_id):
    async with {factory}() as session:
        await session.rollback()
"""
IMPORT = "from app.session import async_session_factory\n"


def work(imports: str, tail: str = "") -> str:
    """Two functions that each use the factory, below some imports."""
    tasks = "\n".join(TASK.format(name=name, factory="async_session_factory") for name in ("one", "two"))
    return HEAD.lstrip().replace(IMPORT, imports) + tasks + tail


def import_in(text: str) -> str:
    """The import of the session module as it stands in a text."""
    return text[text.index("from app.session import ") :].partition("\n\n")[0]


@pytest.mark.parametrize(
    ("names", "tail", "wanted"),
    [
        ("async_session_factory, get_session", "\nstay = get_session, get_session, 'async_session_factory'\n", None),
        ("async_session_factory, get_session", "\nstay = get_session  # async_session_factory was here\n", None),
        ("async_session_factory, get_session  # noqa: F401", "\nstay = get_session\n", None),
        ("async_session_factory, get_session", "\nstay = get_session\n__all__ = ['async_session_factory']\n", None),
        ("async_session_factory, get_session", "\nstay = get_session\n", "get_session"),
        ("get_session, async_session_factory", "\nstay = get_session\n", "get_session"),
        ("(get_session, async_session_factory)", "\nstay = get_session\n", "(get_session)"),
        (
            "(\n    async_session_factory,  # the factory\n    get_session,\n)",
            "\nstay = get_session\n",
            "(\n    # the factory\n    get_session,\n)",
        ),
        ("(\n    get_session,\n    async_session_factory,\n)", "\nstay = get_session\n", "(\n    get_session,\n)"),
        ("(\n    get_session,\n    async_session_factory\n)", "\nstay = get_session\n", "(\n    get_session\n)"),
        ("(\n    get_session,  # it\n    async_session_factory\n)", "\nstay = get_session\n", None),
        ("async_session_factory, engine, get_session", "\nstay = get_session\n", "engine, get_session"),
    ],
)
def test_the_factory_goes_with_its_last_use(tmp_path: Path, names: str, tail: str, wanted: str | None) -> None:
    after = swapped(tmp_path, work(f"from app.session import {names}\n", tail))
    assert after.count("async with get_session() as session") == 2
    assert import_in(after) == f"from app.session import {wanted or names}"


def test_line_ends_stay(tmp_path: Path) -> None:
    source = work(
        "from app.session import (\n    async_session_factory,\n    get_session,\n)\n", "\nstay = get_session\n"
    )
    after = swapped(tmp_path, source.replace("\n", "\r\n"))
    assert "from app.session import (\r\n    get_session,\r\n)\r\n" in after


def test_what_nothing_used_before_stays(tmp_path: Path) -> None:
    after = swapped(tmp_path, work("from app.session import async_session_factory, get_session, engine\n"))
    assert import_in(after) == "from app.session import get_session, engine"
