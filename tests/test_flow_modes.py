"""Modes: a helper that is told by a text, a number or the member of an enumeration whether it commits."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from tests.project_support import SESSION_MODULE, findings

MODULE = """
from enum import Enum, StrEnum, auto
from app.session import get_session

FLUSH = "flush"


class Mode(Enum):
    FLUSH = auto()
    COMMIT = auto()
    SAVE = COMMIT


class Kind(StrEnum):
    FLUSH = "flush"
    COMMIT = "commit"


async def put(session, job, mode={default}):
    session.add(job)
{decide}


async def caller(first, second, anything):
    name = "flush"
    async with get_session() as session:
        async with session.begin():
            await put(session, first, {given})
            await put(session, second, {given})
"""
BY_MEMBER = "if mode is Mode.COMMIT:\n    await session.commit()\nelse:\n    await session.flush()"
BY_TEXT = 'if mode == "commit":\n    await session.commit()'
BY_MATCH = 'match mode:\n    case "commit":\n        await session.commit()\n    case "flush":\n        pass'
BY_REST = 'match mode:\n    case "flush" | "nothing":\n        pass\n    case _:\n        await session.commit()'
BY_MEMBERS = "match mode:\n    case Mode.FLUSH:\n        pass\n    case Mode.COMMIT:\n        await session.commit()"
OF_SEVERAL = 'if mode not in ("flush", "nothing"):\n    await session.commit()'
BY_TRUTH = "if mode:\n    await session.commit()"
BY_BOOL = "match mode:\n    case True:\n        await session.commit()\n    case False:\n        pass"
GUARDED = 'match mode:\n    case "flush" if job.late:\n        await session.commit()'
NOT_NONE = 'mode = "commit" if mode is None else mode\nif mode == "commit":\n    await session.commit()'


def codes(tmp_path: Path, decide: str, default: str, given: str) -> set[str]:
    """The codes of what is found in the module."""
    text = MODULE.format(decide=indent(decide, "    "), default=default, given=given)
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": text})
    return {line[-6:] for line in found if line.startswith("app/work.py")} & {"SUP302", "SUP303", "SUP308"}


@pytest.mark.parametrize(
    ("decide", "default", "given"),
    [
        (BY_MEMBER, "Mode.COMMIT", "Mode.FLUSH"),
        (BY_MEMBER, "Mode.COMMIT", "mode=Mode.FLUSH"),
        (BY_MEMBER, "Mode.FLUSH", ""),
        (BY_MEMBER.replace(" is ", " == "), "Mode.COMMIT", "Mode.FLUSH"),
        (BY_MEMBER.replace("is Mode.COMMIT", "in (Mode.COMMIT,)"), "Mode.COMMIT", "Mode.FLUSH"),
        (BY_MEMBER.replace("Mode", "Kind"), "Kind.COMMIT", "Kind.FLUSH"),
        (BY_TEXT, '"commit"', '"flush"'),
        (BY_TEXT, '"commit"', "name"),
        (BY_TEXT, '"commit"', "FLUSH"),
        (BY_TEXT, '"flush"', ""),
        (BY_TEXT.replace('mode == "commit"', '"commit" == mode'), '"commit"', '"flush"'),
        (BY_TEXT.replace('"commit"', "1"), "1", "2"),
        (BY_MATCH, '"commit"', '"flush"'),
        (BY_MATCH, '"commit"', 'mode="flush"'),
        (BY_REST, '"commit"', '"flush"'),
        (BY_MEMBERS, "Mode.COMMIT", "Mode.FLUSH"),
        (OF_SEVERAL, '"commit"', '"flush"'),
        (BY_TRUTH, '"commit"', '""'),
        (BY_BOOL, "True", "False"),
        (NOT_NONE, "None", '"flush"'),
    ],
)
def test_a_helper_that_is_told_not_to_commit(tmp_path: Path, decide: str, default: str, given: str) -> None:
    assert codes(tmp_path, decide, default, given) == set()


@pytest.mark.parametrize(
    ("decide", "default", "given"),
    [
        (BY_MEMBER, "Mode.FLUSH", "Mode.COMMIT"),
        (BY_MEMBER, "Mode.COMMIT", ""),
        (BY_MEMBER, "Mode.FLUSH", "anything"),
        (BY_MEMBER, "Mode.FLUSH", "Mode.SAVE"),  # another name for it
        (BY_MEMBER.replace("is Mode.COMMIT", 'is not "flush"'), "Mode.FLUSH", ""),
        (BY_TEXT.replace('"commit"', '"flush"'), "Kind.COMMIT", "Kind.FLUSH"),  # which is equal
        (BY_TEXT, '"flush"', '"commit"'),
        (BY_TEXT, '"flush"', "anything"),
        (BY_MATCH, '"commit"', ""),
        (BY_MATCH, '"commit"', "anything"),
        (BY_REST, '"flush"', '"commit"'),
        (BY_MEMBERS, "Mode.FLUSH", "Mode.COMMIT"),
        (OF_SEVERAL, '"flush"', '"commit"'),
        (BY_TRUTH, '""', '"commit"'),
        (BY_BOOL, "False", "True"),
        (GUARDED, '"commit"', '"flush"'),
        (NOT_NONE, '"flush"', "None"),
    ],
)
def test_a_helper_that_is_told_to_commit_or_may_be(tmp_path: Path, decide: str, default: str, given: str) -> None:
    assert codes(tmp_path, decide, default, given) == {"SUP303"}


CHANGED = """
def change():
    nonlocal mode
    mode = "commit"
change()
"""


def test_a_mode_that_a_nested_function_changes(tmp_path: Path) -> None:
    assert codes(tmp_path, CHANGED + BY_TEXT, '"flush"', '"flush"') == {"SUP303"}
    assert codes(tmp_path, CHANGED.replace("nonlocal mode", "pass") + BY_TEXT, '"flush"', '"flush"') == set()
