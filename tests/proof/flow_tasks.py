"""Tasks of the flow tests' generator, over a session from the factory."""

from __future__ import annotations

from judge.constructs import menu
from judge.programs import work
from judge.writer import Names, Pick, Writer

_OPENINGS = (
    "async_session_factory()",
    "async_session_factory()",
    "get_session()",
    "get_session()",
    "async_session_factory.begin()",
)


def flow_task(pick: Pick) -> list[str]:
    """The logical lines of one file with a task; `pick` makes all choices."""
    w = Writer(pick, 3 + pick(14), menu, ("blocks", "commits", "mixed", "commits")[pick(4)])
    w.lines.append("async def task(flags, job_id):")
    names = Names(("session",), depth=1)
    if w.chance(35):
        w.line("session = async_session_factory()")
        w.line("try:")
        work(w, names)
        w.line("finally:")
        w.line("    await session.close()")
    else:
        opening = w.one_of(_OPENINGS)
        w.line(f"async with {opening} as session:")
        if opening.endswith("begin()"):
            names = Names(("session",), depth=1, blocks=frozenset({"session"}))
        work(w, names)
    module = w.one_of(("shop.session", "shop.expiring"))
    head = [
        "from sqlalchemy import insert, select, update",
        "from sqlalchemy.exc import IntegrityError",
        "",
        "from shop.models import Job",
        "from shop.second import get_second_session, second_factory",
        f"from {module} import async_session_factory, get_session",
        "from shop.support import fail, fresh, log, mark, taken",
    ]
    return [*head, "", "", *w.helpers, "# supavisor-lint: task", *w.lines]
