"""From pyproject.toml to `Settings`; whatever is wrong there is one `SettingsError` with one clear line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from supavisor_lint.settings import Settings, Template
from supavisor_lint.sources import checks, toml
from supavisor_lint.sources.checks import BadValue, Reader
from supavisor_lint.sources.roots import SETTINGS_FILE, TABLE, exists
from supavisor_lint.sources.toml_places import line_of

_TOML_POSITION = re.compile(r"^(?P<reason>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)$", re.DOTALL)

_NAMES = checks.list_of(checks.name)
_TEXTS = checks.list_of(checks.text)

_CODES = "list of codes or prefixes"
_LIST_OF_NAMES = "list of dotted or bare names"


class _Key(NamedTuple):
    """What a key holds, for people, and the function that reads it."""

    holds: str
    read: Reader[object]


_TEMPLATE = "template"
_TEMPLATE_KEYS: Mapping[str, _Key] = {
    "failure-update": _Key("statement", checks.failure_statement),
    "failure-import": _Key("import statement", checks.imports),
}
_OWN_KEYS: Mapping[str, _Key] = {
    "profile": _Key('"template" or "hazards"', checks.one_of("template", "hazards")),
    "select": _Key(_CODES, checks.some_codes),
    "ignore": _Key(_CODES, checks.codes),
    "extend-select": _Key(_CODES, checks.codes),
    "per-file-ignores": _Key(f"table from gitignore-style patterns to a {_CODES}", checks.per_file_ignores),
    "exclude": _Key("list of gitignore-style patterns", _TEXTS),
    "extend-exclude": _Key("list of gitignore-style patterns", _TEXTS),
    "src": _Key("list of folders inside the root", _TEXTS),
    "session-factories": _Key(_LIST_OF_NAMES, _NAMES),
    "session-helpers": _Key(_LIST_OF_NAMES, _NAMES),
    "helper": _Key("dotted name", checks.dotted_name),
    "phase-helpers": _Key(_LIST_OF_NAMES, _NAMES),
    "session-modules": _Key("list of modules", _TEXTS),
    "task-names": _Key("list of shell-style patterns", _TEXTS),
    "task-registrars": _Key(
        "list of dotted names or tables {name, argument, session}", checks.list_of(checks.registrar)
    ),
    "import-style": _Key('"function" or "module"', checks.one_of("function", "module")),
    "pooler": _Key(
        '"transaction", "auto", "session" or "none"', checks.one_of("transaction", "auto", "session", "none")
    ),
    "asyncpg-version": _Key("version", checks.version),
    "check-tests": _Key("true or false", checks.boolean),
}

KEYS: Mapping[str, str] = MappingProxyType(
    {name: key.holds for name, key in _OWN_KEYS.items()}
    | {f"{_TEMPLATE}.{name}": key.holds for name, key in _TEMPLATE_KEYS.items()}
)
"""Every key of `[tool.supavisor-lint]` and what it holds; a dot leads into a table of its own."""


class SettingsError(Exception):
    """Settings that cannot be used. Each fault is one line: where, which key, what is wrong, what to do."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class _Source:
    """A settings file: how it is called in messages, and its text, in which lines are looked up."""

    path: Path
    text: str
    faults: list[str] = field(default_factory=list)

    def complain(self, place: tuple[str, ...], reason: str) -> None:
        """Keep a fault for the end, so that one look at the messages is enough to mend them all."""
        line = line_of(self.text, place)
        where = f"{self.path}:{line}" if line else f"{self.path}"
        self.faults.append(f"{where}: {_one_line(reason)}")

    def refuse(self, place: tuple[str, ...], reason: str) -> NoReturn:
        self.complain(place, reason)
        raise SettingsError(*self.faults)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a settings file says: `path` and `text` of it (None and "" without one), and the lines (from 1) of its keys.

    `lines` has a key of `KEYS` for each that is set, and `has_table` tells whether there is a table for them at all.
    """

    settings: Settings
    path: Path | None = None
    text: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)
    has_table: bool = False


def load_settings(root: Path, config: Path | None = None, isolated: bool = False) -> Settings:
    """The settings for `root`: from its pyproject.toml if there is one, or from the file `config`.

    `config` must exist and have the table; `isolated` reads no file at all. Raises `SettingsError`.
    """
    source = _source(root, config, isolated)
    return Settings() if source is None else _settings(source, root, _table_of(source, config is not None) or {})


def read_settings(root: Path, config: Path | None = None, isolated: bool = False) -> SettingsFile:
    """The same, with what the file says where."""
    source = _source(root, config, isolated)
    if source is None:
        return SettingsFile(Settings())
    table = _table_of(source, config is not None)
    settings = _settings(source, root, table or {})
    lines = {key: line for key in KEYS if _is_set(table or {}, key) and (line := line_of(source.text, _place(key)))}
    return SettingsFile(settings, source.path, source.text, lines, table is not None)


def parse_codes(text: str, option: str) -> tuple[str, ...]:
    """The codes of a command-line option, separated by commas or spaces. Raises `SettingsError`."""
    try:
        return tuple(checks.code(word) for word in re.split(r"[,\s]+", text) if word)
    except BadValue as error:
        raise SettingsError(f"{option}: {_one_line(str(error))}") from None


# --- reading the file ---------------------------------------------------------------------------------------


def _source(root: Path, config: Path | None, isolated: bool) -> _Source | None:
    """The file to read; None where there is none."""
    if isolated:
        if config is not None:
            raise SettingsError("--config and --isolated exclude each other; leave one of them out")
        return None
    path = config or root / SETTINGS_FILE
    return _Source(path, _text_of(path)) if config is not None or exists(path) else None


def _table_of(source: _Source, is_needed: bool) -> dict[str, Any] | None:
    table = _own_table(source, _parsed(source))
    if table is None and is_needed:
        raise SettingsError(f"{source.path}: has no [tool.{TABLE}] table; add it or name another file")
    return table


def _is_set(table: dict[str, Any], key: str) -> bool:
    outer, _, inner = key.partition(".")
    return outer in table and (not inner or inner in table[outer])


def _place(key: str) -> tuple[str, ...]:
    return ("tool", TABLE, *key.split("."))


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}:{line}: is not UTF-8; save it in that encoding") from error


def _parsed(source: _Source) -> dict[str, Any]:
    try:
        return toml.parse(source.text)
    except (ValueError, RecursionError) as error:
        match = _TOML_POSITION.match(str(error))
        if match is None:
            raise SettingsError(f"{source.path}: is not TOML: {_one_line(str(error))}") from error
        where = f"{source.path}:{match['line']}:{match['column']}"
        raise SettingsError(f"{where}: is not TOML: {_one_line(match['reason'])}") from error


def _own_table(source: _Source, document: dict[str, Any]) -> dict[str, Any] | None:
    tool = document.get("tool", {})
    if not isinstance(tool, dict):
        source.refuse(("tool",), '"tool" must be a table')
    for name in tool:
        if name != TABLE and name.lower().replace("_", "-") == TABLE:
            source.refuse(("tool", name), f"unknown table [tool.{name}]; did you mean [tool.{TABLE}]?")
    table = tool.get(TABLE)
    if table is not None and not isinstance(table, dict):
        source.refuse(("tool", TABLE), f"[tool.{TABLE}] must be a table")
    return table


# --- reading the keys ---------------------------------------------------------------------------------------


def _settings(source: _Source, root: Path, table: dict[str, Any]) -> Settings:
    src = _OWN_KEYS["src"]._replace(read=checks.list_of(checks.folder_below(root)))
    own = {**_OWN_KEYS, "src": src, _TEMPLATE: _Key("table", lambda value: _template(source, value))}
    settings = Settings(**dict(_fields(source, f"tool.{TABLE}", table, own)))
    if source.faults:
        raise SettingsError(*source.faults)
    return settings


def _template(source: _Source, table: object) -> Template:
    if not isinstance(table, dict):
        raise BadValue("must be a table")
    return Template(**dict(_fields(source, f"tool.{TABLE}.{_TEMPLATE}", table, _TEMPLATE_KEYS)))


def _fields(source: _Source, name: str, table: dict[str, Any], keys: Mapping[str, _Key]) -> Iterator[tuple[str, Any]]:
    """The fields that the table called `name` sets, with their values; without those at fault."""
    for key, value in table.items():
        if key not in keys:
            known = checks.nearest(key.replace("_", "-"), keys)
            source.complain((*name.split("."), key), f'unknown key "{key}" in [{name}]{known}')
            continue
        try:
            yield key.replace("-", "_"), keys[key].read(value)
        except BadValue as error:
            source.complain((*name.split("."), key), f'"{key}" in [{name}]: {error}')


def _one_line(text: str) -> str:
    return " ".join(text.split())
