"""SUP101 on a session that something in the function may use at a time of its own: the reason says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from swap_support import function, verdict

CAPTURED = {
    "a generator expression": "await asyncio.gather(*(step(session, number) for number in job_id))",
    "a lambda": "await job_id.run(lambda: session.execute(select(Job)))",
    "a nested function": "async def later():\n        await session.execute(select(Job))\n\n    await later()",
}
AT_ONCE = {
    "a list": "rows = [await session.get(Job, number) for number in job_id]",
    "a set inside a list": "rows = [{await session.scalar(select(n)) for n in number} for number in job_id]",
}


def work(statement: str) -> str:
    """A module whose function holds a statement (its further lines indented by 4) in the session's block."""
    return function(f"async with async_session_factory() as session:\n    {statement}")


@pytest.mark.parametrize("name", AT_ONCE)
def test_what_runs_on_the_spot_is_no_other_code(tmp_path: Path, name: str) -> None:
    assert "uses the session" not in verdict(tmp_path, work(AT_ONCE[name]))


@pytest.mark.parametrize("name", CAPTURED)
def test_what_may_use_the_session_later_is_named(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, work(CAPTURED[name])).startswith(f"no fix: {name} uses the session (line 1")
