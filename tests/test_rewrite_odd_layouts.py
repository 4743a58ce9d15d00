"""Legal code in odd layouts: the rewritten code keeps its comments and its indentation, or stays as it is."""

from __future__ import annotations

from pathlib import Path

from rewrite_runs import HEAD, ends, project
from rewrite_support import fix_project, left, rewritten
from swap_support import function
from swap_support import project as swap_project

TASK = "async def work_with_own_session(job_id):\n"


def test_a_session_that_a_nested_function_opens_by_nonlocal_is_not_the_tasks_own(tmp_path: Path) -> None:
    work = TASK + (
        "    session = None\n"
        "    async def inner():\n"
        "        nonlocal session\n"
        "        session = session_factory()\n"
        "        try:\n"
        "            session.add(Line(text='a'))\n"
        "            await session.commit()\n"
        "        finally:\n"
        "            await session.close()\n"
        "    await inner()\n"
    )
    files = project("")
    files["app/work.py"] = HEAD.replace("import get_session", "import session_factory") + work
    assert [line.split()[1] for line in left(tmp_path, files, unsafe=True)] == ["SUP101"]


def test_a_block_goes_deeper_in_the_way_of_its_own_lines_where_tabs_and_spaces_are_mixed(tmp_path: Path) -> None:
    work = TASK + (
        "\tasync with get_session() as session:\n"
        "\t\tif job_id == 1:\n"
        "\t\t        session.add(Line(text='a'))\n"
        "\t\t        await session.commit()\n"
    )
    files = project(work)
    after = rewritten(tmp_path, files, "app/work.py", select=("SUP304",))
    assert "\t\t        async with session.begin():\n\t\t                session.add(Line(text='a'))\n" in after
    assert ends(after, files, tmp_path) == ends(files["app/work.py"], files, tmp_path)


LONG_COMMIT = """await (  # why
                session
                # this
                .commit()
            )  # here
"""


def test_the_comments_of_an_only_statement_stay_above_what_takes_its_place(tmp_path: Path) -> None:
    block = "    async with get_session() as session:\n        async with session.begin():\n            "
    files = project(TASK + block + LONG_COMMIT)
    after = rewritten(tmp_path, files, "app/work.py", select=("SUP303",))
    assert after.endswith("            # why\n            # this\n            # here\n            pass\n")


def test_comments_inside_of_a_statement_that_shares_its_lines_keep_it(tmp_path: Path) -> None:
    block = "    async with get_session() as session, session.begin():\n        plain(); "
    said = left(tmp_path, project(TASK + block + LONG_COMMIT), select=("SUP303",))
    assert said and "holds other code as well" in said[0]
    phase = "    async with get_session() as session:\n        session.add(Line(text='a')); "
    said = left(tmp_path, project(TASK + phase + LONG_COMMIT), select=("SUP304",))
    assert said and "holds other code as well" in said[0]


IN_TRY = """
    try:
        session = async_session_factory()
        session.add(Job())
        await session.commit()
    except Exception:
        logger.exception("failed")
        await session.rollback()
    finally:
        await session.close()
"""


def test_a_handler_that_would_lose_the_opening_of_its_session_makes_the_swap_unsafe(tmp_path: Path) -> None:
    files = swap_project(function(IN_TRY, "async def work_with_own_session(job_id):"))
    found = {f.code: f for f in fix_project(tmp_path, files).result.findings}
    fix = found["SUP101"].fix
    assert fix is not None and fix.applicability == "unsafe"
    assert "would not see the session itself fail any more (SUP404)" in fix.title
    after = rewritten(tmp_path, files, "app/work.py", unsafe=True)
    assert after.index("    try:\n        async with get_session()") < after.index("            except Exception:")


def test_where_nothing_asks_for_an_outer_handler_that_is_no_matter(tmp_path: Path) -> None:
    files = swap_project(function(IN_TRY, "async def work_with_own_session(job_id):"))
    assert "async with get_session()" in rewritten(tmp_path, files, "app/work.py", ignore=("SUP404",))
    files = swap_project(function(IN_TRY, "async def work(job_id):"))
    assert "async with get_session()" in rewritten(tmp_path, files, "app/work.py")


def test_asking_whether_there_is_a_session_is_a_plain_use_of_it(tmp_path: Path) -> None:
    work = TASK + (
        "    async with get_session() as session:\n"
        "        if session is not None:\n"
        "            plain()\n"
        "        session.add(Line(text='a'))\n"
        "        await session.commit()\n"
    )
    files = project(work)
    after = rewritten(tmp_path, files, "app/work.py", select=("SUP304",))
    assert "async with session.begin():\n            session.add" in after
    assert ends(after, files, tmp_path) == ends(files["app/work.py"], files, tmp_path)
