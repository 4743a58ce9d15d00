"""Odd but legal code, each piece of which has once been rewritten wrongly: what is said of it instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewrite_runs import ends, project
from rewrite_support import fix_project, rewritten
from swap_support import function, swapped, verdict
from swap_support import project as swap_project


def answers(root: Path, files: dict[str, str], *codes: str) -> list[str]:
    """What is said of each finding that is not fixed: the reason, or what an unsafe fix says of itself."""
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


TASK = """import contextlib

KEPT = {}


async def work_with_own_session(job_id):
    async with get_session() as session:
"""
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


HOOK = """
from sqlalchemy import event
from sqlalchemy.orm import Session


@event.listens_for(Session, "after_commit")
def done(session):
    print("committed")
"""
READ_ONLY = "async with async_session_factory() as session:\n    await session.scalar(select(Job.id))\n"


def test_a_hook_that_is_told_of_commits_notices_one_more(tmp_path: Path) -> None:
    assert "listens to commits" in verdict(tmp_path, function(READ_ONLY) + HOOK)


def test_a_hook_notices_the_commit_of_a_block_that_only_reads(tmp_path: Path) -> None:
    files = project(TASK + "        await session.scalar(select(Job.id))\n" + HOOK)
    assert any("listens to commits" in said for said in answers(tmp_path, files, "SUP301"))


@pytest.mark.parametrize("look", ["locals()", "vars()", "eval('session')"])
def test_what_looks_at_all_names_may_hand_the_session_on(tmp_path: Path, look: str) -> None:
    assert "may hand the session on" in verdict(tmp_path, function(READ_ONLY + f"    print({look})\n"))
    files = project(TASK + f"        await session.scalar(select(Job.id))\n        print({look})\n")
    assert any("may use `session` by" in said for said in answers(tmp_path, files, "SUP301"))


@pytest.mark.parametrize(
    "target, expected",
    [
        ("as (session)", "async with get_session() as (session), session.begin():"),
        ("as session, asyncio.timeout(3)", "async with get_session() as session, session.begin(), asyncio.timeout(3):"),
    ],
)
def test_a_begun_session_under_a_name_in_brackets(tmp_path: Path, target: str, expected: str) -> None:
    work = function(f"async with async_session_factory.begin() {target}:\n    session.add(Job())\n")
    assert expected in swapped(tmp_path, work)


COMMITS = {
    "behind what has swallowed a failure, of which it would tell": (
        """
        async with session.begin():
            try:
                session.add(Line(id=1, text="a"))
                await session.flush()
            except Exception:
                pass
            await session.commit()
        """,
        "may swallow a failure of",
    ),
    "before the end of what is entered inside of the transaction": (
        """
        async with session.begin(), logged():
            session.add(Line(text="a"))
            await session.commit()
        """,
        "Remove the commit",
    ),
}


@pytest.mark.parametrize("name", COMMITS)
def test_a_trailing_commit_stays(tmp_path: Path, name: str) -> None:
    body, reason = COMMITS[name]
    files = project(TASK + body.rstrip() + "\n" + MANAGERS)
    said = answers(tmp_path, files, "SUP303")
    assert said and all(reason in line for line in said)


TAKERS = {
    "a test that replaces it in the module": "import app.work\n\n\ndef f(monkeypatch):\n"
    "    monkeypatch.setattr(app.work, 'async_session_factory', None)\n",
    "a test that replaces it by keyword": "from unittest.mock import DEFAULT, patch\n\n\n@patch.multiple(\n"
    "    'app.work',\n    async_session_factory=DEFAULT,\n)\ndef test_it(**mocks):\n    pass\n",
    "a test that patches it by its path": "from unittest import mock\n\n\ndef test_it():\n"
    "    with mock.patch('app.work.async_session_factory'):\n        pass\n",
    "a module that reads it as an attribute": "from app import work as jobs\n\nmade = jobs.async_session_factory\n",
    "a name that is put together": "MODULE = 'app.work'\nNAME = f'{MODULE}.async_session_factory'\n",
}


@pytest.mark.parametrize("name", TAKERS)
def test_an_import_that_others_take_stays(tmp_path: Path, name: str) -> None:
    files = {**swap_project(function(READ_ONLY)), "tests/__init__.py": "", "tests/test_jobs.py": TAKERS[name]}
    after = rewritten(tmp_path, files, "app/work.py", select=("SUP101",))
    assert "from app.session import async_session_factory, get_session\n" in after


@pytest.mark.parametrize(
    "tail", ["__all__ = []\n__all__.extend(['async_session_factory'])\n", "F = globals()['async_session_factory']\n"]
)
def test_an_import_that_the_file_itself_names_in_a_string_stays(tmp_path: Path, tail: str) -> None:
    after = rewritten(tmp_path, swap_project(function(READ_ONLY) + "\n\n" + tail), "app/work.py", select=("SUP101",))
    assert "from app.session import async_session_factory, get_session\n" in after


def test_a_helper_whose_name_is_deleted_is_not_used(tmp_path: Path) -> None:
    work = function(READ_ONLY).replace("import async_session_factory", "import async_session_factory, get_session")
    assert verdict(tmp_path, work + "\n\ndel get_session\n") == "no fix: `get_session` is deleted here"


EXPECTED_ERRORS = {
    "SUP104": (
        """
        from app.session import get_session


        async def work():
            try:
                with get_session() as session:
                    session.add(1)
            except TypeError:
                return None
        """,
        "expects the TypeError",
    ),
    "SUP105": (
        """
        async def work():
            try:
                get_session
            except NameError:
                return None
            async with get_session() as session:
                session.add(1)
        """,
        "expects the NameError",
    ),
    "SUP601": (
        """
        try:
            from app.session import get_session
        except ImportError:
            raise SystemExit


        async def work_with_own_session(job_id):
            async with get_session() as session:
                session.add(1)
        """,
        "stands in a `try`",
    ),
}


@pytest.mark.parametrize("code", EXPECTED_ERRORS)
def test_an_error_that_is_waited_for_stays(tmp_path: Path, code: str) -> None:
    work, reason = EXPECTED_ERRORS[code]
    said = answers(tmp_path, swap_project(work), code)
    assert said and all(reason in line for line in said)
