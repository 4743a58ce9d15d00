"""Tasks that write statuses, but have no handler, half a one or a silent one: what the template rewrite is for."""

from __future__ import annotations

from dataclasses import replace

from judge.writer import Names, Pick, Writer

from . import parts

_HEAD = (
    "from sqlalchemy import insert, select, update",
    "from sqlalchemy.exc import IntegrityError",
    "",
    "from shop.models import Item, Job, Status",
    "from shop.session import async_session_factory, get_session",
    "from shop.support import fail, fetch, fresh, log, mark, taken",
)


def template_task(pick: Pick) -> list[str]:
    """The logical lines of one file with a task; `pick` makes all choices."""
    w = Writer(pick, 4 + pick(6), _menu, "template")
    value = w.one_of(('"{}"', "Status.{}"))
    w.lines.append("async def task(flags, job_id):")
    w.line('"""Do the job."""')
    opening = w.one_of(("get_session", "get_session", "async_session_factory"))
    by_hand = w.chance(40)
    kind = w.pick(5)
    if by_hand and opening == "async_session_factory" and kind < 3:
        w.line("session = async_session_factory()")
        w.line("try:")
        _phases(w, value, by_hand)
        if kind == 1:
            w.line("except Exception as error:")
            w.line("    log(type(error).__name__)")
            w.line("    await session.rollback()")
        w.line("finally:")
        w.line("    await session.close()")
    elif kind == 4:
        w.line("try:")
        w.indent += 1
        w.line(f"async with {opening}() as session:")
        _phases(w, value, by_hand)
        w.indent -= 1
        w.line("except Exception:")
        w.line(w.one_of(('    log("failed")', "    pass")))
    else:
        w.line(f"async with {opening}() as session:")
        if kind == 3:
            w.indent += 1
            w.line("try:")
            _phases(w, value, by_hand)
            w.line("except Exception as error:")
            w.line("    log(type(error).__name__)")
            w.indent -= 1
        else:
            _phases(w, value, by_hand)
    return [*_HEAD, "", "", *w.helpers, "# supavisor-lint: task", *w.lines]


def _phases(w: Writer, value: str, by_hand: bool) -> None:
    """Status to processing, the work, status to completed: each in a transaction of its own."""
    names = Names(("session",), depth=1)
    w.indent += 1
    _phase(w, names, by_hand, [_status(value, "processing")])
    for _ in range(1 + w.pick(2)):
        _phase(w, names, by_hand, [])
    _phase(w, names, by_hand, [_status(value, "completed")])
    w.indent -= 1


def _phase(w: Writer, names: Names, by_hand: bool, lines: list[str]) -> None:
    if not by_hand:
        w.line("async with session.begin():")
        w.indent += 1
        names = replace(names, blocks=frozenset({"session"}))
    for line in lines:
        w.line(line)
    for _ in range(0 if lines else 1 + w.pick(3)):
        names = w.statement(names) or names
    if by_hand:
        w.line("await session.commit()")
    else:
        w.indent -= 1


def _status(value: str, status: str) -> str:
    written = value.format(status.upper() if value.startswith("Status") else status)
    return f"await session.execute(update(Job).where(Job.id == job_id).values(status={written}))"


def _menu(w: Writer, names: Names) -> list[tuple[int, parts.Statement]]:
    """Work that writes no status."""
    options: list[tuple[int, parts.Statement]] = [
        (4, parts.fetched),
        (6, parts.insert_item),
        (4, parts.read_items),
        (3, parts.read_values),
        (2, parts.helper_that_works),
        (1, parts.flush),
    ]
    return [*options, (3, parts.failing)] if w.may_ask else options
