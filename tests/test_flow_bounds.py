"""Following paths has bounds: what is beyond them is not judged, and everything else in the file still is."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import invoke

from supavisor_lint.flow import machine
from supavisor_lint.flow.follower import MAX_STEPS_IN_CALLS, Follower
from supavisor_lint.flow.inline import MAX_STEPS_IN_CALL
from tests.project_support import SESSION_MODULE, findings, write

PLAIN = """

async def plain(job_id):
    async with get_session() as session:
        await session.execute("select 1")
        async with session.begin():
            await session.execute("select 2")
"""
HEAD = "from app.session import get_session\n\n\n"


def branches(names: str, depth: str) -> str:
    """Branches on conditions that are asked twice, so that each doubles the number of states."""
    once = "".join(f"{depth}if {n}:\n{depth}    await session.execute('{n}')\n" for n in names)
    return once + "".join(f"{depth}if {n}:\n{depth}    await session.commit()\n" for n in names)


def tangled(levels: int) -> str:
    """Functions that call each other with the session, from many states."""
    params = ", ".join("abcd")
    functions = [
        f"async def f{i}(session, {params}):\n{branches('abcd', '    ')}"
        + (f"    if a:\n        await f{i + 1}(session, {params})\n    await f{i + 1}(session, b, a, d, c)\n" * 2)
        for i in range(levels)
    ]
    last = f"async def f{levels}(session, {params}):\n{branches('abcd', '    ')}"
    first = f"async def top({params}):\n    async with get_session() as session:\n        await f0(session, {params})\n"
    return "\n\n".join([*functions, last, first])


@pytest.fixture(name="steps")
def steps_fixture(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What every question has cost, one step after the other."""
    spent: list[int] = []
    spend = Follower.spend

    def counted(self: Follower, steps: int) -> None:
        spent.append(self.spent)
        spend(self, steps)

    monkeypatch.setattr(Follower, "spend", counted)
    return spent


def test_a_tangle_of_calls_is_given_up_and_the_rest_is_judged(tmp_path: Path, steps: list[int]) -> None:
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": HEAD + tangled(8) + PLAIN})
    assert any(line.endswith("SUP302") for line in found)
    assert MAX_STEPS_IN_CALL / 2 < max(steps) <= MAX_STEPS_IN_CALL


def test_many_calls_that_are_too_much_have_a_bound_together(tmp_path: Path, steps: list[int]) -> None:
    again = "".join(
        f"    async with get_session() as session:\n        await f{i}(session, a, b, c, d)\n" for i in range(7)
    )
    work = HEAD + PLAIN + "\n\n" + tangled(8) + again
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": work})
    assert any(line.endswith("SUP302") for line in found)
    assert MAX_STEPS_IN_CALL < max(steps) <= MAX_STEPS_IN_CALLS


def test_many_choices_in_one_expression_are_not_multiplied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uses: list[object] = []
    work = machine.work
    monkeypatch.setattr(machine, "work", lambda *args: (uses.append(args[3]), work(*args))[1])
    items = ", ".join(f"'{i}': await session.get(Job, {i}) if flags[{i}] else None" for i in range(14))
    odd = f"async def odd(flags, Job):\n    async with get_session() as session:\n        return {{{items}}}\n"
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": HEAD + odd + PLAIN})
    assert any(line.endswith("SUP302") for line in found)
    assert len(uses) < 1000


def test_what_a_function_does_itself_is_judged_where_those_that_it_calls_are_too_much(tmp_path: Path) -> None:
    own = HEAD + tangled(8).replace(
        "async with get_session() as session:\n",
        "async with get_session() as session:\n        await session.execute('select 1')\n"
        "        async with session.begin():\n            pass\n",
    )
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": own})
    begin = own.splitlines().index("        async with session.begin():") + 1
    assert [line for line in found if "SUP302" in line] == [f"app/work.py:{begin} SUP302"]


def test_behind_a_call_that_is_too_much_nothing_is_certain(tmp_path: Path) -> None:
    behind = (
        tangled(8)
        + "        await session.execute('select 1')\n        async with session.begin():\n            pass\n"
    )
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": HEAD + behind})
    assert not [line for line in found if "SUP302" in line]


def test_verbose_names_the_functions_that_were_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": HEAD + tangled(8) + PLAIN})
    monkeypatch.chdir(tmp_path)
    told = invoke("check", "--verbose", "--quiet").stderr.splitlines()
    text = (tmp_path / "app/work.py").read_text().splitlines()
    top = text.index("async def top(a, b, c, d):") + 1
    message = "too many paths: what some functions called here do to the sessions was not followed"
    assert f"app/work.py:{top}:1: {message}" in told
    assert not any(message in line for line in invoke("check", "--quiet").stderr.splitlines())


def exploding(names: str) -> str:
    """The body of a block whose paths are too many to tell apart."""
    return branches(names, "        ")


TIED = """async def work(own, {params}):
    async with get_session() as session:
        if own:
            await session.execute("select 1")
        if not own:
            async with session.begin():
                await session.execute("select 2")
        await session.rollback()
"""


def test_what_is_told_before_paths_become_too_many_is_as_exact_as_ever(tmp_path: Path) -> None:
    names = "abcdefghijk"
    work = HEAD + TIED.format(params=", ".join(names)) + exploding(names)
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": work})
    assert not [line for line in found if "SUP302" in line]


def test_behind_the_place_where_paths_become_too_many_faults_are_still_told(tmp_path: Path) -> None:
    names = "abcdefghijk"
    twice = (
        "        await session.execute('select 1')\n        async with session.begin():\n"
        "            await session.execute('select 2')\n"
    )
    work = HEAD + TIED.format(params=", ".join(names)) + exploding(names) + twice
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": work})
    begin = work.splitlines().index("        async with session.begin():") + 1
    assert [line for line in found if "SUP302" in line] == [f"app/work.py:{begin} SUP302"]
