"""Tasks as people write them in a hurry: sessions from the factory, prints, commits by hand, a handler of some kind.

A task is written as logical lines (four spaces for each level); `layout` makes a file of them. Most tasks are careful
enough to be rewritten; the others have something in them that a rewrite must see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from judge.writer import Names, Pick, Writer

from . import parts

HEAD = (
    "import asyncio",
    "from sqlalchemy import insert, select, update",
    "from sqlalchemy.exc import IntegrityError",
    "",
    "from shop.models import Item, Job",
    "from shop.support import fail, fetch, fresh, log, mark, taken",
)


@dataclass(frozen=True, slots=True)
class Style:
    """How a task is written: where its names come from, and what it dares."""

    module: str
    local_import: bool
    factory: str
    helper: str
    wild: bool


def hurried_task(pick: Pick) -> list[str]:
    """The logical lines of one file with a task; `pick` makes all choices."""
    wild = pick(100) >= 70
    w = Writer(pick, 6 + pick(14), parts.wild_menu if wild else parts.careful_menu, "hurried")
    style = _style(w, wild)
    w.line("async def task(flags, job_id):")
    w.lines[-1] = w.lines[-1].strip()
    if w.chance(50):
        w.line('"""Do the job."""' if w.chance(50) else '"""Do the job.\n\n    In a hurry.\n    """')
    _start(w)
    if style.local_import:
        w.line(_import(style))
    _open(w, style)
    if w.chance(25):
        w.line('print("DEBUG: end of task")')
    top = [] if style.local_import else [_import(style)]
    return [*HEAD, *top, "", "", *w.helpers, "# supavisor-lint: task", *w.lines]


def _style(w: Writer, wild: bool) -> Style:
    module = w.one_of(("shop.session", "shop.expiring"))
    kind = w.pick(8)
    factory, helper = "async_session_factory", "get_session"
    if kind == 7:
        factory = "make_session"
    elif kind == 6:
        factory, helper = "db.async_session_factory", "db.get_session"
    return Style(module, w.chance(30), factory, helper, wild)


def _import(style: Style) -> str:
    package, _, own = style.module.rpartition(".")
    if style.factory.startswith("db."):
        return f"from {package} import {own} as db"
    if style.factory == "make_session":
        return f"from {style.module} import async_session_factory as make_session, get_session"
    return f"from {style.module} import async_session_factory, get_session"


def _start(w: Writer) -> None:
    for _ in range(w.pick(3)):
        w.line(w.one_of(('print(f"DEBUG: task for {job_id}")', 'log("start")', 'stamp = f"{job_id}-x"', "count = 0")))


# ---------------------------------------------------------------------------------------------------------- opening


def _open(w: Writer, style: Style) -> None:
    w.one_of((*[_try_finally] * 3, *[_entered] * 3, _begun, *[_helped] * 2, _helped_blocks))(w, style)


def _deeper(w: Writer, write: Callable[[], None]) -> None:
    w.indent += 1
    write()
    w.indent -= 1


def _try_finally(w: Writer, style: Style) -> None:
    w.line(f"session = {style.factory}()")
    if w.chance(30):
        w.line('print("DEBUG: session created")')
    names = Names(("session",), depth=1)
    if w.chance(20):
        w.line("try:")
        _deeper(w, lambda: _guarded(w, names, finally_=False))
        _finally(w)
        return
    if w.chance(20):
        w.line("try:")
        _deeper(w, lambda: phases(w, names))
        _finally(w)
        return
    _guarded(w, names, finally_=True)


def _finally(w: Writer) -> None:
    w.line("finally:")
    w.indent += 1
    if w.chance(20):
        w.line('print("DEBUG: closing")')
    w.line("await session.close()")
    if w.chance(30):
        w.line('print("DEBUG: session closed")')
    w.indent -= 1


def _entered(w: Writer, style: Style) -> None:
    names = Names(("session",), depth=1)
    if w.chance(25):
        w.line("try:")
        w.indent += 1
        w.line(f"async with {style.factory}() as session:")
        _deeper(w, lambda: phases(w, names))
        w.indent -= 1
        w.line("except Exception as error:")
        w.line("    log(type(error).__name__)")
        if w.chance(40):
            w.line(f"    async with {style.factory}() as session:")
            w.line('        await session.execute(update(Job).where(Job.id == job_id).values(status="failed"))')
            w.line("        await session.commit()")
        return
    w.line(f"async with {style.factory}() as session:")
    _deeper(w, lambda: _guarded(w, names, finally_=False) if w.chance(60) else phases(w, names))


def _begun(w: Writer, style: Style) -> None:
    names = Names(("session",), depth=1, blocks=frozenset({"session"}))
    kind = w.pick(3)
    if kind == 0:
        w.line(f"async with {style.factory}.begin() as session:")
    elif kind == 1:
        w.line(f"async with {style.factory}() as session, session.begin():")
    else:
        w.line("async with (")
        w.line(f"    {style.factory}() as session,")
        w.line("    session.begin(),")
        w.line("):")
    _deeper(w, lambda: run_of(w, names, 4))


def _helped(w: Writer, style: Style) -> None:
    names = Names(("session",), depth=1)
    w.line(f"async with {style.helper}() as session:")
    _deeper(w, lambda: _guarded(w, names, finally_=False) if w.chance(60) else phases(w, names))


def _helped_blocks(w: Writer, style: Style) -> None:
    names = Names(("session",), depth=1)
    opening = style.helper if w.chance(60) else style.factory
    w.line(f"async with {opening}() as session:")
    _deeper(w, lambda: _guarded(w, names, finally_=False, in_blocks=True))


# ----------------------------------------------------------------------------------------------------------- phases


def _guarded(w: Writer, names: Names, *, finally_: bool, in_blocks: bool = False) -> None:
    """The phases in a `try` with a handler."""
    w.line("try:")
    inner = names
    w.indent += 1
    inner = phases(w, names, in_blocks)
    w.indent -= 1
    if w.chance(15):
        w.line("except IntegrityError:")
        _deeper(w, lambda: _handler(w, inner, in_blocks))
    caught = w.one_of(("Exception as error", "Exception as error", "Exception", "ValueError"))
    w.line(f"except {caught}:")
    _deeper(w, lambda: _handler(w, inner, in_blocks))
    if w.chance(10):
        w.line("else:")
        w.line('    log("all well")')
    if finally_:
        _finally(w)


def phases(w: Writer, names: Names, in_blocks: bool = False) -> Names:
    """Some phases, each ended by a commit or in a block of its own."""
    for number in range(1 + w.pick(4)):
        if number and w.left <= 0:
            break
        if w.chance(20):
            w.line(f'print("DEBUG: phase {number}")')
        names = _phase(w, names, in_blocks)
    if w.chance(25):
        w.line(w.one_of(('print("DEBUG: done")', "return", "return job_id", 'log("done")')))
    return names


def _phase(w: Writer, names: Names, in_blocks: bool) -> Names:
    wild = w.menu is parts.wild_menu
    if w.chance(95 if in_blocks else 6):
        w.line("async with session.begin():")
        w.indent += 1
        inner = run_of(w, replace(names, blocks=frozenset({"session"})), 3)
        if w.chance(20):
            w.line("await session.commit()")
            if wild and w.chance(30):
                w.line('print("DEBUG: saved")')
        w.indent -= 1
        return replace(names, objects=inner.objects, lists=inner.lists)
    if w.chance(22):
        parts.item_loop(w, names)
        return names
    names = run_of(w, names, 4)
    if not w.chance(20 if wild else 3):
        w.line("await session.commit()")
    return names


def run_of(w: Writer, names: Names, most: int) -> Names:
    """Some statements one after the other."""
    for number in range(1 + w.pick(most)):
        if number and w.left <= 0:
            break
        after = w.statement(names)
        if after is None:
            break
        names = after
    return names


# ---------------------------------------------------------------------------------------------------------- handler


def _handler(w: Writer, names: Names, in_blocks: bool) -> None:
    wild = w.menu is parts.wild_menu
    w.line(w.one_of(('print("DEBUG: failed")', 'log("failed")')))
    if wild and names.objects and w.chance(20):
        w.line(f'log(f"{{{names.objects[0]}.id}} failed")')
    if w.chance(60 if wild else 92):
        w.line("await session.rollback()")
    kind = w.pick(7)
    if kind in (1, 2):
        w.line('await session.execute(update(Job).where(Job.id == job_id).values(status="failed"))')
        w.line("await session.commit()")
    elif kind == 3:
        w.line("job = await session.get(Job, job_id)")
        w.line("if job is not None:" if w.chance(50) else "if job:")
        w.line('    job.status = "failed"')
        w.line("await session.commit()" if w.chance(70) else "    await session.commit()")
    elif kind == 4:
        w.line("try:")
        w.line("    job = await session.get(Job, job_id)")
        w.line('    job.status = "failed"')
        w.line("    await session.commit()")
        w.line("except Exception:")
        w.line('    log("could not mark")')
        if w.chance(40):
            w.line("    await session.rollback()")
    elif kind == 5 or in_blocks:
        w.line("async with session.begin():")
        w.line('    await session.execute(update(Job).where(Job.id == job_id).values(status="failed"))')
    if w.chance(25):
        w.line("raise")
