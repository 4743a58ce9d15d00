"""The inventory as one HTML page that needs nothing else: no network, no server, no library."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from importlib.resources import files

from supavisor_lint.report.audit_chart import chart
from supavisor_lint.report.audit_html_task import task_body
from supavisor_lint.report.audit_model import MEANINGS, PATTERNS, PRIORITIES, AuditedRegistration, Inventory
from supavisor_lint.report.markup import code, place, tag, text
from supavisor_lint.report.model import count

_PAGE = files("supavisor_lint.report") / "audit_page"
_PLACE = re.compile(r"\{\{(\w+)\}\}")

_COLUMNS = (
    ("Task", "name", False),
    ("Priority", "rank", True),
    ("Session", "session", False),
    ("Registered", "registrations", True),
    ("Phases", "phases", True),
    ("Handlers", "handlers", True),
    ("Start log", "log", False),
    ("Findings", "findings", True),
)


def render(inventory: Inventory, legend: str = "", version: str = "") -> str:
    """Give the page, in ASCII. `legend` is a plain text that explains the priority, `version` the tool's.

    Whatever comes from the code is escaped; scripts and styles are the page's own, held by a content security policy
    to their hashes.
    """
    style, script = (_PAGE.joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    parts = {
        "style": style,
        "script": script,
        "style_hash": _hash(style),
        "script_hash": _hash(script),
        "lead": text(_lead(inventory)),
        "figures": "\n".join(_figures(inventory)),
        "chart": chart(inventory),
        "session_options": _options(p for p in PATTERNS if inventory.with_pattern(p)),
        "priority_options": _options(p for p in PRIORITIES if inventory.with_priority(p)),
        "shown": f"{len(inventory.tasks)} of {len(inventory.tasks)} shown",
        "headings": "\n".join(_heading(*column) for column in _COLUMNS),
        "tasks": "\n".join(task_body(task, number, len(_COLUMNS)) for number, task in enumerate(inventory.tasks, 1)),
        "unresolved": _unresolved(inventory.unresolved),
        "legend": _legend(legend),
        "version": text(version),
    }
    page = _PLACE.sub(lambda match: parts[match[1]], _PAGE.joinpath("page.html").read_text("utf-8"))
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _hash(content: str) -> str:
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"


def _lead(inventory: Inventory) -> str:
    if not inventory.tasks:
        return f"None found in {count(inventory.files, 'file')}."
    places = len({task.path for task in inventory.tasks})
    missing = f"; {count(inventory.failed, 'file')} could not be read" if inventory.failed else ""
    return f"{count(len(inventory.tasks), 'task')} in {places} of {count(inventory.files, 'file')}{missing}."


def _figures(inventory: Inventory) -> Iterable[str]:
    tasks = len(inventory.tasks)
    share = f"{round(100 * inventory.compliant / tasks)} % compliant" if tasks else "compliant"
    rows = (
        ("", "tasks", tasks),
        ("good", f"{share}", inventory.compliant),
        ("high", "of high priority", len(inventory.with_priority("high"))),
        ("", "findings", inventory.findings),
    )
    for kind, name, number in rows:
        yield f'<div class="{kind}"><dt>{text(name)}</dt><dd>{number}</dd></div>'


def _options(values: Iterable[str]) -> str:
    return "".join(tag("option", text(value), value=value) for value in values)


def _heading(title: str, key: str, numeric: bool) -> str:
    button = f'<button type="button">{text(title)}</button>'
    sorted_by = ' aria-sort="ascending"' if key == "rank" else ""
    return f'<th scope="col" data-key="{key}" data-numeric="{"yes" if numeric else "no"}"{sorted_by}>{button}</th>'


def _unresolved(registrations: Iterable[AuditedRegistration]) -> str:
    items = "".join(
        f"<li>{code(r.target or '?')} {text('by ' + r.how)} {place(r.path, r.line)}</li>" for r in registrations
    )
    if not items:
        return ""
    return f'<section class="unresolved"><h2>Registered, but the function was not found</h2><ul>{items}</ul></section>'


def _legend(priority: str) -> str:
    sessions = "".join(f"<dt>{code(p)}</dt><dd>{text(MEANINGS[p])}</dd>" for p in PATTERNS)
    handlers = (
        ("inner", "a handler round the phases, inside of the session's block"),
        ("status", "a handler records the failure"),
        ("outer", "a handler round what opens the session"),
    )
    explained = "".join(f"<dt>{text(name)}</dt><dd>{text(meaning)}</dd>" for name, meaning in handlers)
    rule = f"<h3>Priority</h3><pre>{text(priority)}</pre>" if priority else ""
    return (
        f'<h3>Session</h3><dl class="facts">{sessions}</dl>'
        f'<h3>Handlers</h3><dl class="facts">{explained}</dl>'
        f"<h3>Phases</h3><p>The transactions that the task commits, counted in its code.</p>{rule}"
    )
