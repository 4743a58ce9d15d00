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
