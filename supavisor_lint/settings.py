"""The settings of one run, as plain frozen data; `sources/config.py` reads them from pyproject.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Profile = Literal["template", "hazards"]
ImportStyle = Literal["function", "module"]
Pooler = Literal["transaction", "auto", "session", "none"]

DEFAULT_EXCLUDE = (
    ".git",
    ".hg",
    ".svn",
    ".tox",
    ".nox",
    ".venv",
    "venv",
    ".eggs",
    "__pycache__",
    "__pypackages__",
    "node_modules",
    "site-packages",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "build",
    "dist",
)


@dataclass(frozen=True, slots=True)
class Registrar:
    """A function named by the settings that makes its argument a background task.

    `name` is dotted; `argument` is the position (0-based) or keyword of the task; `session` the position or keyword
    at which the task is handed a session, or None.
    """

    name: str
    argument: int | str = 0
    session: int | str | None = None


@dataclass(frozen=True, slots=True)
class PerFileIgnore:
    """Codes (or prefixes of codes) that are not reported in the files that match a gitignore-style pattern."""

    pattern: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """`[tool.supavisor-lint.template]`: the statement that records a failure, and the import that it needs."""

    failure_update: str | None = None
    failure_import: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `[tool.supavisor-lint]` can say (design contract, section 9), with its defaults.

    Code lists hold codes or prefixes ("SUP1"); name lists hold dotted or bare names; `task_names` are shell-style
    patterns on the bare function name; paths are relative to the root.
    """

    profile: Profile = "template"
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    per_file_ignores: tuple[PerFileIgnore, ...] = ()
    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    extend_exclude: tuple[str, ...] = ()
    src: tuple[str, ...] | None = None
    session_factories: tuple[str, ...] = ("async_session_factory",)
    session_helpers: tuple[str, ...] = ("get_session",)
    helper: str | None = None
    phase_helpers: tuple[str, ...] = ()
    session_modules: tuple[str, ...] = ()
    task_names: tuple[str, ...] = ("*_with_own_session",)
    task_registrars: tuple[Registrar, ...] = ()
    import_style: ImportStyle = "function"
    pooler: Pooler | None = None
    asyncpg_version: str | None = None
    check_tests: bool = False
    template: Template = Template()

    @property
    def pooler_in_force(self) -> Pooler:
        """The setting `pooler`, or the profile's default for it."""
        return self.pooler or ("auto" if self.profile == "hazards" else "transaction")
