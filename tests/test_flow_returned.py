"""What a called function gives back where it has swallowed a failure decides how far its caller gets."""

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
import logging
from sqlalchemy import select
from app.models import Job, JobStatus
from app.database import sessions

logger = logging.getLogger(__name__)


async def names_of(session):
    try:
        return NORMAL
    except Exception:
        try:
            session.add(Job(id=1))
            await session.commit()
        except Exception:
            pass
        FAILED


async def work(job_id, texts):
    async with sessions() as session:
        job = await session.get(Job, job_id)
        BODY
        return job.status
"""
QUERY = "set((await session.execute(select(Job.status))).scalars().all())"


def reached(root: Path, body: str, failed: str = "return set()", normal: str = QUERY) -> bool:
    """Whether the last line can be reached with the job expired, behind a failure that `names_of()` has swallowed."""
    code = WORK.replace("NORMAL", normal).replace("FAILED", failed).replace("BODY", body.replace("\n", "\n        "))
    files = {"app/database.py": DATABASE, "app/models.py": MODELS, "app/work.py": code}
    lines = [
        int(line.split(":")[1].split()[0]) for line in findings(root, files, profile="hazards") if "SUP309" in line
    ]
    assert set(lines) <= {code.count("\n")}
    return bool(lines)


ASK = "names = await names_of(session)\n"
STOP = "\n    raise PermissionError(job_id)"
EMPTY = [
    f"{ASK}if not names:{STOP}",
    f"if not await names_of(session):{STOP}",
    f"if not (names := await names_of(session)):{STOP}",
    f"{ASK}if 'admin' not in names:{STOP}",
    f"if 'admin' not in await names_of(session):{STOP}",
    f"{ASK}if len(names) == 0:{STOP}",
    f"{ASK}if not len(names) > 0:{STOP}",
    f"if not len(await names_of(session)):{STOP}",
    f"{ASK}if not bool(names):{STOP}",
    f"{ASK}if not any(name == 'admin' for name in names):{STOP}",
    f"{ASK}if not [name for name in names if name]:{STOP}",
    f"{ASK}if not texts or not sorted(names):{STOP}",
    f"{ASK}if not names & set(texts):{STOP}",
    f"{ASK}allowed = 'admin' in names\nif not allowed:{STOP}",
    f"{ASK}logger.info('%s', names)\nif not names:{STOP}",
    "allowed = False\ntry:\n    allowed = 'admin' in await names_of(session)\nexcept Exception:\n    pass\n"
    "if allowed:\n    return None\nraise PermissionError(job_id)",
    f"allowed = 'admin' in await names_of(session) if texts else False\nif not allowed:{STOP}",
    f"allowed = False if not texts else bool(await names_of(session))\nif not allowed:{STOP}",
    f"{ASK}for name in names:\n    break\nelse:\n    raise PermissionError(job_id)",
]


@pytest.mark.parametrize("body", EMPTY)
def test_behind_an_empty_answer_the_caller_raises(tmp_path: Path, body: str) -> None:
    assert not reached(tmp_path, body)


@pytest.mark.parametrize("given", ["[]", "{}", "()", "list()", "dict()", "frozenset()", "''", "0", "None", "False"])
def test_every_value_that_is_false(tmp_path: Path, given: str) -> None:
    assert not reached(tmp_path, EMPTY[0], f"return {given}")


@pytest.mark.parametrize(
    ("body", "given"),
    [
        (f"names, error = await names_of(session)\nif error:{STOP}", "set(), 'no rights'"),
        (f"names, error = await names_of(session)\nif not names:{STOP}", "set(), 'no rights'"),
        (f"found = await names_of(session)\nif found.get('admin') is None and not found:{STOP}", "{}"),
        (f"found = await names_of(session)\nif not list(found.values()):{STOP}", "{}"),
    ],
)
def test_parts_of_an_answer(tmp_path: Path, body: str, given: str) -> None:
    assert not reached(tmp_path, body, f"return {given}")


@pytest.mark.parametrize(
    "body",
    [
        f"{ASK}if names:{STOP}",
        f"allowed = 'admin' not in await names_of(session) if texts else False\nif not allowed:{STOP}",
        f"allowed = bool(await names_of(session)) if texts else await names_of(session) or True\nif not allowed:{STOP}",
        f"{ASK}names.add('own')\nif not names:{STOP}",
        f"{ASK}names |= set(texts)\nif not names:{STOP}",
        f"{ASK}texts.fill(names)\nif not names:{STOP}",
        f"{ASK}other = names\nother.add('own')\nif not names:{STOP}",
        f"{ASK}box = [names]\nbox[0].add('own')\nif not names:{STOP}",
        f"{ASK}for text in texts:\n    if not names:\n        names.add(text)\nif not names:{STOP}",
        f"{ASK}names = set(texts)\nif not names:{STOP}",
        f"{ASK}if not names | set(texts):{STOP}",
        f"{ASK}if len(names) > 3:{STOP}",
        f"{ASK}if not all(names):{STOP}",
        f"{ASK}if not (names or texts):{STOP}",
        f"def len(one):\n    return 7\n\n{ASK}if len(names) == 0:{STOP}",
    ],
)
def test_what_does_not_stop_an_empty_answer(tmp_path: Path, body: str) -> None:
    assert reached(tmp_path, body)


@pytest.mark.parametrize("given", ["{'own'}", "set(texts_of())", "names_now", "'no rights'", "1", "True", "[None]"])
def test_an_answer_that_may_be_true(tmp_path: Path, given: str) -> None:
    assert reached(tmp_path, EMPTY[0], f"return {given}")


PAIRS = """
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column
from app.models import Base, Job
from app.database import sessions


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


async def store(session):
    try:
        session.add(Job(id=1))
        await session.commit()
    except Exception:
        pass


async def pick(session, other, texts):
    found = (await session.scalars(select(Job))).first()
    if not found:
        return None, "none"
    BEFORE
    return RETURNED


async def pick_again(session, other, texts):
    return await pick(session, other, texts)


async def work(job_id, texts):
    async with sessions() as session, sessions() as another:
        job = await session.get(Job, job_id)
        BODY
        print(job.status)
"""
LOAD = "await session.rollback()\nawait session.refresh(found)\n"
PICK = "found, error = await pick(session, job, texts)\n"


def read_expired(root: Path, body: str, returned: str = "found, {}", before: str = "await store(session)") -> list[str]:
    """What is read of an expired object in the task."""
    code = (
        PAIRS.replace("BEFORE", before).replace("RETURNED", returned).replace("BODY", body.replace("\n", "\n        "))
    )
    files = {"app/database.py": DATABASE, "app/models.py": MODELS, "app/work.py": code}
    reads = [line for line in findings(root, files, profile="hazards") if "SUP309" in line]
    lines = [int(line.split(":")[1].split()[0]) for line in reads]
    return [code.splitlines()[line - 1].strip() for line in lines]


@pytest.mark.parametrize(
    ("body", "returned", "before"),
    [
        (f"{PICK}print(found.status)", "found, {}", "pass"),
        (f"{PICK}{LOAD}await session.refresh(job)\nprint(found.status)", "found, {}", "await store(session)"),
        ("found, error = await pick(another, job, texts)\nprint(found.status)", "texts[0], {}", "await store(session)"),
    ],
)  # fmt: skip
def test_an_object_among_several_values_that_is_loaded(tmp_path: Path, body: str, returned: str, before: str) -> None:
    assert read_expired(tmp_path, body, returned, before) == []


@pytest.mark.parametrize(
    ("body", "returned"),
    [
        (PICK, "found, {}"),
        (f"{PICK}if not found:\n    return", "found, {}"),
        (PICK.replace("pick(", "pick_again("), "found, {}"),
        ("error, found = await pick(session, job, texts)\nif error == 'none':\n    return", "None, found"),
        ("found, error, _ = await pick(session, job, texts)", "found, {}, texts"),
    ],
)
def test_behind_an_expired_object_among_several_values_nothing_is_reached(
    tmp_path: Path, body: str, returned: str
) -> None:
    assert read_expired(tmp_path, f"{body}\nprint(found.status)", returned) == ["print(found.status)"]


@pytest.mark.parametrize(
    ("body", "returned"),
    [
        (f"{PICK}print(found)", "found, {}"),
        (f"{PICK}print(found.status)", "texts, found"),
        ("*found, error = await pick(session, job, texts)\nprint(found[0])", "found, {}"),
        (f"{PICK}if texts:\n    found = texts[0]\n    print(found.status)", "found, {}"),
    ],
)
def test_what_reads_no_expired_object_before(tmp_path: Path, body: str, returned: str) -> None:
    assert read_expired(tmp_path, body, returned) == ["print(job.status)"]


def test_each_of_two_objects_stands_for_itself(tmp_path: Path) -> None:
    pick = f"{PICK.replace('error', 'note')}if not found:\n    return\nawait session.rollback()\n"
    before = "note = (await session.scalars(select(Note))).first()\n    await store(session)"
    for refreshed, read in (("found", "note.text"), ("note", "found.status")):
        body = f"{pick}await session.refresh({refreshed})\nprint(found.status)\nprint(note.text)"
        assert read_expired(tmp_path, body, "found, note", before) == [f"print({read})"]


TWICE = """return set()


async def twice(session):
    names = await names_of(session)
    CHECK
    await count(session)


async def count(session):
    try:
        print(session.in_transaction(), await session.scalar(select(Job.id)))
    except Exception:
        pass"""


@pytest.mark.parametrize(
    ("check", "is_told"), [("print(names)", True), ("if not names:\n        raise PermissionError", False)]
)
def test_what_expired_in_a_called_function_is_so_behind_another_that_this_calls(
    tmp_path: Path, check: str, is_told: bool
) -> None:
    assert reached(tmp_path, "await twice(session)", TWICE.replace("CHECK", check)) is is_told
