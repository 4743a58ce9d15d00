"""Bugs that other rewriting tools have had, one test each: what is done here instead."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from cli_support import invoke
from project_support import write
from rewrite_support import fix_project, left, rewritten
from swap_support import KEEPING, function, project, swapped, verdict

OPEN = "async with async_session_factory() as session:\n    await session.scalar(select(Job.id))\n"


def helper_task(body: str, imports: str = "from app.session import get_session\n") -> str:
    """A task that gets its session from the helper, with this body of its `async with`."""
    head = "import asyncio\n\nfrom app.models import Job\n" + imports + "\n\nasync def work_with_own_session(job_id):\n"
    return (
        head
        + "    async with get_session() as session:\n"
        + "\n".join(" " * 8 + line if line else "" for line in dedent(body).strip("\n").split("\n"))
        + "\n"
    )


def phases(root: Path, body: str) -> str:
    """What becomes of a task whose phases get blocks of their own."""
    after = rewritten(root, project(helper_task(body)), "app/work.py", select=("SUP304",))
    compile(after, "work.py", "exec")
    return after


# ------------------------------------------------------------------------------------------------ strings and calls


def test_strings_that_are_joined_implicitly_stay_as_they_are(tmp_path: Path) -> None:
    body = """
    session.add(Job(id=1, status="one "
                    'two ' f"{job_id}"
                    "three"))
    await session.commit()
    """
    after = phases(tmp_path, body)
    assert (
        """status="one "\n                            'two ' f"{job_id}"\n                            "three"))\n"""
        in after
    )


@pytest.mark.parametrize("arguments", ["*options", "**options", "*(), **{}"])
def test_a_call_with_unpacked_arguments_is_left(tmp_path: Path, arguments: str) -> None:
    work = function(OPEN.replace("factory()", f"factory({arguments})"), "async def work(job_id, options):")
    assert "called with options of its own" in verdict(tmp_path, work)


def test_a_comment_inside_empty_parentheses_stays_there(tmp_path: Path) -> None:
    work = function(OPEN.replace("factory()", "factory(\n    # with the default options\n)"))
    assert "async with get_session(\n        # with the default options\n    ) as session:" in swapped(tmp_path, work)


def test_no_comma_is_lost_or_doubled_in_an_import(tmp_path: Path) -> None:
    for old, new in {
        "(async_session_factory, engine)": "(engine, get_session)",
        "(engine, async_session_factory)": "(engine, get_session)",
        "(\n    engine,\n    async_session_factory,\n)": "(\n    engine,\n    get_session,\n)",
        "(\n    engine\n    , async_session_factory\n)": "(\n    engine\n    , get_session\n)",
        "async_session_factory, get_session": "get_session",
        "get_session, async_session_factory": "get_session",
        "(get_session, async_session_factory,)": "(get_session, )",
    }.items():
        work = function(OPEN).replace("import async_session_factory", f"import {old}")
        assert f"from app.session import {new}\n" in swapped(tmp_path, work), old


def test_no_comma_is_lost_or_doubled_between_the_items_of_a_with(tmp_path: Path) -> None:
    work = function(OPEN.replace("async with ", "async with (\n    asyncio.timeout(1),\n    ").replace(":", ",\n):", 1))
    assert "asyncio.timeout(1),\n        get_session() as session,\n    ):" in swapped(tmp_path, work)


def test_a_callee_in_parentheses_keeps_them(tmp_path: Path) -> None:
    assert "async with (get_session)() as session:" in swapped(
        tmp_path, function(OPEN.replace("async_session_factory()", "(async_session_factory)()"))
    )


# ------------------------------------------------------------------------------------------------ layout


def test_one_of_two_statements_on_a_line_goes_alone(tmp_path: Path) -> None:
    body = "async with session.begin():\n    session.add(Job(id=1)); await session.commit()  # done\n"
    after = rewritten(tmp_path, project(helper_task(body)), "app/work.py", select=("SUP303",))
    assert "            session.add(Job(id=1))  # done\n" in after


def test_two_statements_on_a_line_are_not_torn_apart_by_a_block(tmp_path: Path) -> None:
    together = "session.add(Job(id=1)); await session.commit()\n"
    assert "        async with session.begin():\n            session.add(Job(id=1))\n" in phases(tmp_path, together)
    files = project(helper_task("session.add(Job(id=1)); await session.commit(); await asyncio.sleep(0)\n"))
    (reason,) = left(tmp_path, files, select=("SUP304",))
    assert "holds other code as well" in reason


def test_the_only_statement_of_a_block_becomes_pass(tmp_path: Path) -> None:
    body = """
    async with session.begin():
        session.add(Job(id=1))
        if job_id:
            await session.commit()  # early
    """
    after = rewritten(tmp_path, project(helper_task(body)), "app/work.py", select=("SUP303",))
    assert "            if job_id:\n                pass  # early\n" in after


def test_an_if_on_one_line_goes_into_a_block_as_it_is(tmp_path: Path) -> None:
    after = phases(
        tmp_path, "if job_id: session.add(Job(id=1))\nelse: session.add(Job(id=2))\nawait session.commit()\n"
    )
    assert "            if job_id: session.add(Job(id=1))\n            else: session.add(Job(id=2))\n" in after


def test_a_commit_in_an_if_on_one_line_is_left(tmp_path: Path) -> None:
    files = project(helper_task("if job_id: session.add(Job(id=1)); await session.commit()\n"))
    (reason,) = left(tmp_path, files, select=("SUP304",))
    assert "holds other code as well" in reason


# ------------------------------------------------------------------------------------------------ imports and names


def test_an_import_stays_while_a_bare_reference_remains(tmp_path: Path) -> None:
    after = swapped(tmp_path, function(OPEN) + "\n\nFACTORIES = [async_session_factory]\n")
    assert "from app.session import async_session_factory, get_session\n" in after
    assert "FACTORIES = [async_session_factory]\n" in after


def test_an_aliased_import_stays_while_its_alias_is_used(tmp_path: Path) -> None:
    work = function(OPEN + "print(make)\n").replace(
        "import async_session_factory", "import async_session_factory as make"
    )
    after = swapped(tmp_path, work.replace("async_session_factory()", "make()"))
    assert "from app.session import async_session_factory as make, get_session\n" in after
    assert "print(make)" in after


def test_an_aliased_import_goes_as_a_whole(tmp_path: Path) -> None:
    work = function(OPEN).replace("import async_session_factory", "import async_session_factory as make")
    after = swapped(tmp_path, work.replace("async_session_factory()", "make()"))
    assert "from app.session import get_session\n" in after
    assert "make" not in after


def test_both_import_styles_in_one_file_are_each_followed(tmp_path: Path) -> None:
    work = (
        function(OPEN)
        + "\n\nimport app.session\n\n\nasync def other():\n    "
        + OPEN.replace("async_session_factory", "app.session.async_session_factory").replace("\n    ", "\n        ")
    )
    after = swapped(tmp_path, work)
    assert "    async with get_session() as session:" in after
    assert "    async with app.session.get_session() as session:" in after
    assert after.count("import app.session\n") == 1
    assert after.count("from app.session import get_session\n") == 1


def test_a_name_is_not_used_before_it_is_bound(tmp_path: Path) -> None:
    late = OPEN + "from app.session import get_session\nasync with get_session() as session:\n    pass\n"
    after = swapped(tmp_path, function(late))
    assert after.index("import get_session") < after.index("get_session()")


def test_a_name_that_is_bound_to_something_else_later_is_not_used(tmp_path: Path) -> None:
    assert verdict(tmp_path, function(OPEN + "get_session = job_id\n")) == (
        "no fix: `get_session` is bound to something else here"
    )


def test_a_target_that_is_imported_already_is_not_imported_again(tmp_path: Path) -> None:
    work = function(OPEN).replace("import async_session_factory", "import get_session, async_session_factory")
    assert swapped(tmp_path, work).count("import get_session") == 1


def test_one_call_is_rewritten_beside_one_that_cannot_be(tmp_path: Path) -> None:
    """Others touch neither; here the one does not need the other, whose import stays."""
    other = "\n\nasync def other():\n    return async_session_factory()\n"
    after = swapped(tmp_path, function(OPEN) + other)
    assert "from app.session import async_session_factory, get_session\n" in after
    assert after.endswith(other)


def test_phases_that_depend_on_each_other_are_rewritten_together_or_not_at_all(tmp_path: Path) -> None:
    body = """
    session.add(Job(id=1))
    await session.commit()
    session.add(Job(id=2))
    if job_id:
        await session.commit()
    else:
        await session.rollback()
    """
    files = project(helper_task(body))
    assert rewritten(tmp_path, files, "app/work.py", select=("SUP304",)) == files["app/work.py"]


def test_no_second_import_is_added_beside_one_in_the_function(tmp_path: Path) -> None:
    """LibCST's AddImportsVisitor adds one at module level, and opens the cycle that the inner one has avoided."""
    inner = "from app.session import async_session_factory\n" + OPEN
    work = function(inner).replace("\nfrom app.session import async_session_factory\n", "\n", 1)
    after = swapped(tmp_path, work)
    assert "    from app.session import get_session\n    async with get_session() as session:" in after
    assert after.count("import get_session") == 1


def test_no_absolute_import_is_added_beside_a_relative_one(tmp_path: Path) -> None:
    after = swapped(tmp_path, function(OPEN).replace("from app.session import", "from .session import"))
    assert "from .session import get_session\n" in after
    assert "app.session" not in after


def test_a_local_definition_of_the_helpers_name_is_not_hidden(tmp_path: Path) -> None:
    work = function(OPEN) + "\n\ndef get_session():\n    return 1\n"
    assert verdict(tmp_path, work) == "no fix: `get_session` is bound to something else here"


# ------------------------------------------------------------------------------------------------ bytes and counts


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_line_ends_and_encoding_of_a_file_are_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newline: str, encoding: str
) -> None:
    """`open(path, "w")` makes LF of CRLF, and UTF-8 of latin-1."""
    head = "# -*- coding: latin-1 -*-\n" if encoding == "latin-1" else ""
    work = head + function(OPEN + 'print("naïve")\n')
    write(tmp_path, project("", KEEPING) | {"pyproject.toml": ""})
    path = tmp_path / "app/work.py"
    path.write_bytes(work.replace("\n", newline).encode(encoding))
    monkeypatch.chdir(tmp_path)
    assert "fixed app/work.py: 1 × SUP101" in invoke("check", "--fix", "--select", "SUP101").stderr
    after = work.replace("async_session_factory", "get_session")
    assert path.read_bytes() == after.replace("\n", newline).encode(encoding)


def test_a_clean_file_is_not_written(tmp_path: Path) -> None:
    files = project(function(OPEN)) | {"app/clean.py": "from app.session import get_session\n"}
    assert [change.path for change in fix_project(tmp_path, files, select=("SUP101",)).changes] == ["app/work.py"]


def test_what_is_said_to_be_fixed_is_gone(tmp_path: Path) -> None:
    """A fixer reported "9 fixed" where 4 were left: fixed are the findings that the next analysis does not have."""
    work = function(OPEN + OPEN.replace("()", "(autoflush=False)", 1) + OPEN)
    files = project(work)
    fixed = fix_project(tmp_path, files, select=("SUP101",))
    assert len(fixed.fixed) == 2
    assert len(fixed.result.findings) == 1
    again = fix_project(tmp_path / "again", files | {c.path: c.after for c in fixed.changes}, select=("SUP101",))
    assert len(again.fixed) == 0
    assert len(again.result.findings) == 1
