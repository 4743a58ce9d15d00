"""A small project in which the examples of the rules' documentation stand."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

from test_cost import SESSIONS

from supavisor_lint import run
from supavisor_lint.rules import Rule
from supavisor_lint.settings import Settings

GETTER = """

async def get_session():
    return async_session_factory()
"""
PRELUDE = """\
import asyncio
import logging
from contextlib import asynccontextmanager

import httpx
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Batch, Entry, Feed, Job, Report

logger = logging.getLogger(__name__)
router = APIRouter()
client = httpx.AsyncClient()
engine = report_id = index_id = 1
page_ids = rows = [1, 2]


async def do_the_work(session):
    await session.execute(delete(Entry))


async def build_report(*args):
    logger.info("built")


async def get_db():
    from app.session import async_session_factory

    async with async_session_factory() as session:
        yield session


async def refresh_page(session, page_id):
    await session.execute(delete(Entry).where(Entry.index_id == page_id))


async def rebuild(session, report_id):
    await session.execute(delete(Entry).where(Entry.index_id == report_id))


def mark_failed(job_id):
    return update(Job).where(Job.id == job_id).values(status="failed")
"""
IN_TASK = """
async def process_job(job_id):
    from app.session import get_session

    try:
{block}
    except Exception as error:
        logger.exception("job %s failed: %s", job_id, error)
        try:
            await set_status(job_id, "failed")
        except Exception:
            logger.exception("job %s: the failure could not be recorded", job_id)


async def set_status(job_id, status):
    from app.session import get_session

    async with get_session() as session, session.begin():
        await session.execute(update(Job).where(Job.id == job_id).values(status=status))
"""
ENDPOINT = """
@router.post("/jobs")
async def create(job_id: int, background_tasks: BackgroundTasks, session: AsyncSession = Depends(get_db)):
{block}
"""
IN_SESSION = """\
async with get_session() as session:
{block}
"""
STATUS = """\
async with get_session() as session, session.begin():
    job = await session.get(Job, job_id)
    job.status = "processing"
"""
IN_TRY = """\
try:
    async with session.begin():
        job = await session.get(Job, job_id)
        {work}
{block}
"""
ENGINE = """\
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

"""
MODELS = "\n\n".join(
    f"class {name}(Base):\n    __tablename__ = '{name.lower()}'\n    id = mapped_column(Integer, primary_key=True)\n"
    "    index_id = mapped_column(Integer)\n    status = mapped_column(String)\n"
    "    url = mapped_column(String)\n    result = mapped_column(String)\n"
    for name in ("Batch", "Entry", "Feed", "Job", "Report")
)
MODELS = (
    "from sqlalchemy import Integer, String\nfrom sqlalchemy.orm import DeclarativeBase, mapped_column\n\n\n"
    f"class Base(DeclarativeBase): ...\n\n\n{MODELS}"
)
TASK_NAMES = ("process*", "refresh*", "rebuild_*")


def example(rule: Rule, heading: str) -> str:
    """The first code block of a part of a rule's documentation."""
    part = rule.doc.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.search(r"```python\n(.*?)```", part, re.DOTALL)
    assert found is not None, (rule.code, heading)
    return found[1]


def codes_of(root: Path, rule: Rule, block: str, *, raw_getter: bool = False) -> list[str]:
    """The codes that a block of code gives, as a module of a project or, if it is a fragment, in a task there."""
    app = root / "app"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "models.py").write_text(MODELS, "utf-8")
    session = SESSIONS.partition("\n\n@asynccontextmanager")[0] + GETTER if raw_getter else SESSIONS
    (app / "session.py").write_text(session, "utf-8")
    if "async def get_session" in block:
        (app / "session.py").write_text(session.partition("\n\n@asynccontextmanager")[0] + "\n\n" + block, "utf-8")
    elif "create_async_engine(" in block:
        (app / "engine.py").write_text(ENGINE + block, "utf-8")
    else:
        (app / "work.py").write_text(PRELUDE + "\n\n" + _in_place(rule, block), "utf-8")
    settings = Settings(task_names=TASK_NAMES, extend_select=() if rule.default else (rule.code,))
    return [finding.code for finding in run.check_paths([root], root, settings).findings]


def _in_place(rule: Rule, block: str) -> str:
    if block.startswith("except"):
        work = 'job.status = "completed"' if rule.code in ("SUP402", "SUP403") else "logger.info(job)"
        block = IN_TRY.format(work=work, block=block)
    elif not _is_fragment(block):
        return block
    if "process_job" in block:
        return _in_task(STATUS) + "\n" + ENDPOINT.format(block=textwrap.indent(block, "    "))
    if "get_session" not in block:
        if _takes_a_job(block):
            block = "job = await session.get(Job, job_id)\n" + block
        block = IN_SESSION.format(block=textwrap.indent(block, "    "))
    return _in_task(block)


def _in_task(block: str) -> str:
    return IN_TASK.format(block=textwrap.indent(block, " " * 8))


def _takes_a_job(block: str) -> bool:
    """Whether the block uses a job that it does not load itself."""
    names = [node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Name) and node.id == "job"]
    return bool(names) and not any(isinstance(node.ctx, ast.Store) for node in names)


def _is_fragment(block: str) -> bool:
    """Whether the block only makes sense inside a coroutine; one that is broken on purpose does not."""
    try:
        tree = ast.parse(block)
    except SyntaxError:
        return False
    return any(
        isinstance(node, ast.Await | ast.AsyncWith | ast.With)
        for statement in tree.body
        if not isinstance(statement, ast.AsyncFunctionDef | ast.FunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
    )
