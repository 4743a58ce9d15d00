"""Tasks are brought to the template and run: with a fault at any statement of the work, the row ends as failed."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib
import shutil
import sys
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

BY_WHAT_CHANGES = {
    "the next one": """
    async with get_session() as session:
        async with session.begin():
            job = await session.scalar(select(Job).where(Job.status == "pending").order_by(Job.id).limit(1))
            job.status = "processing"
        await asyncio.sleep(0)
        async with session.begin():
            job.status = "completed"
""",
    "the first that is not locked": """
    async with get_session() as session:
        async with session.begin():
            query = select(Job).filter_by(status="pending").with_for_update(skip_locked=True).limit(1)
            job = (await session.execute(query)).scalars().first()
            job.status = "processing"
        async with session.begin():
            job.status = "completed"
""",
}


def faults_in(source: str) -> list[str]:
    """The rewritten module with a fault before, and behind, each simple statement of the task's work.

    Handlers, the start log and imports are no work.
    """
    lines = source.splitlines()
    task = next(n for n in ast.parse(source).body if getattr(n, "name", "") == "process")
    handlers = {id(n) for h in ast.walk(task) if isinstance(h, ast.ExceptHandler) for n in ast.walk(h)}
    work = [n for n in ast.walk(task) if isinstance(n, ast.Expr | ast.Assign) and id(n) not in handlers]
    found = []
    for node in work:
        if not lines[node.lineno - 1].strip().startswith("logger."):
            fault = " " * node.col_offset + "fault()"
            places = (node.lineno - 1, node.end_lineno or 0)
            found += ["\n".join([*lines[:at], fault, *lines[at:], ""]) for at in places]
    return found


def forget() -> None:
    """Let the next project have its own modules."""
    for name in [n for n in sys.modules if n == "app" or n.startswith("app.")]:
        del sys.modules[name]


async def run(root: Path, monkeypatch: pytest.MonkeyPatch, name: str = "process") -> str:
    """Run the task of a project, or what calls it: the status that its row ends with. The row beside it is to stay."""
    forget()  # what another test has left
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
        await connection.execute(
            text("insert into jobs (id, status, steps) values (1, 'pending', 0), (2, 'pending', 0)")
        )
    with contextlib.suppress(RuntimeError):  # where nothing has been made of the task
        await getattr(work, name)(1)
    async with session.engine.begin() as connection:
        status, other = (await connection.execute(text("select status from jobs order by id"))).scalars()
    assert other == "pending", (root / "app/work.py").read_text()
    assert session.engine.pool.checkedout() == 0
    await session.engine.dispose()
    return str(status).removeprefix("JobStatus.").lower()


def place(root: Path, source: str) -> None:
    """Write the rewritten module, and give the project a database of its own."""
    (root / "app/work.py").write_text(source)
    path = root / "app/session.py"
    path.write_text(path.read_text().replace("aiosqlite://", f"aiosqlite:///{root / 'jobs.db'}"))


@pytest.mark.parametrize("name", SHAPES)
def test_with_a_fault_anywhere_the_row_ends_as_failed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = HEAD + SHAPES[name]
    source = after(tmp_path / "first", before, "SUP401", "SUP402", "SUP404", "SUP405", "SUP408")
    assert source != before
    outcomes = []
    for number, module in enumerate([source, *faults_in(source)]):
        root = tmp_path / str(number)
        shutil.copytree(tmp_path / "first", root)
        place(root, module)
        outcomes.append((asyncio.run(run(root, monkeypatch)), module))
        forget()
    assert outcomes[0][0] == "completed"
    for status, module in outcomes[1:]:
        assert status == "failed", module
    assert len(outcomes) > 6


@pytest.mark.parametrize("name", BY_WHAT_CHANGES)
def test_a_row_that_the_task_has_not_touched_is_never_marked(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = after(tmp_path / "first", HEAD + BY_WHAT_CHANGES[name], "SUP401", "SUP402", "SUP404")
    for number, module in enumerate([source, *faults_in(source)]):
        root = tmp_path / str(number)
        shutil.copytree(tmp_path / "first", root)
        place(root, module)
        asyncio.run(run(root, monkeypatch))  # looks at the other row
        forget()


CALLER = """

values = []


async def call(job_id):
    values.append(await process(job_id))
"""
VALUED = """
    async with get_session() as session:
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.PROCESSING
        async with session.begin():
            session.add(Item(job_id=job_id))
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.COMPLETED
    return 3
"""


@pytest.mark.parametrize("work", [VALUED, "    await asyncio.sleep(0)\n" + VALUED.lstrip("\n")])
def test_whoever_uses_a_value_still_gets_the_error(work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = after(tmp_path / "first", HEAD + work + CALLER, "SUP401", "SUP402", "SUP404", "SUP405", "SUP408")
    assert source.count("except Exception") > 1
    for number, module in enumerate([source, *faults_in(source)]):
        root = tmp_path / str(number)
        shutil.copytree(tmp_path / "first", root)
        place(root, module)
        status = asyncio.run(run(root, monkeypatch, "call"))
        assert status == ("failed" if number else "completed"), module
        assert sys.modules["app.work"].values == ([] if number else [3]), module
        forget()
