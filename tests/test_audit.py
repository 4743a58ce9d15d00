"""The inventory: which functions are in it, where they are registered, and which findings are theirs."""

from __future__ import annotations

from pathlib import Path

from audit_support import HEAD, inventory, task, tasks

from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings

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
