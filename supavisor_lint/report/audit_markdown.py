"""The inventory as Markdown that can be pasted into an issue: figures, a table, and what could not be found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from supavisor_lint.report.audit_model import AuditedRegistration, AuditedTask, Inventory
from supavisor_lint.report.audit_words import BY_NAME, session_of, summary, yes_or_no
from supavisor_lint.report.text import harmless

_HEADER = (
    "priority",
    "task",
    "registered",
    "session",
    "phases",
    "inner handler",
    "failure status",
    "outer handler",
    "start log",
    "findings",
)


def render(inventory: Inventory) -> Iterator[str]:
    """Yield the lines, without line ends. Paths are relative to the root; whatever the code is called is escaped."""
    yield "## Background tasks"
    yield ""
    for clause in summary(inventory) or ["No background tasks found"]:
        yield f"- {clause}"
    if inventory.tasks:
        yield ""
        yield _row(_HEADER)
        yield "|" + " --- |" * len(_HEADER)
        for task in inventory.tasks:
            yield _row(_cells(task))
    if inventory.unresolved:
        yield ""
        yield "Registered, but the function was not found:"
        yield ""
        for registration in inventory.unresolved:
            target = f"{_code(registration.target)} by " if registration.target else ""
            yield f"- {target}{_registration(registration)}"


def _cells(task: AuditedTask) -> Iterable[str]:
    name, _, detail = session_of(task).partition(": ")
    return (
        task.priority,
        f"{_code(task.function)}<br>{_code(f'{task.path}:{task.line}')}",
        "<br>".join(_registration(registration) for registration in task.registrations) or BY_NAME,
        f"{name}<br>{_code(detail)}" if detail else name,
        str(task.phases),
        yes_or_no(task.inner_handler),
        yes_or_no(task.failure_status),
        yes_or_no(task.outer_handler),
        yes_or_no(task.start_log),
        " ".join(task.codes) or "compliant",
    )


def _registration(registration: AuditedRegistration) -> str:
    return f"{_code(registration.how)} at {_code(f'{registration.path}:{registration.line}')}"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _code(text: str) -> str:
    """A text as a code span in a table: no backtick ends it, no pipe ends the cell, no control character acts."""
    shown = harmless(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    if not longest:
        return f"`{shown}`"
    fence = "`" * (longest + 1)
    return f"{fence} {shown} {fence}"
