"""A function that keeps what it has found: asked again for the same, it asks no database, and nothing can fail."""

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
from functools import wraps

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Job
from app.database import sessions

MEMO = {}


def memo_of(session):
    try:
        return session.info.setdefault("rights", {})
    except Exception:
        return None


async def found(session):
    return set((await session.execute(select(Job.status))).scalars().all())


async def failed(session):
    try:
        session.add(Job(id=1))
        await session.commit()
    except Exception:
        pass
    return set()


async def rights_of(session, user_id):
    RIGHTS


async def rights_in(session, user):
    return await rights_of(session, str(user.id))


async def one_of(session, owner):
    return await session.get(Job, owner.job_id)


async def rights_for(session, row):
    return await rights_of(session, str(row.user_id))


async def rights_beside(session, row, user, last):
    await rights_of(session, str(row.user_id))
    return await rights_of(session, str(user.id))


async def forget(session, user_id):
    memo_of(session).pop(user_id, None)


class Rights:
    def __init__(self):
        self.memo = {}

    async def of(self, session, user_id):
        if user_id in self.memo:
            return self.memo[user_id]
        try:
            self.memo[user_id] = await found(session)
            return self.memo[user_id]
        except Exception:
            return await failed(session)


rights = Rights()
DECORATOR

DECORATED
async def work(session: AsyncSession, job_id, user, other, user_id):
    job = await session.get(Job, job_id)
    BODY
    print(job.status)
"""
TRY = """
try:
    memo[KEY] = await found(session)
    return memo[KEY]
except Exception:
    return await failed(session)
"""
MEMO = """memo = session.info.setdefault("rights", {})
if user_id in memo:
    return memo[user_id]""" + TRY.replace("KEY", "user_id")
STOP = "    raise PermissionError(job_id)"
FIRST = f"if 'edit' not in await rights_of(session, user_id):\n{STOP}\n"


def is_reached(
    root: Path, body: str, rights: str = MEMO, decorator: str = "", decorated: str = "", routes: str = ""
) -> bool:
    """Whether the last line can be reached with the job expired; `routes` is another module."""
    code = WORK.replace("RIGHTS", rights.replace("\n", "\n    ")).replace("BODY", body.strip().replace("\n", "\n    "))
    code = code.replace("DECORATOR", decorator).replace("DECORATED", decorated)
    files = {"app/database.py": DATABASE, "app/models.py": MODELS, "app/work.py": code, "app/routes.py": routes}
    reads = [line for line in findings(root, files, profile="hazards") if "SUP309" in line and "routes" not in line]
    lines = {int(line.split(":")[1].split()[0]) for line in reads}
    assert lines <= {code.count("\n")}
    return bool(lines)


SAME = "await rights_of(session, user_id)"
GUARDED = """    names = await found(session)
    if memo is not None:
        memo[user_id] = names
    return names"""
KEEPS = "memo = memo_of(session)\n"


def tried(key: str) -> str:
    """What stores the rights under a key, and may fail."""
    return TRY.replace("KEY", key)


@pytest.mark.parametrize(
    "rights",
    [
        MEMO,
        f"{KEEPS}if memo is not None and user_id in memo:\n    return memo[user_id]{tried('user_id')}",
        f"{KEEPS}if memo is not None and user_id in memo:\n    return memo[user_id]"
        + tried("user_id").replace("    memo[user_id] = await found(session)\n    return memo[user_id]", GUARDED),
        f"{KEEPS}if (user_id, 'all') in memo:\n    return memo[(user_id, 'all')]" + tried("(user_id, 'all')"),
        f"{KEEPS}key = f'rights {{user_id}}'\nif key in memo:\n    return memo[key]{tried('key')}",
        f"{KEEPS}kept = memo.get(user_id)\nif kept is not None:\n    return kept{tried('user_id')}",
        f"{KEEPS}if (kept := memo.get(user_id)) is not None:\n    return kept{tried('user_id')}",
        "try:\n    if user_id not in MEMO:\n        MEMO[user_id] = await found(session)\n    return MEMO[user_id]\n"
        "except Exception:\n    return await failed(session)",
        "try:\n    if user_id in session.info:\n        return session.info[user_id]\n"
        "    session.info[user_id] = names = await found(session)\n    return names\n"
        "except Exception:\n    return await failed(session)",
    ],
)
def test_what_was_looked_up_before_is_kept(tmp_path: Path, rights: str) -> None:
    assert not is_reached(tmp_path, FIRST + SAME, rights)
    assert is_reached(tmp_path, SAME, rights)  # the first time it asks


@pytest.mark.parametrize(
    ("before", "again"),
    [
        (FIRST.replace("user_id", "str(user.id)"), "await rights_in(session, user)"),
        (FIRST.replace("rights_of(session, user_id)", "rights_in(session, user)"), "await rights_of(session, user.id)"),
        (FIRST.replace("rights_of", "rights.of"), "await rights.of(session, user_id)"),
        (FIRST, f"for _ in range(3):\n    {SAME}"),
    ],
)
def test_it_is_the_same_under_other_names(tmp_path: Path, before: str, again: str) -> None:
    assert not is_reached(tmp_path, before + again)


@pytest.mark.parametrize(
    ("between", "again"),
    [
        ("", "await rights_of(session, job_id)"),
        ("", "await rights_in(session, other)"),
        ("user_id = job_id\n", SAME),
        ("session.info['rights'].pop(user_id)\n", SAME),
        ("session.info['rights'].clear()\n", SAME),
        ("del session.info['rights'][user_id]\n", SAME),
        ("await forget(session, user_id)\n", SAME),
    ],
)
def test_what_was_not_looked_up_or_is_forgotten_is_asked_for(tmp_path: Path, between: str, again: str) -> None:
    assert is_reached(tmp_path, FIRST + between + again)


@pytest.mark.parametrize(
    "rights",
    [
        MEMO.replace(
            "    memo[user_id] = await found(session)\n    return memo[user_id]", "    return await found(session)"
        ),
        MEMO.replace("memo[user_id] = await", "memo['all'] = await").replace(
            "return memo['all']", "return memo[user_id]"
        ),
        MEMO.replace("if user_id in memo", "if user_id in MEMO"),
        MEMO.replace('session.info.setdefault("rights", {})', "{}"),
    ],
)
def test_a_function_that_keeps_nothing_for_the_same_key(tmp_path: Path, rights: str) -> None:
    assert is_reached(tmp_path, FIRST + SAME, rights)


NEEDS = """
def needs(func):
    @wraps(func)
    async def wrapper(session, job_id, user, other, user_id):
        if "edit" not in await rights_of(session, user_id):
            raise PermissionError("edit")
        return await func(session, job_id, user, other, user_id)

    return wrapper
"""
NEEDS_NAMED = """
def needs(name):
    def decorator(func):
        @wraps(func)
        async def wrapper(*args, **kwargs):
            session, who = kwargs.get("session"), kwargs["user"]
            db = kwargs.get("session")
            asking = kwargs["user"]
            granted = await rights_in(db, asking)
            if name in granted:
                return await func(*args, **kwargs)
            raise PermissionError(name)

        return wrapper

    return decorator
"""


@pytest.mark.parametrize(
    ("decorator", "decorated", "body"),
    [
        (NEEDS, "@needs", SAME),
        (NEEDS_NAMED, "@needs('edit')", "await rights_in(session, user)"),
        (NEEDS_NAMED, "@needs('edit')", "await rights_of(session, str(user.id))"),
    ],
)
def test_what_the_functions_own_decorator_has_looked_up(
    tmp_path: Path, decorator: str, decorated: str, body: str
) -> None:
    assert not is_reached(tmp_path, body, decorator=decorator, decorated=decorated)
    assert is_reached(tmp_path, body, decorator=decorator)


@pytest.mark.parametrize(
    ("decorator", "body"),
    [
        (NEEDS, "await rights_in(session, user)"),
        (NEEDS.replace("        if", "        if job_id:\n            print(1)\n        elif"), SAME),
        (NEEDS.replace("rights_of(session, user_id)", "rights_of(session, job_id)"), SAME),
        (
            NEEDS.replace(
                "        if", "        result = await func(session, job_id, user, other, user_id)\n        if"
            ),
            SAME,
        ),
        (NEEDS.replace("await rights_of(session, user_id)", "await found(session)"), SAME),
    ],
)
def test_a_decorator_that_has_not_looked_that_up(tmp_path: Path, decorator: str, body: str) -> None:
    assert is_reached(tmp_path, body, decorator=decorator, decorated="@needs")


ROUTES = """
from app.elsewhere import service
from app.work import needs, rights_of, rights_in, work


@needs
async def route(session, job_id, user, other, user_id):
    return await work(session, job_id, user, other, user_id)
"""
ASKS_ITSELF = """

async def second(session, job_id, user, other, user_id):
    names = await rights_of(session, user_id)
    if "edit" in names:
        await work(session, job_id, user, other, user_id)
"""
ASKS_FOR_USER = """
from app.work import rights_in, work


async def route(session, job_id, user, other, user_id):
    if "edit" not in await rights_in(session, user):
        raise PermissionError("edit")
    await middle(session, job_id, user, other)


async def middle(db, job_id, who, other):
    await work(db, job_id, who, other, None)
"""
FOR_ROW = "row = await one_of(session, user)\nawait rights_for(session, row)"
BESIDE = f"""row = await one_of(session, user)
last = await one_of(session, user)
if 'edit' not in await rights_in(session, user):
{STOP}
await rights_beside(session, row, user, last)"""


@pytest.mark.parametrize(
    ("routes", "body"),
    [
        (ROUTES, SAME),
        (ROUTES + ASKS_ITSELF, SAME),
        (ROUTES + "\nothers = {}\nothers.work = len\n", SAME),
        (ASKS_FOR_USER, "await rights_in(session, user)"),
        (ASKS_FOR_USER, FOR_ROW),
    ],
)
def test_what_all_callers_have_looked_up(tmp_path: Path, routes: str, body: str) -> None:
    assert not is_reached(tmp_path, body, decorator=NEEDS, routes=routes)


def test_a_helper_that_gets_the_user_and_what_belongs_to_them(tmp_path: Path) -> None:
    assert not is_reached(tmp_path, BESIDE)
    assert is_reached(tmp_path, BESIDE.replace("row, user, last)", "row, other, last)"))
    other = BESIDE.replace("row = await one_of(session, user)", "row = await one_of(session, other)")
    assert is_reached(tmp_path, other)


@pytest.mark.parametrize(
    ("routes", "body"),
    [
        ("", SAME),
        (ROUTES + ASKS_ITSELF.replace("rights_of(session, user_id)", "rights_of(session, job_id)"), SAME),
        (ROUTES + ASKS_ITSELF.replace("await rights_of(session, user_id)", "['edit']"), SAME),
        (ROUTES + "\n\nasync def third(session):\n    await service.work(session, 1, None, None, 2)\n", SAME),
        (ROUTES.replace("@needs\n", ""), SAME),
        (ROUTES, "await rights_of(session, job_id)"),
        (
            ASKS_FOR_USER.replace("other)\n\n", "user)\n\n").replace("job_id, user, user)", "job_id, other, user)"),
            FOR_ROW,
        ),
        (ASKS_FOR_USER, FOR_ROW.replace("one_of(session, user)", "one_of(session, other)")),
    ],
)
def test_a_caller_that_has_not_looked_that_up(tmp_path: Path, routes: str, body: str) -> None:
    assert is_reached(tmp_path, body, decorator=NEEDS, routes=routes)
