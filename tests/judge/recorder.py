"""What one run has done so far: its decisions, its writes and its events. One recorder is current at a time."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .driver import Faults
from .events import Event, Kind
from .lines import Lines

PROGRAM = "<program>"
"""The file name under which a program is compiled."""

MOST_TIMES = 2
"""How often one question is answered with yes: loops end."""


class Mark(str):
    """A status that no other write of the run uses."""

    lines: tuple[int, ...] = ()
    """Where it was made."""


class Decisions:
    """The program's `flags`: each read is a free choice. The first ones are given, the rest are no."""

    def __init__(self, given: tuple[bool, ...] = ()) -> None:
        self._given = given
        self._yes: dict[int, int] = {}
        self.taken: list[bool] = []

    def __getitem__(self, index: int) -> bool:
        if self._yes.get(index, 0) >= MOST_TIMES:
            return False
        count = len(self.taken)
        answer = self._given[count] if count < len(self._given) else False
        self.taken.append(answer)
        self._yes[index] = self._yes.get(index, 0) + answer
        return answer


@dataclass(eq=False)
class Write:
    """A write that the program made: its unique value, where, in which root transaction, on which row.

    One that `hits` no row leaves nothing to look for. What is set on an object waits until it is `flushed`.
    """

    value: str
    lines: tuple[int, ...]
    time: int
    root: Any
    row: int | None
    target: Any = None
    hits: bool = True
    flushed: bool = False
    successor: Write | None = None


@dataclass
class Recorder:
    """One run. `readers` are connections of their own, which see only what is committed."""

    lines: Lines
    decisions: Decisions
    faults: Faults
    readers: Mapping[str, sqlite3.Connection]
    events: list[Event] = field(default_factory=list)
    errors: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    mark: Mark = field(default_factory=Mark)
    """The newest mark."""
    books: list[Any] = field(default_factory=list)
    saved: list[int] = field(default_factory=list)
    entered: set[str | int] = field(default_factory=set)
    spoiled: bool = False
    no_rows: bool = False
    """Whether the tables are empty: an update that hits nothing stands for one that would."""
    reads_pass: bool = False
    """Whether reads of expired attributes are let pass."""
    time: int = 0

    def tick(self) -> int:
        """A new moment, later than all before."""
        self.time += 1
        return self.time

    def error(self, lines: tuple[int, ...]) -> None:
        """Note that an exception was raised."""
        self.errors.append((self.tick(), lines))

    def event(
        self,
        kind: Kind,
        lines: tuple[int, ...],
        causes: tuple[int, ...] = (),
        failed: tuple[int, ...] = (),
        within: int = 0,
        required: bool = True,
        text: str = "",
        reads: bool = False,
    ) -> None:
        """Note what went wrong, once for each place; nothing counts behind what only SQLite does."""
        if self.spoiled:
            return
        start = self.lines.start
        event = Event(
            kind,
            tuple(map(start, lines)),
            tuple(map(start, causes)),
            tuple(map(start, failed)),
            within,
            required,
            text.partition("\n")[0][:100],
            reads,
        )
        if not any((e.kind, e.lines) == (kind, event.lines) and e.required >= required for e in self.events):
            self.events.append(event)

    def is_committed(self, database: str, value: str) -> bool:
        """Whether a written value has reached the database for good."""
        found = self.readers[database].execute("SELECT 1 FROM journal WHERE value = ?", (str(value),)).fetchone()
        return found is not None

    def errors_since(self, time: int) -> list[tuple[int, ...]]:
        """The lines of the exceptions that were raised after a moment."""
        return [lines for moment, lines in self.errors if moment > time]

    def handler_knows(self, write: Write) -> bool:
        """Whether an exception left a `try` body that holds the write: its handler knows that the work is undone."""
        return any(
            self.lines.share_try(one, other)
            for lines in self.errors_since(write.time)
            for one in write.lines
            for other in lines
        )


class _Now:
    recorder: Recorder


NOW = _Now()
"""Holds the recorder of the run that is going on."""


def stack(depth: int = 2) -> tuple[int, ...]:
    """The lines of the program on the stack, innermost first."""
    frame = sys._getframe(depth)
    lines: list[int] = []
    at: Any = frame
    while at is not None:
        if at.f_code.co_filename == PROGRAM:
            lines.append(at.f_lineno)
        at = at.f_back
    return tuple(lines)


def is_called_by_program(depth: int = 2) -> bool:
    """Whether the nearest caller is the program itself, not a helper of the prelude or SQLAlchemy."""
    return sys._getframe(depth).f_code.co_filename == PROGRAM


def may_fail() -> None:
    """A call that is a place for a fault: it may raise what has nothing to do with the database."""
    if NOW.recorder.faults.step() is ValueError:
        NOW.recorder.error(stack(3))
        raise ValueError("the call failed")
