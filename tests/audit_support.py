"""What the tests of the inventory share: small projects audited on the spot, and tasks made up for the renderers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

from project_support import SESSION_MODULE, write

from supavisor_lint.audit.inventory import take_inventory
from supavisor_lint.findings import Finding, Fix, Span
from supavisor_lint.report.audit_model import (
    AuditedRegistration,
    AuditedSession,
    AuditedTask,
    Inventory,
)
from supavisor_lint.run import job_of_paths
from supavisor_lint.settings import Settings

HEAD = """
import asyncio
import logging

from fastapi import BackgroundTasks

logger = logging.getLogger(__name__)

"""

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


def inventory(root: Path, files: dict[str, str], *, proposals: bool = False, **settings: Any) -> Inventory:
    """The inventory of some files beside a session module."""
    write(root, {"app/__init__.py": "", "app/session.py": SESSION_MODULE, **files})
    job = job_of_paths([root], root, replace(Settings(), **settings))
    return take_inventory(job, proposals=proposals).inventory


def tasks(root: Path, code: str, **settings: Any) -> dict[str, AuditedTask]:
    """The tasks of one module `app/tasks.py`, by name; the usual imports stand before its code."""
    found = inventory(root, {"app/tasks.py": HEAD + dedent(code)}, **settings)
    return {task.function: task for task in found.tasks}


def task(root: Path, code: str, **settings: Any) -> AuditedTask:
    """The only task of one module."""
    (found,) = tasks(root, code, **settings).values()
    return found


def made_up(**changes: Any) -> AuditedTask:
    """A task for the renderers."""
    values: dict[str, Any] = {
        "function": "process_batch",
        "path": "app/tasks.py",
        "line": 7,
        "registrations": (AuditedRegistration("app/api.py", 12, "BackgroundTasks.add_task", "request"),),
        "session": "helper",
        "helper": "app.session.get_session",
        "sessions": (AuditedSession("app/tasks.py", 8, "helper", "app.session.get_session"),),
        "phases": 2,
        "inner_handler": True,
        "failure_status": False,
        "outer_handler": True,
        "start_log": True,
        "findings": (),
        "suppressed": (),
        "priority": "low",
        "reasons": ("nobody starts it again",),
        "first_line": 7,
        "code": ("async def process_batch(batch_id):", "    async with get_session() as session:", "        ..."),
    }
    return AuditedTask(**(values | changes))


def finding(**changes: Any) -> Finding:
    """A finding in the code of a task that is made up."""
    values: dict[str, Any] = {
        "code": "SUP301",
        "name": "operation-outside-transaction",
        "message": "stands outside `session.begin()`",
        "severity": "warning",
        "confidence": "high",
        "path": "app/tasks.py",
        "span": Span(8, 16, 8, 29),
        "function": "process_batch",
        "fix": Fix("safe", "Give each phase its own `async with session.begin():`", ()),
    }
    return Finding(**(values | changes))


def inventory_of(*audited: AuditedTask, **changes: Any) -> Inventory:
    """An inventory of tasks that are made up."""
    return replace(Inventory(audited, (), 3, 0), **changes)


def around(body: str, *, given: bool = False) -> str:
    """A module with one task `work(q)` of this body; with `given` its caller hands it a session, typed as one."""
    code = AROUND.replace("BODY", body)
    return code if given else code.replace(", session: AsyncSession", "").replace("work(q, session)", "work(q)")


def facts(audited: AuditedTask) -> tuple[object, ...]:
    return audited.session, audited.phases, " ".join(audited.handlers), audited.start_log
