"""What a survey finds and advises, as plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["factory", "helper", "getter", "dependency", "module", "registrar"]


@dataclass(frozen=True, slots=True, order=True)
class Definition:
    """Something that the project defines.

    `path` is relative to the root and POSIX, `line` and `column` count from 1; `module` is dotted, as the project's own
    imports spell it, `name` qualified within it ("" for the module itself); `remark` says more, in a few words.
    """

    path: str
    line: int
    column: int
    module: str
    name: str
    role: Role
    remark: str = ""

    @property
    def dotted(self) -> str:
        """The name that settings know it by."""
        return f"{self.module}.{self.name}" if self.name else self.module


@dataclass(frozen=True, slots=True, order=True)
class BackgroundTask:
    """A background task by its qualified name; `how` are the mechanisms that make it one."""

    path: str
    line: int
    column: int
    name: str
    how: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All that is found by definition.

    `roots` are folders that imports start from ("." for the root itself), `helper` is the helper that rewrites import,
    or the reason why there is none, `asyncpg` what the requirement files say of its version, with the file; `files`
    counts the Python files of the project; `remarks` say, in a line each, what the settings name and nothing is, and
    which files cannot be read that others need.
    """

    definitions: tuple[Definition, ...] = ()
    tasks: tuple[BackgroundTask, ...] = ()
    roots: tuple[str, ...] = ()
    helper: tuple[Definition | str, ...] = ()
    asyncpg: tuple[str, ...] = ()
    files: int = 0
    remarks: tuple[str, ...] = ()

    def of(self, *roles: Role) -> tuple[Definition, ...]:
        """The definitions that play one of some roles, in order."""
        return tuple(found for found in self.definitions if found.role in roles)

    @property
    def is_empty(self) -> bool:
        """Whether nothing here opens a session or runs in the background."""
        return not self.definitions and not self.tasks


@dataclass(frozen=True, slots=True)
class Wanted:
    """A setting that tells what no definition tells: its key, its value as TOML has it, and why it is wanted."""

    key: str
    value: object
    why: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What the settings should say, in the order of the documentation, and remarks for people, one line each."""

    wanted: tuple[Wanted, ...] = ()
    notes: tuple[str, ...] = ()
