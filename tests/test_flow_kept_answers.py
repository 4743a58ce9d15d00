"""Answers that are kept for later: what a name says of a session goes with how that stands, on every path."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from tests.project_support import SESSION_MODULE, findings

HEAD = """
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import async_session_factory as factory, get_session


"""

# A helper that has to commit only what is its own; its callers have a session in a block, or none.
OWN_OR_GIVEN = (
    HEAD
    + """
async def put(job, session{annotation} = None, **options):
{choose}
    session.add(job)
    {commit}:
        await session.commit()
        await session.close()


async def caller(first, second):
    async with get_session() as session:
        async with session.begin():
            await put(first, session)
            await put(second, session=session)
"""
)

CHOICES = {
    "is None, or": "own = session is None\nsession = session or factory()",
    "not": "own = not session\nsession = session or factory()",
    "bool": "own = not bool(session)\nif own:\n    session = factory()",
    "if": "own = session is None\nif session is None:\n    session = factory()",
    "by the flag": "own = session is None\nif own:\n    session = factory()",
    "conditional": "own = session is None\nsession = factory() if session is None else session",
    "conditional flag": "own = True if session is None else False\nsession = factory() if own else session",
    "conditional by truth": "own = not session\nsession = session if session else factory()",
    "set in the branch": "own = False\nif session is None:\n    session = factory()\n    own = True",
    "both branches": "if session:\n    own = False\nelse:\n    own, session = True, factory()",
    "walrus": "if own := session is None:\n    session = factory()",
    "at once": "own, session = session is None, session or factory()",
    "with more": 'own = session is None and not options.get("keep")\nif session is None:\n    session = factory()\n'
    "    own = True",
    "another name": "own = session is None\nown_or_given = session or factory()\nsession = own_or_given",
    "two names": "given = session is not None\nown = not given\nif not given:\n    session = factory()",
}
ANNOTATIONS = ["", ": AsyncSession | None"]
COMMITS = ["if own", "if own is not False", "if not (not own)"]


def codes(tmp_path: Path, text: str) -> list[str]:
    """What is found in a module beside the session module: `line CODE`."""
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": text})
    lines = [line.partition(":")[2] for line in found if line.startswith("app/work.py")]
    return [line.partition(" ")[2] for line in lines if line[-6:] in ("SUP302", "SUP303", "SUP308")]


@pytest.mark.parametrize("annotation", ANNOTATIONS)
@pytest.mark.parametrize("choice", CHOICES)
def test_a_helper_that_ends_only_its_own_session_leaves_the_callers_block_alone(
    tmp_path: Path, choice: str, annotation: str
) -> None:
    choose = indent(CHOICES[choice], "    ")
    assert codes(tmp_path, OWN_OR_GIVEN.format(annotation=annotation, choose=choose, commit="if own")) == []


@pytest.mark.parametrize("annotation", ANNOTATIONS)
@pytest.mark.parametrize("choice", CHOICES)
def test_a_helper_that_ends_only_what_is_not_its_own_is_found(tmp_path: Path, choice: str, annotation: str) -> None:
    choose = indent(CHOICES[choice], "    ")
    found = codes(tmp_path, OWN_OR_GIVEN.format(annotation=annotation, choose=choose, commit="if not own"))
    assert "SUP303" in found  # in the block of its caller
    assert "SUP308" in found  # its own session is never committed


# A helper that asks whether its caller has a transaction, and ends only what it has begun.
BEGUN_OR_NOT = (
    HEAD
    + """
async def put(job, session: AsyncSession):
    {ask}
    session.add(job)
    if {flag}:
        await session.commit()


async def caller(first, second):
    async with get_session() as session:
        async with session.begin():
            await put(first, session)
            await put(second, session)
        await put(first, session)
        async with session.begin():
            await put(second, session)
"""
)
QUESTIONS = [
    ("outer = session.in_transaction()", "not outer"),
    ("own = not session.in_transaction()", "own"),
    ("own = not bool(session.in_transaction())", "own"),
    ("own = True if not session.in_transaction() else False", "own"),
    ("own = False if session.in_transaction() else True", "own"),
    ("own = begun = not session.in_transaction()", "begun"),
    ("outer = session.in_transaction()\n    own = not outer", "own"),
    ("print(own := not session.in_transaction())", "own"),
]


@pytest.mark.parametrize(("ask", "flag"), QUESTIONS)
def test_a_helper_that_commits_only_what_it_has_begun_leaves_the_callers_block_alone(
    tmp_path: Path, ask: str, flag: str
) -> None:
    assert codes(tmp_path, BEGUN_OR_NOT.format(ask=ask, flag=flag)) == []


@pytest.mark.parametrize(("ask", "flag"), QUESTIONS)
def test_a_helper_that_commits_only_what_others_have_begun_is_found(tmp_path: Path, ask: str, flag: str) -> None:
    assert codes(tmp_path, BEGUN_OR_NOT.format(ask=ask, flag=f"not ({flag})")) == ["SUP303"]


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        ("job is not None and not session.in_transaction()", []),
        ("job and not session.in_transaction()", []),
        ("job is not None and session.in_transaction()", ["SUP303"]),
        ("job is not None or not session.in_transaction()", ["SUP303"]),
    ],
)
def test_what_nothing_tells_of_does_not_decide_alone(tmp_path: Path, ask: str, found: list[str]) -> None:
    text = BEGUN_OR_NOT.format(ask=f"own = {ask}", flag="own")
    in_block = text[: text.rindex("        await put(first")]
    assert sorted(set(codes(tmp_path, in_block))) == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("busy", []),
        ("not busy", ["SUP302"]),
        ("busy and other", ["SUP302"]),  # `other` may be anything
    ],
)
def test_an_answer_goes_with_the_state_it_was_given_in(tmp_path: Path, asked: str, found: list[str]) -> None:
    text = f"""
from app.session import get_session


async def work(other):
    async with get_session() as session:
        await session.execute("select 1")
        busy = session.in_transaction()
        if {asked}:
            await session.commit()
        async with session.begin():
            await session.execute("select 2")
"""
    assert codes(tmp_path, text) == found


def test_an_answer_does_not_outlive_the_commit_that_changes_it(tmp_path: Path) -> None:
    text = """
from app.session import get_session


async def work():
    async with get_session() as session:
        begun = session.in_transaction()
        await session.execute("select 1")
        if begun:
            await session.commit()
        async with session.begin():
            await session.execute("select 2")
"""
    assert codes(tmp_path, text) == ["SUP302"]


@pytest.mark.parametrize(
    ("flag", "found"),
    [("commit", []), ("commit is True", []), ("commit is not None and commit", []), ("not commit", ["SUP303"])],
)
def test_a_flag_that_is_none_by_default_is_decided_by_the_session(tmp_path: Path, flag: str, found: list[str]) -> None:
    text = f"""
from app.session import async_session_factory as factory, get_session


async def put(job, session=None, commit=None):
    if commit is None:
        commit = session is None
    if session is None:
        session = factory()
    session.add(job)
    if {flag}:
        await session.commit()


async def caller(first, second):
    async with get_session() as session:
        async with session.begin():
            await put(first, session)
            await put(second, session=session)
"""
    assert [code for code in codes(tmp_path, text) if code == "SUP303"] == found


def test_a_helper_says_whether_the_session_has_a_transaction(tmp_path: Path) -> None:
    text = """
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import get_session


def is_free(session: AsyncSession):
    return not session.in_transaction()


async def put(job, session: AsyncSession):
    own = is_free(session)
    session.add(job)
    if own:
        await session.commit()


async def caller(first, second):
    async with get_session() as session:
        async with session.begin():
            await put(first, session)
            await put(second, session)
"""
    assert codes(tmp_path, text) == []
    assert codes(tmp_path, text.replace("return not", "return")) == ["SUP303"]
