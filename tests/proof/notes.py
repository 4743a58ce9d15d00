"""What one run of a task does, as it is noted: statements, commits, plain calls, and the steps where faults stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from judge.recorder import Decisions

Step = Literal["statement", "commit", "call", "work"]
"""What may fail: a `call` only says something (print, log), `work` is what a task is there for (fetch, fail)."""
Faults = Mapping[int, type[BaseException]]
"""By the number of a step: how it fails."""

_ADDRESS = re.compile(r"0x[0-9a-f]+")
_READS = ("SELECT", "BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT")


@dataclass(frozen=True, slots=True)
class Run:
    """What one run has done. `doomed` is the length of the trace when the session was first used as it can only fail,
    `rolled_back` when a session was first rolled back by the task itself, `struck` when each fault struck.

    `trace` is what happened, in order; `steps` are the places for faults; `flags` are the answers that it got.
    """

    flags: tuple[bool, ...]
    trace: tuple[tuple[Any, ...], ...]
    steps: tuple[Step, ...]
    escaped: str
    result: str
    rows: tuple[Any, ...]
    status: str
    left_out: int
    doomed: int | None
    rolled_back: int | None
    struck: tuple[int, ...]


@dataclass
class Notes:
    """What the run that is going on has done so far."""

    decisions: Decisions
    faults: Faults
    trace: list[tuple[Any, ...]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    doomed: int | None = None
    rolled_back: int | None = None
    struck: list[int] = field(default_factory=list)
    count: int = 0

    def step(self, kind: Step) -> type[BaseException] | None:
        """A place for a fault; the error if it is one that fails."""
        self.steps.append(kind)
        error = self.faults.get(len(self.steps) - 1)
        if error is not None:
            self.struck.append(len(self.trace))
        return error

    def could_only_fail(self) -> None:
        """Note that a session was used as none can be: a transaction has begun already, is aborted or closed."""
        if self.doomed is None:
            self.doomed = len(self.trace)

    def expired(self) -> None:
        """Note that a session was rolled back."""
        if self.rolled_back is None:
            self.rolled_back = len(self.trace)

    def number(self) -> int:
        """A number that is new in this run."""
        self.count += 1
        return self.count


def plain(value: object) -> str:
    """A value as text, without addresses."""
    return _ADDRESS.sub("0x", str(value))


def only_reads(statement: str) -> bool:
    """Whether a statement changes nothing."""
    return statement.lstrip().partition(" ")[0].upper() in _READS
