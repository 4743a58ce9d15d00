"""The settings of a run, one by one: what holds, where it comes from, and what is found where nothing is said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from supavisor_lint.settings import Registrar, Settings
from supavisor_lint.sources import toml
from supavisor_lint.sources.config import KEYS, SettingsFile
from supavisor_lint.survey.model import Definition, Survey

Origin: TypeAlias = Literal["default", "profile", "file", "command-line"]


@dataclass(frozen=True, slots=True)
class InForce:
    """One setting. `value` is as TOML has it, None where it has none; `line` (from 1) is that of the settings file.

    `found` is what definitions say instead, or beside it.
    """

    key: str
    value: object
    origin: Origin
    line: int | None
    found: tuple[Definition | str, ...] = ()


def settings_in_force(
    file: SettingsFile, settings: Settings, on_command_line: Collection[str], survey: Survey
) -> Iterator[InForce]:
    """Every setting, in the order of the documentation.

    `settings` are those of `file`, changed by the options for the keys `on_command_line`.
    """
    for key in KEYS:
        value = value_of(settings, key)
        line = file.lines.get(key)
        origin: Origin = "default" if line is None else "file"
        if key in on_command_line:
            origin = "command-line"
            line = line if key == "extend-select" and "select" not in on_command_line else None
        elif key == "pooler" and settings.pooler is None:
            value, origin = settings.pooler_in_force, "profile"
        elif key == "select" and settings.select is None:
            origin = "profile"
        is_open = origin in ("default", "profile")
        yield InForce(key, value, origin, line, tuple(_FOUND[key](survey)) if is_open and key in _FOUND else ())


_FOUND: Mapping[str, Callable[[Survey], Collection[Definition | str]]] = {
    "src": lambda survey: [toml.written(survey.roots)] if survey.roots else [],
    "session-factories": lambda survey: survey.of("factory"),
    "session-helpers": lambda survey: survey.of("helper"),
    "helper": lambda survey: survey.helper,
    "session-modules": lambda survey: survey.of("module"),
    "task-registrars": lambda survey: survey.of("registrar"),
    "asyncpg-version": lambda survey: survey.asyncpg,
}


def value_of(settings: Settings, key: str) -> object:
    """The value of a key as TOML has it; None where it has none."""
    if key == "per-file-ignores":
        return {entry.pattern: list(entry.codes) for entry in settings.per_file_ignores}
    holder: object = settings
    for part in key.replace("-", "_").split("."):
        holder = getattr(holder, part)
    return _as_toml(holder)


def _as_toml(value: object) -> object:
    """A value of the settings as TOML has it."""
    if isinstance(value, tuple):
        return [registrar_as_toml(item) if isinstance(item, Registrar) else item for item in value]
    return value


def registrar_as_toml(registrar: Registrar) -> object:
    """A registrar as a name, or as a table where it is more than that."""
    table: dict[str, object] = {"name": registrar.name}
    if registrar.argument != 0:
        table["argument"] = registrar.argument
    if registrar.session is not None:
        table["session"] = registrar.session
    return table if len(table) > 1 else registrar.name
