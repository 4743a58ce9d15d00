"""A finding that waits for another one's fix says so, and the summary does not hide it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_support import invoke
from project_support import SESSION_MODULE, write

TASK = """
async def work_with_own_session(job):
    from app.session import async_session_factory

    async with async_session_factory() as session:
        session.add(job)
        await session.commit()
"""
BY_HAND = "await session.commit()\n"
ASSIGNED = """
async def work_with_own_session(job):
    from app.session import async_session_factory

    session = async_session_factory()
    session.add(job)
    await session.commit()
    await session.close()
"""
CAUSE = "the session does not come from the session helper"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def checked(root: Path, text: str, *args: str) -> tuple[set[str], str]:
    """The reasons for no fix of the commits by hand, and what is said on stderr."""
    write(root, {"app/__init__.py": "", "app/session.py": SESSION_MODULE, "app/work.py": text})
    done = invoke("check", "--select", "SUP101,SUP304", "--output-format", "json", *args)
    found = json.loads(done.stdout)["findings"]
    return {finding["no_fix_reason"] for finding in found if finding["code"] == "SUP304"}, done.stderr


@pytest.mark.parametrize("args", [["--ignore", "SUP101"], []])
def test_where_nothing_else_is_fixed_the_reason_says_what_to_do(tmp_path: Path, args: list[str]) -> None:
    text = TASK if args else TASK.replace("as session:", "as session:  # noqa: SUP101")
    reasons, said = checked(tmp_path, text, *args)
    assert reasons == {f"{CAUSE}: use the helper first (SUP101)"}
    assert "fixable" not in said
    assert "would fix" not in invoke("check", "--select", "SUP101,SUP304", "--diff", *args).stderr


def test_a_reason_says_that_one_run_does_both(tmp_path: Path) -> None:
    reasons, said = checked(tmp_path, TASK)
    assert reasons == {f"{CAUSE}: --fix mends that first (SUP101), then looks at this again"}
    assert said == "Found 2 findings in 1 of 3 files. 1 (and perhaps 1 behind it) fixable with --fix.\n"
    assert "Fixed 2 findings in 1 file, 0 left." in invoke("check", "--select", "SUP101,SUP304", "--fix").stderr


def test_a_fix_that_comes_first_may_be_unsafe(tmp_path: Path) -> None:
    pending = TASK.replace(BY_HAND, f"{BY_HAND}        session.add(job)\n")  # committed by the helper alone
    reasons, said = checked(tmp_path, pending)
    options = "--fix --unsafe-fixes"
    assert reasons == {f"{CAUSE}: {options} mends that first (SUP101), then looks at this again"}
    assert said.endswith(f" 1 (and perhaps 1 behind it) fixable with {options}.\n")


def test_a_session_that_is_assigned_may_be_swapped_first_too(tmp_path: Path) -> None:
    reasons, _ = checked(tmp_path, ASSIGNED)
    assert reasons == {f"{CAUSE}: --fix mends that first (SUP101), then looks at this again"}
