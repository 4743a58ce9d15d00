"""The inventory: which functions are in it, and whether each fact about them is the source's."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_support import HEAD, inventory, task, tasks

from supavisor_lint.audit.priority import Signs, priority_of
from supavisor_lint.report.audit_model import AuditedTask
from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings

TEMPLATE = """
async def process(job_id):
    logger.info("job %s started", job_id)
    from app.session import get_session

    try:
        async with get_session() as session:
            try:
                async with session.begin():
                    job = await session.get(Job, job_id)
                    job.status = "processing"
                async with session.begin():
                    job = await session.get(Job, job_id)
                    job.status = "completed"
            except Exception:
                logger.exception("job %s failed", job_id)
                try:
                    await session.rollback()
                    async with session.begin():
                        await session.execute(update(Job).where(Job.id == job_id).values(status="failed"))
                except Exception:
                    logger.exception("job %s: the failure could not be recorded", job_id)
    except Exception:
        logger.exception("job %s: no session", job_id)


def start(tasks: BackgroundTasks, job_id):
    tasks.add_task(process, job_id)
"""


def facts(audited: AuditedTask) -> tuple[object, ...]:
    return audited.session, audited.phases, " ".join(audited.handlers), audited.start_log


# ------------------------------------------------------------------------------------------------------- what is not


def test_what_is_no_background_task_is_not_listed(tmp_path: Path) -> None:
    found = tasks(
        tmp_path,
        """
        async def step(x): ...
        async def helper(x): ...

        async def endpoint(progress, x):
            progress.add_task("copying", total=x)
            await step(x)
            await asyncio.gather(helper(x), helper(x))
            async with asyncio.TaskGroup() as group:
                group.create_task(step(x))
        """,
    )
    assert found == {}


def test_what_tests_register_and_define_is_not_listed(tmp_path: Path) -> None:
    files = {"tests/test_tasks.py": HEAD + "async def test_with_own_session(): ...\nasyncio.create_task(test_it())\n"}
    assert inventory(tmp_path, files).tasks == ()
    assert [t.function for t in inventory(tmp_path, files, check_tests=True).tasks] == ["test_with_own_session"]


def test_only_the_tasks_of_the_files_asked_for_are_listed_with_all_their_registrations(tmp_path: Path) -> None:
    from project_support import write

    from supavisor_lint.audit.inventory import take_inventory
    from supavisor_lint.run import job_of_paths

    work = "async def work(): ...\n"
    write(
        tmp_path,
        {
            "app/__init__.py": "",
            "app/one.py": work,
            "app/two.py": work,
            "app/api.py": "import asyncio\nfrom app import one, two\n\n\n"
            "async def start():\n    asyncio.create_task(one.work())\n    asyncio.create_task(two.work())\n",
        },
    )
    job = job_of_paths([tmp_path / "app" / "one.py"], tmp_path, Settings())
    (found,) = take_inventory(job, proposals=False).inventory.tasks
    assert (found.path, [(r.path, r.line) for r in found.registrations]) == ("app/one.py", [("app/api.py", 6)])


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
AROUND = """
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import async_session_factory, engine, get_session, raw_session

async def through_helper(q):
    await deeper(q)

async def deeper(q):
    async with get_session() as s:
        await s.execute(q)

async def through_getter(q):
    s = await raw_session()
    await s.execute(q)

async def work(q, session: AsyncSession):
    BODY

def start(q, session):
    asyncio.create_task(work(q, session))
"""


@pytest.mark.parametrize(("pattern", "name", "body"), SESSIONS)
def test_how_the_session_is_had(tmp_path: Path, pattern: str, name: str, body: str) -> None:
    code = AROUND.replace("BODY", body)
    if pattern != "parameter":
        code = code.replace(", session: AsyncSession", "").replace("work(q, session)", "work(q)")
    found = task(tmp_path, code)
    assert found.session == pattern
    assert [session.name for session in found.sessions] == ([name] if pattern != "none" else [])
    assert found.helper == (name if name == "app.session.get_session" else None)


def test_of_several_ways_the_one_that_bypasses_most_counts(tmp_path: Path) -> None:
    body = "async with get_session() as a:\n        await a.get(q)\n    b = async_session_factory()\n    await b.get(q)"
    code = AROUND.replace("BODY", body).replace(", session: AsyncSession", "").replace("work(q, session)", "work(q)")
    found = task(tmp_path, code)
    assert found.session == "factory"
    assert [session.pattern for session in found.sessions] == ["helper", "factory"]


def test_a_session_that_only_a_handler_opens_does_not_hide_those_of_the_callees(tmp_path: Path) -> None:
    body = "try:\n        await through_helper(q)\n    except Exception:\n        s = async_session_factory()"
    code = AROUND.replace("BODY", body).replace(", session: AsyncSession", "").replace("work(q, session)", "work(q)")
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
    code = AROUND.replace("BODY", body).replace(", session: AsyncSession", "").replace("work(q, session)", "work(q)")
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
    code = AROUND.replace("BODY", body).replace(", session: AsyncSession", "").replace("work(q, session)", "work(q)")
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
    code = AROUND.replace("BODY", body).replace(", session: AsyncSession", "").replace("work(q, session)", "work(q)")
    assert task(tmp_path, code).start_log is logs


# ------------------------------------------------------------------------------------------------- what is registered


def test_every_registration_is_listed_once_with_its_kind(tmp_path: Path) -> None:
    found = task(
        tmp_path,
        """
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        async def work(): ...

        scheduler = AsyncIOScheduler()
        scheduler.add_job(work, "interval", minutes=5)

        def start(tasks: BackgroundTasks, chosen):
            tasks.add_task(work)
            asyncio.create_task(work() if chosen else work())
        """,
    )
    assert [(r.line, r.how, r.kind) for r in found.registrations] == [
        (15, "add_job", "schedule"),
        (18, "BackgroundTasks.add_task", "request"),
        (19, "asyncio.create_task", "loop"),
    ]


def test_a_task_by_its_name_or_mark_has_no_registration(tmp_path: Path) -> None:
    found = tasks(
        tmp_path,
        """
        async def sync_with_own_session(): ...

        async def nightly():  # supavisor-lint: task
            ...
        """,
    )
    assert {name: audited.registrations for name, audited in found.items()} == {
        "sync_with_own_session": (),
        "nightly": (),
    }


def test_tasks_that_have_nothing_to_do_with_sessions_are_listed_as_well(tmp_path: Path) -> None:
    files = {
        "app/mail.py": "async def send(to):\n    print(to)\n",
        "app/api.py": "import asyncio\nfrom app.mail import send\n\n\ndef f(to):\n    asyncio.create_task(send(to))\n",
    }
    (found,) = inventory(tmp_path, files).tasks
    assert (found.path, found.session, found.priority, found.compliant) == ("app/mail.py", "none", "low", True)


def test_a_registration_of_something_unknown_is_named(tmp_path: Path) -> None:
    code = HEAD + "from elsewhere import lost\n\n\ndef start(tasks: BackgroundTasks):\n    tasks.add_task(lost, 1)\n"
    found = inventory(tmp_path, {"app/tasks.py": code})
    assert [(r.path, r.line, r.how, r.target) for r in found.unresolved] == [
        ("app/tasks.py", 13, "BackgroundTasks.add_task", "lost")
    ]


# -------------------------------------------------------------------------------------------------------- the findings


def test_a_finding_belongs_to_the_innermost_task(tmp_path: Path) -> None:
    found = tasks(
        tmp_path,
        """
        from app.session import async_session_factory

        async def outer(q):
            async def inner(q):
                session = async_session_factory()
                await session.execute(q)
                await session.commit()

            asyncio.create_task(inner(q))

        asyncio.ensure_future(outer(1))
        """,
    )
    assert found["outer"].codes == ()
    assert "SUP101" in found["outer.<locals>.inner"].codes


def test_what_is_reported_at_the_registration_is_the_registered_task_s(tmp_path: Path) -> None:
    found = tasks(
        tmp_path,
        """
        from sqlalchemy.ext.asyncio import AsyncSession

        async def work(session: AsyncSession):
            await session.execute(1)

        async def parent(session: AsyncSession):  # supavisor-lint: task
            asyncio.create_task(work(session))
        """,
    )
    assert found["work"].codes == ("SUP202",)
    assert "SUP202" not in found["parent"].codes


def test_a_suppressed_finding_is_no_finding_but_is_told(tmp_path: Path) -> None:
    found = task(
        tmp_path,
        """
        from app.session import async_session_factory

        async def work(q):  # noqa: SUP401, SUP404
            session = async_session_factory()  # noqa: SUP101
            await session.execute(q)

        asyncio.ensure_future(work(1))
        """,
    )
    assert found.suppressed == ("SUP101", "SUP401", "SUP404")
    assert not {"SUP101", "SUP401", "SUP404"} & set(found.codes)


def test_the_findings_are_those_of_a_check(tmp_path: Path) -> None:
    from fixture_support import FIXTURES

    from supavisor_lint.audit.inventory import take_inventory
    from supavisor_lint.run import job_of_paths

    root = FIXTURES / "scraper_backend"
    checked = {f for f in check_paths([root], root, Settings()).findings if f.function is not None}
    audited = take_inventory(job_of_paths([root], root, Settings()), proposals=False).inventory
    assert {finding for task in audited.tasks for finding in task.findings} == checked
    assert [(t.function, t.priority) for t in audited.tasks] == [
        ("process_batch_with_own_session", "high"),
        ("process_page_with_own_session", "low"),
        ("SitemapService._process", "low"),
    ]


# -------------------------------------------------------------------------------------------------------- the priority

QUIET = Signs(frozenset(), False, False, False, 1)
PRIORITIES = [
    ("low", QUIET),
    ("low", Signs(frozenset({"warning"}), False, False, True, 1)),
    ("medium", Signs(frozenset({"warning"}), False, True, True, 1)),
    ("medium", Signs(frozenset({"error"}), False, False, False, 1)),
    ("medium", Signs(frozenset({"error", "warning"}), False, False, True, 1)),
    ("high", Signs(frozenset({"error"}), False, False, True, 2)),
    ("high", Signs(frozenset({"error"}), True, False, False, 1)),
    ("high", Signs(frozenset({"warning"}), True, True, True, 1)),
    ("low", Signs(frozenset({"info"}), False, False, False, 3)),
    ("low", Signs(frozenset(), True, True, True, 7)),
]


@pytest.mark.parametrize(("priority", "signs"), PRIORITIES)
def test_the_priority_follows_from_the_signs(priority: str, signs: Signs) -> None:
    assert priority_of(signs)[0] == priority


def test_the_reasons_name_every_sign() -> None:
    _, reasons = priority_of(Signs(frozenset({"error", "warning"}), True, True, True, 3))
    assert reasons == (
        "a finding is an error",
        "nothing logs its failure",
        "no handler sets its status to failed",
        "nobody starts it again",
        "3 registrations",
    )


def test_a_scheduler_logs_and_repeats_what_a_bare_task_loses(tmp_path: Path) -> None:
    body = "async with get_session() as s:\n        await s.execute(q)"
    code = AROUND.replace("BODY", body).replace(", session: AsyncSession", "")
    bare = task(tmp_path / "bare", code.replace("work(q, session)", "work(q)"))
    scheduled = task(
        tmp_path / "scheduled",
        code.replace("asyncio.create_task(work(q, session))", "scheduler.add_job(work, args=[q])"),
    )
    assert {"nothing logs its failure", "nobody starts it again"} <= set(bare.reasons)
    assert not {"nothing logs its failure", "nobody starts it again"} & set(scheduled.reasons)


# -------------------------------------------------------------------------------------------------------- the proposals


def test_a_proposal_holds_the_task_s_own_change_and_its_import_only(tmp_path: Path) -> None:
    code = (
        HEAD
        + """
from app.session import async_session_factory


async def one(q):
    async with async_session_factory() as session, session.begin():
        await session.execute(q)


async def two(q):
    async with async_session_factory() as session, session.begin():
        await session.execute(q)


asyncio.ensure_future(one(1))
asyncio.ensure_future(two(1))
"""
    )
    found = {t.function: t for t in inventory(tmp_path, {"app/tasks.py": code}, proposals=True).tasks}
    diff = found["one"].proposal.diff if found["one"].proposal else ""
    assert diff.startswith("--- a/app/tasks.py\n+++ b/app/tasks.py\n")
    assert "-from app.session import async_session_factory\n" in diff
    assert diff.count("get_session() as session") == 1
    assert "async def one" in diff
    assert (tmp_path / "app" / "tasks.py").read_text("utf-8") == code


def test_a_task_without_a_fix_has_no_proposal(tmp_path: Path) -> None:
    code = (
        HEAD
        + """
from sqlalchemy.ext.asyncio import AsyncSession


async def work(session: AsyncSession):
    await session.execute(1)


async def endpoint(session: AsyncSession):
    asyncio.create_task(work(session))
"""
    )
    (found,) = inventory(tmp_path, {"app/tasks.py": code}, proposals=True).tasks
    assert found.codes == ("SUP202",)
    assert found.proposal is None
