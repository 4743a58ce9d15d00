"""Names are resolved by definition: layouts, imports of every kind, settings, and what must stay unknown."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_support import SESSION_MODULE, confidences, findings

from supavisor_lint.settings import Registrar

USE = """
{imports}


async def use():
    opened = {call}
    await opened.close()
"""


def use(imports: str, call: str) -> str:
    return USE.format(imports=imports, call=call)


# ------------------------------------------------------------------------------------------------------- silence


def test_a_parameter_of_the_factorys_name_is_no_factory(tmp_path: Path) -> None:
    code = """
    async def use(async_session_factory):
        return async_session_factory()
    """
    assert findings(tmp_path, {"a.py": code}) == []


def test_a_local_definition_of_the_factorys_name_is_no_factory(tmp_path: Path) -> None:
    code = """
    def async_session_factory():
        return {}

    async def use():
        return async_session_factory()
    """
    assert findings(tmp_path, {"a.py": code}) == []


def test_a_project_definition_beats_the_settings_name(tmp_path: Path) -> None:
    files = {
        "tools/fakes.py": "class async_session_factory:\n    pass\n",
        "a.py": use("from tools.fakes import async_session_factory", "async_session_factory()"),
        "b.py": "from sqlalchemy.ext.asyncio import AsyncSession\n",
    }
    assert findings(tmp_path, files) == []


def test_nothing_known_about_a_name_is_no_match(tmp_path: Path) -> None:
    code = use("from elsewhere import make_session, SessionLocal", "SessionLocal()")
    assert findings(tmp_path, {"a.py": code, "b.py": SESSION_MODULE}) == []


def test_import_cycles_missing_modules_and_self_imports_do_no_harm(tmp_path: Path) -> None:
    files = {
        "app/__init__.py": "from app.b import thing\nfrom app.missing import other\n",
        "app/a.py": "from app.b import thing\nfrom app.a import thing as again\n",
        "app/b.py": "from app.a import thing\n\nasync def use():\n    return thing()\n",
        "app/session.py": SESSION_MODULE,
    }
    assert findings(tmp_path, files) == []


def test_a_value_that_is_defined_by_itself_is_unknown(tmp_path: Path) -> None:
    code = "factory = factory\nother = another\nanother = other\n\nasync def use():\n    return factory() or other()\n"
    assert findings(tmp_path, {"a.py": code, "session.py": SESSION_MODULE}) == []


# ------------------------------------------------------------------------------------------------------- layouts

LAYOUTS = {
    "flat": ("app/session.py", "app/use.py", "from app.session import async_session_factory"),
    "src": ("src/app/session.py", "src/app/use.py", "from app.session import async_session_factory"),
    "src, from the root": ("src/db/session.py", "tools/use.py", "from src.db.session import async_session_factory"),
    "scripts see src": ("src/app/session.py", "scripts/use.py", "from app.session import async_session_factory"),
    "package in a folder": (
        "backend/app/session.py",
        "backend/app/use.py",
        "from app.session import async_session_factory",
    ),
    "beside each other": ("session.py", "use.py", "from session import async_session_factory"),
    "relative": ("app/db/session.py", "app/jobs/use.py", "from ..db.session import async_session_factory"),
    "relative, same folder": ("app/session.py", "app/use.py", "from .session import async_session_factory"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("packages", [True, False], ids=["packages", "namespace packages"])
def test_import_roots(tmp_path: Path, layout: str, packages: bool) -> None:
    session, user, imports = LAYOUTS[layout]
    files = {session: SESSION_MODULE, user: use(imports, "async_session_factory()")}
    if packages:
        for path in (session, user):
            for parent in Path(path).parents:
                if parent.name not in ("", "src", "backend", "tools", "scripts"):
                    files.setdefault(f"{parent.as_posix()}/__init__.py", "")
    known = confidences(tmp_path, files)
    assert known == {f"{user}:6 SUP101": "high"}


def test_two_packages_with_the_same_module_names(tmp_path: Path) -> None:
    files = {
        "backend/app/session.py": SESSION_MODULE,
        "backend/app/use.py": use("from app.session import async_session_factory", "async_session_factory()"),
        "worker/app/session.py": "def async_session_factory():\n    return {}\n",
        "worker/app/use.py": use("from app.session import async_session_factory", "async_session_factory()"),
    }
    assert findings(tmp_path, files) == ["backend/app/use.py:6 SUP101"]


def test_a_module_is_found_behind_a_folder_of_the_same_name(tmp_path: Path) -> None:
    """`packages/core` is no package: Python would take `core` from wherever a module of that name is."""
    files = {
        "packages/core/src/core/__init__.py": "from core.session import async_session_factory as make\n",
        "packages/core/src/core/session.py": SESSION_MODULE,
        "packages/jobs/jobs/__init__.py": "",
        "packages/jobs/jobs/use.py": use("from core import make", "make()"),
    }
    assert findings(tmp_path, files, session_factories=()) == ["packages/jobs/jobs/use.py:6 SUP101"]


def test_a_module_beside_the_file_comes_before_that_of_another_part(tmp_path: Path) -> None:
    files = {
        "packages/core/src/core/__init__.py": SESSION_MODULE,
        "packages/jobs/core.py": "def async_session_factory():\n    return {}\n",
        "packages/jobs/use.py": use("from core import async_session_factory", "async_session_factory()"),
    }
    assert findings(tmp_path, files) == []


def test_src_names_the_import_roots(tmp_path: Path) -> None:
    files = {
        "lib/python/app/session.py": SESSION_MODULE,
        "jobs/use.py": use("from app.session import async_session_factory as make", "make()"),
    }
    assert findings(tmp_path, files, session_factories=()) == []
    assert findings(tmp_path, files, session_factories=(), src=("lib/python",)) == ["jobs/use.py:6 SUP101"]


# ------------------------------------------------------------------------------------------------- kinds of imports

IMPORTS = {
    "a module's attribute": ("import app.session", "app.session.async_session_factory()"),
    "a module under another name": ("import app.session as db", "db.async_session_factory()"),
    "a module from its package": ("from app import session", "session.async_session_factory()"),
    "a name under another name": ("from app.session import async_session_factory as make", "make()"),
    "a re-export": ("from app import make_session", "make_session()"),
    "a re-export of a re-export": ("from app.api import open_it", "open_it()"),
    "one of two ways": (
        "try:\n    from app.session import async_session_factory as make\nexcept ImportError:\n    make = None",
        "make()",
    ),
    "an alias in the module": ("from app import session\n\nmake = session.async_session_factory", "make()"),
    "a walrus": ("from app.session import async_session_factory", "(make := async_session_factory)()"),
    "a builder": (
        "from app.session import async_session_factory\n\n\ndef build():\n    return async_session_factory",
        "build()()",
    ),
    "what a builder has made": ("from app.built import make", "make()"),
}
BUILT = """
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine


def build():
    made = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"), expire_on_commit=False)
    return made


make = build()
"""


@pytest.mark.parametrize("kind", IMPORTS)
def test_the_definition_is_found(tmp_path: Path, kind: str) -> None:
    imports, call = IMPORTS[kind]
    files = {
        "app/__init__.py": "from app.session import async_session_factory as make_session\n",
        "app/api.py": "from app import make_session as open_it\n",
        "app/session.py": SESSION_MODULE,
        "app/built.py": BUILT,
        "use.py": use(imports, call),
    }
    found = [line for line in findings(tmp_path, files) if line.startswith("use.py")]
    assert f"use.py:{imports.count(chr(10)) + 6} SUP101" in found


# --------------------------------------------------------------------------------------------------- the settings


def test_the_two_line_snippet(tmp_path: Path) -> None:
    code = "async def task():\n    session = async_session_factory()\n"
    assert confidences(tmp_path, {"snippet.py": code}) == {"snippet.py:2 SUP101": "medium"}


def test_an_import_from_outside_the_tree_counts_by_name(tmp_path: Path) -> None:
    code = use("from company.db import async_session_factory", "async_session_factory()")
    assert confidences(tmp_path, {"a.py": code}) == {"a.py:6 SUP101": "medium"}


def test_dotted_names_in_the_settings(tmp_path: Path) -> None:
    files = {
        "app/pool.py": "import company\n\nmake = company.build()\n\n\ndef lend():\n    return company.lend()\n",
        "use.py": use("from app.pool import make", "make()"),
        "wrong.py": "from app.pool import lend\n\n\nasync def use():\n    async with lend as session:\n        pass\n",
        "b.py": "from sqlalchemy.ext.asyncio import AsyncSession\n",
    }
    settings = {"session_factories": ("app.pool.make",), "session_helpers": ("app.pool.lend",)}
    assert findings(tmp_path, files) == []
    assert findings(tmp_path, files, **settings) == ["use.py:6 SUP101", "wrong.py:5 SUP104"]


def test_session_modules_by_path_and_by_name(tmp_path: Path) -> None:
    files = {
        "app/session.py": SESSION_MODULE,
        "app/more.py": use("from app.session import async_session_factory", "async_session_factory()"),
    }
    assert findings(tmp_path, files) == ["app/more.py:6 SUP101"]
    assert findings(tmp_path, files, session_modules=("app.more",)) == []
    assert findings(tmp_path, files, session_modules=("app/more.py",)) == []


def test_a_registrar_of_the_settings(tmp_path: Path) -> None:
    files = {
        "app/session.py": SESSION_MODULE,
        "app/jobs.py": """
        from app.session import get_session
        from company.queue import submit
        from app.own import enqueue

        async def one():
            async with get_session() as session:
                await session.execute("select 1")

        async def two(session):
            await session.execute("select 1")

        async def three(session):
            await session.execute("select 1")

        submit("label", one)
        enqueue(job=two)
        enqueue(three)
        """,
        "app/own.py": "def enqueue(job):\n    company_queue.append(job)\n",
    }
    registrars = (
        Registrar("company.queue.submit", 1),
        Registrar("app.own.enqueue", "job", "session"),
    )
    assert findings(tmp_path, files) == []
    assert findings(tmp_path, files, task_registrars=registrars, select=("SUP301",)) == ["app/jobs.py:8 SUP301"]
