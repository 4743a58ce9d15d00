"""Cost follows the files that matter: counted calls, not seconds."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libcst
import pytest
from fixture_support import FIXTURES, projects
from libcst.metadata import MetadataWrapper

from supavisor_lint import run
from supavisor_lint.facts import positions
from supavisor_lint.project import project as project_module
from supavisor_lint.settings import Settings

SESSIONS = """
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
async_session_factory = async_sessionmaker(engine)


@asynccontextmanager
async def get_session():
    async with async_session_factory() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise
"""
TASK = """
import logging

logger = logging.getLogger(__name__)


async def report_with_own_session(job_id):
    from app.session import get_session

    try:
        async with get_session() as session:
            try:
                async with session.begin():
                    await session.execute(job_id)
            except Exception:
                logger.exception("failed")
                raise
    except Exception:
        logger.exception("failed")
"""
FAULT = """
from app.session import async_session_factory


async def send():
    session = async_session_factory()
"""
IRRELEVANT = """
import asyncio
from dataclasses import dataclass


@dataclass
class Parcel:
    weight: int


async def weigh(parcel):
    await asyncio.sleep(parcel.weight)
"""


class Counted:
    """How often each step was taken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decoded = self._count(monkeypatch, project_module, "decode")
        self.parsed = self._count(monkeypatch, libcst, "parse_module")
        self.located = self._count(monkeypatch, positions, "_measured", by=1)

    def _count(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, by: int = 0) -> Counter[object]:
        seen: Counter[object] = Counter()
        original: Callable[..., object] = getattr(owner, name)

        def counted(*args: Any) -> object:
            seen[args[by]] += 1
            return original(*args)

        monkeypatch.setattr(owner, name, counted)
        return seen


@pytest.fixture(name="counted")
def counted_fixture(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def write(root: Path, **files: str) -> Path:
    (root / "app").mkdir(exist_ok=True)
    for name, text in files.items():
        (root / "app" / f"{name}.py").write_text(text, "utf-8")
    return root


def check(root: Path) -> run.Result:
    return run.check_paths([root], root, Settings())


def test_what_mentions_nothing_relevant_is_neither_decoded_nor_parsed(tmp_path: Path, counted: Counted) -> None:
    for number in range(50):
        write(tmp_path, **{f"irrelevant_{number}": IRRELEVANT})
    (tmp_path / "app" / "broken.py").write_bytes(b"\xff not even Python\0")
    result = check(write(tmp_path, session=SESSIONS, fault=FAULT))
    assert [finding.code for finding in result.findings] == ["SUP101"]
    assert result.files == 53
    assert set(counted.decoded) == {SESSIONS.encode(), FAULT.encode()}
    assert counted.parsed == {SESSIONS: 1, FAULT: 1}


def test_without_a_session_in_the_project_nothing_is_parsed(tmp_path: Path, counted: Counted) -> None:
    registers = "def f(background_tasks):\n    background_tasks.add_task(g)\n\n\nasync def g():\n    pass\n"
    result = check(write(tmp_path, one=IRRELEVANT, two=registers, three="engine = create_engine()\n"))
    assert (result.findings, result.files) == ((), 3)
    assert not counted.decoded and not counted.parsed


def test_no_file_is_parsed_twice(counted: Counted) -> None:
    for project in projects():
        run.check_paths([project.root], project.root, project.settings())
        twice = [text for text, times in counted.parsed.items() if times > 1 and text]
        assert not twice, project.id
        counted.parsed.clear()


def test_no_position_is_computed_without_a_finding(tmp_path: Path, counted: Counted) -> None:
    assert check(write(tmp_path, session=SESSIONS, task=TASK)).findings == ()
    assert counted.parsed and not counted.located


def test_positions_are_computed_once_and_for_the_statements_that_are_shown(tmp_path: Path, counted: Counted) -> None:
    result = check(write(tmp_path, session=SESSIONS, task=TASK, fault=FAULT))
    shown = {place.path for finding in result.findings for place in (finding, *finding.related)}
    assert shown == {"app/fault.py", "app/session.py"}
    assert len(counted.located) == 2 and set(counted.located.values()) == {1}
    assert {type(node) for node in counted.located} == {libcst.FunctionDef, libcst.SimpleStatementLine}


def test_no_visitor_and_no_metadata_provider_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """LibCST imports its providers by itself; none of them, nor a visitor, may run."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("this costs more than the parse")

    monkeypatch.setattr(libcst.Module, "visit", refuse)
    monkeypatch.setattr(MetadataWrapper, "__init__", refuse)
    project = next(project for project in projects() if project.id == "scraper_backend")
    assert run.check_paths([project.root], project.root, project.settings()).findings


def modules_after(*args: str) -> set[str]:
    """The modules that a run of the command line has loaded."""
    code = (
        "import sys\n"
        "from supavisor_lint.cli import cli\n"
        "try:\n"
        "    cli(sys.argv[1:])\n"
        "finally:\n"
        "    print('LOADED', *sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=False)
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_a_check_does_not_load_what_it_does_not_need() -> None:
    loaded = modules_after("check", str(FIXTURES / "scraper_backend"))
    assert {"libcst", "supavisor_lint.rules"} <= loaded
    heavy = ("libcst.matchers", "libcst.codemod", "libcst.tool", "multiprocessing", "asyncio", "flake8", "sqlalchemy")
    assert not loaded.intersection(heavy)


@pytest.mark.parametrize("args", [("--help",), ("--version",), ("check", "--help"), ("rules", "--help"), ()])
def test_help_does_not_load_libcst(args: tuple[str, ...]) -> None:
    loaded = modules_after(*args)
    assert "supavisor_lint.cli" in loaded
    assert "libcst" not in loaded


def test_a_project_without_sessions_does_not_load_the_parser(tmp_path: Path) -> None:
    assert "libcst._nodes" not in modules_after("check", "--isolated", str(write(tmp_path, one=IRRELEVANT)))


def test_an_engine_reads_the_module_of_its_settings_and_no_other(tmp_path: Path, counted: Counted) -> None:
    config = 'DATABASE_URL = "postgresql+asyncpg://app@pgbouncer:6432/app"\n'
    engine = "from sqlalchemy.ext.asyncio import create_async_engine\n\nfrom app.config import DATABASE_URL\n\n"
    write(
        tmp_path,
        engine=engine + "engine = create_async_engine(DATABASE_URL)\n",
        config=config,
        other=config,
        parcel=IRRELEVANT,
    )
    assert [finding.code for finding in check(tmp_path).findings] == ["SUP501"]
    assert sum(counted.parsed.values()) == 2


def test_a_settings_module_is_not_read_for_what_is_no_engine(tmp_path: Path, counted: Counted) -> None:
    use = "\n\nfrom app.config import DATABASE_URL\n\nconnect(DATABASE_URL)\n"
    write(tmp_path, session=SESSIONS + use, config='DATABASE_URL = "postgresql://app@db/app"\n')
    assert check(tmp_path).findings == ()
    assert sum(counted.parsed.values()) == 1
