"""A `rollback()` at the head of a handler that begins, or waits, only on some of its paths: others may save work."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
from swap_support import function, verdict

ADDS = "session.add(Job(id=job_id, status='new'))\n        check(job_id)"
FAILED = "await session.execute(update(Job).where(Job.id == job_id).values(status='failed'))"
SECOND = "async with get_session() as second:\n        await second." + FAILED.removeprefix("await session.")


def _work(handler: str, behind: str = "", before: str = ADDS) -> str:
    body = f"""
async with get_session() as session:
    try:
        {before}
        await session.commit()
    except ValueError:
{indent(dedent(handler).strip(), " " * 8)}
{indent(dedent(behind).strip(), " " * 4)}
"""
    head = "async def work_with_own_session(job_id):"
    return "from app.session import get_session\n" + function(body, head)


BEGINS = f"async with session.begin():\n    {FAILED}"
ALWAYS = {
    "at once": BEGINS,
    "behind a log line": f"logger.exception('failed')\n{BEGINS}",
    "in a guard of its own": f"try:\n{indent(BEGINS, '    ')}\nexcept Exception:\n    logger.exception('lost')",
}
SOMETIMES = {
    "in a branch": f"if job_id > 5:\n{indent(BEGINS, '    ')}",
    "beside a commit": f"if job_id > 5:\n{indent(BEGINS, '    ')}\nelse:\n    await session.commit()",
    "behind an early return": f"if job_id > 5:\n    return\n{BEGINS}",
    "in a loop": f"for _ in range(job_id):\n{indent(BEGINS, '    ')}",
    "behind what a guard swallows": (
        f"try:\n    check(job_id)\n{indent(BEGINS, '    ')}\nexcept Exception:\n    logger.exception('lost')"
    ),
}


@pytest.mark.parametrize("name", SOMETIMES)
def test_what_the_handler_leaves_to_be_saved_on_another_path_is_kept(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, _work(SOMETIMES[name]), "SUP406").startswith("unsafe: what the `try` has left half done")


@pytest.mark.parametrize("name", ALWAYS)
def test_a_handler_that_always_begins_could_only_fail(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, _work(ALWAYS[name]), "SUP406") == "safe"


def test_a_branch_behind_what_leaves_nothing_half_done(tmp_path: Path) -> None:
    reads = "job = await session.get(Job, job_id)\n        check(job.status)"
    assert verdict(tmp_path, _work(SOMETIMES["in a branch"], before=reads), "SUP406") == "safe"


LOCKS = FAILED.replace("'failed'", "'busy'") + "\n        check(job_id)"


def test_a_lock_that_is_waited_for_on_every_path(tmp_path: Path) -> None:
    assert verdict(tmp_path, _work(SECOND, before=LOCKS), "SUP406") == "safe"


@pytest.mark.parametrize(
    ("handler", "before"),
    [
        (SECOND, f"session.add(Job(id=job_id, status='new'))\n        {LOCKS}"),
        (f"if job_id > 5:\n{indent(SECOND, '    ')}", LOCKS),
        (f"if job_id > 5:\n    await session.commit()\n{SECOND}", LOCKS),
    ],
)
def test_a_lock_that_is_not_waited_for_on_some_path(tmp_path: Path, handler: str, before: str) -> None:
    assert verdict(tmp_path, _work(handler, before=before), "SUP406").startswith("unsafe: what the `try` has left")
