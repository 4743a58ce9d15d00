"""What the formats of the inventory say in the same words."""

from __future__ import annotations

from supavisor_lint.report.audit_model import PATTERNS, PRIORITIES, AuditedTask, Inventory
from supavisor_lint.report.model import count

BY_NAME = "by its name or mark"
"""How a function that nothing registers is a task."""


def summary(inventory: Inventory) -> list[str]:
    """Give the figures of an inventory, a clause each; none where there are no tasks."""
    if not inventory.tasks:
        return []
    priorities = [f"{len(found)} {p}" for p in PRIORITIES if (found := inventory.with_priority(p))]
    patterns = [f"{len(found)} {p}" for p in PATTERNS if (found := inventory.with_pattern(p))]
    return [
        f"{count(len(inventory.tasks), 'background task')}, {inventory.compliant} compliant",
        f"priority: {', '.join(priorities)}",
        f"session: {', '.join(patterns)}",
    ]


def yes_or_no(value: bool) -> str:
    """Give a fact as a word."""
    return "yes" if value else "no"


def session_of(task: AuditedTask) -> str:
    """Give how a task gets its session, and the name of what gives it where that is known."""
    names = list(dict.fromkeys(session.name for session in task.sessions if session.name))
    return f"{task.session}: {', '.join(names)}" if names else task.session
