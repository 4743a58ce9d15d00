"""Objects that are read behind the session's end: the helper's commit expires them, a bare session does not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
from project_support import SESSION_MODULE
from swap_support import KEEPING, function, verdict

READ = {
    "all of a result": ("jobs = (await session.scalars(select(Job))).all()", "print(jobs[0].status)"),
    "rows of objects": ("rows = (await session.execute(select(Job))).all()", "print(rows[0].Job.status)"),
    "the greatest of all": (
        "jobs = (await session.scalars(select(Job))).all()\njob = max(jobs, key=lambda j: j.id)",
        "print(job.status)",
    ),
    "unpacked": ("first, *rest = (await session.scalars(select(Job))).all()", "print(first.status, rest)"),
    "the last one of a loop": ("for job in (await session.scalars(select(Job))).all():\n    pass", "print(job.status)"),
    "what a pattern binds": (
        "match await session.get(Job, job_id):\n    case None:\n        return\n    case job:\n        pass",
        "print(job.status)",
    ),
    "a lambda": ("job = await session.get(Job, job_id)\nshow = lambda: job.status", "print(show())"),
    "a nested function": (
        "job = await session.get(Job, job_id)\ndef show():\n    return job.status",
        "print(show())",
    ),
    "a generator": (
        "jobs = (await session.scalars(select(Job))).all()\nfound = (job.status for job in jobs)",
        "print(list(found))",
    ),
}


def _work(inside: str, behind: str) -> str:
    return function(f"async with async_session_factory() as session:\n{indent(dedent(inside), '    ')}\n{behind}")


@pytest.mark.parametrize("name", READ)
def test_an_object_that_is_read_later_would_have_expired(tmp_path: Path, name: str) -> None:
    said = verdict(tmp_path, _work(*READ[name]), session_module=SESSION_MODULE)
    assert "reads what the session has loaded, behind its end" in said


@pytest.mark.parametrize("name", READ)
def test_it_is_safe_where_a_commit_expires_nothing(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, _work(*READ[name]), session_module=KEEPING) == "safe"


PLAIN = {
    "columns": ("rows = (await session.execute(select(Job.id, Job.status))).all()", "print(rows[0].status)"),
    "a count": ("number = len((await session.scalars(select(Job))).all())", "print(number)"),
    "whether all are done": (
        "done = all(job.status == 'done' for job in (await session.scalars(select(Job))).all())",
        "print(done)",
    ),
    "a lambda of something else": ("await session.get(Job, job_id)\nshow = lambda: job_id", "print(show())"),
    "a function of something else": (
        "await session.get(Job, job_id)\ndef show():\n    return job_id",
        "print(show())",
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_values_are_no_objects(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, _work(*PLAIN[name]), session_module=SESSION_MODULE) == "safe"
