"""Errors that end inside a `begin()` block but come out of it all the same, by a result or something that is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import SESSION_MODULE, findings
from tests.template_support import MODELS

HELPERS = """
import os
import sys

from sqlalchemy.exc import IntegrityError

from app.models import Job
from app.session import get_session


class Refused(Exception):
    pass


async def told(session, name):
    try:
        session.add(Job(name=name))
        await session.flush()
    except Exception:
        return False
    return True


async def error_of(session, name):
    try:
        session.add(Job(name=name))
        await session.flush()
    except Exception as error:
        return error
    return None


async def listed(session, name, problems):
    try:
        session.add(Job(name=name))
        await session.flush()
    except Exception as error:
        problems.append(error)


async def narrowly(session, name, problems):
    try:
        session.add(Job(name=name))
        await session.flush()
    except IntegrityError as error:
        problems.append(error)
        return str(error)


async def both(session, name):
    try:
        session.add(Job(name=name))
        await session.flush()
    except Exception as error:
        return None, error
    return name, None


async def texts(session, name):
    try:
        session.add(Job(name=name))
        await session.flush()
    except IntegrityError:
        return [name]
    return []


def write_up(problems, path):
    if not path:
        raise Refused
    print(problems)


def refuse(problems):
    if problems:
        raise Refused


class Report:
    def __init__(self):
        self.errors = []

    @property
    def is_bad(self):
        return bool(self.errors)

    def refuse(self):
        if self.errors:
            raise Refused

    def tell(self):
        print(self.errors)


async def narrowly_quiet(session, name):
    try:
        session.add(Job(name=name))
        await session.flush()
    except IntegrityError:
        print("no")


async def kept_quiet(session, name):
    try:
        session.add(Job(name=name))
        await session.flush()
    except Exception:
        print("no")


async def asked_twice(session, name):
    return await told(session, name)


def give_up():
    print("giving up")
    sys.exit(1)


class Run:
    problem = None

    async def work(self, name, flag):
        problems, first = [], None
        async with get_session() as session, session.begin():
            BODY
"""


def is_reported(root: Path, body: str, helpers: str = HELPERS) -> bool:
    """Whether SUP306 says something of `Run.work`."""
    source = helpers.replace("BODY", body.replace("\n", "\n            "))
    files = {"app/session.py": SESSION_MODULE, "app/models.py": MODELS, "app/work.py": source}
    return any(line.endswith("SUP306") for line in findings(root, files))


ATTEMPT = "try:\n    session.add(Job(name=name))\n    await session.flush()\nexcept Exception as error:\n    "


@pytest.mark.parametrize(
    "body",
    [
        "if not await told(session, name):\n    raise Refused",
        "done = await told(session, name)\nif not done:\n    raise Refused(name)",
        "done = await asked_twice(session, name)\nassert done",
        "if (problem := await error_of(session, name)):\n    raise problem",
        "match await error_of(session, name):\n    case None:\n        pass\n    case problem:\n        raise problem",
        "problem = await error_of(session, name)\nif isinstance(problem, ValueError):\n    raise Refused",
        "await listed(session, name, problems)\nif problems:\n    raise problems[0]",
        "for one in (name, flag):\n    await listed(session, one, problems)\nif len(problems) > 0:\n    raise Refused",
        ATTEMPT + "first = first or error\nif first:\n    raise first",
        ATTEMPT + "self.problem = error\nif self.problem is not None:\n    raise self.problem",
        ATTEMPT + "self.problem = error\nif self.problem is None:\n    print(name)\nelse:\n    raise Refused",
        "problem = await error_of(session, name)\nif problem:\n    raise problem\nawait session.get(Job, 1)",
        "await listed(session, name, problems)\nif problems:\n    raise Refused\nawait session.get(Job, 1)",
        "await narrowly(session, name, problems)\nif problems:\n    raise Refused\nawait session.get(Job, 1)",
        "text = await narrowly(session, name, [])\nif text:\n    raise Refused(text)\nawait session.get(Job, 1)",
        "await narrowly_quiet(session, name)",
        "session.add(Job(name=name))\ntry:\n    await session.flush()\nexcept IntegrityError:\n    return None",
        "session.add_all([Job(name=name)])\nsession.add(Job())\ntry:\n    await session.flush()\n"
        "except IntegrityError:\n    return None",
        "_, problem = await both(session, name)\nif problem:\n    raise problem",
        "done, problem = await both(session, name)\nif problem is not None:\n    raise Refused(problem)\n"
        "await session.get(Job, 1)",
        "problems.extend(await texts(session, name))\nif problems:\n    raise Refused",
        "problems.append(await told(session, name))\nassert all(problems)",
        "problem = await error_of(session, name)\nif problem:\n    problems.append(problem)\nif problems:\n"
        "    raise Refused",
        "if not await told(session, name):\n    problems.append(name)\nif problems:\n    raise Refused",
        "await listed(session, name, problems)\nrefuse(problems)",
        ATTEMPT + "problems.append(error)\nrefuse(problems)",
        "report = Report()\n" + ATTEMPT + "report.errors.append(error)\nif report.is_bad:\n    raise Refused",
        "report = Report()\n" + ATTEMPT + "report.errors.append(error)\nreport.refuse()",
        ATTEMPT + "first = error\nif isinstance(first, Exception):\n    raise first",
        "for one in (name, flag):\n    await narrowly(session, one, problems)\nif problems:\n    raise Refused",
        "await listed(session, name, problems)\nawait listed(session, flag, problems)\nassert not problems",
        f"for name in (name, flag):\n    {ATTEMPT}".replace("\n", "\n    ").replace("    for", "for")
        + "    problems.append(error)\nif problems:\n    raise Refused",
        ATTEMPT + "first = str(error)\nif first is not None:\n    raise Refused(first)\nawait session.get(Job, 1)",
        ATTEMPT + "problems.append(error)\nif problems:\n    raise Refused\nawait session.get(Job, 1)",
        ATTEMPT + "sys.exit(1)",
        ATTEMPT + "os._exit(1)",
        ATTEMPT + "give_up()",
    ],
)
def test_an_error_that_comes_out_of_the_block_is_not_swallowed(tmp_path: Path, body: str) -> None:
    assert not is_reported(tmp_path, body)


@pytest.mark.parametrize(
    "body",
    [
        "await kept_quiet(session, name)",
        "await told(session, name)",
        "if not await told(session, name):\n    print(name)",
        "if not await told(session, name):\n    return",
        "if await told(session, name):\n    raise Refused",
        "done = await told(session, name)\nif not done and flag:\n    raise Refused",
        "await kept_quiet(session, name)\nif flag:\n    raise Refused",
        "await kept_quiet(session, name)\nif session.is_modified(self):\n    raise Refused",
        "await kept_quiet(session, name)\nawait session.get(Job, 1)",
        "await listed(session, name, problems)\nif flag:\n    raise Refused",
        "await narrowly_quiet(session, name)\nawait session.get(Job, 1)",
        "session.add(Job(name=name))\nprint(name)\ntry:\n    await session.flush()\nexcept IntegrityError:\n"
        "    return None",
        "session.add(Job(name=name))\ntry:\n    await session.flush()\nexcept Exception:\n    return None",
        "session.add(Job(name=name))\ntry:\n    await session.get(Job, 1)\nexcept IntegrityError:\n    return None",
        "session.add(Job(name=name))\ntry:\n    session.add(Job())\n    await session.flush()\n"
        "except IntegrityError:\n    return None",
        "done, problem = await both(session, name)\nif problem:\n    print(problem)",
        "problems.extend(await texts(session, name))\nawait session.get(Job, 1)\nif problems:\n    raise Refused",
        "await listed(session, name, problems)\nprint(problems)",
        "await listed(session, name, problems)\nwrite_up(problems, name)",
        ATTEMPT + "problems.append(error)\nwrite_up(problems, name)",
        "report = Report()\n" + ATTEMPT + "report.errors.append(error)\nreport.tell()",
        "if not await told(session, name):\n    problems.append(name)\nif flag:\n    raise Refused",
        "await narrowly(session, name, problems)\nawait session.get(Job, 1)\nif problems:\n    raise Refused",
        ATTEMPT + "problems.append(error)\nawait session.get(Job, 1)\nif problems:\n    raise Refused",
        ATTEMPT + "self.problem = error\nif flag:\n    raise Refused",
        ATTEMPT + "first = first or error\nif first:\n    print(first)",
        ATTEMPT + "if flag:\n    sys.exit(1)".replace("\n", "\n    "),
    ],
)
def test_an_error_that_does_not_is(tmp_path: Path, body: str) -> None:
    assert is_reported(tmp_path, body)


def test_a_function_may_be_called_exit_and_come_back(tmp_path: Path) -> None:
    own = "def exit():\n    print('bye')\n\n\ndef give_up():"
    body = ATTEMPT + "give_up()"
    assert not is_reported(tmp_path, body, HELPERS.replace("    sys.exit(1)", "    exit()"))
    assert is_reported(tmp_path, body, HELPERS.replace("    sys.exit(1)", "    exit()").replace("def give_up():", own))
