"""The case that started it: the batch processor of the miniature backend, pending for ever behind the pooler.

Before: the engine is the one that most projects begin with, and the task dies at its first statement, for its handler
meets the same error. After one run of the fixes that need a yes (the engine's settings are an unsafe fix, as the design
says) the same jobs end as completed, and as failed where the work fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pooler.servers import POOL_SIZE, started, why_not

from supavisor_lint.fixing import fix, write
from supavisor_lint.run import job_of_paths
from supavisor_lint.settings import Settings

BACKEND = Path(__file__).parents[2] / "fixtures" / "scraper_backend"
JOBS = 5
STATEMENTS = 500  # more than the tasks of one process prepare
_ENGINE_BEGINS, _ENGINE_ENDS = "engine = create_async_engine(", "\n)\n"


@dataclass(frozen=True, slots=True)
class Database:
    """How the application reaches its database, and how one gets there past the pooler."""

    pooled: str
    direct: str

    def litter(self) -> None:
        """Leave on each of the pool's connections what other processes of the application leave there.

        That is a prepared statement of every name that asyncpg counts up to in a process: `__asyncpg_stmt_1__` and on.
        Several processes would do it, too, but on which connection each of them is served is chance.
        """
        address = self.pooled.replace("+asyncpg", "")
        with contextlib.ExitStack() as stack:
            # a transaction keeps its connection: as many at once as there are means one on each
            others = [stack.enter_context(psycopg.connect(address, prepare_threshold=None)) for _ in range(POOL_SIZE)]
            for other in others:
                for number in range(1, STATEMENTS + 1):
                    other.execute(f"PREPARE __asyncpg_stmt_{number:x}__ AS SELECT 1")  # type: ignore[arg-type]

    def run(self, root: Path, jobs: int = JOBS, broken: int = 0) -> list[str]:
        """Let a process of its own work on some jobs; what their statuses are when no task is running any more."""
        command = [sys.executable, str(Path(__file__).with_name("batches.py")), str(root), str(jobs), str(broken)]
        environment = os.environ | {"DATABASE_URL": self.pooled, "DIRECT_URL": self.direct}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        ended: list[str] = json.loads(done.stdout.splitlines()[-1])
        return ended


@pytest.fixture(name="backend")
def backend_fixture(tmp_path: Path) -> Path:
    """The backend, with the engine as most projects begin."""
    root = tmp_path / "backend"
    shutil.copytree(BACKEND, root)
    module = root / "app" / "session.py"
    text = module.read_text("utf-8")
    start = text.index(_ENGINE_BEGINS)
    end = text.index(_ENGINE_ENDS, start) + len(_ENGINE_ENDS)
    module.write_text(text[:start] + "engine = create_async_engine(DATABASE_URL)\n" + text[end:], "utf-8")
    return root


@pytest.fixture(name="pooler", scope="module")
def pooler_fixture() -> Iterator[Database]:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with started() as servers:
        direct = f"postgresql+psycopg://{servers.direct}"
        yield Database(f"postgresql+asyncpg://{servers.pooled('batches')}", direct)


@pytest.fixture(name="stand_in")
def stand_in_fixture(tmp_path: Path) -> Database:
    """SQLite behind a stand-in for the pooler, which refuses what the pooler would refuse."""
    path = tmp_path / "jobs.db"
    return Database(f"sqlite+aiosqlite:///{path}", f"sqlite:///{path}")


def fix_all(root: Path) -> None:
    """What `supavisor-lint check --fix --unsafe-fixes` does, once."""
    job = job_of_paths([root], root, Settings())
    fixed = write(job, fix(job, unsafe=True))
    assert dict(fixed.failures) == {}
    left = {f.code for f in fixed.result.findings}
    assert not left & {"SUP101", "SUP501"}, left


def test_pending_for_ever_and_mended_behind_the_pooler(pooler: Database, backend: Path) -> None:
    pooler.litter()
    assert pooler.run(backend) == ["pending"] * JOBS
    fix_all(backend)
    assert pooler.run(backend) == ["completed"] * JOBS
    assert pooler.run(backend, broken=2) == ["failed"] * 2 + ["completed"] * (JOBS - 2)


def test_pending_for_ever_and_mended_with_a_stand_in(stand_in: Database, backend: Path) -> None:
    assert stand_in.run(backend, jobs=2) == ["pending"] * 2
    fix_all(backend)
    assert stand_in.run(backend, jobs=1) == ["completed"]
    assert stand_in.run(backend, jobs=1, broken=1) == ["failed"]


def test_the_engine_alone_does_it(stand_in: Database, tmp_path: Path) -> None:
    """The stand-in lets pass what the pooler lets pass: the backend as it stands, whose engine has the settings."""
    shutil.copytree(BACKEND, tmp_path / "as it stands")
    assert stand_in.run(tmp_path / "as it stands", jobs=1) == ["completed"]
