"""Names by definition in layouts and spellings that are legal but seldom thought of."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_support import SESSION_MODULE, findings

MAKERS = "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n"

# ------------------------------------------------------------------------------------------------------- silence

BOUND_AT_RUN_TIME = {
    "update of globals": "globals().update(vars(sessions))",
    "items of globals": 'for name in ("get_session",):\n    globals()[name] = getattr(sessions, name)',
    "exec": 'exec("from app.session import get_session")',
    "setattr on the module": 'import sys\n\nsetattr(sys.modules[__name__], "get_session", sessions.get_session)',
}


@pytest.mark.parametrize("how", BOUND_AT_RUN_TIME)
def test_a_name_that_a_file_binds_at_run_time_may_be_bound(tmp_path: Path, how: str) -> None:
    use = "\n\nasync def use():\n    async with get_session() as session:\n        await session.execute('select 1')\n"
    start = "from app import session as sessions\n\n"
    files = {"app/session.py": SESSION_MODULE, "app/use.py": start + BOUND_AT_RUN_TIME[how] + use}
    assert findings(tmp_path, files) == []
    files["app/use.py"] = start + use
    assert [line.partition(" ")[2] for line in findings(tmp_path, files)] == ["SUP105"]


def test_a_builtin_is_bound_though_a_helper_has_its_name(tmp_path: Path) -> None:
    helper = SESSION_MODULE.replace("get_session", "open").replace("raw_session", "input")
    use = "def read(path):\n    with open(path) as file:\n        return file.read() or input()\n"
    assert findings(tmp_path, {"app/session.py": helper, "app/use.py": use}) == []


HANDED_OUT = {
    "in a tuple": "def build(engine):\n    make = async_sessionmaker(engine)\n    return engine, make\n",
    "in a dict": "def build(engine):\n    make = async_sessionmaker(engine)\n    return {'make': make}\n",
    "in an object": "def build(engine):\n    make = async_sessionmaker(engine)\n    return Database(make=make)\n",
    "on an object": "def build(app, engine):\n    make = async_sessionmaker(engine)\n    app.state.make = make\n",
    "with others": "def build(app, engine):\n    make = async_sessionmaker(engine)\n    app.a, app.b = engine, make\n",
    "under a key": "def build(app, engine):\n    make = async_sessionmaker(engine)\n    app['make'] = make\n",
    "registered": "def build(box, engine):\n    make = async_sessionmaker(engine)\n    box.register(make)\n",
    "yielded": "async def lifespan(app):\n    make = async_sessionmaker(app)\n    yield {'make': make}\n",
    "in a closure": """
def build(engine):
    make = async_sessionmaker(engine)

    async def session():
        async with make() as opened:
            yield opened

    return session
""",
}


@pytest.mark.parametrize("how", HANDED_OUT)
def test_a_factory_that_a_function_hands_out_is_not_built_on_the_spot(tmp_path: Path, how: str) -> None:
    assert findings(tmp_path, {"app/build.py": MAKERS + "\n\n" + HANDED_OUT[how]}) == []


def test_a_factory_that_is_only_used_or_lent_is_built_on_the_spot(tmp_path: Path) -> None:
    code = """
    async def one(engine):
        make = async_sessionmaker(engine)
        return await load(make)

    async def two(engine):
        make = async_sessionmaker(engine)

        async def inner():
            async with make() as session:
                return await session.execute("select 1")

        return await inner()
    """
    assert findings(tmp_path, {"a.py": MAKERS + code.replace("\n    ", "\n")}) == ["a.py:4 SUP102", "a.py:8 SUP102"]


def test_what_stands_behind_a_star_is_unknown(tmp_path: Path) -> None:
    code = """
    from app.session import async_session_factory

    first, *rest, last = async_session_factory, async_session_factory, async_session_factory, print

    async def use():
        return last(), rest()
    """
    files = {"app/session.py": SESSION_MODULE, "app/use.py": code}
    assert findings(tmp_path, files) == []


@pytest.mark.parametrize("iterated", ["made()", "rest", "rest.values()", "rest.items()", "{}.items()"])
def test_a_name_that_a_loop_over_something_unknown_binds_as_well(tmp_path: Path, iterated: str) -> None:
    code = f"""
    from app.session import async_session_factory
    from elsewhere import made, rest

    make = async_session_factory
    for make in {iterated}:
        pass

    async def use():
        await make().close()
    """
    assert findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/use.py": code}) == []


# ------------------------------------------------------------------------------------------------------ findings

PACKAGES = {
    "from . import": ("from . import session\n", "from app import session", "session.async_session_factory()"),
    "from itself": ("from app import session\n", "import app", "app.session.async_session_factory()"),
    "twice": (
        "try:\n    from . import session\nexcept ImportError:\n    from app import session\n",
        "from app import session as sessions",
        "sessions.async_session_factory()",
    ),
}


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_module_that_its_package_imports_from_itself(tmp_path: Path, kind: str) -> None:
    package, imports, call = PACKAGES[kind]
    files = {
        "app/__init__.py": package,
        "app/session.py": SESSION_MODULE,
        "use.py": f"{imports}\n\n\nasync def use():\n    opened = {call}\n    await opened.close()\n",
    }
    assert findings(tmp_path, files, session_factories=()) == ["use.py:5 SUP101"]


def test_a_name_of_the_package_beats_its_module(tmp_path: Path) -> None:
    files = {
        "app/__init__.py": "from . import session\n\n\ndef session():\n    return {}\n",
        "app/session.py": SESSION_MODULE,
        "use.py": "from app import session\n\n\nasync def use():\n    return session.async_session_factory()\n",
    }
    assert findings(tmp_path, files, session_factories=()) == []


BUILDERS = {
    "named": "def build():\n    engine = create_async_engine('x')\n    made = async_sessionmaker(engine)\n"
    "    return engine, made\n",
    "written": "def build():\n    engine = create_async_engine('x')\n    return engine, async_sessionmaker(engine)\n",
    "or nothing": "def build(url=None):\n    if url is None:\n        return None, None\n"
    "    engine = create_async_engine(url)\n    return (engine, async_sessionmaker(engine))\n",
}


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_builder_of_several_things(tmp_path: Path, kind: str) -> None:
    files = {
        "app/build.py": MAKERS + "\n\n" + BUILDERS[kind],
        "app/pool.py": "from app.build import build\n\nengine, make = build()\n",
        "use.py": "from app.pool import make, engine\n\n\nasync def use():\n    engine()\n    await make().close()\n",
        "inside.py": "from app import build\n\n\nasync def use():\n    engine, make = build.build()\n"
        "    async with make() as session:\n        await session.execute('select 1')\n",
    }
    found = findings(tmp_path, files, select=("SUP101", "SUP102"), session_factories=())
    assert found == ["inside.py:6 SUP101", "use.py:6 SUP101"]


ON_SELF = {
    "the factory": ("self.engine, self.make = build()", ["use.py:8 SUP101"]),
    "the engine": ("self.make, self.engine = build()", []),
    "with a rest": ("*self.more, self.make = build()", []),
}


@pytest.mark.parametrize("kind", ON_SELF)
def test_attributes_get_their_part_of_what_a_builder_returns(tmp_path: Path, kind: str) -> None:
    assignment, expected = ON_SELF[kind]
    use = f"""
    from app.build import build

    class Service:
        def __init__(self):
            {assignment}
        async def run(self):
            async with self.make() as session:
                await session.execute("select 1")
    """
    files = {"app/build.py": MAKERS + "\n\n" + BUILDERS["named"], "use.py": use}
    assert findings(tmp_path, files, select=("SUP101", "SUP102"), session_factories=()) == expected


def test_a_factory_made_by_a_subclass_is_one(tmp_path: Path) -> None:
    maker = "class Maker(async_sessionmaker):\n    pass\n\n\nmake = Maker(create_async_engine('x'))\nother = Maker\n"
    use = "from app.maker import make, other\n\n\nasync def use():\n    other\n    await make().close()\n"
    files = {"app/maker.py": MAKERS + "\n\n" + maker, "use.py": use}
    assert findings(tmp_path, files, session_factories=()) == ["use.py:6 SUP101"]


def test_a_factory_as_a_default_is_handed_on(tmp_path: Path) -> None:
    code = """
    from app.session import async_session_factory, get_session

    async def use(make=async_session_factory, *, open=get_session, name="async_session_factory"):
        await make().close()
    """
    assert findings(tmp_path, {"app/session.py": SESSION_MODULE, "use.py": code}) == ["use.py:4 SUP101"]


def test_a_cast_changes_nothing(tmp_path: Path) -> None:
    code = """
    from typing import Any, cast
    from app.session import async_session_factory

    async def use():
        await cast(Any, async_session_factory)().close()
    """
    assert findings(tmp_path, {"app/session.py": SESSION_MODULE, "use.py": code}) == ["use.py:6 SUP101"]


def test_a_subclass_of_background_tasks_registers(tmp_path: Path) -> None:
    code = """
    from fastapi import BackgroundTasks
    from app.session import get_session

    class Tasks(BackgroundTasks):
        pass

    async def job():
        async with get_session() as session:
            await session.execute("select 1")

    async def start(tasks: Tasks):
        tasks.add_task(job)
    """
    files = {"app/session.py": SESSION_MODULE, "use.py": code}
    assert findings(tmp_path, files, select=("SUP301",)) == ["use.py:10 SUP301"]
