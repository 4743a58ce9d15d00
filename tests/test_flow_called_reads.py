"""A called function that reads an expired object, or an attribute of None, raises: nothing gets behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import findings
from tests.template_support import MODELS

DATABASE = """
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")
sessions = async_sessionmaker(engine, expire_on_commit=False)
"""
WORK = """
import functools
from app.models import Job
from app.database import sessions
from app.elsewhere import gate, loaded


async def store(session):
    try:
        session.add(Job(id=1))
        await session.commit()
    except Exception:
        pass


async def next_step(CALLED


class Steps:
    async def next_step(self, session, job):
        job.steps = (job.steps or 0) + 1
        return job.steps


async def work(first_id, second_id):
    async with sessions() as session:
        first = FIRST
        second = await session.get(Job, second_id)
        await store(session)
        try:
            number = CALL
            print(number, second.status)
        except Exception:
            print("not told")
"""
GET = "await session.get(Job, first_id)"
READ = "job):\n    job.steps = (job.steps or 0) + 1\n    return job.steps"
SECOND = ["print(number, second.status)"]
CALL = ["number = await next_step(first)"]


def read_expired(root: Path, called: str = READ, call: str = "await next_step(first)", first: str = GET) -> list[str]:
    """The lines of the task that read what has expired."""
    code = WORK.replace("CALLED", called).replace("CALL", call).replace("FIRST", first.replace("\n", "\n        "))
    files = {"app/database.py": DATABASE, "app/models.py": MODELS, "app/work.py": code}
    reads = [line for line in findings(root, files, profile="hazards") if "SUP309" in line]
    lines = [int(line.split(":")[1].split()[0]) for line in reads]
    return [code.splitlines()[line - 1].strip() for line in lines]


@pytest.mark.parametrize(
    "called",
    [
        READ,
        "job):\n    job.steps += 1\n    return job.steps",
        "job):\n    print(job.steps)",
        "job):\n    return f'{job.steps} steps'",
        "job):\n    if job.steps:\n        return 1\n    return 0",
        "job, much=1):\n    much = job.steps + much\n    return much",
        "*, job=None):\n    return job.steps",
    ],
)
def test_behind_a_called_function_that_reads_an_expired_object_nothing_is_reached(tmp_path: Path, called: str) -> None:
    call = "await next_step(job=first)" if called.startswith("*") else "await next_step(first)"
    assert read_expired(tmp_path, called, call) == [f"number = {call}"]


@pytest.mark.parametrize(
    "called",
    [
        "job):\n    return 1",
        "job):\n    if gate():\n        return job.steps\n    return 0",
        "job):\n    return gate() and job.steps",
        "job):\n    job.steps = 1\n    return job.steps",
        "job):\n    job = await loaded(job)\n    return job.steps",
        "job):\n    await loaded(job)\n    return job.steps",
        "job):\n    try:\n        return job.steps\n    except Exception:\n        return 0",
        "*job):\n    return job.steps",
        "job):\n    return lambda: job.steps",
        "job):\n    return job.lines()",
        "other, job=None):\n    return job.steps",
    ],
)
def test_a_called_function_that_may_not_read_the_object(tmp_path: Path, called: str) -> None:
    assert read_expired(tmp_path, called) == SECOND


def test_a_called_function_that_is_not_awaited_or_decorated(tmp_path: Path) -> None:
    assert read_expired(tmp_path, READ, "next_step(first)") == SECOND
    assert (
        read_expired(tmp_path, "unused):\n    pass\n\n\n@gate\nasync def one_step(" + READ, "await one_step(first)")
        == SECOND
    )


@pytest.mark.parametrize(
    "first",
    [
        f"{GET} if first_id else None",
        f"None if not first_id else {GET}",
        f"{GET} if first_id is not None else None",
        f"None\nif first_id:\n    first = {GET}\nif first is None:\n    print('none')",
    ],
)
@pytest.mark.parametrize("call", ["await next_step(first)", "await Steps().next_step(session, first)", "first.steps"])
def test_an_object_that_may_be_none_raises_as_well(tmp_path: Path, first: str, call: str) -> None:
    assert read_expired(tmp_path, READ, call, first) == [f"number = {call}"]


@pytest.mark.parametrize(
    ("first", "call"),
    [
        (f"{GET} if first_id else None", "first"),
        (f"{GET} if first_id else None", "first.steps if first else 0"),
        (f"{GET} if first_id else None", "getattr(first, 'nothing', 0)"),
        (f"{GET} if first_id else gate()", "gate(first)"),
    ],
)
def test_an_object_that_may_be_none_and_is_not_read_before(tmp_path: Path, first: str, call: str) -> None:
    assert SECOND[0] in read_expired(tmp_path, READ, call, first)


STOP = "1\n            if not await next_step(first):\n                raise ValueError(first_id)"
ASK = "if not await next_step(first):"


@pytest.mark.parametrize(
    "called",
    [
        "job):\n    return job is not None and job.steps",
        "job):\n    return job and job.steps",
        "job):\n    return not (not job) and job.steps > 1",
        'job):\n    """Whether it goes on."""\n    return job is not None and job.steps and job.status',
    ],
)
def test_a_called_function_that_reads_an_object_where_it_is_not_none(tmp_path: Path, called: str) -> None:
    assert read_expired(tmp_path, called, STOP) == [ASK]


@pytest.mark.parametrize(
    "called",
    [
        "job):\n    return job is None or job.steps",
        "job):\n    return job.steps if job is not None else True",
        "job):\n    if job is None:\n        return True\n    return job.steps",
        "job):\n    if not job:\n        return gate()\n    return job.steps",
        "job):\n    if job is not None:\n        return getattr(job, 'steps', 1)\n    return 1",
        "job):\n    if not job:\n        return gate()\n    else:\n        return getattr(job, 'steps')",
    ],
)
def test_a_called_function_that_lets_none_pass(tmp_path: Path, called: str) -> None:
    assert read_expired(tmp_path, called, STOP) == [ASK, "print(number, second.status)"]


@pytest.mark.parametrize(
    "called",
    [
        "job):\n    return gate() and job.steps",
        "job, other=None):\n    return other is not None and job.steps",
        "job):\n    return job is None and job.steps",
        "job):\n    if job is None:\n        return getattr(job, 'steps', None)\n    return 1",
        "job):\n    def getattr(job, name):\n        return 1\n    return getattr(job, 'steps')",
        "job):\n    return getattr(job, gate(), None)",
        "job):\n    if job is None:\n        return True\n    elif gate():\n        return False\n    return job.steps",
    ],
)
def test_a_called_function_that_may_not_read_it_either(tmp_path: Path, called: str) -> None:
    assert ASK not in read_expired(tmp_path, called, STOP)


PRESENT = "job):\n    return job is not None and job.steps"
ASK_AGAIN = f"await next_step(first)\n            {{between}}{STOP[14:]}"


def test_an_object_that_may_be_none_is_there_at_both_calls_or_at_none(tmp_path: Path) -> None:
    call = ASK_AGAIN.format(between="")
    assert read_expired(tmp_path, PRESENT, call) == ["number = await next_step(first)"]


@pytest.mark.parametrize("between", ["first = gate()\n            ", "first = object()\n            "])
def test_another_object_may_be_there_at_the_second_call(tmp_path: Path, between: str) -> None:
    call = ASK_AGAIN.format(between=between)
    assert read_expired(tmp_path, PRESENT, call) == ["number = await next_step(first)", *SECOND]


METHODS = f"""{MODELS}

class Secret(Base):
    __tablename__ = "secrets"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]

    def shown(self):
        return self.text.lower()

    def shape(self):
        return "round"
"""


@pytest.mark.parametrize(
    ("call", "is_read"),
    [
        ("first.shown()", True),
        ("getattr(first, 'text', '')", True),
        ("first.shape()", False),
        ("getattr(first, 'colour', '')", False),
    ],
)
def test_a_method_is_known_though_the_module_of_its_class_speaks_of_no_session(
    tmp_path: Path, call: str, is_read: bool
) -> None:
    first = "await session.get(Secret, first_id)"
    code = WORK.replace("CALLED", READ).replace("CALL", call).replace("FIRST", first).replace("Job\n", "Job, Secret\n")
    files = {"app/database.py": DATABASE, "app/models.py": METHODS, "app/work.py": code}
    reads = [line for line in findings(tmp_path, files, profile="hazards") if "SUP309" in line]
    told = [code.splitlines()[int(line.split(":")[1].split()[0]) - 1].strip() for line in reads]
    assert told == ([f"number = {call}"] if is_read else SECOND)


HOLDER = """
from app.models import Job
from app.database import sessions


class Holder:
    job = None

    async def open(self, session):
        self.job = await session.get(Job, 1)

    async def work(self, job_id, options):
        async with sessions() as session:
            job = await session.get(Job, job_id)
            try:
                session.add(Job(id=2))
                await session.commit()
            except Exception:
                print("not stored")
            BODY
            print(job.status)


async def told(session, other=None):
    print(other.status)
"""


@pytest.mark.parametrize(
    ("body", "reached"),
    [
        ("self.job = None\n            await self.open(None)\n            print(self.job.status)", True),
        ("await told(session, **options)", True),
        ("await told(session)", False),
        ("other = None\n            if other is None and job_id:\n                print(other.status)", True),
        ("other = None\n            if other is None:\n                print(other.status)", False),
    ],
)
def test_what_is_certainly_none(tmp_path: Path, body: str, reached: bool) -> None:
    code = HOLDER.replace("BODY", body)
    files = {"app/database.py": DATABASE, "app/models.py": MODELS, "app/work.py": code}
    at = code.splitlines().index("            print(job.status)") + 1
    assert any(f":{at}" in line for line in findings(tmp_path, files, profile="hazards")) is reached
