"""The inventory as JSON, version 1: keys may be added, none is changed or taken away."""

from __future__ import annotations

from typing import Any

from supavisor_lint.report.audit_model import (
    PATTERNS,
    PRIORITIES,
    AuditedRegistration,
    AuditedSession,
    AuditedTask,
    Inventory,
)
from supavisor_lint.report.json_format import VERSION, dump


def render(inventory: Inventory, ascii_only: bool = True) -> str:
    """Give the whole inventory as one JSON document, without a final line end.

    Paths are relative to the root and POSIX, lines count from 1.
    """
    document = {
        "version": VERSION,
        "tasks": [_task(task) for task in inventory.tasks],
        "unresolved": [_registration(r) | {"target": r.target or None} for r in inventory.unresolved],
        "summary": _summary(inventory),
    }
    return dump(document, ascii_only)


def _task(task: AuditedTask) -> dict[str, Any]:
    return {
        "function": task.function,
        "path": task.path,
        "line": task.line,
        "registrations": [_registration(registration) for registration in task.registrations],
        "session": task.session,
        "helper": task.helper,
        "sessions": [_session(session) for session in task.sessions],
        "phases": task.phases,
        "inner_handler": task.inner_handler,
        "failure_status": task.failure_status,
        "outer_handler": task.outer_handler,
        "start_log": task.start_log,
        "compliant": task.compliant,
        "priority": task.priority,
        "priority_reasons": list(task.reasons),
        "findings": list(task.codes),
        "suppressed": list(task.suppressed),
    }


def _registration(registration: AuditedRegistration) -> dict[str, Any]:
    return {
        "path": registration.path,
        "line": registration.line,
        "how": registration.how,
        "kind": registration.kind,
    }


def _session(session: AuditedSession) -> dict[str, Any]:
    return {
        "path": session.path,
        "line": session.line,
        "session": session.pattern,
        "name": session.name or None,
    }


def _summary(inventory: Inventory) -> dict[str, Any]:
    return {
        "tasks": len(inventory.tasks),
        "compliant": inventory.compliant,
        "findings": inventory.findings,
        "priority": {priority: len(inventory.with_priority(priority)) for priority in PRIORITIES},
        "session": {pattern: len(inventory.with_pattern(pattern)) for pattern in PATTERNS},
        "unresolved": len(inventory.unresolved),
        "files": inventory.files,
        "failed": inventory.failed,
    }
