"""Switches that an object carries: the constants it is made with say which way its methods, or a helper, go."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import SESSION_MODULE, findings

CALLER = """

async def caller(first, second, anything):
    async with get_session() as session:
        async with session.begin():
            store = {made}
            {between}
            await store.put(first)
            await store.put(second)
"""
HEAD = """
from dataclasses import dataclass
from typing import NamedTuple
from app.session import get_session

"""
PUT = """
    async def put(self, job):
        self.session.add(job)
        if self.autocommit:
            await self.session.commit()
"""
BY_PARAMETER = (
    """
class Store:
    def __init__(self, session, autocommit=True):
        self.session = session
        self.autocommit = autocommit
"""
    + PUT
)
BY_CLASS = (
    """
class Store:
    autocommit = True

    def __init__(self, session):
        self.session = session
"""
    + PUT
)
SHUT = """

class Quiet(Store):
    autocommit = False
"""
BY_SUPER = (
    BY_PARAMETER
    + """

class Quiet(Store):
    def __init__(self, session, noisy=False):
        super().__init__(session, autocommit=noisy)
"""
)
NEGATED = BY_PARAMETER.replace("if self.autocommit", "if not self.autocommit")
MANUAL = BY_PARAMETER.replace("autocommit=True", "autocommit=False")
SET_BY_NAME = (
    """
class Store:
    autocommit = False

    def __init__(self, session, **options):
        self.session = session
        for name, value in options.items():
            {how}
"""
    + PUT
)


def codes(tmp_path: Path, text: str) -> set[str]:
    """The codes of what is found in a module beside the session module."""
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": text})
    return {line[-6:] for line in found if line.startswith("app/work.py")} & {"SUP302", "SUP303", "SUP308"}


SILENT = [
    (BY_PARAMETER, "Store(session, autocommit=False)"),
    (BY_PARAMETER, "Store(session, False)"),
    (BY_PARAMETER, "Store(autocommit=False, session=session)"),
    (BY_PARAMETER, "Store(session, autocommit=None)"),
    (MANUAL, "Store(session)"),
    (NEGATED, "Store(session)"),
    (BY_CLASS + SHUT, "Quiet(session)"),
    (BY_CLASS + SHUT + "\n\ndef speak(logger):\n    logger.autocommit = Quiet.autocommit\n", "Quiet(session)"),
    (BY_SUPER, "Quiet(session)"),
    (BY_PARAMETER.replace("= autocommit\n", "= False\n"), "Store(session)"),
]
FOUND = [
    (BY_PARAMETER, "Store(session)"),
    (BY_PARAMETER, "Store(session, autocommit=True)"),
    (BY_PARAMETER, "Store(session, anything)"),
    (MANUAL, "Store(session, True)"),
    (NEGATED, "Store(session, autocommit=False)"),
    (BY_CLASS + SHUT, "Store(session)"),
    (BY_CLASS + SHUT.replace("False", "True"), "Quiet(session)"),
    (BY_SUPER, "Quiet(session, noisy=True)"),
    (BY_CLASS.replace("True", "False") + SHUT.replace("False", "get_session()"), "Quiet(session)"),
    # not what was given, or not in any case
    (
        BY_PARAMETER.replace(
            "        self.auto", "        if autocommit is False:\n            autocommit = True\n        self.auto"
        ),
        "Store(session, False)",
    ),
    (
        BY_CLASS.replace("(self, session)", "(self, session, quiet=None)").replace(
            "= session\n", "= session\n        if quiet is not None:\n            self.autocommit = quiet\n"
        ),
        "Store(session)",
    ),
    # set by its name
    (SET_BY_NAME.format(how="setattr(self, name, value)"), "Store(session, autocommit=True)"),
    (SET_BY_NAME.format(how="self.__dict__[name] = value"), "Store(session, autocommit=True)"),
    # set elsewhere as well
    (BY_PARAMETER + "\n    def speak(self):\n        self.autocommit = True\n", "Store(session, False)"),
    (BY_CLASS + "\n    def speak(self):\n        self.autocommit = False\n" + SHUT, "Quiet(session)"),
    (BY_CLASS + SHUT + "\n\ndef speak():\n    Quiet.autocommit = True\n", "Quiet(session)"),
]


@pytest.mark.parametrize(("classes", "made"), SILENT)
def test_a_switch_that_is_off_keeps_the_commit_from_the_block(tmp_path: Path, classes: str, made: str) -> None:
    assert codes(tmp_path, HEAD + classes + CALLER.format(made=made, between="pass")) == set()


@pytest.mark.parametrize(("classes", "made"), FOUND)
def test_a_switch_that_is_on_or_may_be_is_found(tmp_path: Path, classes: str, made: str) -> None:
    assert codes(tmp_path, HEAD + classes + CALLER.format(made=made, between="pass")) == {"SUP303"}


@pytest.mark.parametrize(
    ("between", "found"),
    [
        ("store.autocommit = True", {"SUP303"}),
        ("store.autocommit = anything", {"SUP303"}),
        ("other = store\n            other.autocommit = True", {"SUP303"}),
        ("store.other = True", set()),
    ],
)
def test_a_switch_that_is_turned_from_outside(tmp_path: Path, between: str, found: set[str]) -> None:
    text = HEAD + BY_PARAMETER + CALLER.format(made="Store(session, False)", between=between)
    assert codes(tmp_path, text) == found


OPTIONS = """
{classes}

async def put(session, job, options={default}):
    session.add(job)
    if options.commit:
        await session.commit()


async def caller(first, second, anything):
    async with get_session() as session:
        async with session.begin():
            await put(session, first{given})
            await put(session, second{given})
"""
DATACLASS = "@dataclass(frozen=True)\nclass Options:\n    name: str = ''\n    commit: bool = True\n"
TUPLE = "class Options(NamedTuple):\n    name: str = ''\n    commit: bool = True\n"
PLAIN = "class Options:\n    def __init__(self, name='', commit=True):\n        self.commit = commit\n"


@pytest.mark.parametrize("classes", [DATACLASS, TUPLE, PLAIN])
@pytest.mark.parametrize(
    ("default", "given", "found"),
    [
        ("Options()", ", Options(commit=False)", set()),
        ("Options()", ", Options('x', False)", set()),
        ("Options()", ", options=Options(commit=False)", set()),
        ("Options(commit=False)", "", set()),
        ("Options()", "", {"SUP303"}),
        ("Options(commit=False)", ", Options()", {"SUP303"}),
        ("Options(commit=False)", ", Options(commit=anything)", {"SUP303"}),
        ("Options(commit=False)", ", Options('x', anything)", {"SUP303"}),
        ("Options(commit=False)", ", anything", {"SUP303"}),
    ],
)
def test_options_say_whether_a_helper_commits(
    tmp_path: Path, classes: str, default: str, given: str, found: set[str]
) -> None:
    assert codes(tmp_path, HEAD + OPTIONS.format(classes=classes, default=default, given=given)) == found


def test_options_that_commit_only_if_they_are_told_to(tmp_path: Path) -> None:
    text = HEAD + OPTIONS.replace("{classes}", DATACLASS.replace("True\n", "False\n")).replace("{default}", "Options()")
    assert codes(tmp_path, text.replace("{given}", "")) == set()
    assert codes(tmp_path, text.replace("{given}", ", Options(commit=anything)")) == {"SUP303"}


def test_options_of_a_name_that_are_changed_before_they_are_given(tmp_path: Path) -> None:
    text = HEAD + OPTIONS.format(classes=PLAIN, default="None", given=", chosen")
    head = "    async with get_session() as session:\n"
    assert codes(tmp_path, text.replace(head, "    chosen = Options('', False)\n" + head)) == set()
    changed = "    chosen = Options('', False)\n    chosen.commit = anything\n"
    assert codes(tmp_path, text.replace(head, changed + head)) == {"SUP303"}
