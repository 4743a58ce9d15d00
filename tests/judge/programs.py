"""Programs: a task over one or two sessions, built from the constructs that the rules follow.

A program is `prelude.HEAD`, perhaps some helper functions, and `async def task(flags, job_id)`. One statement stands on
a line. Every branch, loop and fault asks `flags[n]` with an `n` of its own, so that each path is some input. All
choices come from one function, `pick(n)`: from a seeded generator in long runs (`program`), from Hypothesis in the
tests (`programs`), where smaller numbers are simpler programs.
"""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import strategies as st

from .constructs import menu
from .prelude import HEAD
from .writer import Names, Pick, Writer

OPENINGS = (
    "get_session()",
    "get_session()",
    "get_expiring_session()",
    "get_expiring_session()",
    "open_session()",
    "factory()",
    "expiring_factory()",
    "factory.begin()",
)
LOOPS = ("get_db()", "get_db()", "get_expiring_db()", "open_db()")
FAILED = 'execute(update(Job).where(Job.id == job_id).values(status="failed"))'


def program(seed: int, number: int) -> str:
    """The program with a number, of the sequence that a seed gives."""
    source = random.Random(f"{seed}/{number}")
    return write_program(lambda n: int(source.random() * n))


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Programs, for Hypothesis."""
    return write_program(lambda n: draw(st.integers(0, n - 1)) if n > 1 else 0)


def write_program(pick: Pick) -> str:
    """The text of one program; `pick` makes all choices."""
    w = Writer(pick, 5 + pick(20), menu, ("blocks", "commits", "mixed")[pick(3)])
    w.line("# supavisor-lint: task")
    w.lines[-1] = w.lines[-1].strip()
    w.lines.append("async def task(flags, job_id):")
    _open(w)
    return "\n".join([HEAD, "", *w.helpers, *w.lines]) + "\n"


def _open(w: Writer) -> None:
    names = Names(("session",), depth=1)
    kind = w.pick(14)
    if kind > 11:
        w.line(f"async for session in {w.one_of(LOOPS)}:")
        work(w, replace(names, loop=True))
        return  # what is left is closed beside what comes next: nobody knows when
    if kind == 11:
        w.line("session = factory()")
        w.line("try:")
        work(w, names)
        w.line("finally:")
        w.line("    await session.close()")
        return
    if kind == 10:
        w.line("async with get_session() as session, get_second_session() as other:")
        names = replace(names, sessions=("session", "other"))
    elif kind == 9:
        w.line(f"async with {w.one_of(('factory()', 'get_session()'))} as session, session.begin():")
        names = replace(names, blocks=frozenset({"session"}))
    elif kind == 8:
        w.line("async with (")
        w.line("    expiring_factory() as session,")
        w.line("    session.begin(),")
        w.line("):")
        names = replace(names, blocks=frozenset({"session"}))
    else:
        opening = w.one_of(OPENINGS)
        w.line(f"async with {opening} as session:")
        if opening.endswith("begin()"):
            names = replace(names, blocks=frozenset({"session"}))
    work(w, names)
    if w.chance(10):
        w.line("async with get_session() as session:")
        w.left = max(w.left, 2)
        w.body(Names(("session",), depth=1), 3)


def work(w: Writer, names: Names) -> None:
    """The body of the session's block: statements, or the template with its failure handler."""
    if not w.chance(40):
        w.body(names, 7)
        return
    if w.chance(30):
        w.indent += 1
        w.line("kept = await session.get(Job, job_id)")
        w.indent -= 1
        names = replace(names, objects=("kept",))
    w.indent += 1
    w.line("try:")
    w.body(names, 6)
    w.line("except Exception:")
    w.indent += 1
    _handler(w, names)
    w.indent -= 2


def _handler(w: Writer, names: Names) -> None:
    """The template's failure handler, right or wrong."""
    session = "session"
    if names.objects and w.chance(30):
        w.line(f'log(f"{{{names.objects[0]}.id}} failed")')
    else:
        w.line('log("failed")')
    guarded = w.chance(60)
    if guarded:
        w.line("try:")
        w.indent += 1
    if w.chance(50):
        w.line("await session.rollback()")
    kind = w.pick(6)
    if kind == 5:
        session = "second"
        w.line("async with get_session() as second:")
        w.indent += 1
    if kind == 4:
        w.line(f"await session.{FAILED}")
        w.line("await session.commit()")
    else:
        w.line(f"async with {session}.begin():")
        w.line(f"    await {session}.{FAILED}")
    if kind == 5:
        w.indent -= 1
    if guarded:
        w.indent -= 1
        w.line("except Exception:")
        w.line('    log("could not mark")')
