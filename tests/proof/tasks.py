"""The generated tasks by their numbers: three of four written in a hurry, the others as the flow tests write them."""

from __future__ import annotations

import random

from judge.writer import Pick

from .flow_tasks import flow_task
from .hurried import hurried_task
from .layout import laid_out
from .template_tasks import template_task


def kind_of(number: int) -> str:
    """Which generator writes a task."""
    return "flow" if number % 4 == 3 else "hurried"


def task_text(seed: int, number: int) -> str:
    """The text of the task with a number, of the sequence that a seed gives."""
    pick = _picker(f"proof {seed}/{number}")
    lines = flow_task(pick) if kind_of(number) == "flow" else hurried_task(pick)
    return laid_out(lines, pick)


def template_task_text(seed: int, number: int) -> str:
    """The text of a task for the template rewrite."""
    pick = _picker(f"template {seed}/{number}")
    return laid_out(template_task(pick), pick)


def _picker(name: str) -> Pick:
    source = random.Random(name)
    return lambda n: int(source.random() * n)
