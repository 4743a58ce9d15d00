"""Pydantic's `model_validate(row)` reads the row; `async_scoped_session` makes its sessions as its factory does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import findings
from tests.template_support import MODELS

DATABASE = """
from asyncio import current_task
from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")
factory = async_sessionmaker(engineOPTIONS)
MORE
"""
WORK = """
from pydantic import BaseModel, ConfigDict
from app.models import Job
from app.database import sessions


class JobOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int


async def work(job_id):
    async with sessions() as session:
        job = await session.get(Job, job_id)
        job.status = "done"
        await session.commit()
        BODY
"""
AT = WORK.splitlines().index("        BODY") + 1
KEPT = ", expire_on_commit=False"


def found(root: Path, body: str, options: str = "", more: str = "sessions = factory") -> list[int]:
    """The lines in which an expired attribute is read."""
    files = {
        "app/database.py": DATABASE.replace("OPTIONS", options).replace("MORE", more),
        "app/models.py": MODELS,
        "app/work.py": WORK.replace("BODY", body.replace("\n", "\n        ")),
    }
    return [int(line.split(":")[1].split()[0]) for line in findings(root, files, profile="hazards") if "SUP309" in line]


@pytest.mark.parametrize(
    ("body", "options"),
    [
        ("return JobOut.model_validate(job)", KEPT),
        ("await session.refresh(job)\nreturn JobOut.model_validate(job)", ""),
        ("return JobOut.model_validate({'id': job_id})", ""),
        ("return JobOut.model_construct(job)", ""),
    ],
)
def test_a_model_of_what_has_not_expired(tmp_path: Path, body: str, options: str) -> None:
    assert found(tmp_path, body, options) == []


@pytest.mark.parametrize("call", ["JobOut.model_validate(job)", "JobOut.from_orm(job)"])
def test_a_model_of_an_expired_row(tmp_path: Path, call: str) -> None:
    assert found(tmp_path, f"return {call}") == [AT]


def test_behind_a_model_of_an_expired_row_nothing_is_reached(tmp_path: Path) -> None:
    assert found(tmp_path, "out = JobOut.model_validate(job)\nreturn out, job.id") == [AT]


SCOPED = [
    "sessions = async_scoped_session(factory, current_task)",
    "sessions = async_scoped_session(session_factory=factory, scopefunc=current_task)",
    "class Database:\n    def __init__(self):\n        made = async_sessionmaker(engineOPTIONS)\n"
    "        self.sessions = async_scoped_session(made, scopefunc=current_task)\n\n\nsessions = Database().sessions",
]


@pytest.mark.parametrize("more", SCOPED)
def test_a_scoped_session_expires_as_its_factory_says(tmp_path: Path, more: str) -> None:
    assert found(tmp_path, "return job.id", KEPT, more.replace("OPTIONS", KEPT)) == []
    assert found(tmp_path, "return job.id", "", more.replace("OPTIONS", "")) == [AT]


def test_a_scoped_session_of_an_unknown_factory_is_left_open(tmp_path: Path) -> None:
    more = "from app.elsewhere import unknown\nsessions = async_scoped_session(unknown(), current_task)"
    assert found(tmp_path, "return job.id", "", more) == []


@pytest.mark.parametrize(
    ("given", "reached"), [("[job_id]", False), ("{'a': 1}", False), ("[*job_ids]", True), ("[]", True)]
)
def test_a_display_with_elements_is_true_in_the_called_function(tmp_path: Path, given: str, reached: bool) -> None:
    more = """sessions = factory


async def tell(session, job, names):
    if names:
        print(job.id)
"""
    body = f"from app.database import tell\njob_ids = ()\nawait tell(session, job, {given})\nreturn job.error"
    assert found(tmp_path, body, "", more) == ([AT + 2, AT + 3] if reached else [AT + 2])
