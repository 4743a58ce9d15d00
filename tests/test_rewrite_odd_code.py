"""Odd but legal code, each piece of which has once been rewritten wrongly: what is said of it instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewrite_runs import ends, project
from rewrite_support import fix_project, rewritten
from swap_support import function, verdict


def answers(root: Path, files: dict[str, str], *codes: str) -> list[str]:
    """What is said of each finding of some codes that is not fixed: the reason, or what an unsafe fix says of itself."""
    found = fix_project(root, files, select=codes).result.findings
    return [f.no_fix_reason or (f.fix.title if f.fix is not None else "") for f in found]


MANAGERS = """
@contextlib.contextmanager
def quiet():
    try:
        yield
    except Exception:
        pass


@contextlib.asynccontextmanager
async def logged():
    try:
        yield
    except Exception:
        logger.exception("lost")


class Quiet:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return True


class Timed:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False
"""

PENDING = {
    "an attribute as the target of a loop": """
        async with async_session_factory() as session:
            job = await session.get(Job, job_id)
            for job.status in ("a", "b"):
                pass
        """,
    "an attribute as what a `with` binds": """
        async with async_session_factory() as session:
            job = await session.get(Job, job_id)
            with contextlib.nullcontext("a") as job.status:
                pass
        """,
    "attributes that are unpacked": """
        async with async_session_factory() as session:
            job = await session.get(Job, job_id)
            job.status, other = "a", "b"
        """,
    "an attribute that is deleted": """
        async with async_session_factory() as session:
            job = await session.get(Job, job_id)
            del job.status
        """,
    "a cancellation that only `except BaseException` catches": """
        async with async_session_factory() as session:
            try:
                session.add(Job())
                await asyncio.sleep(1)
                await session.commit()
            except Exception:
                await session.rollback()
            except BaseException:
                return
        """,
    "a context manager of one's own that swallows": """
        async with async_session_factory() as session:
            with quiet():
                session.add(Job())
                await asyncio.sleep(1)
                await session.commit()
        """,
    "an asynchronous one": """
        async with async_session_factory() as session:
            async with logged():
                session.add(Job())
                await asyncio.sleep(1)
                await session.commit()
        """,
    "a class that swallows": """
        async with async_session_factory() as session:
            with Quiet():
                session.add(Job())
                await asyncio.sleep(1)
                await session.commit()
        """,
    "a stack that swallows": """
        async with async_session_factory() as session:
            with contextlib.ExitStack() as stack:
                stack.enter_context(contextlib.suppress(Exception))
                session.add(Job())
                await asyncio.sleep(1)
                await session.commit()
        """,
}


@pytest.mark.parametrize("name", PENDING)
def test_the_helper_would_save_what_was_discarded(tmp_path: Path, name: str) -> None:
    work = "import contextlib\n" + function(PENDING[name]) + MANAGERS
    assert "may not be committed now, and would be then" in verdict(tmp_path, work)


def test_a_context_manager_that_lets_errors_out_is_no_obstacle(tmp_path: Path) -> None:
    body = """
        async with async_session_factory() as session:
            with Timed():
                session.add(Job())
                await asyncio.sleep(1)
                await session.commit()
        """
    assert verdict(tmp_path, "import contextlib\n" + function(body) + MANAGERS) == "safe"


TASK = "import contextlib\n\nKEPT = {}\n\n\nasync def work_with_own_session(job_id):\n    async with get_session() as session:\n"
UNSAFE_PHASES = {
    "a swallowing context manager around a phase": (
        """
        with quiet():
            session.add(Line(text="a"))
            await step()
            await session.commit()
        session.add(Line(text="b"))
        await session.commit()
        """,
        "may swallow a failure of the phases in it",
    ),
    "a swallowing context manager in a phase": (
        """
        with quiet():
            session.add(Line(text="a"))
            await step()
        session.add(Line(text="b"))
        await session.commit()
        """,
        "may swallow a failure of `session.add()`",
    ),
    "a plain function that commits": (
        """
        session.add(Line(text="a"))
        await session.run_sync(lambda inner: inner.commit())
        session.add(Line(text="b"))
        await session.commit()
        """,
        "may end the transaction",
    ),
    "a `finally` that swallows in a phase": (
        """
        for number in (1, 2):
            try:
                session.add(Line(text=str(number)))
                await session.flush()
            finally:
                continue
        session.add(Line(text="b"))
        await session.commit()
        """,
        "may swallow a failure of",
    ),
    "an object that others have": (
        """
        KEPT["job"] = await session.get(Job, job_id)
        await session.commit()
        plain()
        session.add(Line(text="b"))
        await session.commit()
        """,
        "keeps an object where other code may change it",
    ),
}


@pytest.mark.parametrize("name", UNSAFE_PHASES)
def test_phases_are_not_wrapped_safely(tmp_path: Path, name: str) -> None:
    body, reason = UNSAFE_PHASES[name]
    files = project(TASK + body.rstrip() + "\n" + MANAGERS)
    said = answers(tmp_path, files, "SUP304")
    assert said and all(reason in line for line in said)


PHASES = {
    "a lambda made of an object works on it between two commits": """
        job = await session.get(Job, job_id)
        mark = lambda status: setattr(job, "status", status)
        await session.commit()
        mark("done")
        await step()
        await session.execute(select(Job))
        """,
    "attributes that are unpacked between two commits": """
        one, two = (await session.scalars(select(Job).order_by(Job.id))).all()
        await session.commit()
        one.status, two.status = "a", "b"
        await step()
        session.add(Line(text="a"))
        await session.commit()
        """,
    "an attribute as the target of a loop between two commits": """
        job = await session.get(Job, 1)
        await session.commit()
        for job.status in ("a", "b"):
            await step()
        session.add(Line(text="a"))
        await session.commit()
        """,
    "objects in a list": """
        found = []
        for job in await session.scalars(select(Job)):
            found.append(job)
        await session.commit()
        for job in found:
            job.status = "a"
        await step()
        session.add(Line(text="a"))
        await session.commit()
        """,
    "objects in a list that grows": """
        found = []
        found += (await session.scalars(select(Job))).all()
        await session.commit()
        found[0].status = "a"
        await step()
        session.add(Line(text="a"))
        await session.commit()
        """,
    "an object in a dict": """
        found = {}
        found["job"] = await session.get(Job, 1)
        await session.commit()
        found["job"].status = "a"
        await step()
        session.add(Line(text="a"))
        await session.commit()
        """,
    "an object that a pattern binds": """
        match await session.get(Job, 1):
            case None:
                return
            case found:
                pass
        await session.commit()
        found.status = "a"
        await step()
        session.add(Line(text="a"))
        await session.commit()
        """,
    "objects in a comprehension": """
        found = (await session.scalars(select(Job))).all()
        await session.commit()
        [setattr(job, "status", "a") for job in found]
        await step()
        session.add(Line(text="a"))
        await session.commit()
        """,
}


@pytest.mark.parametrize("name", PHASES)
def test_what_changes_an_object_stands_inside_of_a_phase(tmp_path: Path, name: str) -> None:
    files = project(TASK + PHASES[name].rstrip() + "\n")
    after = rewritten(tmp_path, files, "app/work.py", select=("SUP304",))
    assert after.count("session.begin()") == 2
    assert ends(after, files, tmp_path) == ends(files["app/work.py"], files, tmp_path)
