"""Both texts of a task on the same inputs and with the same faults, until something differs."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .compare import Difference, differs
from .notes import Run, Step
from .stage import Stage

MOST_INPUTS = 24
"""How many inputs of one task are tried at most."""

_STATEMENT_FAULTS: tuple[type[BaseException], ...] = (sqlite3.OperationalError, sqlite3.IntegrityError)
FAULTS: dict[Step, tuple[type[BaseException], ...]] = {
    "statement": (*_STATEMENT_FAULTS, ValueError, asyncio.CancelledError),
    "commit": _STATEMENT_FAULTS,
    "call": (ValueError, asyncio.CancelledError),
    "work": (ValueError, asyncio.CancelledError),
}
"""How a step may fail: the first one is always tried, one of the others as well."""

Faults = dict[int, type[BaseException]]


@dataclass(frozen=True, slots=True)
class Trial:
    """How many runs there were of each text, and the first difference."""

    runs: int
    difference: Difference | None


def tried(stage: Stage, before: str, after: str, most_runs: int) -> Trial:
    """Run both texts on every input without a fault, then with a fault at each step, then with pairs of faults."""
    choice = random.Random(zlib.crc32(before.encode()))
    old, new = stage.task(before), stage.task(after)
    runs = 0
    inputs: list[Run] = []
    for flags in Inputs(inputs):
        runs += 1
        first = stage.run(old, flags, {})
        inputs.append(first)
        found = _difference(first, stage.run(new, flags, {}), {})
        if found is not None:
            return Trial(runs, found)
    second_faults: list[tuple[tuple[bool, ...], Faults]] = []
    for flags, faults in _with_faults(inputs, second_faults, choice):
        if runs >= most_runs:
            break
        runs += 1
        first = stage.run(old, flags, faults)
        found = _difference(first, stage.run(new, flags, faults), faults)
        if found is not None:
            return Trial(runs, found)
        if len(faults) == 1:
            (step,) = faults
            later = enumerate(first.steps[step + 1 :], step + 1)
            second_faults += [(flags, {**faults, number: FAULTS[kind][0]}) for number, kind in later]
    return Trial(runs, None)


class Inputs:
    """The inputs of a task, depth first; each run tells which questions come next."""

    def __init__(self, done: list[Run]) -> None:
        self._done = done

    def __iter__(self) -> Iterator[tuple[bool, ...]]:
        given: tuple[bool, ...] = ()
        for _ in range(MOST_INPUTS):
            yield given
            taken = list(self._done[-1].flags)
            while taken and taken[-1]:
                taken.pop()
            if not taken:
                return
            given = (*taken[:-1], True)


def _with_faults(
    inputs: list[Run], second_faults: list[tuple[tuple[bool, ...], Faults]], choice: random.Random
) -> Iterator[tuple[tuple[bool, ...], Faults]]:
    single: list[tuple[tuple[bool, ...], Faults]] = []
    more: list[tuple[tuple[bool, ...], Faults]] = []
    for run in inputs:
        for number, step in enumerate(run.steps):
            kinds = FAULTS[step]
            single.append((run.flags, {number: kinds[0]}))
            more.append((run.flags, {number: choice.choice(kinds[1:])}))
    choice.shuffle(single)  # the limit of runs cuts off any of them, not always those of the last input
    choice.shuffle(more)
    yield from single[: 2 * len(single) // 3]
    yield from more[: len(more) // 2]
    choice.shuffle(second_faults)
    yield from second_faults[: len(single) // 2 + 10]
    yield from single[2 * len(single) // 3 :]
    yield from more[len(more) // 2 :]
    yield from second_faults[len(single) // 2 + 10 :]


def _difference(before: Run, after: Run, faults: Faults) -> Difference | None:
    found: Any = differs(before, after, len(faults))
    if found is None:
        return None
    named = tuple((step, error.__name__) for step, error in faults.items())
    return Difference(found[0], before.flags, named, found[1], found[2])
