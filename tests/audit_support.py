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
