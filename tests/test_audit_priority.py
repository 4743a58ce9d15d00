"""What is to be mended first, and how: the priority of a task, and the change that is proposed for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_support import HEAD, around, inventory, task

from supavisor_lint.audit.priority import Signs, priority_of

# -------------------------------------------------------------------------------------------------------- the priority

QUIET = Signs(frozenset(), False, False, False, 1)
PRIORITIES = [
    ("low", QUIET),
    ("low", Signs(frozenset({"warning"}), False, False, True, 1)),
    ("medium", Signs(frozenset({"warning"}), False, True, True, 1)),
    ("medium", Signs(frozenset({"error"}), False, False, False, 1)),
    ("medium", Signs(frozenset({"error", "warning"}), False, False, True, 1)),
    ("high", Signs(frozenset({"error"}), False, False, True, 2)),
    ("high", Signs(frozenset({"error"}), True, False, False, 1)),
    ("high", Signs(frozenset({"warning"}), True, True, True, 1)),
    ("low", Signs(frozenset({"info"}), False, False, False, 3)),
    ("low", Signs(frozenset(), True, True, True, 7)),
]


@pytest.mark.parametrize(("priority", "signs"), PRIORITIES)
def test_the_priority_follows_from_the_signs(priority: str, signs: Signs) -> None:
    assert priority_of(signs)[0] == priority


def test_the_reasons_name_every_sign() -> None:
    _, reasons = priority_of(Signs(frozenset({"error", "warning"}), True, True, True, 3))
    assert reasons == (
        "a finding is an error",
        "nothing logs its failure",
        "no handler sets its status to failed",
        "nobody starts it again",
        "3 registrations",
    )


def test_a_scheduler_logs_and_repeats_what_a_bare_task_loses(tmp_path: Path) -> None:
    body = "async with get_session() as s:\n        await s.execute(q)"
    code = around(body)
    bare = task(tmp_path / "bare", code)
    scheduled = task(
        tmp_path / "scheduled",
        code.replace("asyncio.create_task(work(q))", "scheduler.add_job(work, args=[q])"),
    )
    assert {"nothing logs its failure", "nobody starts it again"} <= set(bare.reasons)
    assert not {"nothing logs its failure", "nobody starts it again"} & set(scheduled.reasons)


# -------------------------------------------------------------------------------------------------------- the proposals


def test_a_proposal_holds_the_task_s_own_change_and_its_import_only(tmp_path: Path) -> None:
    code = (
        HEAD
        + """
from app.session import async_session_factory


async def one(q):
    async with async_session_factory() as session, session.begin():
        await session.execute(q)


async def two(q):
    async with async_session_factory() as session, session.begin():
        await session.execute(q)


asyncio.ensure_future(one(1))
asyncio.ensure_future(two(1))
"""
    )
    found = {t.function: t for t in inventory(tmp_path, {"app/tasks.py": code}, proposals=True).tasks}
    diff = found["one"].proposal.diff if found["one"].proposal else ""
    assert diff.startswith("--- a/app/tasks.py\n+++ b/app/tasks.py\n")
    assert "-from app.session import async_session_factory\n" in diff
    assert diff.count("get_session() as session") == 1
    assert "async def one" in diff
    assert (tmp_path / "app" / "tasks.py").read_text("utf-8") == code


def test_a_task_without_a_fix_has_no_proposal(tmp_path: Path) -> None:
    code = (
        HEAD
        + """
from sqlalchemy.ext.asyncio import AsyncSession


async def work(session: AsyncSession):
    await session.execute(1)


async def endpoint(session: AsyncSession):
    asyncio.create_task(work(session))
"""
    )
    (found,) = inventory(tmp_path, {"app/tasks.py": code}, proposals=True).tasks
    assert found.codes == ("SUP202",)
    assert found.proposal is None
