"""SUP101 on a session that lasts for all rounds of a loop: a `get()` may have its row at hand from an earlier one."""

from __future__ import annotations

from pathlib import Path

import pytest
from swap_support import function, verdict

ROUNDS = """
async with async_session_factory() as session:
    for number in job_id:
        job = await session.get(Job, number)
{body}
"""
SAFE = {
    "continue with a read alone": """
        if job is None:
            continue
        job.status = "seen"
        await session.commit()
    """,
    "break with a read alone": """
        if job is None:
            break
        job.status = "seen"
        await session.commit()
    """,
    "a commit on a condition": """
        if job is not None:
            job.status = "seen"
            await session.commit()
    """,
}
UNSAFE = {
    "a change behind the commit": (
        """
        if job is None:
            continue
        await session.commit()
        job.status = "seen"
        """,
        "line 19 may not be committed now",
    ),
    "a change before the `continue`": (
        """
        job.status = "seen"
        if job.id == 3:
            continue
        await session.commit()
        """,
        "line 16 may not be committed now",
    ),
    "a function that changes the row": (
        """
        if job is None:
            continue
        touch(job)
        if job.id == 3:
            continue
        await session.commit()
        """,
        "line 18 may not be committed now",
    ),
    "somebody unknown gets the row": (
        """
        if job is None:
            continue
        await session.commit()
        await number.mark(job)
        """,
        "line 19 may not be committed now",
    ),
    "a handler that goes on": (
        """
        try:
            job.status = "seen"
            await session.commit()
        except Exception:
            continue
        """,
        "line 17 may not be committed now",
    ),
    "somebody unknown gets the session": (
        """
        if job is None:
            continue
        await number.mark(session)
        await session.commit()
        """,
        "other code has it as well (line 18), which may leave something to commit",
    ),
    "the raw connection": (
        """
        if job is None:
            continue
        connection = await session.connection()
        await connection.execute(insert(Job))
        """,
        "other code has it as well (line 18)",
    ),
}


def rounds(body: str) -> str:
    """A module whose function loads a job a round, in line 15, and goes on with the body (indented by 8)."""
    touch = '\n\ndef touch(row):\n    row.status = "touched"\n'
    return function(ROUNDS.format(body=body.strip("\n").rstrip())) + touch


@pytest.mark.parametrize("name", SAFE)
def test_a_round_that_leaves_nothing_to_commit_is_safe(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, rounds(SAFE[name])) == "safe"


@pytest.mark.parametrize("name", UNSAFE)
def test_a_round_that_may_leave_something_is_not(tmp_path: Path, name: str) -> None:
    body, reason = UNSAFE[name]
    said = verdict(tmp_path, rounds(body))
    assert said.startswith("unsafe: ") and reason in said
