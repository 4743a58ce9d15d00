"""Tasks are brought to the template and run: with a fault at any statement of the work, the row ends as failed."""

from __future__ import annotations

import ast
import asyncio
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from template_support import after

HEAD = """
import logging
from sqlalchemy import select, update
from app.models import Item, Job, JobStatus
from app.session import get_session

logger = logging.getLogger(__name__)


async def set_status(session, job_id, status):
    await session.execute(update(Job).where(Job.id == job_id).values(status=status))


# supavisor-lint: task
async def process(job_id):
"""
SHAPES = {
    "rows": """
    async with get_session() as session:
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.PROCESSING
        async with session.begin():
            session.add(Item(job_id=job_id))
            await session.flush()
        async with session.begin():
            job = await session.get(Job, job_id)
            job.steps = 2
            job.status = JobStatus.COMPLETED
""",
    "statements": """
    async with get_session() as session:
        async with session.begin():
            await session.execute(update(Job).where(Job.id == job_id).values(status="processing"))
        async with session.begin():
            session.add(Item(job_id=job_id))
        async with session.begin():
            await session.execute(
                update(Job)
                .where(Job.id == job_id)
                .values(status="completed", steps=3)
            )
""",
    "functions": """
    async with get_session() as session:
        async with session.begin():
            await set_status(session, job_id, JobStatus.PROCESSING)
        async with session.begin():
            session.add(Item(job_id=job_id))
        async with session.begin():
            await set_status(session, job_id, JobStatus.COMPLETED)
""",
    "outside of blocks": """
    async with get_session() as session:
        result = await session.execute(select(Job).where(Job.id == job_id))
        job = result.scalar_one_or_none()
        job.status = "processing"
        await session.commit()
        session.add(Item(job_id=job_id))
        await session.flush()
        job = await session.get(Job, job_id)
        job.status = "completed"
        await session.commit()
""",
    "two sessions": """
    steps = 1
    async with get_session() as session:
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.PROCESSING
    steps = await asyncio.sleep(0, 4)
    async with get_session() as session, session.begin():
        session.add(Item(job_id=job_id))
        await session.execute(update(Job).where(Job.id == job_id).values(status=JobStatus.COMPLETED, steps=steps))
""",
    "one transaction": """
    async with get_session() as session, session.begin():
        job = await session.get(Job, job_id)
        job.status = JobStatus.PROCESSING
        session.add(Item(job_id=job_id))
        await session.flush()
        job.status = JobStatus.COMPLETED
""",
    "a handler that only logs": """
    try:
        async with get_session() as session:
            try:
                async with session.begin():
                    job = await session.get(Job, job_id)
                    job.status = JobStatus.PROCESSING
                async with session.begin():
                    session.add(Item(job_id=job_id))
                async with session.begin():
                    job = await session.get(Job, job_id)
                    job.status = JobStatus.COMPLETED
            except Exception:
                logger.exception("failed")
    except Exception:
        pass
""",
    "an outer handler that only logs": """
    try:
        key = int(await asyncio.sleep(0, job_id))
        async with get_session() as session:
            async with session.begin():
                job = await session.get(Job, key)
                job.status = JobStatus.PROCESSING
            async with session.begin():
                await session.execute(update(Job).where(Job.id == job_id).values(status=JobStatus.COMPLETED))
    except Exception as error:
        logger.error("failed: %s", error)
""",
}


def work_of(shape: str) -> list[int]:
    """The lines of a shape's work: the simple statements, handlers left out."""
    tree = ast.parse("async def process(job_id):\n" + shape)
    handlers = {id(n) for h in ast.walk(tree) if isinstance(h, ast.ExceptHandler) for n in ast.walk(h)}
    simple = (ast.Expr, ast.Assign)
    opening = next(n.lineno for n in ast.walk(tree) if isinstance(n, ast.AsyncWith))
    del opening
    return [n.lineno - 2 for n in ast.walk(tree) if isinstance(n, simple) and id(n) not in handlers]


def with_fault(shape: str, line: int | None, *, behind: bool) -> str:
    """A shape with a fault before or behind the statement that begins in a line."""
    lines = shape.split("\n")[1:]
    if line is None:
        return "\n".join(lines)
    indent = " " * (len(lines[line]) - len(lines[line].lstrip()))
    end = line
    while behind and lines[end].count("(") and sum(s.count("(") - s.count(")") for s in lines[line : end + 1]):
        end += 1
    at = end + 1 if behind else line
    return "\n".join([*lines[:at], f"{indent}fault()", *lines[at:]])


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    for name in [n for n in sys.modules if n == "app" or n.startswith("app.")]:
        del sys.modules[name]


async def run(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """Run the task of a project: the status that its row ends with, and the number of items."""
    monkeypatch.syspath_prepend(str(root))
    importlib.invalidate_caches()
    work = importlib.import_module("app.work")
    session = importlib.import_module("app.session")
    models = importlib.import_module("app.models")

    def fault() -> None:
        raise RuntimeError("injected")

    work.__dict__.update(fault=fault, asyncio=asyncio)
    async with session.engine.begin() as connection:
        await connection.run_sync(models.Base.metadata.create_all)
        await connection.execute(text("insert into jobs (id, status, steps) values (1, 'pending', 0)"))
    await work.process(1)
    async with session.engine.begin() as connection:
        status = (await connection.execute(text("select status from jobs"))).scalar_one()
        items = (await connection.execute(text("select count(*) from items"))).scalar_one()
    assert session.engine.pool.checkedout() == 0
    await session.engine.dispose()
    return str(status).removeprefix("JobStatus.").lower(), items


def rewritten(root: Path, shape: str) -> None:
    source = HEAD + shape
    found = after(root, source, "SUP401", "SUP402", "SUP404", "SUP405", "SUP408")
    assert found != source
    (root / "app/work.py").write_text(found)
    path = root / "app/session.py"
    url = f"sqlite+aiosqlite:///{root / 'jobs.db'}"
    path.write_text(path.read_text().replace("sqlite+aiosqlite://", url))


@pytest.mark.parametrize("name", SHAPES)
def test_without_a_fault_the_task_completes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewritten(tmp_path, with_fault(SHAPES[name], None, behind=False))
    assert asyncio.run(run(tmp_path, monkeypatch))[0] == "completed"


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize(("name", "line"), [(name, line) for name in SHAPES for line in work_of(SHAPES[name])])
def test_with_a_fault_anywhere_the_row_ends_as_failed(
    name: str, line: int, behind: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(tmp_path, with_fault(SHAPES[name], line, behind=behind))
    assert asyncio.run(run(tmp_path, monkeypatch))[0] == "failed"
