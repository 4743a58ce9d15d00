"""Conditions that exclude each other: no path goes through both, and nothing is said of one that would have to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import SESSION_MODULE, findings

# Only where a statement has begun a transaction, the block below raises.
BODY = """
from app.session import get_session


async def work(job, kind, other, data):
    async with get_session() as session:
        if {first}:
            await session.execute("select 1")
        {between}
        if {second}:
            async with session.begin():
                await session.execute("select 2")
"""

EXCLUSIVE = [
    ('kind == "a"', 'kind == "b"'),
    ('kind == "a"', 'kind in ("b", "c")'),
    ('kind in ["a", "d"]', 'kind in {"b", "c"}'),
    ('kind == "a"', 'kind not in ("a", "b")'),
    ('kind == "a"', 'kind != "a"'),
    ('kind not in ("a", "b")', 'kind == "b"'),
    ('kind != "a"', 'kind == "a"'),
    ("kind == 1", "kind == 2"),
    ('job.kind == "a"', 'job.kind in ("b", "c")'),
    ('job.store.kind == "a"', 'job.store.kind == "b"'),
    ('data["a in b"] == "a"', 'data["a in b"] == "b"'),
    ('other and kind == "a"', 'kind == "b"'),
    ('kind == "a b"', 'kind in ("b", "a_b")'),
    ("job.is_new", "not job.is_new"),
    ("not job.store.is_open", "bool(job.store.is_open)"),
    ("other and job.is_new", "not job.is_new"),
]
COMPATIBLE = [
    ('kind == "a"', 'kind in ("a", "b")'),
    ('kind in ("a", "b")', 'kind == "a"'),
    ('kind in ("a", "b")', 'kind in ("b", "c")'),
    ('kind != "a"', 'kind == "b"'),
    ('kind not in ("a", "b")', 'kind not in ("a", "c")'),
    ('kind == "a"', 'other == "b"'),
    ('kind == "a"', 'job.kind == "b"'),
    ('job.kind == "a"', 'job.sort == "b"'),
    ('data["a in b"] == "a"', 'data["a in c"] == "b"'),
    ("kind == 1", "kind == True"),  # which are the same
    ('kind == "a"', "kind == other"),
    ('kind == "a"', 'kind in ("b", other)'),
    ('kind == "a"', 'kind in "b"'),
    ('kind() == "a"', 'kind() == "b"'),
    ("job.is_new", "not job.is_old"),
    ("job.is_new", "not other.is_new"),
    ("job.is_new()", "not job.is_new()"),
]


def codes(tmp_path: Path, first: str, second: str, between: str = "pass") -> list[str]:
    """What is found where a transaction is begun under one condition, and a block entered under another."""
    text = BODY.format(first=first, second=second, between=between)
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": text})
    return [line.rpartition(" ")[2] for line in found if line.startswith("app/work.py")]


@pytest.mark.parametrize(("first", "second"), EXCLUSIVE)
def test_no_path_goes_through_conditions_that_exclude_each_other(tmp_path: Path, first: str, second: str) -> None:
    assert "SUP302" not in codes(tmp_path, first, second)


@pytest.mark.parametrize(("first", "second"), COMPATIBLE)
def test_conditions_that_may_both_hold_are_found(tmp_path: Path, first: str, second: str) -> None:
    assert "SUP302" in codes(tmp_path, first, second)


@pytest.mark.parametrize(
    ("value", "between"),
    [
        ("kind", "kind = other"),
        ("job.kind", "job = other"),
        ("job.kind", 'job.kind = "b"'),
        ("job.kind", "other.kind = job.sort"),  # `other` may be the same object
        ("data[0]", "data = other"),
    ],
)
def test_a_value_that_is_changed_between_the_conditions_may_fulfil_both(
    tmp_path: Path, value: str, between: str
) -> None:
    assert "SUP302" in codes(tmp_path, f'{value} == "a"', f'{value} == "b"', between)


def test_an_elif_that_asks_for_one_more_constant_does_not_exclude_what_stands_below_it(tmp_path: Path) -> None:
    first = 'kind == "a":\n            pass\n        elif kind == "b"'
    assert "SUP302" in codes(tmp_path, first, "other")


OWNED = """
from app.session import async_session_factory as factory


class Scope:
    def __init__(self, session, owned):
        self.session = session
        self.owned = owned


async def work(job, given=None):
    scope = Scope(given or factory(), given is None)
    try:
        scope.session.add(job)
        if {commits}:
            await scope.session.commit()
        else:
            await scope.session.flush()
    finally:
        if {closes}:
            await scope.session.close()
"""


@pytest.mark.parametrize(
    ("commits", "closes", "lost"),
    [
        ("scope.owned", "scope.owned", False),
        ("job.done and scope.owned", "scope.owned", True),
        ("scope.owned", "given is None", False),
        ("not scope.owned", "scope.owned", True),
        ("scope.owned and job.done", "given is None", True),
    ],
)
def test_who_owns_a_session_commits_and_closes_it(tmp_path: Path, commits: str, closes: str, lost: bool) -> None:
    files = {"app/session.py": SESSION_MODULE, "app/work.py": OWNED.format(commits=commits, closes=closes)}
    assert any(line.endswith("SUP308") for line in findings(tmp_path, files)) is lost


HELD = """
from app.session import async_session_factory as factory


class Writer:
    def __init__(self, session=None):
        self.session = session

    async def write(self, job):
        session = {first} or factory()
        session.add(job)
        if not self.session:
            await session.commit()
        if {closes}:
            await session.close()
"""


@pytest.mark.parametrize(
    ("first", "closes", "lost"),
    [
        ("self.session", "not self.session", False),
        ("self.session", "not bool(self.session)", False),
        ("self.other", "not self.session", True),
    ],
)
def test_a_session_that_is_only_opened_where_there_is_none(tmp_path: Path, first: str, closes: str, lost: bool) -> None:
    files = {"app/session.py": SESSION_MODULE, "app/work.py": HELD.format(first=first, closes=closes)}
    assert any(line.endswith("SUP308") for line in findings(tmp_path, files)) is lost


STOPPED = """
from app.session import get_session


async def work(jobs, worker):
    async with get_session() as session:
        LOOP
            if worker.stopping:
                break
            await session.execute("select 1")
        if worker.stopping:
            async with session.begin():
                await session.execute("select 2")
"""


@pytest.mark.parametrize("loop", ["for job in jobs:", "while jobs:", "while not worker.stopping:"])
def test_what_a_loop_asks_for_may_change_from_round_to_round(tmp_path: Path, loop: str) -> None:
    text = STOPPED.replace("LOOP", loop)
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": text})
    assert any(line.endswith("SUP302") for line in found)
