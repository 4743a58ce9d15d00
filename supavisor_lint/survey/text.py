"""A survey, and the settings in force, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from supavisor_lint.report.json_format import VERSION, dump
from supavisor_lint.report.model import Display, Style, count
from supavisor_lint.report.text import harmless
from supavisor_lint.sources import toml
from supavisor_lint.sources.roots import TABLE
from supavisor_lint.survey.force import InForce
from supavisor_lint.survey.model import Definition, Role, Survey

_GROUPS: tuple[tuple[str, tuple[Role, ...]], ...] = (
    ("Session factories", ("factory",)),
    ("Session helpers", ("helper",)),
    ("Session getters and dependencies", ("getter", "dependency")),
    ("Session modules", ("module",)),
    ("Task registrars of the project's own", ("registrar",)),
)
_FEW = 8

Row = tuple[str, ...]


def shown(survey: Survey, display: Display, style: Style, every: bool) -> Iterator[str]:
    """Yield the lines of a survey: groups of names with their places; of large groups only a few, unless `every`."""
    for title, roles in _GROUPS:
        rows = [_row(found, display) for found in survey.of(*roles)]
        if rows:
            yield from _group(title, rows, style, every)
    if survey.tasks:
        rows = [(t.name, _at(display, t.path, t.line), ", ".join(t.how)) for t in survey.tasks]
        ways = Counter(how for task in survey.tasks for how in task.how)
        listed = ", ".join(f"{number} {how}" for how, number in ways.most_common())
        yield from _group("Background tasks", rows, style, every, f": {listed}" if len(rows) > 1 else "")


def _row(found: Definition, display: Display) -> Row:
    if found.role == "module":
        return (found.dotted, display(found.path))
    remark = found.remark or (found.role if found.role in ("getter", "dependency") else "")
    return (found.name, _at(display, found.path, found.line), remark)


def _at(display: Display, path: str, line: int) -> str:
    return f"{display(path)}:{line}"


def _group(title: str, rows: Sequence[Row], style: Style, every: bool, more: str = "") -> Iterator[str]:
    yield style(f"{title} ({len(rows)})", "heading") + harmless(more)
    some = rows if every or len(rows) <= _FEW + 1 else rows[:_FEW]
    widths = [max(len(row[index]) for row in some) for index in range(len(some[0]))]
    for row in some:
        yield harmless("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if len(some) < len(rows):
        yield f"  ... and {len(rows) - len(some)} more (--verbose shows all)"
    yield ""


# ------------------------------------------------------------------------------------------------- settings in force


def heading_of_settings(root: str, file: str | None) -> str:
    """The comment above the settings: what they are for, and the file that has them, None where none does."""
    return harmless(f"# {root}: {f'settings of {file}' if file is not None else 'no settings file has a table'}")


def settings_toml(
    settings: Iterable[InForce], rules: str, file: str | None, display: Display, style: Style
) -> Iterator[str]:
    """Yield the settings as a table of TOML, one line for each key, with where it comes from in a comment.

    What has no value is a comment as a whole; so is, below its key, what is found by definition. `rules` says which are
    on by the profile, `file` names the settings file.
    """
    inner = ""
    yield style(f"[tool.{TABLE}]", "heading")
    for one in settings:
        table, _, name = one.key.rpartition(".")
        if table != inner:
            inner = table
            yield ""
            yield style(f"[tool.{TABLE}.{table}]", "heading")
        if one.value is None:
            yield style(f"# {name}: {rules if one.key == 'select' else 'not set'}", "dim")
        else:
            yield f"{name} = {toml.written(one.value)}" + style(f"  # {_origin(one, file)}", "dim")
        for found in one.found:
            yield style(harmless(f"#   found: {_found(found, display)}"), "dim")


def _origin(one: InForce, file: str | None) -> str:
    at = f"{file}:{one.line}" if one.line is not None else ""
    if one.origin == "command-line":
        return f"command line and {at}" if at else "command line"
    return harmless(at) if one.origin == "file" else one.origin


def _found(found: Definition | str, display: Display) -> str:
    if isinstance(found, str):
        return found
    if found.role == "module":
        return f"{found.dotted} ({display(found.path)})"
    return f"{found.dotted} ({display(found.path)}:{found.line}:{found.column})"


def settings_json(settings: Iterable[InForce], root: str, file: str | None, ascii_only: bool) -> str:
    """Give the settings as a JSON document with version 1.

    `root` and `file` (null without one) are paths; `settings` has one entry for each key, in the order of the
    documentation: `key`, `value` (null: not set), `origin` ("default", "profile", "file" or "command-line"), `line` in
    the file (null where it is not from there) and `found`: places with `name`, `path` (relative to the root, POSIX),
    `line` and `column`, all null but the name where it has no place.
    """
    entries = [
        {
            "key": one.key,
            "value": one.value,
            "origin": one.origin,
            "line": one.line,
            "found": [_as_json(found) for found in one.found],
        }
        for one in settings
    ]
    return dump({"version": VERSION, "root": root, "file": file, "settings": entries}, ascii_only)


def _as_json(found: Definition | str) -> dict[str, object]:
    if isinstance(found, str):
        return {"name": found, "path": None, "line": None, "column": None}
    return {"name": found.dotted, "path": found.path, "line": found.line, "column": found.column}


def counted(survey: Survey) -> str:
    """What was looked at, in a few words."""
    return count(survey.files, "Python file")
