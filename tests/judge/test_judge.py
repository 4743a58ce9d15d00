"""The rules before the judge: generated programs, and the judge's own tests with findings that are known.

The long run is `python -m tests.judge --programs 20000 --seed 1 --jobs 2`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings

from supavisor_lint.rules import RULES

from .by_design import BY_DESIGN
from .court import Case, report, small, try_cases
from .findings import MISSING, Found, ask_rules
from .lines import Lines
from .programs import program, programs
from .run_program import World
from .truth import text_of

PROGRAMS = 500

needs_rules = pytest.mark.skipif(bool(MISSING), reason=f"flow rules not present: {', '.join(MISSING)}")


# ------------------------------------------------------------------------------------------------- the rules themselves


@needs_rules
def test_the_rules_agree_with_sqlalchemy(world: World) -> None:
    texts = [program(0, number) for number in range(PROGRAMS)]
    wrong = [case for case in try_cases(world, texts, ask_rules) if case.wrong]
    if wrong:
        shown = [report(small(world, case, ask_rules)) for case in wrong[:5]]
        pytest.fail(f"{len(wrong)} of {PROGRAMS} programs\n" + "\n\n".join(shown), pytrace=False)


@needs_rules
@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(programs())
def test_the_rules_agree_on_what_hypothesis_finds(world: World, text: str) -> None:
    case = try_cases(world, [text], ask_rules)[0]
    assert not case.wrong, report(case)


# ---------------------------------------------------------------------------------------------------- the judge's tests


def test_programs_are_valid_and_the_same_again() -> None:
    texts = [program(7, number) for number in range(200)]
    assert texts == [program(7, number) for number in range(200)]
    for text in texts:
        compile(text, "<program>", "exec")


def test_the_judge_can_explain_what_programs_do(world: World) -> None:
    kinds: set[str] = set()
    for number in range(300):
        text = program(3, number)
        events = [event for run in world.outcome(text).runs for event in run.events]
        kinds |= {event.kind for event in events}
        assert not [event for event in events if event.kind == "unexplained"], text
    assert {"begun", "closed", "lost", "discarded", "greenlet"} <= kinds


@pytest.mark.parametrize("name", BY_DESIGN)
def test_the_rules_say_what_is_by_design_and_how_often(name: str) -> None:
    meant = BY_DESIGN[name]
    text = " ".join(next(rule.doc for rule in RULES if rule.code == meant.code).split())
    assert re.search(rf"{re.escape(meant.words)}.{{,80}}?\d %", text), text


def test_the_real_driver_does_the_same(world: World) -> None:
    """aiosqlite, whose errors do not abort a transaction, against the judge's own driver without that as well."""
    real, own = World(like_postgres=False, real_driver=True), World(like_postgres=False)
    try:
        for number in range(40):
            text = program(5, number)
            assert real.outcome(text) == own.outcome(text), text
    finally:
        real.close()
        own.close()


def judged(world: World, body: str, *said: tuple[int, str], helper: str = "") -> Case:
    """A program (its lines count from 1 below `def task`), with findings put into somebody's mouth."""
    text = text_of(body).replace("async def task(", f"{helper}\n\nasync def task(")
    head = text.split("\n").index("async def task(flags, job_id):") + 1
    found = tuple(Found(line + head, code) for line, code in said)

    def ask(texts: Sequence[str]) -> list[tuple[Found, ...]]:
        return [found for _ in texts]

    return try_cases(world, [text], ask)[0]


BLOCK = "    async with session.begin():\n        "
DEEPER = "        async with session.begin():\n            "
OPEN = "async with get_session() as session:\n"
SAID = {
    "SUP302": (f"{OPEN}    READ\n{BLOCK}log()", 3, "begun"),
    "SUP303 before use": (f"{OPEN}{BLOCK}await session.commit()\n        READ", 3, "closed"),
    "SUP303 discards": (f"{OPEN}{BLOCK}WORK\n        await session.rollback()", 4, "discarded"),
    "SUP306": (
        f"{OPEN}{BLOCK}WORK\n        try:\n            EXECUTE\n        except Exception:\n            log()",
        6,
        "swallowed",
    ),
    "SUP308": ("async with open_session() as session:\n    WORK", 2, "lost"),
    "SUP309": (
        f"async with expiring_factory() as session:\n{BLOCK}job = await session.get(Job, 1)\n    log(job.id)",
        4,
        "greenlet",
    ),
    "SUP406": (
        f"{OPEN}    try:\n        READ\n        fail(True)\n    except ValueError:\n{DEEPER}FAILED",
        6,
        "begun",
    ),
}
"""A fault of each rule: the program, the line of its finding, the event that is missed without it."""


@pytest.mark.parametrize("name", SAID)
def test_each_rule_is_asked_for(world: World, name: str) -> None:
    body, line, event = SAID[name]
    assert not judged(world, body, (line, name[:6])).wrong
    assert {item.kind for item in judged(world, body).wrong} == {f"missed {event}"}
    elsewhere = judged(world, body, (line, name[:6]), (1, name[:6]))
    assert [item.kind for item in elsewhere.wrong] == [f"alarm {name[:6]}"]


SWALLOWS = """async def helper(session):
    try:
        await session.flush()
    except Exception:
        log()
"""


def test_what_a_helper_swallows_may_be_told_at_its_call(world: World) -> None:
    clashing = "session.add(Job(name=taken(True), status=mark()))"
    body = f"{OPEN}{BLOCK}{clashing}\n        await helper(session)\n        READ"
    assert not judged(world, body, (4, "SUP306"), helper=SWALLOWS).wrong
    assert {item.kind for item in judged(world, body, helper=SWALLOWS).wrong} == {"missed closed"}
    elsewhere = judged(world, body, (4, "SUP306"), (3, "SUP306"), helper=SWALLOWS)
    assert [item.kind for item in elsewhere.wrong] == ["alarm SUP306"]


ALARMS = {
    "SUP302": (f"{OPEN}    READ\n    await session.commit()\n{BLOCK}log()", 4),
    "SUP303": (f"{OPEN}{BLOCK}WORK\n        await session.commit()", 4),
    "SUP306": (f"{OPEN}{BLOCK}try:\n            READ\n        except ValueError:\n            log()", 5),
    "SUP308": ("async with open_session() as session:\n    WORK\n    await session.rollback()", 2),
    "SUP309": (f"async with factory() as session:\n{BLOCK}job = await session.get(Job, 1)\n    log(job.id)", 4),
    "SUP406": (
        f"{OPEN}    try:\n        log()\n    except Exception:\n{DEEPER}FAILED",
        5,
    ),
}
"""A program in which a finding would be wrong, whatever the input and whatever statement fails."""


@pytest.mark.parametrize("code", ALARMS)
def test_what_nothing_triggers_is_an_alarm(world: World, code: str) -> None:
    body, line = ALARMS[code]
    assert not judged(world, body).wrong
    assert [item.kind for item in judged(world, body, (line, code)).wrong] == [f"alarm {code}"]


FAULTS = {
    "SUP302": (
        f"{OPEN}    try:\n        READ\n        await session.commit()\n    except Exception:\n"
        f"        log()\n{BLOCK}log()",
        7,
    ),
    "SUP306": (f"{OPEN}{BLOCK}try:\n            WORK\n        except Exception:\n            log()", 5),
}
"""What only a statement that fails shows: a finding may say so."""


@pytest.mark.parametrize("code", FAULTS)
def test_failing_statements_justify_findings(world: World, code: str) -> None:
    body, line = FAULTS[code]
    assert not judged(world, body, (line, code)).wrong


NESTED = """session = factory()
try:
    {0}
except ValueError:
    try:
        {0}
    except ValueError:
        try:
            {1}
        except Exception:
            READ
        READ
"""


@pytest.mark.parametrize("line", [11, 12])
def test_what_takes_more_faults_than_a_run_has_is_not_decided(world: World, line: int) -> None:
    """Two faults lead into the handler where a third one, in its own `try`, would show the finding."""
    case = judged(world, NESTED.format("READ", "READ"), (line, "SUP406"))
    assert not case.wrong and [item.code for item in case.undecided] == ["SUP406"]
    asked = judged(world, NESTED.format("fail(flags[0])", "log()"), (line, "SUP406"))
    assert [item.kind for item in asked.wrong] == ["alarm SUP406"]


def test_a_disagreement_is_made_small(world: World) -> None:
    text = text_of(
        f"{OPEN}    log('one')\n    if flags[0]:\n        READ\n    else:\n        log('two')\n{BLOCK}log()\n    WORK"
    )

    def ask(texts: Sequence[str]) -> list[tuple[Found, ...]]:
        return [() for _ in texts]

    least = small(world, try_cases(world, [text], ask)[0], ask)
    assert [item.kind for item in least.wrong] == ["missed begun"]
    assert "READ" not in least.text and "two" not in least.text and "else" not in least.text
    assert len(least.text.split("\n")) < len(text.split("\n"))
    assert "A transaction is already begun" in report(least)


def test_lines_of_statements() -> None:
    lines = Lines("async def f():\n    async with (\n        a,\n        b,\n    ):\n        log()\n")
    assert [lines.start(number) for number in range(1, 7)] == [1, 2, 2, 2, 2, 6]
