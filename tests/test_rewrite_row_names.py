"""Rows by other names: what is changed between two commits belongs to the phase, however the row was called before."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewrite_runs import ends, project
from rewrite_support import fix_project, rewritten

TASK = """import functools

async def put(session, line):
    session.add(line)


def finish(job):
    if isinstance(job, list):
        job = job[0]
    job.status = "finished"


class Count:
    done = 0


async def work_with_own_session(job_id):
    async with get_session() as session:
"""
AFTER = """
        await session.commit()
        {change}
        await step()
        session.add(Line(text="x"))
        await session.commit()
"""

NO_ROWS = {
    "an object of a class without a table": ("count = Count()\n        session.add(Line(text='a'))", "count.done = 1"),
    "the task's own dict": ("found = {}\n        session.add(Line(text='a'))", "found['a'] = 1"),
    "a plain value of a row": ("job = await session.get(Job, 1)\n        url = job.url", "plain(url)"),
    "a value of a result's row": ("row = (await session.execute(select(Job.id, Job.url))).first()", "plain(row[1])"),
    "a name beside a row in a tuple": (
        "job = await session.get(Job, 1)\n        key = job.url\n        pairs = []\n        pairs.append((key, job))",
        "plain(key)",
    ),
}


@pytest.mark.parametrize("name", NO_ROWS)
def test_what_is_no_row_stays_outside_of_the_phases(tmp_path: Path, name: str) -> None:
    before, change = NO_ROWS[name]
    files = project(TASK + f"        {before}" + AFTER.format(change=change))
    after = rewritten(tmp_path, files, "app/work.py", select=("SUP304",))
    assert f"\n        {change}\n" in after and after.count("session.begin()") == 2
    assert ends(after, files, tmp_path, (1,)) == ends(files["app/work.py"], files, tmp_path, (1,))


ROWS = {
    "the rest of an unpacking": (
        "first, *rest = (await session.scalars(select(Job).order_by(Job.id))).all()",
        "for job in rest: job.status = 'r'",
    ),
    "unpacked in a loop's head": (
        "jobs = (await session.scalars(select(Job))).all()",
        "for n, (job, other) in enumerate(zip(jobs, jobs)): plain(functools.partial(setattr, other)('status', 'r'))",
    ),
    "another name for what is added": ("line = Line(text='a')\n        other = line\n        session.add(other)", "{}"),
    "an element of a list that is added": (
        "line = Line(text='a')\n        lines = [line, Line(text='b')]\n        session.add_all(lines)",
        "{}",
    ),
    "in a list that a function is given": ("job = await session.get(Job, 1)", "finish([job])"),
    "an element that a function is given": ("jobs = (await session.scalars(select(Job))).all()", "finish(*jobs[:1])"),
    "what a list was given that is added": (
        "line = Line(text='a')\n        lines = []\n        lines.append(line)\n        session.add_all(lines)",
        "{}",
    ),
    "the list whose elements are added": (
        "line = [Line(text='a')]\n        for one in line: session.add(one)",
        "setattr(line[0], 'text', 'r')",
    ),
    "an element by its number": (
        "line = [Line(text='a')]\n        session.add(line[0])",
        "setattr(line[0], 'text', 'r')",
    ),
    "unpacked in the call": (
        "line = [Line(text='a')]\n        session.add_all([*line])",
        "setattr(line[0], 'text', 'r')",
    ),
    "the values of a dict": (
        "line = {0: Line(text='a')}\n        session.add_all(line.values())",
        "setattr(line[0], 'text', 'r')",
    ),
    "elements of a generator": (
        "line = [Line(text='a')]\n        session.add_all(one for one in line)",
        "setattr(line[0], 'text', 'r')",
    ),
    "one of two": (
        "line, other = Line(text='a'), Line(text='b')\n        session.add(line if job_id else other)",
        "{}",
    ),
    "bound in the call": ("session.add(line := Line(text='a'))", "{}"),
    "added by a function": ("line = Line(text='a')\n        await put(session, line)", "line.text = 'r'"),
    "a method that is called later": (
        "job = await session.get(Job, 1)\n        change = job.__setattr__",
        "change('status', 'r')",
    ),
    "kept in an object by `setattr`": (
        "box = functools.partial(plain)\n        setattr(box, 'job', await session.get(Job, 1))",
        "box.job.status = 'r'",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_by_another_name_is_changed_inside_of_a_phase(tmp_path: Path, name: str) -> None:
    before, change = ROWS[name]
    change = change.replace("{}", "setattr(line, 'text', 'r')")
    files = project(TASK + f"        {before}" + AFTER.format(change=change))
    after = rewritten(tmp_path, files, "app/work.py", select=("SUP304",))
    assert f"\n            {change}\n" in after and after.count("session.begin()") == 2
    assert ends(after, files, tmp_path, (1,)) == ends(files["app/work.py"], files, tmp_path, (1,))


def test_rows_in_the_body_of_a_class_are_not_followed(tmp_path: Path) -> None:
    body = "job = await session.get(Job, 1)\n        class Box:\n            kept = job"
    files = project(TASK + f"        {body}" + AFTER.format(change="Box.kept.status = 'r'"))
    found = fix_project(tmp_path, files, select=("SUP304",)).result.findings
    assert found and all("`Box` is made of objects of `session`" in (f.no_fix_reason or "") for f in found)
