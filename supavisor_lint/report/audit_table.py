"""The inventory as a table for terminals: a few lines for each task, none wider than the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.report.audit_model import AuditedRegistration, AuditedTask, Inventory, Priority, Where
from supavisor_lint.report.audit_words import BY_NAME, session_of, summary, yes_or_no
from supavisor_lint.report.model import Role, Style, plain
from supavisor_lint.report.text import fitted, harmless, width_of

MIN_WIDTH = 60
_COLUMNS = (("priority", 8), ("session", 9), ("phases", 6), ("handlers", 18), ("start log", 9), ("findings", 8))
_BEFORE_FINDINGS = sum(width + 2 for _, width in _COLUMNS[:-1])
_LABEL = "  findings   "
_ROLES: dict[Priority, Role] = {"high": "error", "medium": "warning", "low": "info"}


def place(path: str, line: int) -> str:
    """Give a place relative to the root: the way of files and tests."""
    return f"{path}:{line}"


def render(inventory: Inventory, where: Where = place, style: Style = plain, width: int = 80) -> Iterator[str]:
    """Yield the lines of the table, without line ends, none wider than `width` cells (at least 60)."""
    width = max(width, MIN_WIDTH)
    if inventory.tasks:
        columns = _COLUMNS if _has_room(width) else _COLUMNS[:-1]
        yield style("  ".join(f"{name:<{cells}}" for name, cells in columns).rstrip(), "heading")
    for task in inventory.tasks:
        yield ""
        yield from _task(task, where, style, width)
    if inventory.unresolved:
        yield ""
        yield style("Registered, but the function was not found:", "heading")
        for registration in inventory.unresolved:
            yield from _registration(registration, "  ", where, style, width)
    if inventory.tasks or inventory.unresolved:
        yield ""
    for clause in summary(inventory):
        yield fitted(clause, width)


def _task(task: AuditedTask, where: Where, style: Style, width: int) -> Iterator[str]:
    yield _two(harmless(task.function), "path", where(task.path, task.line), style, width)
    cells = (
        style(f"{task.priority:<8}", _ROLES[task.priority]),
        f"{task.session:<9}",
        f"{task.phases:>6}",
        f"{' '.join(task.handlers) or '-':<18}",
        f"{yes_or_no(task.start_log):<9}",
    )
    beside = _has_room(width)
    rows = _codes(task, width - (_BEFORE_FINDINGS if beside else len(_LABEL)), style)
    yield "  ".join((*cells, rows.pop(0)) if beside else cells).rstrip()
    for number, codes in enumerate(rows):
        label = _LABEL if not beside and number == 0 else ""
        yield f"{label:<{_BEFORE_FINDINGS if beside else len(_LABEL)}}{codes}"
    if task.sessions:
        yield _dim(f"  session    {harmless(session_of(task))}", style, width)
    for registration in task.registrations:
        yield from _registration(registration, "  registered ", where, style, width)
    if not task.registrations:
        yield _dim(f"  registered {BY_NAME}", style, width)


def _registration(
    registration: AuditedRegistration, label: str, where: Where, style: Style, width: int
) -> Iterator[str]:
    how = f"{registration.target} by {registration.how}" if registration.target else registration.how
    yield _two(f"{label}{harmless(how)}", "dim", where(registration.path, registration.line), style, width)


def _has_room(width: int) -> bool:
    """Whether two codes fit beside the other columns; else they stand below."""
    return width >= _BEFORE_FINDINGS + 13


def _codes(task: AuditedTask, room: int, style: Style) -> list[str]:
    """The codes in rows that fit; one row at least."""
    a_row = max((room + 1) // 7, 1)
    rows = [task.codes[start : start + a_row] for start in range(0, len(task.codes), a_row)]
    return [" ".join(style(code, "code") for code in row) for row in rows] or [style("compliant", "dim")]


def _two(text: str, role: Role, at: str, style: Style, width: int) -> str:
    """A text and a place on one line: the place keeps its end, the text its beginning."""
    at = harmless(at)
    room = width - width_of(text) - 2
    if width_of(at) > room:
        at = fitted(at, max(room, min(width_of(at), width // 2)), "end")
        text = fitted(text, width - width_of(at) - 2)
    return f"{style(text, role)}  {at}"


def _dim(text: str, style: Style, width: int) -> str:
    return style(fitted(text, width), "dim")
