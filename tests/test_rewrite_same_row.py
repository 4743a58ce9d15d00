"""SUP401: which row a failure handler reads again. First reads that may find another one, then those that cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewrite_support import left, rewritten
from template_support import project

HEAD = """
import logging

from sqlalchemy import select, update

from app.models import Job, JobStatus, Mail
from app.session import get_session

logger = logging.getLogger(__name__)

"""
MAIL = """

class Mail(Base):
    __tablename__ = "mails"

    number: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(unique=True)
    customer: Mapped[str]
    status: Mapped[str]

    @classmethod
    async def get_by_token(cls, session, token):
        query = select(cls).where(cls.token == token, cls.number == str(1))
        return (await session.execute(query)).scalars().first()

    @classmethod
    async def get_by_customer(cls, session, customer):
        query = select(cls).where(cls.customer == customer)
        return (await session.execute(query)).scalars().first()
"""


def files(read: str, *, head: str = "") -> dict[str, str]:
    """A task that reads a row into `row`, does something else, and says that the row is completed."""
    lines = "".join(f"            {line}\n" for line in read.splitlines())
    task = (
        f"{HEAD}{head}\n# supavisor-lint: task\nasync def process(job_id: int, customer: str, queue, payload):\n"
        f"    async with get_session() as session:\n        async with session.begin():\n{lines}"
        "            row.status = JobStatus.PROCESSING\n"
        "        async with session.begin():\n"
        "            row.status = JobStatus.COMPLETED\n"
    )
    found = project(task)
    return found | {"app/models.py": found["app/models.py"] + MAIL}


def why_left(root: Path, read: str, *, head: str = "") -> str:
    """The reason for which nothing is made of a task, without its place; fails if there is a fix."""
    source = files(read, head=head)
    (line,) = left(root, source, unsafe=True, select=("SUP401",))
    assert rewritten(root, source, "app/work.py", unsafe=True, select=("SUP401",)) == source["app/work.py"]
    return line.split(" ", 2)[2]


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        ('row = await session.scalar(select(Job).where(Job.status == "o").order_by(Job.id).limit(1))', "by `status`"),
        ('row = await session.scalar(select(Job).filter_by(id=job_id, status="open"))', "by `status`"),
        ('row = (await session.scalars(select(Job).where((Job.id == job_id) & (Job.status == "a")))).one()', "status"),
        ("row = await session.scalar(select(Job).where(Job.id == job_id).with_for_update(skip_locked=True))", "locked"),
        (
            "query = select(Mail).where(Mail.customer == customer).order_by(Mail.number.desc()).limit(1)\n"
            "row = (await session.execute(query)).scalar_one()",
            "`order_by` picks it out of several",
        ),
        ("row = await session.scalar(select(Mail).where(Mail.customer == customer))", "the only `Mail` that fits"),
        ("row = await session.scalar(select(Mail).where(Mail.id == job_id))", "the only `Mail` that fits"),
        ("row = await session.scalar(select(Job).where(Job.steps < 3, Job.id == job_id))", "may not hold"),
        ("row = await session.scalar(select(Job).join(Mail).where(Job.id == job_id))", "`join`"),
        ("row = (await session.scalars(select(Job))).first()", "the only `Job` that fits"),
        ("row = await session.get(Job, queue.pop())", "another value the second time"),
        ("row = await session.get(Job, await queue.get())", "another value the second time"),
        ("row = await Mail.get_by_customer(session, customer)", "the only `cls` that fits"),
        ("row = await session.get(Job, payload.id)\npayload.id = 0", "the task changes `id`"),
        (
            'key = await session.scalar(select(Job.id).where(Job.status == "open").limit(1))\n'
            "row = await session.get(Job, key)",
            "by `status`",
        ),
        ("if job_id:\n    row = await session.get(Job, job_id)\nelse:\n    row = await session.get(Job, 1)", "again"),
        ("row = (await session.execute(select(Mail).where(Mail.customer == customer))).scalar_one()\n"
         'row.customer = "none"', "by `customer`, which the task changes"),
    ],
)  # fmt: skip
def test_a_read_that_may_find_another_row_is_not_repeated(tmp_path: Path, read: str, reason: str) -> None:
    found = why_left(tmp_path, read)
    assert reason in found and "again" in found


def test_a_function_that_finds_the_next_row_is_not_called_again(tmp_path: Path) -> None:
    head = """async def get_next(session):
    return (await session.scalars(select(Job).where(Job.status == "open").limit(1))).first()

"""
    assert "by `status`" in why_left(tmp_path, "row = await get_next(session)", head=head)
    keyed = head.replace("get_next(session)", "get_job(session, key)").replace('Job.status == "open"', "Job.id == key")
    source = files("row = await get_job(session, job_id)", head=keyed)
    found = rewritten(tmp_path / "other", source, "app/work.py", unsafe=True, select=("SUP401",))
    assert found.count("row = await get_job(session, job_id)\n") == 2


def test_another_row_is_not_marked_instead(tmp_path: Path) -> None:
    read = (
        "other = await session.get(Job, job_id)\n"
        "other.status = JobStatus.PENDING\n"
        'row = await session.scalar(select(Job).where(Job.status == "open").limit(1))'
    )
    assert "by `status`" in why_left(tmp_path, read)


@pytest.mark.parametrize(
    "read",
    [
        "row = await session.get(Job, int(payload['job_id']))",
        "row = await session.scalar(select(Job).where(job_id == Job.id))",
        "row = await session.scalar(select(Job).filter_by(id=job_id).with_for_update().limit(1))",
        "row = await session.scalar(select(Job).where(Job.id == job_id, Job.error.is_(None)))",
        "row = await session.scalar(select(Mail).where(Mail.number == job_id))",
        "row = (await session.scalars(select(Mail).where(Mail.token == customer))).first()",
        "row = (await session.execute(select(Mail).where(Mail.customer == customer))).scalar_one()",
        "row = (await session.execute(select(Mail).where(Mail.customer == customer))).scalars().one_or_none()",
        "row = await Mail.get_by_token(session, customer)",
        "query = select(Mail).where(Mail.customer == customer)\n"
        "result = await session.execute(query)\nrow = result.scalar_one_or_none()",
    ],
)
def test_a_read_that_finds_the_same_row_is_repeated(tmp_path: Path, read: str) -> None:
    found = rewritten(tmp_path, files(read), "app/work.py", unsafe=True, select=("SUP401",))
    for line in read.splitlines():
        assert found.count(f" {line}\n") == 2
    assert found.count("row.status = JobStatus.FAILED\n") == 1


# ----------------------------------------------------------------------------------------------------------- updates


def update_task(condition: str, more: str = "") -> dict[str, str]:
    task = (
        f"{HEAD}\n# supavisor-lint: task\nasync def process(job_id: int, ids: list[int], queue):\n"
        f"    async with get_session() as session, session.begin():\n"
        f"        await session.execute(update(Job){condition}.values(status=JobStatus.COMPLETED{more}))\n"
    )
    found = project(task)
    return found | {"app/models.py": found["app/models.py"] + MAIL}


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ('.where(Job.status == "open")', "by `status`"),
        ('.where(Job.id == job_id, Job.status == "open")', "by `status`"),
        (".where(Job.steps == 0)", "by `steps`"),
        (".where(Job.id == queue.pop())", "another value the second time"),
        (".where(Job.id.in_(select(Mail.number)))", "another value the second time"),
    ],
)
def test_an_update_that_may_mean_other_rows_is_not_repeated(tmp_path: Path, condition: str, reason: str) -> None:
    (line,) = left(tmp_path, update_task(condition, ", steps=1"), unsafe=True, select=("SUP401",))
    assert "cannot be repeated in a handler" in line and reason in line


@pytest.mark.parametrize("condition", [".where(Job.id == job_id)", ".where(Job.id.in_(ids))", ".filter_by(steps=3)"])
def test_an_update_of_the_same_rows_is_repeated(tmp_path: Path, condition: str) -> None:
    found = rewritten(tmp_path, update_task(condition), "app/work.py", unsafe=True, select=("SUP401",))
    assert f"update(Job){condition}.values(status=JobStatus.FAILED)" in found
