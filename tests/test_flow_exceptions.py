"""Which exceptions leave a piece of code, and which handlers they reach: one that none reaches is not judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import SESSION_MODULE, findings
from tests.template_support import MODELS

WORK = """
from dataclasses import dataclass, field

import httpx
from sqlalchemy.exc import SQLAlchemyError as StorageError

from app.models import Job
from app.session import get_session


class Failed(Exception):
    pass


class Worse(Failed):
    pass


WorkFailed = Failed


@dataclass
class Rights:
    names: set = field(default_factory=set)

    def has(self, name):
        return name in self.names


async def rights_of(session):
    return Rights()


async def renew(session, job):
    try:
        job.error = "x"
        await session.commit()
    except Exception as error:
        RAISED


async def work(job_id):
    async with get_session() as session:
        job = await session.get(Job, job_id)
        try:
            await renew(session, job)
        except CAUGHT:
            print(job.id)
"""


def read_in_the_handler(root: Path, raised: str, caught: str) -> bool:
    """Whether the handler's read of the object that a failed commit has expired is reported."""
    source = WORK.replace("RAISED", raised.replace("\n", "\n        ")).replace("CAUGHT", caught)
    files = {"app/session.py": SESSION_MODULE, "app/models.py": MODELS, "app/work.py": source}
    return any(line.endswith("SUP309") for line in findings(root, files))


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        ('raise Exception("failed") from error', "httpx.HTTPStatusError"),
        ("raise ValueError(str(error)) from error", "httpx.HTTPStatusError"),
        ('text = str(error)\nif "expired" in text.lower().strip():\n    return\nraise', "httpx.HTTPStatusError"),
        ('raise Exception(", ".join([f"{error}".upper()]))', "KeyError"),
        ("raise Failed(error)", "httpx.HTTPStatusError"),
        ("raise Worse(error)", "(KeyError, httpx.HTTPStatusError)"),
        ("raise WorkFailed", "Worse"),
        ('print(getattr(error, "orig", None))\nraise Failed(error)', "httpx.HTTPStatusError"),
        ("for name, part in error.parts.items():\n    print(name, part)\nraise Failed(error)", "httpx.HTTPStatusError"),
        ("rights = Rights()\nraise Failed(error)", "httpx.HTTPStatusError"),
        ('rights = await rights_of(session)\nif rights.has("x"):\n    return\nraise Failed(error)', "httpx.HTTPError"),
    ],
)
def test_a_handler_of_other_errors_is_not_reached(tmp_path: Path, raised: str, caught: str) -> None:
    assert not read_in_the_handler(tmp_path, raised, caught)


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        ("raise", "StorageError"),
        ("raise", "(KeyError, StorageError)"),
        ('raise Exception("failed") from error', "Exception"),
        ("raise Failed(error)", "WorkFailed"),
        ("raise Worse(error)", "WorkFailed"),
        ("raise Worse(error)", "Exception"),
        ("error.parts.lower()\nraise Failed(error)", "httpx.HTTPStatusError"),  # of whatever that is
        ('getattr(error, "orig")\nraise Failed(error)', "AttributeError"),
        ("getattr(error, str(error), None)\nraise Failed(error)", "httpx.HTTPStatusError"),
        ("error.parts.items(1)\nraise Failed(error)", "httpx.HTTPStatusError"),
        (
            "rights = await rights_of(session)\nif rights.lacks(error):\n    return\nraise Failed(error)",
            "httpx.HTTPError",
        ),
        ("rights = Rights(error.orig)\nraise Failed(error)", "httpx.HTTPStatusError"),
    ],
)
def test_a_handler_is_reached_under_any_name(tmp_path: Path, raised: str, caught: str) -> None:
    assert read_in_the_handler(tmp_path, raised, caught)


NESTED = """
from app.session import get_session


async def work(job_id):
    async with get_session() as session:
        await session.execute("select 1")

        async def inner():
            try:
                TRIED
            except Exception:
                async with session.begin():
                    print(job_id)

        await inner()
"""


@pytest.mark.parametrize("tried", ["async with session.begin():\n                    print()", "print(job_id)"])
def test_a_handler_that_begins_as_well_hides_nothing(tmp_path: Path, tried: str) -> None:
    """Both are told at the call: what begins again where nothing has failed is a SUP302."""
    work = f"# supavisor-lint: task\n{NESTED.replace('TRIED', tried).lstrip()}"
    work = work.replace("# supavisor-lint: task\n", "", 1).replace(
        "async def work", "# supavisor-lint: task\nasync def work"
    )
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": work})
    call = work.splitlines().index("        await inner()") + 1
    assert (f"app/work.py:{call} SUP302" in found) is ("begin" in tried)
