"""`new-task`: the standard template for a project, with its own helper, import and failure update."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.failure_setting import filled, placeholders
from supavisor_lint.rewrites.helpers import helper_for
from supavisor_lint.rewrites.imports import module_of
from supavisor_lint.rewrites.log_text import Logs, Update, block, handler, recorded

_UNIT = "    "
_PARAMETER = "job_id"
_TAKEN = frozenset({"logging", "logger", "text", "AsyncSession", "annotations", "session", "_set_status", "str"})
_PLACEHOLDER = ("app.session", "get_session")
_WIDTH = 88
"""So wide a line may be, that formatters with their default settings leave it."""
_LOG_CALL = re.compile(r'(?P<indent> *)(?P<call>logger\.\w+)\((?P<text>".*"), (?P<values>.*)\)$')


@dataclass(frozen=True, slots=True)
class NewTask:
    """The text of a new task, and remarks, in a line each: why something in it is only a placeholder."""

    text: str
    remarks: tuple[str, ...] = ()


def fault_of_name(name: str) -> str | None:
    """Why a task cannot have a name; None if it can."""
    if not name.isidentifier():
        return "is no name for a function: use letters, digits and underscores"
    if keyword.iskeyword(name):
        return "is a word of the language: choose another name"
    if name in _TAKEN or name.startswith("__"):
        return "is a name that the template needs itself: choose another one"
    return None


def new_task(context: Context, name: str) -> NewTask:
    """A module with one task by the standard template. Raises NoFix where the settings' failure update is unusable."""
    module, helper, remark = _helper(context)
    if name == helper:
        raise NoFix(f"`{name}` is the name of the session helper: choose another one")
    settings = context.view.settings
    update, parameters = _update(settings.template.failure_update, settings.template.failure_import)
    own = update is None
    imported = f"from {module} import {helper}"
    at_top = settings.import_style == "module" and remark is None
    logs = Logs("logger", name, parameters)
    lines = [
        f'"""Background task `{name}`."""',
        "",
        "from __future__ import annotations",
        "",
        "import logging",
        "",
        *(["from sqlalchemy import text", "from sqlalchemy.ext.asyncio import AsyncSession", ""] if own else []),
        *([imported, ""] if at_top else []),
        "logger = logging.getLogger(__name__)",
        "",
        "",
        "# supavisor-lint: task",
        *block(
            f"async def {name}({', '.join(map(_annotated, parameters))}) -> None:",
            _body(logs, helper, None if at_top else imported, update),
            _UNIT,
        ),
        *(_set_status() if own else []),
    ]
    fitting = (part for line in lines for part in _fitted(line.rstrip()))
    return NewTask("\n".join(fitting) + "\n", (remark,) if remark is not None else ())


def _annotated(parameter: str) -> str:
    return f"{parameter}: int" if parameter.endswith("id") else f"{parameter}: str"


def _helper(context: Context) -> tuple[str, str, str | None]:
    """Module and name of the session helper; a placeholder with the reason where nothing tells."""
    try:
        helper = helper_for(context, None)
        return module_of(context, helper), helper.name, None
    except NoFix as none:
        module, name = _PLACEHOLDER
        return module, name, f"`from {module} import {name}` is a placeholder: {none.reason}"


def _update(statement: str | None, imports: str | None) -> tuple[Update | None, tuple[str, ...]]:
    """The settings' failure update and the parameters that it asks for; None and a parameter of our own without it."""
    if statement is None:
        return None, (_PARAMETER,)
    asked = placeholders(statement)
    parameters = tuple(n for n in asked if n not in ("session", "error")) or (_PARAMETER,)
    return filled(statement, imports, {n: n for n in asked} | {"session": "session", "error": "error"}), parameters


# ------------------------------------------------------------------------------------------------------- its parts


def _body(logs: Logs, helper: str, imported: str | None, update: Update | None) -> list[str]:
    """Start log, session, phases, and the handlers round them."""
    failed = update or Update("session", (_status(logs, "failed"),))
    inner = [
        *block("try:", _phases(logs, own=update is None), _UNIT),
        *handler([logs.failed, *recorded(failed, logs, _UNIT)], _UNIT, failed.error),
    ]
    opened = block(f"async with {helper}() as session:", inner, _UNIT)
    imports = [imported, ""] if imported is not None else []
    return [
        '"""What the task does, in one line."""',
        logs.started,
        *block("try:", [*imports, *opened], _UNIT),
        *handler([logs.no_session], _UNIT),
    ]


def _phases(logs: Logs, *, own: bool) -> list[str]:
    first = _status(logs, "processing") if own else "pass  # the status to processing"
    last = _status(logs, "completed") if own else "pass  # the status to completed"
    begin = "async with session.begin():"
    return [
        *block(begin, [first], _UNIT),
        "# What needs no database stands between the transactions.",
        *block(begin, ["pass  # the work"], _UNIT),
        *block(begin, [last], _UNIT),
    ]


def _status(logs: Logs, status: str) -> str:
    return f'await _set_status(session, {logs.parameters[0]}, "{status}")'


def _set_status() -> list[str]:
    """Where the status is written, for a project whose settings do not say how."""
    update = '"UPDATE jobs SET status = :status WHERE id = :job_id"'
    return [
        "",
        "",
        f"async def _set_status(session: AsyncSession, {_PARAMETER}: int, status: str) -> None:",
        f'{_UNIT}"""Write the status of a job; the transaction is the caller\'s."""',
        f"{_UNIT}# A stand-in: put the project's own table or model here, and its own statuses above.",
        f"{_UNIT}statement = text({update})",
        f'{_UNIT}await session.execute(statement, {{"status": status, "{_PARAMETER}": {_PARAMETER}}})',
    ]


def _fitted(line: str) -> Iterator[str]:
    """A line as it is, or a log call that is too long as formatters lay it out."""
    match = _LOG_CALL.match(line) if len(line) > _WIDTH else None
    if match is None:
        yield line
        return
    inner = match["indent"] + _UNIT
    together = f"{inner}{match['text']}, {match['values']}"
    yield f"{match['indent']}{match['call']}("
    if len(together) <= _WIDTH:
        yield together
    else:
        text = f"{inner}{match['text']},"
        what, _, values = text.rpartition(" (")
        yield from [text] if len(text) <= _WIDTH else [f'{what}"', f'{inner}" ({values}']
        yield from (f"{inner}{value}," for value in match["values"].split(", "))
    yield f"{match['indent']})"
