"""Runs a rewritten task with a fault at each statement of its work: does its row end as failed?"""

from __future__ import annotations

import asyncio
import random
import zlib

from .compare import Difference
from .notes import Run, Step
from .rewriting import Rewritten
from .stage import Stage
from .trial import FAULTS, Inputs

_WORK: tuple[Step, ...] = ("statement", "commit", "work")
_NEEDED = frozenset({"SUP401", "SUP402", "SUP403", "SUP404"})


def is_template(one: Rewritten) -> bool:
    """Whether a task was given handlers, and follows the template now as far as they go."""
    return bool(_NEEDED & set(one.codes)) and not any(code in _NEEDED for code, _ in one.declined)


def stuck(stage: Stage, text: str, most_runs: int) -> Difference | None:
    """The first run after which the row is neither completed nor failed, or completed though the work has failed."""
    task = stage.task(text)
    inputs: list[Run] = []
    for flags in Inputs(inputs):
        inputs.append(stage.run(task, flags, {}))
        if inputs[-1].status not in ("completed", "failed") or inputs[-1].left_out:
            return Difference("stuck", flags, (), "", inputs[-1].status)
    choice = random.Random(zlib.crc32(text.encode()))
    well = [run for run in inputs if run.status == "completed"]  # of the others, the handler's steps are no work
    places = [(run, n, step) for run in well for n, step in enumerate(run.steps) if step in _WORK]
    choice.shuffle(places)
    for run, number, step in places[:most_runs]:
        error = choice.choice([error for error in FAULTS[step] if error is not asyncio.CancelledError])
        after = stage.run(task, run.flags, {number: error})
        if after.status != "failed":
            return Difference("stuck", run.flags, ((number, error.__name__),), run.status, after.status)
        if after.left_out:
            return Difference("connection left out", run.flags, ((number, error.__name__),), "0", str(after.left_out))
    return None
