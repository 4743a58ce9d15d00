"""When the helper may take a factory's place: conditions 1 to 7 of section 10, each on both sides."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_support import SESSION_MODULE
from swap_support import KEEPING, function, verdict

NO_FIX = {
    "1: bound in two ways": (
        """
        if job_id:
            session = async_session_factory()
        else:
            session = job_id.session
        await session.execute(select(Job))
        """,
        "outside of the block that opens it (line 17)",
    ),
    "1: opened in the middle of the try that closes it": (
        """
        session = None
        try:
            job_id.check()
            session = async_session_factory()
            await session.execute(select(Job))
        finally:
            await session.close()
        """,
        "outside of the statements that it is opened for (line 19)",
    ),
    "1: only if there is none": (
        """
        session = job_id or async_session_factory()
        await session.close()
        """,
        "not bound by a plain assignment",
    ),
    "1: not a plain name": (
        """
        job_id.session = async_session_factory()
        await job_id.session.close()
        """,
        "kept in `job_id.session`, where other code can reach it: open it with `async with`",
    ),
    "1: two names": (
        """
        session = other = async_session_factory()
        await session.close()
        """,
        "plain name",
    ),
    "4: kept on an object": (
        """
        session = async_session_factory()
        job_id.session = session
        await session.execute(select(Job))
        """,
        "another name",
    ),
    "4: kept in a list": (
        """
        async with async_session_factory() as session:
            job_id.append(session)
        """,
        "kept in a container",
    ),
    "4: in a tuple": (
        """
        async with async_session_factory() as session:
            job_id((session, 1))
        """,
        "put somewhere else",
    ),
    "4: captured by a lambda": (
        """
        async with async_session_factory() as session:
            job_id.later(lambda: session.execute(select(Job)))
        """,
        "a lambda uses the session",
    ),
    "4: captured by a nested function": (
        """
        async with async_session_factory() as session:
            async def later():
                await session.execute(select(Job))
            job_id.later(later)
        """,
        "nested function",
    ),
    "4: given to a task": (
        """
        async with async_session_factory() as session:
            asyncio.create_task(job_id(session))
        """,
        "given to a task",
    ),
    "4: given to several at once": (
        """
        async with async_session_factory() as session:
            await asyncio.gather(job_id(session), job_id(session))
        """,
        "given to a task",
    ),
    "4: used behind its block": (
        """
        async with async_session_factory() as session:
            await session.execute(select(Job))
        await session.execute(select(Job))
        """,
        "outside of the statements that it is opened for (line 15)",
    ),
    "4: a method handed on": (
        """
        async with async_session_factory() as session:
            job_id(session.execute)
        """,
        "`execute` of the session is handed on",
    ),
    "7: close in a shield": (
        """
        session = async_session_factory()
        try:
            await session.execute(select(Job))
        finally:
            await asyncio.shield(session.close())
        """,
        "`close()` is not awaited on the spot",
    ),
    "7: a commit that may be given up": (
        """
        async with async_session_factory() as session:
            session.add(Job())
            await asyncio.wait_for(session.commit(), 5)
        """,
        "`commit()` is not awaited on the spot",
    ),
    "7: other work behind the close": (
        """
        session = async_session_factory()
        try:
            await session.execute(select(Job))
        finally:
            await session.close()
            await job_id.done()
        """,
        "waits for something behind `close()`",
    ),
    "7: a finally that swallows errors": (
        """
        session = async_session_factory()
        try:
            session.add(Job())
            await session.commit()
        finally:
            await session.close()
            return
        """,
        "swallows errors",
    ),
    "the factory has options": (
        """
        async with async_session_factory(autoflush=False) as session:
            await session.execute(select(Job))
        """,
        "options of its own",
    ),
    "the name of the helper is taken": (
        """
        get_session = job_id
        async with async_session_factory() as session:
            await session.execute(select(Job).where(Job.id == get_session))
        """,
        "`get_session`",
    ),
    "never used": (
        """
        session = async_session_factory()
        """,
        "not used",
    ),
}

UNSAFE = {
    "2: a write that nothing commits": (
        """
        async with async_session_factory() as session:
            session.add(Job())
        """,
        "line 14 may not be committed now",
    ),
    "2: a write behind a failed flush, which ends the block that it stands in": (
        """
        async with async_session_factory() as session:
            async with session.begin():
                try:
                    session.add(Job())
                    await session.flush()
                except IntegrityError:
                    session.add(Job())
        """,
        "line 19 may not be committed now",
    ),
    "2: a write behind the last commit": (
        """
        session = async_session_factory()
        try:
            session.add(Job())
            await session.commit()
            await session.execute(insert(Job))
        finally:
            await session.close()
        """,
        "line 17 may not be committed now",
    ),
    "2: an early return": (
        """
        async with async_session_factory() as session:
            job = await session.get(Job, job_id)
            job.status = "processing"
            if job_id > 3:
                return
            await session.commit()
        """,
        "line 15 may not be committed now",
    ),
    "2: committed in one arm only": (
        """
        async with async_session_factory() as session:
            session.add(Job())
            if job_id > 3:
                await session.commit()
        """,
        "line 14 may",
    ),
    "2: left by break": (
        """
        for number in range(job_id):
            async with async_session_factory() as session:
                session.add(Job(id=number))
                if number > 3:
                    break
                await session.commit()
        """,
        "line 15 may",
    ),
    "2: a statement that nobody knows": (
        """
        async with async_session_factory() as session:
            await session.execute(job_id)
        """,
        "line 14 may",
    ),
    "2: a select that writes": (
        """
        async with async_session_factory() as session:
            await session.execute(select(func.nextval("seq")))
        """,
        "line 14 may",
    ),
    "2: text that writes": (
        """
        async with async_session_factory() as session:
            await session.execute(text("WITH done AS (DELETE FROM jobs RETURNING id) SELECT * FROM done"))
        """,
        "line 14 may",
    ),
    "2: a function called in text": (
        """
        async with async_session_factory() as session:
            await session.execute(text("SELECT refresh_all()"))
        """,
        "line 14 may",
    ),
    "2: an attribute of a row": (
        """
        async with async_session_factory() as session:
            rows = (await session.execute(select(Job, Job.id))).all()
            for job, number in rows:
                job.status = "seen"
        """,
        "line 16 may",
    ),
    "2: setattr": (
        """
        async with async_session_factory() as session:
            job = await session.get(Job, job_id)
            setattr(job, "status", "seen")
        """,
        "line 15 may",
    ),
    "2: somebody gets the object": (
        """
        async with async_session_factory() as session:
            job = await session.get(Job, job_id)
            job_id.mark(job)
        """,
        "line 15 may",
    ),
    "2: somebody gets the session": (
        """
        async with async_session_factory() as session:
            await job_id.mark(session)
        """,
        "other code has it",
    ),
    "2: an object keeps the session": (
        """
        async with async_session_factory() as session:
            service = job_id(session)
            await service.work()
            await session.commit()
        """,
        "other code has it",
    ),
    "2: the raw connection": (
        """
        async with async_session_factory() as session:
            connection = await session.connection()
            await connection.execute(insert(Job))
        """,
        "other code has it",
    ),
    "2: left open on one path": (
        """
        session = async_session_factory()
        session.add(Job())
        if job_id:
            return
        await session.commit()
        await session.close()
        """,
        "line 14 may",
    ),
    "2: left open in a loop for ever": (
        """
        while True:
            session = async_session_factory()
            session.add(Job())
            if job_id:
                continue
            await session.commit()
            await session.close()
        """,
        "line 15 may",
    ),
    "2: a loop that ends": (
        """
        async with async_session_factory() as session:
            while True:
                session.add(Job())
                if job_id:
                    break
                await session.commit()
        """,
        "line 15 may",
    ),
    "3: a handler that swallows": (
        """
        session = async_session_factory()
        try:
            session.add(Job())
            await session.commit()
        except Exception:
            logger.exception("failed")
        finally:
            await session.close()
        """,
        "",
    ),
    "3: reads only, and the handler swallows": (
        """
        async with async_session_factory() as session:
            try:
                await session.execute(select(Job))
            except Exception:
                logger.exception("failed")
        """,
        "a handler goes on without `rollback()` when line 15 fails",
    ),
    "3: a narrow handler": (
        """
        async with async_session_factory() as session:
            session.add(Job())
            try:
                number = {"a": 1}[job_id]
            except KeyError:
                return
            await session.commit()
        """,
        "line 14 may",
    ),
    "3: a cancellation that is swallowed": (
        """
        async with async_session_factory() as session:
            session.add(Job())
            try:
                await session.commit()
            except asyncio.CancelledError:
                return
        """,
        "line 14 may",
    ),
    "3: rollback on one of two ways": (
        """
        async with async_session_factory() as session:
            try:
                session.add(Job())
                await session.commit()
            except Exception:
                if job_id:
                    await session.rollback()
        """,
        "",
    ),
    "5: a read behind an error": (
        """
        job = None
        try:
            async with async_session_factory() as session:
                job = await session.get(Job, job_id)
                await job_id.work()
        except Exception:
            logger.exception("failed: %s", job.status)
        """,
        "line 19 reads what the session has loaded",
    ),
}

SAFE = {
    "1: an annotation": """
        session: object = async_session_factory()
        await session.execute(select(Job))
        await session.close()
        """,
    "1: statements between": """
        session = async_session_factory()
        logger.info("opened")
        number = job_id + 1
        try:
            await session.execute(select(Job))
        finally:
            await session.close()
        """,
    "1: opened by the try that closes it": """
        session = None
        try:
            session = async_session_factory()
            await session.execute(select(Job))
        finally:
            if session is not None:
                await session.close()
        """,
    "1: two sessions of one name": """
        async with async_session_factory() as session:
            await session.execute(select(Job))
        async with async_session_factory() as session:
            await session.execute(select(Job))
        """,
    "1: two sessions of one name, assigned": """
        session = async_session_factory()
        await session.execute(select(Job))
        await session.close()
        session = async_session_factory()
        await session.execute(select(Job))
        await session.close()
        """,
    "2: committed on every path": """
        session = async_session_factory()
        try:
            job = await session.get(Job, job_id)
            job.status = "processing"
            await session.commit()
            if job_id > 3:
                return
            job.status = "done"
            await session.commit()
        finally:
            await session.close()
        """,
    "2: phases": """
        async with async_session_factory() as session:
            async with session.begin():
                session.add(Job())
            async with session.begin():
                await session.execute(update(Job).values(status="done"))
        """,
    "2: reads only": """
        async with async_session_factory() as session:
            count = await session.scalar(select(func.count()).select_from(Job))
            rows = await session.execute(text("SELECT id FROM jobs WHERE id IN (1, 2)"))
            logger.info("%s %s", count, rows)
        """,
    "2: rolled back": """
        async with async_session_factory() as session:
            session.add(Job())
            await session.rollback()
        """,
    "2: closed before it ends": """
        async with async_session_factory() as session:
            session.add(Job())
            await session.close()
        """,
    "2: an object of somebody else": """
        async with async_session_factory() as session:
            await session.execute(select(Job))
            job_id.status = "seen"
        """,
    "2: it never ends without an error": """
        async with async_session_factory() as session:
            while True:
                session.add(Job())
                await session.commit()
        """,
    "3: a handler that raises": """
        async with async_session_factory() as session:
            try:
                session.add(Job())
                await session.commit()
            except Exception:
                logger.exception("failed")
                raise
        """,
    "3: a handler that rolls back": """
        session = async_session_factory()
        try:
            session.add(Job())
            await session.commit()
        except Exception:
            logger.exception("failed")
            await session.rollback()
        finally:
            await session.close()
        """,
    "4: asked about": """
        async with async_session_factory() as session:
            if session is not None and session.is_active:
                await session.execute(select(Job))
        """,
    "4: given to one function and awaited": """
        async with async_session_factory() as session:
            await job_id(session)
            await session.commit()
        """,
    "5: objects returned, and they do not expire": """
        async with async_session_factory() as session:
            return await session.get(Job, job_id)
        """,
    "5: objects read behind the block, and they do not expire": """
        async with async_session_factory() as session:
            job = await session.get(Job, job_id)
        logger.info("%s", job.status)
        """,
    "7: clean-up beside the close": """
        session = async_session_factory()
        try:
            await session.execute(select(Job))
        finally:
            logger.info("closing")
            await session.close()
            logger.info("closed")
        """,
    "7: a close that asks first": """
        session = async_session_factory()
        try:
            await session.execute(select(Job))
        finally:
            if session:
                await session.close()
        """,
    "closed nowhere": """
        session = async_session_factory()
        job = await session.get(Job, job_id)
        logger.info("%s", job)
        """,
    "its block begins at once": """
        async with async_session_factory.begin() as session:
            session.add(Job())
        """,
    "with its transaction": """
        async with async_session_factory() as session, session.begin():
            session.add(Job())
        """,
}


@pytest.mark.parametrize("name", NO_FIX)
def test_there_is_no_fix(tmp_path: Path, name: str) -> None:
    body, reason = NO_FIX[name]
    found = verdict(tmp_path, function(body))
    assert found.startswith("no fix: ")
    assert reason in found


@pytest.mark.parametrize("name", UNSAFE)
def test_the_swap_is_unsafe(tmp_path: Path, name: str) -> None:
    body, reason = UNSAFE[name]
    found = verdict(tmp_path, function(body))
    assert found.startswith("unsafe: ")
    assert reason in found


@pytest.mark.parametrize("name", SAFE)
def test_the_swap_is_safe(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, function(SAFE[name])) == "safe"


EXPIRING = {
    "returned": "async with async_session_factory() as session:\n    return await session.get(Job, job_id)",
    "read behind": "async with async_session_factory() as session:\n"
    "    job = await session.get(Job, job_id)\nlogger.info(job.status)",
    "collected": "found = []\nasync with async_session_factory() as session:\n"
    "    found.append(await session.get(Job, job_id))\nlogger.info(found)",
    "kept": "async with async_session_factory() as session:\n    job_id.job = await session.get(Job, job_id)",
}


@pytest.mark.parametrize("name", EXPIRING)
def test_objects_that_expire_make_it_unsafe(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, function(EXPIRING[name]), session_module=SESSION_MODULE).startswith("unsafe: ")
    assert verdict(tmp_path, function(EXPIRING[name]), session_module=KEEPING) == "safe"


def test_plain_values_may_leave_although_objects_expire(tmp_path: Path) -> None:
    body = """
    async with async_session_factory() as session:
        rows = (await session.execute(select(Job.id))).all()
        if not rows:
            return None
        return len(rows)
    """
    assert verdict(tmp_path, function(body), session_module=SESSION_MODULE) == "safe"


OTHER = """

other_engine = create_async_engine("sqlite+aiosqlite:///other")
other_factory = async_sessionmaker({engine}{options})
"""
USE_OTHER = function("async with other_factory() as session:\n    await session.execute(select(Job))").replace(
    "import async_session_factory", "import other_factory"
)


@pytest.mark.parametrize(
    ("engine", "options", "expected"),
    [
        ("other_engine", ", expire_on_commit=False", "no fix: the helper `get_session` works on another engine"),
        ("engine", "", "unsafe: `expire_on_commit` of `get_session`"),
        ("engine", ", expire_on_commit=False, autoflush=False", "unsafe: `get_session` makes its sessions with other"),
        ("engine", ", expire_on_commit=False", "safe"),
    ],
)
def test_helper_and_factory_have_to_agree(tmp_path: Path, engine: str, options: str, expected: str) -> None:
    module = KEEPING + OTHER.format(engine=engine, options=options)
    assert verdict(tmp_path, USE_OTHER, session_module=module).startswith(expected)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("            await session.commit()\n", "", "does not commit"),
        ("            raise\n", "", "swallows the errors"),
        (
            "        try:\n            yield",
            "        await session.execute('select 1')\n        try:\n            yield",
            "begun already",
        ),
        ("@asynccontextmanager\n", "", "defines no session helper"),
    ],
)
def test_the_helper_has_to_do_its_part(tmp_path: Path, old: str, new: str, reason: str) -> None:
    body = "async with async_session_factory() as session:\n    await session.execute(select(Job))"
    found = verdict(tmp_path, function(body), session_module=KEEPING.replace(old, new))
    assert found.startswith("no fix: ")
    assert reason in found


def test_a_session_that_is_returned_is_left(tmp_path: Path) -> None:
    body = "session = async_session_factory()\nawait session.execute(select(Job))\nreturn session"
    work = function(body, "async def work_with_own_session(job_id):")
    assert verdict(tmp_path, work) == "no fix: the session leaves the function (line 15)"


def test_a_plain_function_cannot_enter_it(tmp_path: Path) -> None:
    work = function("session = async_session_factory()\nreturn session.get(Job, job_id)", "def work(job_id):")
    assert "needs an `async def`" in verdict(tmp_path, work)


def test_a_generator_decides_nothing(tmp_path: Path) -> None:
    work = function("session = async_session_factory()\nyield await session.get(Job, job_id)\nawait session.close()")
    assert "generator" in verdict(tmp_path, work)


def test_a_factory_that_is_handed_on_is_left(tmp_path: Path) -> None:
    work = function("def use(factory):\n    pass\nuse(async_session_factory)")
    assert "handed on" in verdict(tmp_path, work)
