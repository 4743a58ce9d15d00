"""What the swap of a session factory for the helper makes of the text."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from rewrite_support import fix_project
from swap_support import KEEPING, function, project, swapped


def behind(root: Path, body: str, **settings: object) -> str:
    """The body of the function behind the swap, without its indentation."""
    after = swapped(root, function(body), **settings)  # type: ignore[arg-type]
    return dedent(after.partition("async def work(job_id):\n")[2])


def test_the_try_stays_and_the_close_goes(tmp_path: Path) -> None:
    body = """
    # one session for all
    session = async_session_factory()  # opened
    logger.info("opened")
    try:
        # the work
        session.add(Job())

        await session.commit()
    except ValueError:  # bad
        await session.rollback()
        raise
    else:
        logger.info("done")
    # at last
    finally:  # always
        # close it
        await session.close()  # closed
    return 1
    """
    assert behind(tmp_path, body) == dedent("""\
        from app.session import get_session
        # one session for all
        async with get_session() as session:  # opened
            logger.info("opened")
            try:
                # the work
                session.add(Job())

                await session.commit()
            except ValueError:  # bad
                await session.rollback()
                raise
            else:
                logger.info("done")
            # at last
            # always
            # close it
            # closed
        return 1
        """).replace("from app.session import get_session\n", "")


def test_the_try_vanishes_with_its_finally(tmp_path: Path) -> None:
    body = """
    session = async_session_factory()
    number = 1
    try:  # work
        session.add(Job(id=number))
        await session.commit()
    finally:
        await session.close()
    """
    assert behind(tmp_path, body) == dedent("""\
        async with get_session() as session:
            number = 1
            # work
            session.add(Job(id=number))
            await session.commit()
        """)


def test_other_clean_up_stays(tmp_path: Path) -> None:
    body = """
    session = async_session_factory()
    try:
        await session.execute(select(Job))
    finally:
        logger.info("closing")
        await session.close()  # now
        logger.info("closed")
    """
    assert behind(tmp_path, body) == dedent("""\
        async with get_session() as session:
            try:
                await session.execute(select(Job))
            finally:
                logger.info("closing")
                # now
                logger.info("closed")
        """)


def test_a_close_on_the_line_of_its_finally(tmp_path: Path) -> None:
    body = """
    session = async_session_factory()
    try:
        await session.execute(select(Job))
    finally: await session.close()
    """
    assert behind(tmp_path, body) == "async with get_session() as session:\n    await session.execute(select(Job))\n"


def test_a_close_at_the_end(tmp_path: Path) -> None:
    body = '''
    session = async_session_factory()
    rows = await session.execute(text("""
      SELECT id
        FROM jobs
    """))
    await session.close()
    return rows
    '''
    assert behind(tmp_path, body) == dedent('''\
        async with get_session() as session:
            rows = await session.execute(text("""
          SELECT id
            FROM jobs
        """))
        return rows
        ''')


def test_what_follows_the_last_use_stays_outside(tmp_path: Path) -> None:
    body = """
    session = async_session_factory()
    session.add(Job())
    await session.commit()

    logger.info("done")
    """
    assert behind(tmp_path, body) == dedent("""\
        async with get_session() as session:
            session.add(Job())
            await session.commit()

        logger.info("done")
        """)


def test_opened_inside_the_try_that_closes_it(tmp_path: Path) -> None:
    body = """
    session = None
    # all of it
    try:  # try
        session = async_session_factory()  # opened
        session.add(Job())
        await session.commit()
    except Exception:
        if session:
            await session.rollback()
        raise
    finally:
        if session is not None:
            await session.close()
    """
    assert behind(tmp_path, body) == dedent("""\
        session = None
        # all of it
        async with get_session() as session:
            try:  # try
                # opened
                session.add(Job())
                await session.commit()
            except Exception:
                if session:
                    await session.rollback()
                raise
        """)


def test_opened_inside_a_try_that_only_closes_it(tmp_path: Path) -> None:
    body = """
    try:
        session = async_session_factory()
        session.add(Job())
        await session.commit()
    finally:
        await session.close()
    """
    assert behind(tmp_path, body) == dedent("""\
        async with get_session() as session:
            session.add(Job())
            await session.commit()
        """)


def test_a_try_directly_in_the_try(tmp_path: Path) -> None:
    body = """
    session = async_session_factory()
    try:
        try:
            await session.execute(select(Job))
        finally:
            logger.info("done")
    finally:

        # close it
        await session.close()
    """
    assert behind(tmp_path, body) == dedent("""\
        async with get_session() as session:
            try:
                await session.execute(select(Job))
            finally:
                logger.info("done")
            # close it
        """)


def test_a_body_keeps_its_own_indentation(tmp_path: Path) -> None:
    body = """
    session = async_session_factory()
    number = 1
    try:
            session.add(Job(id=number))
            await session.commit()
    finally:
            await session.close()
    """
    assert behind(tmp_path, body) == dedent("""\
        async with get_session() as session:
                number = 1
                session.add(Job(id=number))
                await session.commit()
        """)


def test_entered_with_others(tmp_path: Path) -> None:
    body = """
    async with (
        job_id.lock(),  # first
        async_session_factory(  # the session
        ) as session,
        session.begin(),
    ):
        session.add(Job())
    """
    assert behind(tmp_path, body) == dedent("""\
        async with (
            job_id.lock(),  # first
            get_session(  # the session
            ) as session,
            session.begin(),
        ):
            session.add(Job())
        """)


def test_begun_at_once(tmp_path: Path) -> None:
    body = """
    async with async_session_factory.begin() as session, job_id.lock():
        session.add(Job())
    """
    assert behind(tmp_path, body) == dedent("""\
        async with get_session() as session, session.begin(), job_id.lock():
            session.add(Job())
        """)


def test_the_import_of_the_factory_becomes_the_helpers(tmp_path: Path) -> None:
    after = swapped(tmp_path, function("async with async_session_factory() as session:\n    await session.rollback()"))
    assert "from app.session import get_session\n" in after
    assert "async_session_factory" not in after


SHAPES = {
    "through an alias": (
        "make = async_session_factory\nasync with make() as session:\n    await session.rollback()",
        "\nmake = async_session_factory\nasync with get_session() as session:\n    await session.rollback()\n",
    ),
    "through a module": (
        "import app.session as db\nasync with db.async_session_factory() as session:\n    await session.rollback()",
        "import app.session as db\nasync with db.get_session() as session:\n    await session.rollback()\n",
    ),
    "through another name": (
        "from app.session import async_session_factory as make\n"
        "async with make() as session:\n    await session.rollback()",
        "from app.session import get_session\nasync with get_session() as session:\n    await session.rollback()\n",
    ),
    "imported in the function": (
        "from app.session import (\n    async_session_factory,\n    engine,\n)\n"
        "async with async_session_factory() as session:\n    await session.rollback()\nengine.echo = True",
        "from app.session import (\n    engine,\n    get_session,\n)\n"
        "async with get_session() as session:\n    await session.rollback()\nengine.echo = True\n",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_factory_by_many_names(tmp_path: Path, name: str) -> None:
    before, after = SHAPES[name]
    found = behind(tmp_path, before)
    lines = [line for line in found.splitlines(keepends=True) if line.strip() != "from app.session import get_session"]
    wanted = [line for line in after.splitlines(keepends=True) if line.strip() != "from app.session import get_session"]
    assert lines == wanted


@pytest.mark.parametrize("annotation", ["AsyncSession", '"AsyncSession"', "AsyncSession | None"])
def test_an_annotation_goes_with_the_import_that_only_it_has_used(tmp_path: Path, annotation: str) -> None:
    work = function(
        f"session: {annotation} = async_session_factory()\ntry:\n    await session.rollback()\n"
        "finally:\n    await session.close()"
    )
    imported = "from sqlalchemy.ext.asyncio import AsyncSession\n"
    after = swapped(tmp_path, work.replace("\nfrom sqlalchemy import", f"\n{imported}\nfrom sqlalchemy import"))
    assert after == function("async with get_session() as session:\n    await session.rollback()").replace(
        "import async_session_factory", "import get_session"
    )
    needed = work.replace("from sqlalchemy import", f"{imported}from sqlalchemy import") + "\nKIND = AsyncSession\n"
    assert imported in swapped(tmp_path, needed)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ("async_session_factory, engine", "engine, get_session"),
        ("async_session_factory, engine, make_all", "engine, get_session, make_all"),
        ("(\n    async_session_factory,\n    engine,\n)", "(\n    engine,\n    get_session,\n)"),
        ("(\n    async_session_factory,\n    engine\n)", "(\n    engine, get_session\n)"),
        ("(\n    async_session_factory,  # it\n    engine,\n)", "(\n    get_session,  # it\n    engine,\n)"),
        ("engine, async_session_factory", "engine, get_session"),
        ("metadata, async_session_factory, engine", "metadata, get_session, engine"),
    ],
)
def test_an_import_that_is_in_order_stays_in_order(tmp_path: Path, names: str, wanted: str) -> None:
    work = function("async with async_session_factory() as session:\n    await session.rollback()\nprint(engine)")
    after = swapped(tmp_path, work.replace("import async_session_factory", f"import {names}"))
    assert f"from app.session import {wanted}\n" in after


def test_a_begun_session_gets_its_line_among_lines(tmp_path: Path) -> None:
    work = function(
        "async with (\n    async_session_factory.begin() as session,  # it\n    asyncio.timeout(3),\n):\n"
        "    session.add(Job())"
    )
    assert (
        "    async with (\n        get_session() as session,  # it\n        session.begin(),\n"
        "        asyncio.timeout(3),\n    ):\n"
    ) in swapped(tmp_path, work)


def test_several_in_one_file(tmp_path: Path) -> None:
    work = function("async with async_session_factory() as session:\n    await session.rollback()")
    both = work + work[work.index("async def") :].replace("work(", "more(")
    after = swapped(tmp_path, both)
    assert after.count("async with get_session() as session:") == 2
    assert "from app.session import get_session\n" in after
    assert "async_session_factory" not in after


def test_what_cannot_be_swapped_keeps_its_import(tmp_path: Path) -> None:
    work = function("async with async_session_factory() as session:\n    await session.rollback()")
    both = work + "\n\nasync def more(job_id):\n    return job_id(async_session_factory())\n"
    after = swapped(tmp_path, both)
    assert "from app.session import async_session_factory, get_session\n" in after


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ("Base, async_session_factory, other", "Base, async_session_factory, get_session, other"),
        ("async_session_factory, Base, other", "async_session_factory, Base, get_session, other"),
        ("other, async_session_factory, engine", "other, async_session_factory, get_session, engine"),
        ("async_session_factory, engine as z", "async_session_factory, engine as z, get_session"),
        (
            "(\n    Base,\n    async_session_factory,  # made here\n    other,\n)",
            "(\n    Base,\n    async_session_factory,  # made here\n    get_session,\n    other,\n)",
        ),
        (
            "(\n    async_session_factory,\n    engine,  # why\n)",
            "(\n    async_session_factory,\n    engine,  # why\n    get_session,\n)",
        ),
        ("(\n    async_session_factory\n)", "(\n    async_session_factory, get_session\n)"),
    ],
)
def test_the_helper_stands_where_the_order_of_an_import_puts_it(tmp_path: Path, names: str, wanted: str) -> None:
    work = function("async with async_session_factory() as session:\n    await session.rollback()")
    both = work + "\n\nasync def more(job_id):\n    return job_id(async_session_factory())\n"
    after = swapped(tmp_path, both.replace("import async_session_factory", f"import {names}"))
    assert f"from app.session import {wanted}\n" in after


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("unit", ["\t", "  "])
def test_tabs_line_ends_and_a_missing_last_one(tmp_path: Path, newline: str, unit: str) -> None:
    body = "try:\n    session.add(Job())\n    await session.commit()\nfinally:\n    await session.close()"
    text = function(f"session = async_session_factory()\n{body}").replace("    ", unit).rstrip("\n")
    files = project("")
    target = tmp_path / "app" / "work.py"
    fix_project(tmp_path, files)
    target.write_bytes(text.replace("\n", newline).encode())
    del files["app/work.py"]
    change = next(iter(fix_project(tmp_path, files, select=("SUP101",)).changes))
    wanted = [f"{unit}async with get_session() as session:", f"{unit}{unit}session.add(Job())"]
    assert newline.join([*wanted, f"{unit}{unit}await session.commit()"]) in change.after
    assert change.after.replace(newline, "").count("\n") == 0


REFUSED = {
    "a suppression that would go": "session = async_session_factory()\ntry:\n    await session.rollback()\n"
    "finally:\n    await session.close()  # noqa: SUP303",
    "two statements on a line": "session = async_session_factory(); session.add(Job())\nawait session.rollback()",
    "the whole on one line": "if job_id: session = async_session_factory(); await session.rollback()",
    "a try of one line": "session = async_session_factory()\ntry: await session.rollback()\n"
    "finally: await session.close()",
    "a bracket round it": "session = (\n    async_session_factory()\n)\nawait session.rollback()",
}


@pytest.mark.parametrize("name", REFUSED)
def test_odd_layouts_are_left(tmp_path: Path, name: str) -> None:
    fixed = fix_project(tmp_path, project(function(REFUSED[name]), KEEPING), select=("SUP101",), unsafe=True)
    assert fixed.changes == ()
    assert fixed.result.findings[0].no_fix_reason


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    after = swapped(
        tmp_path, function("session = async_session_factory()\nsession.add(Job())\nawait session.close()"), unsafe=True
    )
    assert fix_project(tmp_path, project(after), select=("SUP101",), unsafe=True).changes == ()
