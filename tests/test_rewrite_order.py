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
STATUS = """

class JobStatus:
    COMPLETED = "completed"
    FAILED = "failed"
"""
WORK_BEFORE = f"""
import logging

logger = logging.getLogger(__name__)


async def work_with_own_session(job_id):
    from app.session import async_session_factory

    data = await fetch(job_id)
    async with async_session_factory() as session:
        job = await session.get(Job, job_id)
        job.status = JobStatus.COMPLETED
        await session.commit()
{STATUS}"""
ONLY_LOGS = f"""
import logging

logger = logging.getLogger(__name__)


async def work_with_own_session(job_id):
    from app.session import async_session_factory

    session = async_session_factory()
    try:
        job = await session.get(Job, job_id)
        job.status = JobStatus.COMPLETED
        await session.commit()
    except Exception:
        logger.exception("failed")
    finally:
        await session.close()
{STATUS}"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def checked(root: Path, text: str, *args: str, code: str = "SUP304") -> tuple[set[str], str]:
    """The reasons for no fix of the findings of a rule (commits by hand), and what is said on stderr."""
    write(root, {"app/__init__.py": "", "app/session.py": SESSION_MODULE, "app/work.py": text})
    done = invoke("check", "--select", f"SUP101,{code}", "--output-format", "json", *args)
    found = json.loads(done.stdout)["findings"]
    return {finding["no_fix_reason"] for finding in found if finding["code"] == code}, done.stderr


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
    assert said == "Found 2 findings in 1 of 3 files. 1 fixable with --fix (1 other may follow).\n"
    assert "Fixed 2 findings in 1 file, 0 left." in invoke("check", "--select", "SUP101,SUP304", "--fix").stderr


def test_a_fix_that_comes_first_may_be_unsafe(tmp_path: Path) -> None:
    pending = TASK.replace(BY_HAND, f"{BY_HAND}        session.add(job)\n")  # committed by the helper alone
    reasons, said = checked(tmp_path, pending)
    options = "--fix --unsafe-fixes"
    assert reasons == {f"{CAUSE}: {options} mends that first (SUP101), then looks at this again"}
    assert said.endswith(f" 1 fixable with {options} (1 other may follow).\n")


def test_a_session_that_is_assigned_may_be_swapped_first_too(tmp_path: Path) -> None:
    reasons, _ = checked(tmp_path, ASSIGNED)
    assert reasons == {f"{CAUSE}: --fix mends that first (SUP101), then looks at this again"}


@pytest.mark.parametrize(("code", "text"), [("SUP401", WORK_BEFORE), ("SUP402", ONLY_LOGS)])
def test_a_handler_that_needs_a_session_of_its_own_waits_as_well(tmp_path: Path, code: str, text: str) -> None:
    options = "--fix --unsafe-fixes"  # a handler is never a safe fix
    reasons, said = checked(tmp_path, text, code=code)
    assert reasons == {f"{CAUSE}: {options} mends that first (SUP101), then looks at this again"}
    assert "may follow" in said
    done = invoke("check", "--select", f"SUP101,{code}", *options.split())
    assert "Fixed 2 findings in 1 file, 0 left." in done.stderr
    assert "JobStatus.FAILED" in (tmp_path / "app/work.py").read_text("utf-8")


def test_what_may_follow_is_told_with_the_options_that_it_takes(tmp_path: Path) -> None:
    _, said = checked(tmp_path, WORK_BEFORE, code="SUP401")
    assert said.endswith(" 1 fixable with --fix, 1 other may follow with --fix --unsafe-fixes.\n")
    assert checked(tmp_path, WORK_BEFORE, "--fix", code="SUP401")[1].endswith(
        " 1 more fixable with --fix --unsafe-fixes.\n"
    )


def test_a_handler_without_a_session_from_a_helper_says_so(tmp_path: Path) -> None:
    for code, text in (("SUP401", WORK_BEFORE), ("SUP402", ONLY_LOGS)):
        reasons, _ = checked(tmp_path, text, "--ignore", "SUP101", code=code)
        assert reasons == {f"{CAUSE}: use the helper first (SUP101)"}
