"""The generated tasks by their numbers: three of four written in a hurry, the others as the flow tests write them."""

from __future__ import annotations

import random

from .flow_tasks import flow_task
from .hurried import hurried_task
from .layout import laid_out


def kind_of(number: int) -> str:
    """Which generator writes a task."""
    return "flow" if number % 4 == 3 else "hurried"


def task_text(seed: int, number: int) -> str:
    """The text of the task with a number, of the sequence that a seed gives."""
    source = random.Random(f"proof {seed}/{number}")

    def pick(n: int) -> int:
        return int(source.random() * n)

    lines = flow_task(pick) if kind_of(number) == "flow" else hurried_task(pick)
    return laid_out(lines, pick)
