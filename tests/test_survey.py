"""What is found in a project by definition, and which settings are advised: few, each for a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_support import SESSION_MODULE, write

from supavisor_lint.settings import Settings
from supavisor_lint.survey import survey, survey_and_advice

TASKS = """
import asyncio
from app.session import get_session

async def one_job(n):
    async with get_session() as session, session.begin():
        await session.execute(n)

async def two_job(n):
    async with get_session() as session, session.begin():
        await session.execute(n)

async def three_job(n):
    async with get_session() as session, session.begin():
        await session.execute(n)

def start():
    asyncio.create_task(one_job(1))
    asyncio.create_task(two_job(1))
    asyncio.create_task(three_job(1))
"""
UNSEEN = """
from app.session import get_session

async def four_job(n):
    async with get_session() as session, session.begin():
        await session.execute(n)
"""
SECOND_HELPER = """
@asynccontextmanager
async def other_session():
    async with async_session_factory() as session:
        yield session
        await session.commit()
"""
PROJECT = {"app/__init__.py": "", "app/session.py": SESSION_MODULE, "app/tasks.py": TASKS}


def advised(root: Path, files: dict[str, str], settings: Settings | None = None) -> dict[str, object]:
    write(root, files)
    return {one.key: one.value for one in survey_and_advice(root, settings or Settings())[1].wanted}


def notes(root: Path, files: dict[str, str]) -> list[str]:
    write(root, files)
    return list(survey_and_advice(root, Settings())[1].notes)


# What is found


def test_the_definitions_of_a_project(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    found = survey(tmp_path, Settings())
    assert [(one.role, one.dotted, one.line, one.remark) for one in found.definitions] == [
        ("module", "app.session", 1, ""),
        ("factory", "app.session.async_session_factory", 6, ""),
        ("helper", "app.session.get_session", 10, "commits"),
        ("getter", "app.session.raw_session", 20, ""),
    ]
    assert [(one.name, one.path, one.line, one.how) for one in found.tasks] == [
        ("one_job", "app/tasks.py", 5, ("asyncio.create_task",)),
        ("two_job", "app/tasks.py", 9, ("asyncio.create_task",)),
        ("three_job", "app/tasks.py", 13, ("asyncio.create_task",)),
    ]
    assert (found.roots, [str(one.dotted) for one in found.helper], found.files) == (
        (".",),
        ["app.session.get_session"],
        3,
    )


def test_tasks_that_have_nothing_to_do_with_sessions_are_shown_too(tmp_path: Path) -> None:
    ping = "import asyncio\n\n\nasync def ping():\n    print(1)\n\n\ndef start():\n    asyncio.create_task(ping())\n"
    write(tmp_path, PROJECT | {"app/pings.py": ping})
    tasks = survey_and_advice(tmp_path, Settings())[0].tasks
    assert ("ping", "app/pings.py", 4) in [(one.name, one.path, one.line) for one in tasks]


def test_methods_attributes_registrars_and_versions(tmp_path: Path) -> None:
    manager = """
    import asyncio
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

    class Database:
        def __init__(self, url):
            self.factory = async_sessionmaker(create_async_engine(url))

        def session(self):
            return self.factory()

    class Uses:
        def __init__(self, database: Database):
            self.sessions = database.factory

    def spawn(coroutine):
        asyncio.create_task(coroutine)

    # supavisor-lint: task
    async def marked(n): ...

    async def work_with_own_session(n): ...
    """
    files = {"pkg/db.py": manager, "requirements.txt": "asyncpg==0.30.0\n"}
    write(tmp_path, files)
    found = survey(tmp_path, Settings())
    assert [(one.role, one.name, one.remark) for one in found.definitions if one.role != "module"] == [
        ("factory", "Database.factory", ""),
        ("getter", "Database.session", ""),
        ("registrar", "spawn", "asyncio.create_task"),
    ]
    assert [(one.name, one.how) for one in found.tasks] == [
        ("marked", ("marked",)),
        ("work_with_own_session", ("by name",)),
    ]
    assert found.asyncpg == ("asyncpg 0.30.0 (requirements.txt)",)


def test_tests_define_nothing_for_the_project(tmp_path: Path) -> None:
    files = {**PROJECT, "tests/conftest.py": SESSION_MODULE.replace("get_session", "other_session")}
    write(tmp_path, files)
    assert {one.path for one in survey(tmp_path, Settings()).definitions} == {"app/session.py"}
    assert list(advised(tmp_path, files)) == ["profile"]
    assert "tests/conftest.py" in {one.path for one in survey(tmp_path, Settings(check_tests=True)).definitions}


@pytest.mark.parametrize(
    ("layout", "importer", "spelled"),
    [
        ("src/app", "from app.session import get_session\n", "app.session"),
        ("src/app", "from src.app.session import get_session\n", "src.app.session"),
        ("backend/app", "", "app.session"),
        ("app", "from app import session\n", "app.session"),
        ("src/app", "from src.app import (  # a, b\n    x, # c\n    session,\n)\n", "src.app.session"),
    ],
)
def test_a_module_is_called_as_its_importers_call_it(tmp_path: Path, layout: str, importer: str, spelled: str) -> None:
    write(tmp_path, {f"{layout}/__init__.py": "", f"{layout}/session.py": SESSION_MODULE})
    write(tmp_path, {f"{layout}/user.py": f"from sqlalchemy.ext.asyncio import AsyncSession\n{importer}"})
    assert {one.module for one in survey(tmp_path, Settings()).definitions} == {spelled}


# What is advised: silence first


@pytest.mark.parametrize("files", [{}, {"a.py": "x = 1\n"}, {"a.py": "import sqlalchemy\n"}, {"a.py": "x = = 1\n"}])
def test_nothing_found_is_nothing_to_set(tmp_path: Path, files: dict[str, str]) -> None:
    assert advised(tmp_path, files) == {}
    assert survey(tmp_path, Settings()).is_empty


def test_what_definitions_tell_needs_no_setting(tmp_path: Path) -> None:
    assert advised(tmp_path, PROJECT) == {"profile": "template"}
    assert notes(tmp_path, PROJECT) == []


REGISTERED = "import asyncio\nfrom app.unseen import four_job\n\ndef start():\n    asyncio.create_task(four_job(1))\n"
NO_PATTERN = {
    "all are registered": {"app/unseen.py": UNSEEN, "app/more.py": REGISTERED},
    "a helper function of that name is awaited": {
        "app/unseen.py": UNSEEN + "\nasync def five():\n    await four_job(1)\n",
    },
    "one opens no session": {"app/unseen.py": UNSEEN + "\nasync def five_job(n): ...\n"},
    "a route is named so": {"app/unseen.py": UNSEEN.replace("async def", "@router.get('/')\nasync def")},
    "a file mentions it": {"app/unseen.py": UNSEEN, "app/jobs.py": "JOBS = ['app.unseen.four_job']\n"},
    "only two are named so": {"app/unseen.py": UNSEEN, "app/tasks.py": TASKS.replace("three_job", "three")},
    "a generator": {"app/unseen.py": UNSEEN + "        yield session\n"},
    "a test": {"tests/test_it.py": UNSEEN},
}


@pytest.mark.parametrize("name", NO_PATTERN)
def test_no_pattern_is_advised_for_what_may_be_no_task(tmp_path: Path, name: str) -> None:
    assert "task-names" not in advised(tmp_path, {**PROJECT, **NO_PATTERN[name]})


OTHER_PACKAGES = {
    "a client": "async with company.client.get_client() as session:\n        await session.get('x')",
    "a connection": "async with company.db.connect() as session:\n        await session.execute('x')",
    "a bare name of the default": "async with get_session() as session:\n        session.add(1)",
    "not entered": "session = company.db.get_db()\n    session.add(1)",
    "a plain with": "with company.db.get_db() as session:\n        session.add(1)",
    "asyncio": "asyncio.get_running_loop().call_later(1, one_job)",
    "a route": "fastapi.add_task(one_job)",
    "no registrar by name": "company.jobs.describe(one_job)",
    "a plain function": "company.jobs.enqueue(start)",
    "hidden by a star": "company.jobs.enqueue(*args, one_job)",
}


@pytest.mark.parametrize("name", OTHER_PACKAGES)
def test_other_packages_are_left_alone_where_nothing_is_sure(tmp_path: Path, name: str) -> None:
    text = f"""
import asyncio, company.client, company.db, company.jobs, fastapi
from company.db import get_session
from app.tasks import one_job, start

async def use(args):
    {OTHER_PACKAGES[name]}
"""
    found = advised(tmp_path, {**PROJECT, "app/use.py": text})
    assert found == {"profile": "template"}


# What is advised


def test_without_a_helper_only_hazards_are_asked_about(tmp_path: Path) -> None:
    plain = SESSION_MODULE.replace("@asynccontextmanager", "")
    assert advised(tmp_path, {"app/session.py": plain}) == {"profile": "hazards"}
    named = "from company.db import get_session\n\nasync def f():\n    async with get_session() as s: ...\n"
    assert advised(tmp_path, {"app/session.py": plain, "app/f.py": named}) == {"profile": "template"}
    assert advised(tmp_path, {"app/f.py": ""}, Settings(helper="company.db.own")) == {"profile": "template"}


def test_of_several_helpers_the_one_that_commits(tmp_path: Path) -> None:
    closing = SECOND_HELPER.replace("        await session.commit()\n", "").replace("other", "closing")
    module = (SESSION_MODULE + closing).replace("get_session", "own_session")
    write(tmp_path, {"app/session.py": module})
    found, advice = survey_and_advice(tmp_path, Settings())
    assert [one.remark for one in found.of("helper")] == ["commits", "does not commit"]
    assert found.helper == ("several session helpers fit (`closing_session`, `own_session`)",)
    assert {one.key: one.value for one in advice.wanted}["helper"] == "app.session.own_session"
    assert "only it commits" in advice.wanted[1].why


def test_of_several_helpers_that_commit_the_one_that_is_used(tmp_path: Path) -> None:
    module = (SESSION_MODULE + SECOND_HELPER).replace("get_session", "own_session")
    files = {"app/session.py": module, "app/tasks.py": TASKS.replace("get_session", "other_session")}
    assert advised(tmp_path, files)["helper"] == "app.session.other_session"
    assert advised(tmp_path, files, Settings(helper="app.session.own_session")) == {"profile": "template"}


def test_a_draw_between_helpers_is_for_people(tmp_path: Path) -> None:
    module = (SESSION_MODULE + SECOND_HELPER).replace("get_session", "own_session")
    assert "helper" not in advised(tmp_path, {"app/session.py": module})
    assert notes(tmp_path, {}) == [
        "several session helpers fit (app.session.other_session, app.session.own_session): "
        "name the one that rewrites shall import with `helper`"
    ]


def test_helpers_of_two_databases_are_no_choice(tmp_path: Path) -> None:
    module = SESSION_MODULE.replace("get_session", "own_session")
    reader = (
        module.replace("own_session", "reading")
        .replace("engine", "reader")
        .replace("create_async_reader", "create_async_engine")
    )
    files = {"app/session.py": module, "app/reader.py": reader}
    assert "helper" not in advised(tmp_path, files)
    assert [note.partition(" (")[0] for note in notes(tmp_path, {})] == ["session helpers on several engines"]


def test_a_name_that_tasks_have_brings_in_what_nothing_registers(tmp_path: Path) -> None:
    write(tmp_path, {**PROJECT, "app/unseen.py": UNSEEN})
    advice = survey_and_advice(tmp_path, Settings())[1].wanted[-1]
    assert (advice.key, advice.value) == ("task-names", ["*_job"])
    assert advice.why == "3 registered tasks are named so; nothing seen registers four_job"
    with_default = {"app/own.py": "async def f_with_own_session(): ...\n"}
    assert advised(tmp_path, with_default)["task-names"] == ["*_with_own_session", "*_job"]
    assert "task-names" not in advised(tmp_path, {}, Settings(task_names=("*_with_own_session", "*_job")))


def test_wrappers_of_other_packages_are_named(tmp_path: Path) -> None:
    text = """
    from company.db import get_db, make_SessionLocal
    from company.jobs import enqueue, later
    from app.tasks import one_job

    async def use(n):
        async with get_db() as db:
            db.add(n)
        async with make_SessionLocal() as db:
            db.add(n)
        enqueue(one_job)
        later("name", job=one_job)
        await later("name", one_job(n))
    """
    found = advised(tmp_path, {**PROJECT, "app/use.py": text})
    assert found["session-helpers"] == ["get_session", "company.db.get_db"]
    assert found["task-registrars"] == ["company.jobs.enqueue", {"name": "company.jobs.later", "argument": "job"}]
    assert [note.partition(" of another")[0] for note in notes(tmp_path, {})] == [
        "app/use.py:9: company.db.make_SessionLocal"
    ]


def test_a_module_that_cannot_be_read_is_remarked(tmp_path: Path) -> None:
    assert notes(tmp_path, {**PROJECT, "app/session.py": SESSION_MODULE + "x = = 1\n"}) == [
        "app/session.py cannot be parsed (invalid syntax): names defined in it are unknown"
    ]


def test_settings_that_match_nothing_are_remarked(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    settings = Settings(session_modules=("app.nowhere",))
    assert survey_and_advice(tmp_path, settings)[1].notes == (
        '"session-modules" in the settings: "app.nowhere" matches nothing in the project',
    )
