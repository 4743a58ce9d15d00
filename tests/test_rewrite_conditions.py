"""The conditions under which a rewrite is safe (session-semantics.md, section 10), each from both of its sides.

1 to 7 are those of the swap (SUP101): the helper takes the factory's place. 8 to 14 are those of the phases (SUP301,
SUP304): each run of statements up to a commit becomes a block. On the side where a condition holds the rewrite is safe,
and the phases are run before and after it; on the other side it is unsafe, or there is none, and the reason is given.
More of each side is in test_rewrite_swap_safety.py, test_rewrite_wrap_phases.py and test_rewrite_odd_code.py.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent, indent

import pytest
from project_support import SESSION_MODULE
from rewrite_runs import ends
from rewrite_runs import project as task_project
from rewrite_support import fix_project
from swap_support import KEEPING, function, verdict


def unnumbered(said: str) -> str:
    """What is said, without the numbers of lines."""
    return re.sub(r"line \d+", "line N", said)


# ------------------------------------------------------------------------------------------------ 1 to 7: the swap

SWAP: dict[str, tuple[str, str, str]] = {
    "1 one plain name, directly followed by its statements": (
        """
        session = async_session_factory()
        try:
            await session.execute(insert(Job))
            await session.commit()
        finally:
            await session.close()
        """,
        """
        session = job_id or async_session_factory()
        try:
            await session.execute(insert(Job))
            await session.commit()
        finally:
            await session.close()
        """,
        "no fix: the session is not bound by a plain assignment",
    ),
    "1 the name is bound once": (
        """
        session = async_session_factory()
        await session.execute(select(Job))
        await session.close()
        """,
        """
        session = async_session_factory()
        await session.execute(select(Job))
        session = session.sync_session
        session.close()
        """,
        "no fix: line N gives the session's name to something else",
    ),
    "2 on every normal way out a commit or rollback comes last": (
        """
        async with async_session_factory() as session:
            session.add(Job())
            if job_id:
                await session.commit()
                return
            await session.rollback()
        """,
        """
        async with async_session_factory() as session:
            session.add(Job())
            if job_id:
                await session.commit()
                return
        """,
        "unsafe: line N may not be committed now, and would be then",
    ),
    "2 only reads come behind it": (
        """
        async with async_session_factory() as session:
            session.add(Job())
            await session.commit()
            await session.execute(select(Job))
        """,
        """
        async with async_session_factory() as session:
            session.add(Job())
            await session.commit()
            await session.execute(update(Job))
        """,
        "unsafe: line N may not be committed now, and would be then",
    ),
    "3 a handler that swallows rolls back": (
        """
        async with async_session_factory() as session:
            try:
                session.add(Job())
                await asyncio.sleep(job_id)
                await session.commit()
            except Exception:
                await session.rollback()
        """,
        """
        async with async_session_factory() as session:
            try:
                session.add(Job())
                await asyncio.sleep(job_id)
                await session.commit()
            except Exception:
                logger.exception("failed")
        """,
        "unsafe: line N may not be committed now, and would be then",
    ),
    "3 or raises": (
        """
        async with async_session_factory() as session:
            try:
                await session.execute(update(Job))
                await session.commit()
            except Exception:
                logger.exception("failed")
                raise
        """,
        """
        async with async_session_factory() as session:
            try:
                await session.execute(update(Job))
                await session.commit()
            except Exception:
                if job_id:
                    raise
        """,
        "unsafe: line N may not be committed now, and would be then",
    ),
    "4 the session stays where it is": (
        """
        async with async_session_factory() as session:
            await session.execute(select(Job))
        """,
        """
        async with async_session_factory() as session:
            await session.execute(select(Job))
            asyncio.create_task(job_id(session))
        """,
        "no fix: the session is given to a task (line N)",
    ),
    "4 and is not used behind its end": (
        """
        session = async_session_factory()
        try:
            await session.execute(select(Job))
        finally:
            await session.close()
        logger.info("done")
        """,
        """
        session = async_session_factory()

        async def later():
            await session.execute(select(Job))

        await later()
        await session.close()
        """,
        "no fix: a nested function uses the session",
    ),
    "7 `finally` holds `close()` as a plain statement": (
        """
        session = async_session_factory()
        try:
            await session.execute(select(Job))
        finally:
            logger.info("done")
            await session.close()
        """,
        """
        session = async_session_factory()
        try:
            await session.execute(select(Job))
        finally:
            await asyncio.shield(session.close())
        """,
        "no fix: ",
    ),
    "7 the commit stands by itself": (
        """
        session = async_session_factory()
        session.add(Job())
        await session.commit()
        await session.close()
        """,
        """
        session = async_session_factory()
        session.add(Job())
        await asyncio.wait_for(session.commit(), 1)
        await session.close()
        """,
        "no fix: `commit()` is not awaited on the spot (line N)",
    ),
}


@pytest.mark.parametrize("condition", SWAP)
def test_the_swap(tmp_path: Path, condition: str) -> None:
    holds, fails, said = SWAP[condition]
    assert verdict(tmp_path / "holds", function(holds)) == "safe"
    assert unnumbered(verdict(tmp_path / "fails", function(fails))).startswith(said)


def test_5_objects_may_leave_where_neither_factory_expires_them(tmp_path: Path) -> None:
    body = """
    async with async_session_factory() as session:
        return await session.get(Job, job_id)
    """
    assert verdict(tmp_path / "holds", function(body), session_module=KEEPING) == "safe"
    said = verdict(tmp_path / "fails", function(body), session_module=SESSION_MODULE)
    assert unnumbered(said) == "unsafe: line N keeps objects that expire when the helper commits"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("            await session.commit()\n", "", "no fix: the helper `get_session` does not commit"),
        ("            raise\n", "", "no fix: the helper `get_session` swallows the errors of its block"),
        ("        try:\n", "        await session.begin()\n        try:\n", "no fix: the helper `get_session` gives a"),
        ("@asynccontextmanager\n", "", "no fix: the project defines no session helper"),
    ],
)
def test_6_the_helper_does_its_part(tmp_path: Path, old: str, new: str, said: str) -> None:
    work = function("async with async_session_factory() as session:\n    await session.execute(select(Job))")
    assert verdict(tmp_path / "holds", work) == "safe"
    assert KEEPING.count(old)
    assert verdict(tmp_path / "fails", work, session_module=KEEPING.replace(old, new, 1)).startswith(said)


# --------------------------------------------------------------------------------------------- 8 to 14: the phases

TASK = """\
async def work_with_own_session(job_id):
    logger.info("job %s", job_id)
    try:
        async with get_session() as session:
{body}
    except Exception:
        logger.exception("job %s failed", job_id)
"""

PHASES: dict[str, tuple[str, str, str]] = {
    "8 a commit is a statement of the run's own list": (
        """
        session.add(Line(text="a"))
        await session.commit()
        session.add(Line(text="b"))
        await session.commit()
        """,
        """
        session.add(Line(text="a"))
        if job_id == 1:
            await session.commit()
        session.add(Line(text="b"))
        await session.commit()
        """,
        "no fix: `session.add()` in line N may be committed, or rolled back, inside the statement in line N: "
        "put both into one `begin()`, or commit before that line if neither needs the other",
    ),
    "8 or the last one of a loop's body": (
        """
        for name in ("a", "b"):
            session.add(Line(text=name))
            await step()
            await session.commit()
        """,
        """
        for name in ("a", "b"):
            session.add(Line(text=name))
            if name == "a":
                continue
            await session.commit()
        """,
        "unsafe: the `continue` in line ",
    ),
    "9 no jump stands before the commit": (
        """
        session.add(Line(text="a"))
        await session.commit()
        if job_id == 1:
            return
        session.add(Line(text="b"))
        await session.commit()
        """,
        """
        for name in ("a", "b"):
            session.add(Line(text=name))
            if name == "a":
                break
            await session.commit()
        """,
        "unsafe: the `break` in line ",
    ),
    "10 a function that gets the session leaves its transaction alone": (
        """
        await add_line(session, "a")
        await session.commit()
        """,
        """
        await save_line(session, "a")
        session.add(Line(text="b"))
        await session.commit()
        """,
        "no fix: `save_line()` in line N begins or ends a transaction itself",
    ),
    "10 and is known": (
        """
        count = await count_lines(session)
        session.add(Line(text=str(count)))
        await session.commit()
        """,
        """
        await job_id.save(session)
        session.add(Line(text="b"))
        await session.commit()
        """,
        "unsafe: ",
    ),
    "11 no handler inside of a run swallows what the session's work raises": (
        """
        try:
            await step()
        except Exception:
            logger.exception("no matter")
        session.add(Line(text="a"))
        await session.commit()
        """,
        """
        try:
            await session.execute(delete(Line))
        except Exception:
            logger.exception("no matter")
        session.add(Line(text="a"))
        await session.commit()
        """,
        "no fix: line N may swallow a failure of ",
    ),
    "11 but of a savepoint": (
        """
        try:
            async with session.begin_nested():
                session.add(Line(text="a"))
        except Exception:
            logger.exception("no matter")
        session.add(Line(text="b"))
        await session.commit()
        """,
        """
        try:
            session.add(Line(text="a"))
            await session.flush()
        except Exception:
            logger.exception("no matter")
        session.add(Line(text="b"))
        await session.commit()
        """,
        "no fix: line N may swallow a failure of ",
    ),
    "12 nothing that begins is left between two blocks": (
        """
        job = await session.get(Job, job_id)
        await step()
        if job is not None:
            job.status = "processing"
        await session.commit()
        """,
        """
        job = await session.get(Job, job_id)
        try:
            await step()
            await session.commit()
        except Exception:
            await session.rollback()
            raise
        """,
        "no fix: ",
    ),
    "13 a handler rolls back before anything else": (
        """
        try:
            session.add(Line(text="a"))
            await step()
            await session.commit()
        except Exception:
            await session.rollback()
            session.add(Line(text="failed"))
            await session.commit()
        """,
        """
        try:
            session.add(Line(text="a"))
            await step()
            await session.commit()
        except Exception:
            session.add(Line(text="failed"))
            await session.commit()
        """,
        "unsafe: the handler in line N does not first roll back what was left half done",
    ),
    "13 and reads no object that has expired": (
        """
        try:
            job = await session.get(Job, job_id)
            job.status = "processing"
            await step()
            await session.commit()
        except Exception:
            await session.rollback()
            logger.exception("job %s", job_id)
            raise
        """,
        """
        try:
            job = await session.get(Job, job_id)
            job.status = "processing"
            await step()
            await session.commit()
        except Exception:
            await session.rollback()
            logger.exception("job %s", job.id)
            raise
        """,
        "no fix: line N: the handler reads `job`, which has expired",
    ),
}


def phases(root: Path, text: str) -> str:
    """`safe`, `unsafe: what is in doubt` or `no fix: reason` for the phases; a safe rewrite does what was done."""
    files = task_project(text)
    fixed = fix_project(root, files)
    left = [f for f in fixed.result.findings if f.code in ("SUP301", "SUP304")]
    if left:
        finding = left[0]
        return f"unsafe: {finding.fix.title.partition(' (')[2]}" if finding.fix else f"no fix: {finding.no_fix_reason}"
    after = next(change.after for change in fixed.changes if change.path == "app/work.py")
    assert ends(after, files, root) == ends(files["app/work.py"], files, root)
    return "safe"


@pytest.mark.parametrize("condition", PHASES)
def test_the_phases(tmp_path: Path, condition: str) -> None:
    holds, fails, said = PHASES[condition]
    tasks = [TASK.format(body=indent(dedent(body).strip("\n"), " " * 12)) for body in (holds, fails)]
    assert phases(tmp_path / "holds", tasks[0]) == "safe"
    assert unnumbered(phases(tmp_path / "fails", tasks[1])).startswith(said)


def test_14_a_session_that_is_a_parameter_gets_no_block(tmp_path: Path) -> None:
    body = 'session.add(Line(text="a"))\nawait session.commit()'
    own = TASK.format(body=indent(body, " " * 12))
    assert phases(tmp_path / "holds", own) == "safe"
    given = f"async def work_with_own_session(job_id, session):\n{indent(body, '    ')}\n"
    fixed = fix_project(tmp_path / "fails", task_project(given), unsafe=True)
    assert fixed.changes == ()


def test_every_condition_is_here() -> None:
    named = {int(name.split()[0]) for name in (*SWAP, *PHASES)} | {5, 6, 14}
    assert named == set(range(1, 15))
