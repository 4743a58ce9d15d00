"""The pen that writes a program: lines, indentation, fresh names, and choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

Pick = Callable[[int], int]
"""A choice: a number from 0, below the argument; small numbers are the simple choices."""

T = TypeVar("T")

MOST_FLAGS = 5
DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Names:
    """What a statement may use: sessions, objects and lists of objects (surely bound), and where it stands."""

    sessions: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    blocks: frozenset[str] = frozenset()
    loop: bool = False
    is_task: bool = True
    depth: int = 0


Statement = Callable[["Writer", Names], "Names | None"]
"""Writes one statement; gives the names after it, or None when nothing may follow."""

Menu = Callable[["Writer", Names], Sequence[tuple[int, Statement]]]
"""The statements that are possible at a place, with their weights."""


@dataclass
class Writer:
    """Writes one program of about `left` statements."""

    pick: Pick
    left: int
    menu: Menu
    style: str
    lines: list[str] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)
    indent: int = 1
    count: int = 0
    flags: int = 0

    def line(self, text: str) -> None:
        """Write a line."""
        self.lines.append("    " * self.indent + text)

    def one_of(self, options: Sequence[T]) -> T:
        """Choose."""
        return options[self.pick(len(options))]

    def chance(self, percent: int) -> bool:
        """Yes, in so many of 100 cases."""
        return self.pick(100) >= 100 - percent

    def name(self, stem: str) -> str:
        """A name that is used nowhere else."""
        self.count += 1
        return f"{stem}_{self.count}"

    def flag(self) -> str:
        """A question that is asked nowhere else."""
        self.flags += 1
        return f"flags[{self.flags - 1}]"

    @property
    def may_ask(self) -> bool:
        """Whether there may be more questions: each doubles the number of inputs."""
        return self.flags < MOST_FLAGS

    def body(self, names: Names, most: int = 4) -> Names:
        """Some statements, one level deeper; at least one. What they bind is known only inside."""
        self.indent += 1
        inner = replace(names, depth=names.depth + 1)
        start = len(self.lines)
        for _ in range(1 + self.pick(most)):
            if self.left <= 0:
                break
            after = self.statement(inner)
            if after is None:
                break
            inner = after
        if len(self.lines) == start:
            self.line('log("nothing")')
        self.indent -= 1
        return inner

    def statement(self, names: Names) -> Names | None:
        """One statement of the menu."""
        self.left -= 1
        options = self.menu(self, names)
        number = self.pick(sum(weight for weight, _ in options))
        for weight, option in options:
            number -= weight
            if number < 0:
                return option(self, names)
        raise AssertionError(number)
