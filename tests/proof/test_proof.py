"""Generated tasks before and after their safe rewrites: the same, on every input and with a fault at each step.

The long run is `python -m tests.proof --programs 10000 --seed 1 --jobs 2`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pooler.servers import started, why_not

from .court import difference, report
from .on_pooler import PooledStage
from .on_sqlite import SqliteStage
from .rewriting import Rewritten, rewritten
from .stage import Stage
from .tasks import kind_of, task_text

SEED = 0
TASKS = 200
"""How many rewritten tasks are run."""
RUNS = 12
"""How many runs of each text are made at most."""
POOLED_TASKS, POOLED_RUNS = 25, 12
BATCH = 50
FIXED_AGAIN = 50
"""How many tasks are fixed a second time."""


@pytest.fixture(scope="module", name="tasks")
def tasks_fixture() -> list[Rewritten]:
    """Tasks in the order of their numbers, as many as hold TASKS rewritten ones."""
    tasks: list[Rewritten] = []
    while sum(one.changed for one in tasks) < TASKS:
        assert len(tasks) < 10 * TASKS, "too few tasks are rewritten"
        texts = [task_text(SEED, len(tasks) + number) for number in range(BATCH)]
        tasks += rewritten(texts, again=len(tasks) < FIXED_AGAIN)
    return tasks


@pytest.fixture(scope="module", name="stage")
def stage_fixture() -> Iterator[Stage]:
    made = SqliteStage()
    yield made
    made.close()


@pytest.fixture(scope="module", name="pooled")
def pooled_fixture() -> Iterator[Stage]:
    pytest.importorskip("asyncpg")
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with started() as servers:
        made = PooledStage(servers)
        yield made
        made.close()


def test_the_texts_are_in_order(tasks: list[Rewritten]) -> None:
    """They compile, no comment is lost, a second run changes nothing, and no guard had to step in."""
    assert [f"{n}: {one.fault}" for n, one in enumerate(tasks) if one.fault is not None] == []


def test_more_than_half_of_the_tasks_written_in_a_hurry_are_rewritten(tasks: list[Rewritten]) -> None:
    hurried = [one.changed for number, one in enumerate(tasks) if kind_of(number) == "hurried"]
    assert sum(hurried) > len(hurried) / 2, f"{sum(hurried)} of {len(hurried)}"


def test_rewritten_tasks_do_the_same(tasks: list[Rewritten], stage: Stage) -> None:
    _assert_same(tasks, stage, TASKS, RUNS)


def test_rewritten_tasks_do_the_same_behind_the_pooler(tasks: list[Rewritten], pooled: Stage) -> None:
    _assert_same(tasks, pooled, POOLED_TASKS, POOLED_RUNS)


def _assert_same(tasks: list[Rewritten], stage: Stage, most: int, runs: int) -> None:
    changed = [(number, one) for number, one in enumerate(tasks) if one.changed][:most]
    wrong = [(number, one, found) for number, one in changed if (found := difference(stage, one, runs)) is not None]
    if wrong:
        reports = [f"task {number}: {report(stage, one, found)}" for number, one, found in wrong[:3]]
        pytest.fail(f"{len(wrong)} of {len(changed)} tasks\n" + "\n\n".join(reports), pytrace=False)


def test_tasks_are_valid_and_the_same_again() -> None:
    texts = [task_text(7, number) for number in range(200)]
    assert texts == [task_text(7, number) for number in range(200)]
    for text in texts:
        compile(text, "<task>", "exec")
