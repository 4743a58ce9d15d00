"""What a statement does not speak of is put aside in front of it, and is known behind it as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project_support import SESSION_MODULE, findings

HEAD = "from app.session import get_session\n\n\n"
FLAGS = "abcdef"


def codes(tmp_path: Path, code: str) -> list[str]:
    found = findings(tmp_path, {"app/session.py": SESSION_MODULE, "app/work.py": HEAD + code}, profile="hazards")
    return [line.rpartition(" ")[2] for line in found]


def between(*, ends: bool) -> str:
    """A function that queries under a flag, and ends that under it, with a long loop in between, and more flags."""
    kept = "".join(f"        own_{n} = False\n        if {n}:\n            own_{n} = True\n" for n in FLAGS)
    loop = "".join(f"            print(row, {i})\n" for i in range(120))
    asked = "".join(f"        if own_{n}:\n            print('{n}')\n" for n in FLAGS)
    end = "        if a:\n            await session.commit()\n" if ends else ""
    return (
        f"async def work(rows, {', '.join(FLAGS)}):\n    async with get_session() as session:\n{kept}"
        f"        if a:\n            await session.execute('a')\n        for row in rows:\n{loop}{asked}{end}"
        "        async with session.begin():\n            pass\n"
    )


def test_answers_are_kept_over_a_long_loop_that_does_not_ask_for_them(tmp_path: Path) -> None:
    assert codes(tmp_path, between(ends=True)) == []


def test_what_is_not_ended_is_reported_behind_such_a_loop(tmp_path: Path) -> None:
    assert codes(tmp_path, between(ends=False)) == ["SUP302"]


SPOKEN = """async def work(rows, a):
    async with get_session() as session:
        if a:
            await session.execute("a")
        BLOCK
        if a:
            await session.commit()
        async with session.begin():
            pass
"""
SILENT = {
    "a loop that asks for it": "for row in rows:\n            if a:\n                print(row)",
    "a try that is left by its handler": "try:\n            print(rows[0])\n        except IndexError as error:\n"
    "            print(error)",
    "a with that is left early": "for row in rows:\n            with open(row) as file:\n                if file:\n"
    "                    break",
}
REPORTED = {
    "bound by the loop": "for a in rows:\n            print(a)",
    "bound in a with": "with open(rows) as a:\n            print(a)",
    "bound by a pattern": "match rows:\n            case [a]:\n                print(rows)",
    "bound by a walrus": "while (a := next(rows)):\n            print(rows)",
    "bound in a nested block": "if rows:\n            for row in rows:\n                a = row",
}


@pytest.mark.parametrize("block", SILENT.values(), ids=SILENT)
def test_a_flag_is_what_it_was_behind_a_statement(tmp_path: Path, block: str) -> None:
    assert codes(tmp_path, SPOKEN.replace("BLOCK", block)) == []


@pytest.mark.parametrize("block", REPORTED.values(), ids=REPORTED)
def test_a_flag_that_a_statement_binds_is_not_known_behind_it(tmp_path: Path, block: str) -> None:
    assert "SUP302" in codes(tmp_path, SPOKEN.replace("BLOCK", block))


CALLED = """async def work(rows):
    done = False

    async def end(session):
        nonlocal done
        done = True

    async with get_session() as session:
        await session.execute("a")
        for row in rows:
            await end(session)
        if not done:
            await session.commit()
        async with session.begin():
            pass
"""
LATER = """async def work(rows):
    owned = True
    async with get_session() as session:
        await session.execute("a")
        for row in rows:
            print(row)
        if owned:
            await session.commit()
        async with session.begin():
            pass
"""


THROUGH_ANOTHER = """async def work(rows):
    owned = True
    async with get_session() as session:

        async def end():
            if owned:
                await session.commit()

        async def leave():
            if rows:
                await end()
            else:
                await end()

        await session.execute("a")
        await leave()
        async with session.begin():
            pass
"""


def test_a_nested_function_sees_a_flag_through_another_one(tmp_path: Path) -> None:
    assert codes(tmp_path, THROUGH_ANOTHER) == []
    assert codes(tmp_path, THROUGH_ANOTHER.replace("owned = True", "owned = False")) == ["SUP302"]


def test_a_flag_that_a_nested_function_turns_is_not_put_aside(tmp_path: Path) -> None:
    assert "SUP302" in codes(tmp_path, CALLED)


def test_a_constant_is_known_behind_a_loop(tmp_path: Path) -> None:
    assert codes(tmp_path, LATER) == []
    assert codes(tmp_path, LATER.replace("owned = True", "owned = False")) == ["SUP302"]
