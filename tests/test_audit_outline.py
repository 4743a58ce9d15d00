"""The outline of a task: its session, its phases, its handlers, its first log line."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_support import TEMPLATE, around, facts, task, tasks

# -------------------------------------------------------------------------------------------------- the whole template


def test_the_template_is_compliant_with_all_its_parts(tmp_path: Path) -> None:
    found = task(tmp_path, TEMPLATE)
    assert facts(found) == ("helper", 2, "inner status outer", True)
    assert (found.helper, found.compliant, found.priority) == ("app.session.get_session", True, "low")
    assert [(r.path, r.line, r.how, r.kind) for r in found.registrations] == [
        ("app/tasks.py", 36, "BackgroundTasks.add_task", "request")
    ]
    assert (found.first_line, found.line, len(found.code)) == (10, 10, 23)


# -------------------------------------------------------------------------------------------------------- the session

SESSIONS = [
    ("helper", "app.session.get_session", "async with get_session() as s:\n        await s.execute(q)"),
    ("factory", "app.session.async_session_factory", "s = async_session_factory()\n    await s.execute(q)"),
    ("factory", "AsyncSession", "async with AsyncSession(engine) as s:\n        await s.execute(q)"),
    ("getter", "app.session.raw_session", "s = await raw_session()\n    await s.execute(q)"),
    ("callee", "app.session.get_session", "await through_helper(q)"),
    ("callee", "app.session.raw_session", "await through_getter(q)"),
    ("parameter", "", "await session.execute(q)"),
    ("none", "", "await asyncio.sleep(q)"),
]


@pytest.mark.parametrize(("pattern", "name", "body"), SESSIONS)
def test_how_the_session_is_had(tmp_path: Path, pattern: str, name: str, body: str) -> None:
    found = task(tmp_path, around(body, given=pattern == "parameter"))
    assert found.session == pattern
    assert [session.name for session in found.sessions] == ([name] if pattern != "none" else [])
    assert found.helper == (name if name == "app.session.get_session" else None)


def test_of_several_ways_the_one_that_bypasses_most_counts(tmp_path: Path) -> None:
    body = "async with get_session() as a:\n        await a.get(q)\n    b = async_session_factory()\n    await b.get(q)"
    code = around(body)
    found = task(tmp_path, code)
    assert found.session == "factory"
    assert [session.pattern for session in found.sessions] == ["helper", "factory"]


def test_a_session_that_only_a_handler_opens_does_not_hide_those_of_the_callees(tmp_path: Path) -> None:
    body = "try:\n        await through_helper(q)\n    except Exception:\n        s = async_session_factory()"
    code = around(body)
    assert task(tmp_path, code).session == "callee"


def test_an_untyped_parameter_that_a_request_fills_with_its_session(tmp_path: Path) -> None:
    found = task(
        tmp_path,
        """
        from fastapi import Depends
        from sqlalchemy.ext.asyncio import AsyncSession
        from app.session import get_session

        async def work(db):
            async with db.begin():
                await db.execute(1)
            await db.execute(2)
            await db.commit()

        async def endpoint(tasks: BackgroundTasks, db: AsyncSession = Depends(get_session)):
            tasks.add_task(work, db)
        """,
    )
    assert facts(found) == ("parameter", 2, "", False)
    assert found.codes == ("SUP202",)


def test_a_function_that_calls_itself_comes_to_an_end(tmp_path: Path) -> None:
    found = task(
        tmp_path,
        """
        from app.session import get_session

        async def one(n):
            await two(n)
            async with get_session() as session:
                await session.execute(n)

        async def two(n):
            await one(n)
            await work(n)

        async def work(n):
            await one(n)

        asyncio.ensure_future(work(3))
        """,
    )
    assert found.session == "callee"


# ---------------------------------------------------------------------------------------------------------- the phases

PHASES = [
    (1, "async with get_session() as s:\n        await s.execute(q)"),
    (0, "async with get_session() as s:\n        pass"),
    (2, "async with get_session() as s:\n        async with s.begin():\n            await s.execute(q)\n"
        "        async with s.begin():\n            await s.execute(q)"),
    (2, "async with get_session() as s:\n        await s.execute(q)\n        await s.commit()\n        await s.get(q)"),
    (1, "async with get_session() as s:\n        await s.execute(q)\n        await s.commit()"),
    (1, "async with async_session_factory.begin() as s:\n        await s.execute(q)"),
    (0, "async with async_session_factory() as s:\n        await s.execute(q)"),
    (1, "s = async_session_factory()\n    await s.begin()\n    await s.execute(q)\n    await s.commit()"),
    (1, "async with get_session() as s:\n        try:\n            async with s.begin():\n"
        "                await s.execute(q)\n        except Exception:\n            async with s.begin():\n"
        "                await s.execute(q)"),
    (2, "async with get_session() as s:\n        try:\n            async with s.begin():\n"
        "                await s.execute(q)\n        finally:\n            async with s.begin():\n"
        "                await s.execute(q)"),
    (1, "async with get_session() as s:\n        await elsewhere(q, s)"),
    (2, "await through_helper(q)\n    await through_helper(q)"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "body"), PHASES)
def test_the_phases_that_are_committed(tmp_path: Path, number: int, body: str) -> None:
    code = around(body)
    assert task(tmp_path, code).phases == number


# -------------------------------------------------------------------------------------------------------- the handlers

HANDLERS = [
    ("", "async with get_session() as s:\n        await s.execute(q)"),
    ("outer", "try:\n        async with get_session() as s:\n            await s.execute(q)\n"
              "    except Exception:\n        logger.exception('x')"),
    ("inner", "async with get_session() as s:\n        try:\n            await s.execute(q)\n"
              "        except Exception:\n            logger.exception('x')"),
    ("", "async with get_session() as s:\n        await s.execute(q)\n        try:\n            await s.execute(q)\n"
         "        except Exception:\n            logger.exception('x')"),
    ("", "try:\n        async with get_session() as s:\n            await s.execute(q)\n"
         "    except ValueError:\n        logger.exception('x')"),
    ("status outer", "try:\n        async with get_session() as s:\n            await s.execute(q)\n"
                     "    except Exception:\n        await mark_failed(q)"),
    ("status outer", "try:\n        async with get_session() as s:\n            await s.execute(q)\n"
                     "    except Exception:\n        logger.exception('x')\n    finally:\n"
                     "        await set_status(q, 'failed')"),
    ("outer", "try:\n        await through_helper(q)\n    except Exception:\n        logger.exception('x')"),
    ("inner", "s: AsyncSession | None = None\n    s = async_session_factory()\n    try:\n        await s.execute(q)\n"
              "    except Exception:\n        logger.exception('x')"),
]  # fmt: skip


@pytest.mark.parametrize(("handlers", "body"), HANDLERS)
def test_the_handlers_that_are_there(tmp_path: Path, handlers: str, body: str) -> None:
    code = around(body)
    assert " ".join(task(tmp_path, code).handlers) == handlers


def test_a_called_function_that_handles_everything_itself(tmp_path: Path) -> None:
    found = task(
        tmp_path,
        TEMPLATE.replace("async def process(", "async def inner(")
        + """
async def process(job_id):
    await inner(job_id)
""",
    )
    assert facts(found) == ("callee", 2, "inner status outer", False)
    assert "nothing logs its failure" not in found.reasons


def test_a_registrar_of_the_project_that_logs_is_an_outer_handler(tmp_path: Path) -> None:
    found = tasks(
        tmp_path,
        """
        from app.session import get_session

        async def logged(coroutine):
            try:
                await coroutine
            except Exception:
                logger.exception("a task failed")

        def spawn(coroutine):
            asyncio.create_task(logged(coroutine))

        async def work(q):
            async with get_session() as session, session.begin():
                await session.execute(q)

        spawn(work(1))
        """,
    )["work"]
    assert (found.outer_handler, found.registrations[0].how) == (True, "spawn() → asyncio.create_task")
    assert "nothing logs its failure" not in found.reasons


START_LOGS = [
    (True, "logger.info('start')"),
    (True, "job = f'{uuid.uuid4()}-{datetime.now(UTC).strftime(\"%H\")}'\n    logger.info(job)"),
    (False, "job = Job(q)\n    logger.info(job)"),
    (False, "await asyncio.sleep(1)\n    logger.info('start')"),
]


@pytest.mark.parametrize(("logs", "body"), START_LOGS)
def test_the_log_line_at_the_start(tmp_path: Path, logs: bool, body: str) -> None:
    code = around(body)
    assert task(tmp_path, code).start_log is logs
