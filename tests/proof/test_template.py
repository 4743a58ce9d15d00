"""After the template rewrite no job is stuck: whatever statement of the work fails, the row ends as failed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .on_sqlite import SqliteStage
from .rewriting import rewritten
from .stage import Stage
from .tasks import template_task_text
from .template_trial import is_template, stuck

TASKS = 40
RUNS = 25


@pytest.fixture(scope="module", name="stage")
def stage_fixture() -> Iterator[Stage]:
    made = SqliteStage()
    yield made
    made.close()


def test_no_job_is_stuck_after_the_template_rewrite(stage: Stage) -> None:
    tasks = rewritten([template_task_text(0, number) for number in range(TASKS)], unsafe=True)
    assert [f"{n}: {one.fault}" for n, one in enumerate(tasks) if one.fault is not None] == []
    by_template = [one for one in tasks if is_template(one)]
    assert len(by_template) > TASKS / 2
    for one in by_template:
        found = stuck(stage, one.after, RUNS)
        assert found is None, f"{found}\n{one.after}"


def test_a_stuck_job_is_seen(stage: Stage) -> None:
    """Before, most of them are stuck."""
    texts = [template_task_text(0, number) for number in range(10)]
    assert sum(stuck(stage, text, RUNS) is not None for text in texts) > 5
