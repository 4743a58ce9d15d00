"""What may get at the objects of a swapped session and change them, however they are handed over."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewrite_support import fix_project
from swap_support import HEAD, MODELS, project

# A module that says nothing of sessions is not read: what its functions do is not known.
SHAPES = """
def mark(jobs):
    for job in jobs:
        job.status = "seen"
"""

LINES = """

class Line(Base):
    __tablename__ = "lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
"""

WORK = (
    HEAD.lstrip().replace("import asyncio", "import asyncio\nimport functools\nimport json")
    + """from app import shapes
from app.shapes import mark, rank


def tidy(job):
    job.status = job.status.upper()
    return job.status


def plain(job):
    return {"id": job.id, "status": job.status.lower()}


def hand_on(job):
    return mark(job)


def each(jobs, run):
    for job in jobs:
        run(job)


async def beside(session, jobs):
    return [tidy(job) for job in jobs]


async def work(job_id):
    async with async_session_factory() as session:
        job = await session.get(Job, job_id)
        jobs = (await session.scalars(select(Job))).all()
        """
)

CHANGES = [
    "mark([job])",
    "mark((job, 1))",
    "mark([*[job]])",
    "mark(*[job])",
    "mark(jobs=[job])",
    "mark(**{'job': job})",
    "mark({'a': job}.values())",
    "mark({job.id: job for job in jobs})",
    "mark([await session.get(Job, 1)])",
    "shapes.mark([job])",
    "job_id.mark([job])",
    "mark(job if job_id else None)",
    "mark(job.lines)",
    "[tidy(line) for line in job.lines]",
    "pair = (job, 1)\ntidy(pair[0])",
    "box = asyncio.Box(job=job)\ntidy(box.job)",
    "list(map(tidy, (job,)))",
    "list(map(mark, [job]))",
    "len(list(filter(tidy, [job])))",
    "await asyncio.to_thread(tidy, job)",
    "await asyncio.to_thread(mark, [job])",
    "functools.partial(tidy, job)()",
    "functools.partial(mark, [job])()",
    "functools.reduce(lambda _, o: tidy(o), [job], None)",
    "[tidy(o) for o in [job]]",
    "[tidy(o) for group in [[job]] for o in group]",
    "[setattr(o, 'status', 'seen') for o in (job,)]",
    "any(tidy(o) for o in reversed(jobs))",
    "[o.touch() for o in [job]]",
    "for o in [job]:\n    o.touch()",
    "[job][0].touch()",
    "sorted(jobs, key=tidy)",
    "sorted([job], key=tidy)",
    "sorted(jobs, key=rank)",
    "sorted(jobs, key=lambda o: tidy(o))",
    "sorted(jobs, key=lambda o: rank(o))",
    "max([job], key=lambda o: len(tidy(o)))",
    "found = list(jobs)\nfound.sort(key=tidy)",
    "json.dumps([job], default=lambda o: tidy(o))",
    "sorted([1, 2], key=lambda _: tidy(job))",
    "(lambda: mark(job))()",
    "hand_on([job])",
    "each([job], tidy)",
    "await beside(session, [job])",
    "def inner():\n    mark(job)\ninner()",
    "def given():\n    return job\nmark([given()])",
    "match [job]:\n    case [one]:\n        tidy(one)",
    "logger.info('%s', mark([job]))",
]

READS = [
    "logger.info('%s', [job.id])",
    "logger.info('%s', [job])",
    "return [job.id for job in jobs]",
    "mark([job.id for job in jobs])",
    "mark({'ids': [o.id for o in jobs], 'number': len(jobs)})",
    "mark(f'{job.id}', str(job), job is None, job.status.lower())",
    "status = job.status\nmark(status.split())",
    "await asyncio.to_thread(mark, job.id)",
    "await asyncio.gather(*(job_id.send(o.id) for o in jobs))",
    "data = [plain(o) for o in jobs]\njob_id.send(data)",
    "ids = set()\nfor o in jobs:\n    ids.add(o.id)\nmark(ids)",
    "ids = list(await session.scalars(select(Job.id)))\nmark(sorted(ids))",
    "query = select(Job.id, func.count()).group_by(Job.id)\n"
    "rows = (await session.execute(query)).all()\nmark([tuple(row) for row in rows])",
    "return list(map(plain, jobs))",
    "return sorted(jobs, key=plain)",
    "return sorted(jobs, key=lambda o: (o.id, o.status.lower()))",
    "return max((o.id for o in jobs), default=0)",
    "return json.dumps([plain(o) for o in jobs], default=str)",
    "return functools.reduce(lambda total, o: total + o.id, jobs, 0)",
]


def _verdict(root: Path, body: str) -> str:
    model = MODELS.replace("import DeclarativeBase, Mapped, mapped_column", "import *").replace(
        "status: Mapped[str]", "status: Mapped[str]\n    lines: Mapped[list['Line']] = relationship()"
    )
    files = project(WORK + body.replace("\n", "\n        ") + "\n")
    files |= {"app/models.py": "from sqlalchemy import ForeignKey\n" + model + LINES, "app/shapes.py": SHAPES}
    compile(files["app/work.py"], "work.py", "exec")
    fixed = fix_project(root, files, select=("SUP101",))
    if fixed.fixed:
        return "safe"
    fix = fixed.result.findings[0].fix
    return "no fix" if fix is None else f"unsafe: {fix.title.partition(': ')[2]}"


@pytest.mark.parametrize("body", CHANGES)
def test_what_may_change_an_object_makes_the_swap_unsafe(tmp_path: Path, body: str) -> None:
    assert "may not be committed now, and would be then" in _verdict(tmp_path, body)


@pytest.mark.parametrize("body", READS)
def test_what_only_reads_leaves_it_safe(tmp_path: Path, body: str) -> None:
    assert _verdict(tmp_path, body) == "safe"
