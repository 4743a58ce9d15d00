"""A phase that calls a function with its session: what that does without a block may be wrong in one."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
from rewrite_runs import ends, project
from rewrite_support import fix_project

HELPER = """\
import contextlib

from sqlalchemy.exc import IntegrityError


async def helper(session, job_id):
{body}


"""
TASK = """\
async def work_with_own_session(job_id):
    logger.info("job %s", job_id)
    try:
        async with get_session() as session:
{before}            await helper(session, job_id)
{after}    except Exception:
        logger.exception("job %s failed", job_id)
"""
ADDS = "            session.add(Line(text='a'))\n"
COMMITS = "            await session.commit()\n"

REFUSED = {
    "a narrow handler": (
        """
        session.add(Line(text="b"))
        try:
            await session.flush()
        except IntegrityError:
            logger.exception("flush")
        """,
        "may swallow a failure of the database in line 22, which takes a whole transaction with it",
    ),
    "a broad handler": (
        """
        try:
            await session.execute(delete(Line))
        except Exception:
            logger.exception("delete")
        """,
        "may swallow a failure of the database in line 21",
    ),
    "`suppress`": (
        """
        with contextlib.suppress(Exception):
            await session.execute(delete(Line))
        """,
        "may swallow a failure of the database in line 19",
    ),
    "a handler that rolls back": (
        """
        try:
            await session.execute(delete(Line))
        except Exception:
            await session.rollback()
        """,
        "begins or ends a transaction itself, in line 22",
    ),
    "a handler that rolls back and raises": (
        """
        try:
            await session.execute(delete(Line))
        except Exception:
            await session.rollback()
            raise
        """,
        "begins or ends a transaction itself, in line 22",
    ),
}
WRAPPED = {
    "a handler of another thing": (
        """
        session.add(Line(text="b"))
        try:
            await step(job_id)
        except Exception:
            logger.exception("step")
        """
    ),
    "a handler that raises": (
        """
        try:
            await session.execute(delete(Line))
        except Exception:
            logger.exception("delete")
            raise
        """
    ),
    "a savepoint": (
        """
        try:
            async with session.begin_nested():
                await session.execute(delete(Line))
        except Exception:
            logger.exception("delete")
        """
    ),
    "what is raised behind the handler": (
        """
        failed = None
        try:
            await session.execute(delete(Line))
        except Exception as error:
            failed = error
        if failed:
            raise failed
        """
    ),
}


def text_of(helper: str, before: str = ADDS, after: str = COMMITS) -> str:
    body = indent(dedent(helper).strip("\n"), "    ")
    return HELPER.format(body=body) + TASK.format(before=before, after=after)


def reasons(root: Path, text: str) -> list[str | None]:
    """What is said of the commit by hand that is left."""
    found = fix_project(root, project(text), unsafe=True, select=("SUP3",)).result.findings
    return [finding.no_fix_reason for finding in found if finding.code == "SUP304"]


@pytest.mark.parametrize(("helper", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_would_end_or_spoil_the_block_has_no_fix(tmp_path: Path, helper: str, reason: str) -> None:
    found = reasons(tmp_path, text_of(helper))
    assert [reason in str(text) for text in found] == [True], found


def test_the_reason_names_the_file_of_the_function(tmp_path: Path) -> None:
    files = project(TASK.format(before=ADDS, after=COMMITS).replace("helper(", "quietly("))
    files["app/support.py"] += dedent(
        """
        async def quietly(session, job_id):
            try:
                await session.flush()
            except Exception:
                print("no")
        """
    )
    files["app/work.py"] = files["app/work.py"].replace("import add_line", "import quietly, add_line")
    (found,) = (f for f in fix_project(tmp_path, files, unsafe=True, select=("SUP304",)).result.findings)
    assert str(found.no_fix_reason).startswith("`quietly()` in line ")
    assert "of app/support.py, which takes a whole transaction with it" in str(found.no_fix_reason)


def test_a_block_that_would_hold_it_is_not_moved_up(tmp_path: Path) -> None:
    after = "            async with session.begin():\n                session.add(Line(text='c'))\n"
    text = text_of(REFUSED["a broad handler"][0], after=after)
    found = fix_project(tmp_path, project(text), unsafe=True, select=("SUP302",)).result.findings
    assert ["may swallow a failure of the database" in str(f.no_fix_reason) for f in found] == [True]


@pytest.mark.parametrize("helper", WRAPPED.values(), ids=WRAPPED)
def test_what_is_harmless_in_a_block_is_wrapped(tmp_path: Path, helper: str) -> None:
    files = project(text_of(helper))
    fixed = fix_project(tmp_path, files, unsafe=True, select=("SUP3",))
    assert [(f.code, f.no_fix_reason) for f in fixed.result.findings] == []
    after = next(change.after for change in fixed.changes)
    assert after.count("async with session.begin():") == 1
    assert ends(after, files, tmp_path) == ends(files["app/work.py"], files, tmp_path)


def test_a_function_that_only_reads_and_swallows_is_wrapped_where_nothing_can_be_lost(tmp_path: Path) -> None:
    helper = """
    try:
        await session.execute(select(Line))
    except Exception:
        logger.exception("read")
    """
    fixed = fix_project(tmp_path, project(text_of(helper, before="")), unsafe=True, select=("SUP3",))
    assert [finding.code for finding in fixed.result.findings] == []
    assert len(fixed.changes) == 1


# ------------------------------------------------------------------------------------- the handler of the phase itself

HELD = """\
async def work_with_own_session(job_id):
    logger.info("job %s", job_id)
    async with get_session() as session:
        try:
            try:
                async with session.begin_nested():
                    await session.execute(delete(Line))
            except ValueError:
                logger.exception("left out")
            await step(job_id)
        except Exception:
            logger.exception("job %s failed", job_id)
"""


def test_a_block_that_would_hold_the_handler_of_its_phase_has_no_fix(tmp_path: Path) -> None:
    """SUP401 would be new: nothing would catch a failure of the block's own commit."""
    found = fix_project(tmp_path, project(HELD), unsafe=True, select=("SUP301", "SUP401")).result.findings
    assert [(f.code, f.no_fix_reason) for f in found] == [
        (
            "SUP301",
            "the block would hold the handler in line 23, which would not see its commit fail: "
            "write the block inside that `try`",
        )
    ]


def test_it_is_wrapped_where_a_handler_stands_outside_of_it(tmp_path: Path) -> None:
    outer = HELD.replace("    async with get_session", "    try:\n     async with get_session") + (
        "    except Exception:\n        logger.exception('no session')\n"
    )
    fixed = fix_project(tmp_path, project(outer), unsafe=True, select=("SUP301", "SUP401"))
    assert [finding.code for finding in fixed.result.findings] == []
    assert len(fixed.changes) == 1
