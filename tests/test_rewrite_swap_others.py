"""The helper in the place of raw getters, dependencies, `AsyncSession(…)` and factories that are built on the spot."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from rewrite_support import fix_project, left, rewritten
from swap_support import KEEPING, function, project, swapped, verdict

MODULE = KEEPING + dedent(
    """

    def plain_session():
        return async_session_factory()


    async def get_db():
        async with async_session_factory() as session:
            yield session
    """
)


def work(body: str, names: str) -> str:
    lines = "\n".join(f"    {line}" if line else "" for line in dedent(body).strip().splitlines())
    head = "from sqlalchemy import select\n" + names + "\n\n\n"
    return head + f"async def work(job_id):\n{lines}\n"


RAW = {
    "a raw getter": (
        """
        session = await raw_session()
        try:
            await session.execute(select(1))
        finally:
            await session.close()
        """,
        "from app.session import raw_session",
        """
        async with get_session() as session:
            await session.execute(select(1))
        """,
    ),
    "a plain getter": (
        """
        session = plain_session()
        await session.execute(select(1))
        """,
        "from app.session import plain_session",
        """
        async with get_session() as session:
            await session.execute(select(1))
        """,
    ),
    "a raw getter that is entered": (
        """
        async with await raw_session() as session:
            await session.execute(select(1))
        """,
        "from app.session import raw_session",
        """
        async with get_session() as session:
            await session.execute(select(1))
        """,
    ),
    "a dependency advanced by hand": (
        """
        session = await anext(get_db())
        await session.execute(select(1))
        """,
        "from app.session import get_db",
        """
        async with get_session() as session:
            await session.execute(select(1))
        """,
    ),
    "a loop that is left by return": (
        """
        async for session in get_db():  # once
            if job_id:
                return await session.scalar(select(1))
        """,
        "from app.session import get_db",
        """
        async with get_session() as session:  # once
            if job_id:
                return await session.scalar(select(1))
        """,
    ),
    "a loop that ends in break": (
        """
        async for session in get_db():
            await session.execute(select(1))
            break  # only one
        """,
        "from app.session import get_db",
        """
        async with get_session() as session:
            await session.execute(select(1))
            # only one
        """,
    ),
}


@pytest.mark.parametrize("name", RAW)
def test_a_raw_session_is_opened_with_the_helper(tmp_path: Path, name: str) -> None:
    before, names, after = RAW[name]
    files = project(work(before, names), MODULE)
    fixed = fix_project(tmp_path, files, select=("SUP103",), unsafe=True)
    change = next(c.after for c in fixed.changes if c.path == "app/work.py")
    assert change == work(after, "from app.session import get_session")
    assert fix_project(tmp_path, files, select=("SUP103",)).changes == ()


LEFT = {
    "kept by hand": (
        """
        generator = get_db()
        session = await anext(generator)
        session.add(1)
        await generator.aclose()
        """,
        "the generator is kept in a variable",
    ),
    "a loop with an else": (
        """
        async for session in get_db():
            return session.add(1)
        else:
            print("none")
        """,
        "`else`",
    ),
    "a loop that goes on": (
        """
        async for session in get_db():
            if job_id:
                continue
            return session.add(1)
        """,
        "line 8 leaves the loop",
    ),
    "a loop that is left in the middle": (
        """
        async for session in get_db():
            if job_id:
                break
            session.add(1)
        """,
        "line 8 leaves the loop",
    ),
    "used behind the loop": (
        """
        async for session in get_db():
            break
        session.add(1)
        """,
        "line 7 leaves the loop",
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_without_one_right_reading_it_is_left(tmp_path: Path, name: str) -> None:
    body, reason = LEFT[name]
    found = verdict(tmp_path, work(body, "from app.session import get_db"), "SUP103", MODULE)
    assert found.startswith("no fix: ")
    assert reason in found


SPOT = {
    "the class": (
        """
        async with AsyncSession(engine) as session:
            session.add(1)
        """,
        """
        from app.session import get_session

        async with get_session() as session:
            session.add(1)
        """,
    ),
    "the class, closed by hand": (
        """
        session = AsyncSession(engine, autoflush=False)
        try:
            session.add(1)
        finally:
            await session.close()
        """,
        """
        from app.session import get_session

        async with get_session() as session:
            session.add(1)
        """,
    ),
    "a factory called at once": (
        """
        async with async_sessionmaker(engine)() as session:
            session.add(1)
        """,
        """
        from app.session import get_session

        async with get_session() as session:
            session.add(1)
        """,
    ),
    "a factory begun at once": (
        """
        async with async_sessionmaker(engine).begin() as session:
            session.add(1)
        """,
        """
        from app.session import get_session

        async with get_session() as session, session.begin():
            session.add(1)
        """,
    ),
    "a factory that is kept": (
        """
        print(job_id)
        make = async_sessionmaker(engine)  # our own
        async with make() as session:
            session.add(1)
        """,
        """
        from app.session import get_session

        print(job_id)
        # our own
        async with get_session() as session:
            session.add(1)
        """,
    ),
}
IMPORTS = "from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker\nfrom app.session import engine"


@pytest.mark.parametrize("name", SPOT)
def test_a_session_made_on_the_spot(tmp_path: Path, name: str) -> None:
    before, after = SPOT[name]
    used = "AsyncSession, " if "AsyncSession(" in before else ", async_sessionmaker"
    left = work(after, IMPORTS.replace(used, ""))
    assert swapped(tmp_path, work(before, IMPORTS), unsafe=True, code="SUP102") == left
    assert verdict(tmp_path, work(before, IMPORTS), "SUP102").startswith("unsafe: another engine")


@pytest.mark.parametrize(
    ("body", "is_said"),
    [
        ("async with AsyncSession(engine) as session:\n    session.add(1)", True),
        ("async with async_sessionmaker(engine)() as session:\n    session.add(1)", True),
        ("session = AsyncSession(engine)\nsession.add(1)\nawait session.close()", True),
        ("async with AsyncSession(engine) as session:\n    session.add(1)\n    await session.commit()", False),
        ("async with AsyncSession(engine) as session:\n    await session.execute(select(1))", False),
        ("async with async_sessionmaker(engine).begin() as session:\n    session.add(1)", False),
    ],
)
def test_a_write_that_would_be_saved_for_the_first_time_is_told(tmp_path: Path, body: str, is_said: bool) -> None:
    assert (
        "may not be committed now, and would be then" in verdict(tmp_path, work(body, IMPORTS), "SUP102")
    ) is is_said


def test_a_factory_that_is_used_twice_is_left(tmp_path: Path) -> None:
    body = """
    make = async_sessionmaker(engine)
    async with make() as session:
        session.add(1)
    async with make() as session:
        session.add(1)
    """
    assert "used more than once" in verdict(tmp_path, work(body, IMPORTS), "SUP102")


def test_what_the_helper_of_the_settings_does_is_read_also_where_it_is_only_imported(tmp_path: Path) -> None:
    work = function(
        "session = async_session_factory()\nsession.add(Job(id=job_id))\nawait session.commit()\nawait session.close()"
    )
    files = project(work) | {"app/__init__.py": "from app.session import get_session\n"}
    after = rewritten(tmp_path / "1", files, "app/work.py", select=("SUP101",), helper="app.get_session")
    assert "    async with get_session() as session:\n" in after
    files["app/session.py"] = KEEPING.replace("            await session.commit()\n", "")
    reasons = left(tmp_path / "2", files, select=("SUP101",), helper="app.get_session")
    assert len(reasons) == 1 and "the helper `get_session` does not commit when its block ends" in reasons[0]


@pytest.mark.parametrize(
    ("helper", "reason"),
    [
        ("app.session.get_sesion", "app/session.py does not define `get_sesion`"),
        ("app.sesion.get_session", "the project has no module `app.sesion`"),
    ],
)
def test_a_typing_error_in_the_setting_is_not_written_into_the_code(tmp_path: Path, helper: str, reason: str) -> None:
    files = project(function("async with async_session_factory() as session:\n    await session.execute(SELECT)"))
    reasons = left(tmp_path, files, select=("SUP101",), helper=helper)
    assert [text.partition("SUP101 ")[2] for text in reasons] == [
        f"the setting `helper` names `{helper}`, but {reason}"
    ]


def test_an_import_at_module_level_where_the_settings_ask_for_it(tmp_path: Path) -> None:
    body = "async with AsyncSession(engine) as session:\n    session.add(1)"
    after = swapped(tmp_path, work(body, IMPORTS), unsafe=True, code="SUP102", import_style="module")
    imports = "from sqlalchemy.ext.asyncio import async_sessionmaker\nfrom app.session import get_session"
    assert after == work("async with get_session() as session:\n    session.add(1)", imports)


def test_names_that_are_still_used_stay_beside_it(tmp_path: Path) -> None:
    body = "print(engine)\nasync with AsyncSession(engine) as session:\n    session.add(1)"
    after = swapped(tmp_path, work(body, IMPORTS), unsafe=True, code="SUP102", import_style="module")
    assert "\nfrom app.session import engine, get_session\n" in after


def test_a_name_that_is_taken_at_module_level_is_left(tmp_path: Path) -> None:
    body = "async with AsyncSession(engine) as session:\n    session.add(1)"
    text = work(body, f"{IMPORTS}\n\n\ndef get_session():\n    return None")
    said = verdict(tmp_path, text, "SUP102", import_style="module")
    assert said == "no fix: `get_session` is bound to something else here"
