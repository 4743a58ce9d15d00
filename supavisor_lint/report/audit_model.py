"""The inventory of background tasks, as plain data: what the renderers of `audit` show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from supavisor_lint.findings import Finding

Pattern: TypeAlias = Literal["helper", "getter", "factory", "parameter", "callee", "none"]
"""How a task gets its session. "parameter" means somebody else's: handed over, captured, or kept by its object."""

Priority: TypeAlias = Literal["high", "medium", "low"]

PATTERNS: tuple[Pattern, ...] = ("helper", "getter", "factory", "parameter", "callee", "none")
PRIORITIES: tuple[Priority, ...] = ("high", "medium", "low")
MEANINGS: dict[Pattern, str] = {
    "helper": "from a session helper",
    "getter": "from a raw getter or a dependency",
    "factory": "from a session factory or class",
    "parameter": "somebody else's",
    "callee": "in the functions that it calls",
    "none": "none seen",
}

Where: TypeAlias = Callable[[str, int], str]
"""Takes a path (relative to the root, POSIX) and a line; gives the place as the reader wants to see it."""


@dataclass(frozen=True, slots=True)
class AuditedRegistration:
    """One place that makes a function a background task. `path` is relative and POSIX, `line` counts from 1.

    `how` names the mechanism; `kind` says who starts the task: "request", "loop", "schedule", "queue" or "other";
    `target` is how the function is written there, where it could not be found.
    """

    path: str
    line: int
    how: str
    kind: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class AuditedSession:
    """One session that a task works with: where it comes in, how, and the dotted name of what gives it ("" unknown)."""

    path: str
    line: int
    pattern: Pattern
    name: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the fixes, unsafe ones too, would make of a task: a unified diff, or the reason why there is none."""

    diff: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AuditedTask:
    """One background task.

    `function` is the qualname; `code` are the lines of its definition, from `first_line` on; `findings` are those in
    it and at its registrations, `suppressed` the codes under a noqa there; `reasons` explain the priority; `proposal`
    is None where none was asked for.
    """

    function: str
    path: str
    line: int
    registrations: tuple[AuditedRegistration, ...]
    session: Pattern
    helper: str | None
    sessions: tuple[AuditedSession, ...]
    phases: int
    inner_handler: bool
    failure_status: bool
    outer_handler: bool
    start_log: bool
    findings: tuple[Finding, ...]
    suppressed: tuple[str, ...]
    priority: Priority
    reasons: tuple[str, ...]
    first_line: int
    code: tuple[str, ...]
    proposal: Proposal | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its findings, each once, sorted."""
        return tuple(sorted({finding.code for finding in self.findings}))

    @property
    def compliant(self) -> bool:
        """Whether there is nothing to report of it."""
        return not self.findings

    @property
    def handlers(self) -> tuple[str, ...]:
        """The handlers that it has, in the template's order."""
        named = (("inner", self.inner_handler), ("status", self.failure_status), ("outer", self.outer_handler))
        return tuple(name for name, there in named if there)


@dataclass(frozen=True, slots=True)
class Inventory:
    """All background tasks of a project, the most urgent first.

    `unresolved` are registrations of functions that could not be found; `files` counts the files asked for, `failed`
    those that could not be read or parsed.
    """

    tasks: tuple[AuditedTask, ...]
    unresolved: tuple[AuditedRegistration, ...]
    files: int
    failed: int

    def with_pattern(self, pattern: Pattern) -> tuple[AuditedTask, ...]:
        """The tasks that get their session in one way."""
        return tuple(task for task in self.tasks if task.session == pattern)

    def with_priority(self, priority: Priority) -> tuple[AuditedTask, ...]:
        """The tasks of one priority."""
        return tuple(task for task in self.tasks if task.priority == priority)

    @property
    def compliant(self) -> int:
        """How many tasks there is nothing to report of."""
        return sum(1 for task in self.tasks if task.compliant)

    @property
    def findings(self) -> int:
        """How many findings the tasks have together."""
        return len({finding for task in self.tasks for finding in task.findings})
