"""The statements of hurried tasks. Each function writes one kind; the two menus say what is possible where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from judge.writer import Names, Statement, Writer

FAILED = 'update(Job).where(Job.id == job_id).values(status="failed")'


def _session(names: Names) -> str:
    return names.sessions[0]


def _with_object(names: Names, name: str) -> Names:
    return replace(names, objects=tuple(dict.fromkeys((name, *names.objects))))


# ------------------------------------------------------------------------------------------------------------ plain


def debug(w: Writer, names: Names) -> Names:
    w.line(
        w.one_of(
            (
                'print("DEBUG: here")',
                'print(f"DEBUG: job {job_id}")',
                'log("here")',
                'log("""several\n  lines,\nas they are""")',
                'log(\n        "one",  # a comment in a call\n        "two",\n    )',
            )
        )
    )
    return names


def fetched(w: Writer, names: Names) -> Names:
    page = w.name("page")
    w.line(f'{page} = await fetch(f"http://example.com/{{job_id}}")')
    if w.chance(40):
        w.line(f"log({page})")
    return names


def pause(w: Writer, names: Names) -> Names:
    w.line("await asyncio.sleep(0)")
    return names


def failing(w: Writer, names: Names) -> Names:
    w.line(f"fail({w.flag()})")
    return names


# --------------------------------------------------------------------------------------------------- the database


def get_job(w: Writer, names: Names) -> Names:
    session = _session(names)
    job = "job" if w.chance(70) else w.name("job")
    kind = w.pick(4)
    if kind == 0:
        w.line(f"{job} = await {session}.get(Job, job_id)")
    elif kind == 1:
        w.line(f"{job} = (await {session}.execute(select(Job).where(Job.id == job_id))).scalar_one()")
    elif kind == 2:
        w.line(f"result = await {session}.execute(select(Job).where(Job.id == job_id))")
        w.line(f"{job} = result.scalar_one_or_none()")
    else:
        w.line(
            f"{job} = await {session}.scalar(\n            select(Job).where(Job.id == job_id)  # the row\n        )"
        )
    if w.chance(25):
        w.line(f"if {job} is None:")
        w.line('    print("no such job")')
        w.line("    return")
    return _with_object(names, job)


def set_status(w: Writer, names: Names) -> Names:
    if not names.objects or w.chance(35):
        status = w.one_of(("processing", "completed", "working"))
        w.line(f'await {_session(names)}.execute(update(Job).where(Job.id == job_id).values(status="{status}"))')
        return names
    job = names.objects[0]
    if w.chance(40):
        w.line(f'{job}.status = "{w.one_of(("processing", "completed", "working"))}"')
    elif w.chance(30):
        w.line(f"{job}.done = 3; {job}.status = mark()")
    else:
        w.line(f"{job}.status = mark()")
    return names


def insert_item(w: Writer, names: Names) -> Names:
    session = _session(names)
    kind = w.pick(4)
    if kind == 0:
        w.line(f"{session}.add(Item(job_id=job_id, value=fresh()))")
    elif kind == 1:
        w.line(f"await {session}.execute(insert(Item).values(job_id=job_id, value=fresh()))")
    elif kind == 2:
        w.line(f"{session}.add_all([Item(job_id=job_id, value=fresh()) for _ in range(2)])")
    else:
        w.line(
            f"{session}.add(Job(name=taken({w.flag()}), status=mark()))"
            if w.may_ask
            else f"{session}.add(Job(name=fresh(), status=mark()))"
        )
        if w.chance(50):
            w.line(f"await {session}.flush()")
    return names


def read_items(w: Writer, names: Names) -> Names:
    items = w.name("items")
    w.line(f"{items} = (await {_session(names)}.scalars(select(Item).where(Item.job_id == job_id))).all()")
    kind = w.pick(3)
    if kind == 0:
        w.line(f"log([item.value for item in {items}])")
    elif kind == 1:
        w.line(f"for item in {items}:")
        w.line('    item.value = f"{item.value}, seen"')
        if w.chance(30):
            w.line("    await asyncio.sleep(0)")
    else:
        w.line(f"log(len({items}))")
    return names


def read_values(w: Writer, names: Names) -> Names:
    w.line(f"log(await {_session(names)}.scalar(select(Job.status).where(Job.id == job_id)))")
    return names


def flush(w: Writer, names: Names) -> Names:
    w.line(f"await {_session(names)}.flush()")
    return names


def read_object(w: Writer, names: Names) -> Names:
    if not names.objects:
        return read_values(w, names)
    read = w.one_of(("log(JOB.status)", 'print(f"DEBUG: {JOB.name}")', "log(JOB.done)"))
    w.line(read.replace("JOB", names.objects[0]))
    return names


def branch(w: Writer, names: Names) -> Names:
    flag = w.flag()
    if w.chance(20):
        w.line(f'if {flag}: log("one line")')
        return names
    w.line(f"if {flag}:")
    w.body(names, 2)
    if w.chance(35):
        w.line("else:")
        w.body(names, 2)
    return names


def helper_that_works(w: Writer, names: Names) -> Names:
    """A function of the module that is handed the session and leaves its transaction alone."""
    name = _helper(w, names, ("await session.execute(update(Job).where(Job.id == job_id).values(done=7))", "return 7"))
    w.line(f"log(await {name}(session, job_id))")
    return names


def savepoint(w: Writer, names: Names) -> Names:
    w.line("try:")
    w.line(f"    async with {_session(names)}.begin_nested():")
    w.indent += 1
    w.body(names, 2)
    w.indent -= 1
    w.line("except IntegrityError:")
    w.line('    log("one left out")')
    return names


# ------------------------------------------------------------------------------------------------------- the risky


def helper_that_commits(w: Writer, names: Names) -> Names:
    name = _helper(w, names, ("session.add(Item(job_id=job_id, value=fresh()))", "await session.commit()"))
    w.line(f"await {name}(session, job_id)")
    return names


def helper_that_begins(w: Writer, names: Names) -> Names:
    lines = ("async with session.begin():", "    session.add(Item(job_id=job_id, value=fresh()))")
    w.line(f"await {_helper(w, names, lines)}(session, job_id)")
    return names


def _helper(w: Writer, names: Names, lines: Sequence[str]) -> str:
    name = w.name("helper")
    w.helpers += [f"async def {name}(session, job_id):", *(f"    {line}" for line in lines), "", ""]
    return name


def commit_in_branch(w: Writer, names: Names) -> Names:
    w.line(f"if {w.flag()}:")
    w.body(names, 2)
    w.line("    await session.commit()")
    if w.chance(40):
        w.line("    return")
    return names


def early_return(w: Writer, names: Names) -> Names:
    flag = w.flag()
    kind = w.pick(4)
    w.line(f"if {flag}:")
    if kind == 0:
        w.line("    await session.rollback()")
    elif kind == 1:
        w.line("    await session.commit()")
    elif kind == 2:
        w.line('    print("DEBUG: enough")')
    w.line("    continue" if names.loop and w.chance(60) else "    return")
    return names


def swallowing_try(w: Writer, names: Names) -> Names:
    w.line("try:")
    w.body(names, 2)
    if w.chance(40):
        w.line("    await session.commit()")
    w.line(w.one_of(("except Exception:", "except ValueError:", "except IntegrityError:")))
    w.line(w.one_of(('    log("went wrong")', "    await session.rollback()", "    pass")))
    return names


def commit(w: Writer, names: Names) -> Names:
    w.line(w.one_of(("await session.commit()", "await session.commit()", "await session.rollback()")))
    return names


def refresh(w: Writer, names: Names) -> Names:
    if not names.objects:
        return get_job(w, names)
    w.line(f"await session.refresh({names.objects[0]})")
    return names


def closure(w: Writer, names: Names) -> Names:
    name = w.name("inner")
    w.line(f"async def {name}():")
    w.line('    await session.execute(update(Job).where(Job.id == job_id).values(status="inner"))')
    if w.chance(30):
        w.line("    await session.commit()")
    w.line(f"await {name}()")
    return names


def item_loop(w: Writer, names: Names) -> Names:
    """A loop with a commit for each item, at its end or not, with or without a handler of its own."""
    wild = w.menu is wild_menu
    outer, names = names, replace(names, loop=True)
    kind = w.pick(4)
    if kind == 0 and w.may_ask:
        w.line(f"while {w.flag()}:")
    elif kind == 1:
        w.line("for number in range(2):")
    elif kind == 2 and w.may_ask:
        w.line(f"for number in range({w.flag()} + 1):")
    else:
        w.line('for address in ("one", "two"):')
        if w.chance(60):
            w.line("    page = await fetch(address)")
            w.line("    log(page)")
    w.indent += 1
    guarded = w.chance(35)
    if guarded:
        w.line("try:")
        w.indent += 1
    w.indent -= 1  # which `body` adds
    w.body(names, 3)
    w.indent += 1
    if wild and w.chance(25):
        early_return(w, names)
    if not (wild and w.chance(20)):
        w.line("await session.commit()")
    if wild and w.chance(20):
        w.line('print("DEBUG: item done")')
    if guarded:
        w.indent -= 1
        w.line("except Exception:")
        w.line('    print("DEBUG: item failed")')
        if not (wild and w.chance(40)):
            w.line("    await session.rollback()")
        if w.chance(20):
            w.line("    raise" if w.chance(50) else "    continue")
    w.indent -= 1
    return outer


# ------------------------------------------------------------------------------------------------------------ menus

_CALM: tuple[tuple[int, Statement], ...] = (
    (10, debug),
    (6, fetched),
    (2, pause),
    (16, get_job),
    (14, set_status),
    (12, insert_item),
    (8, read_items),
    (6, read_values),
    (3, flush),
    (6, read_object),
    (2, helper_that_works),
    (2, savepoint),
)
_RISKY: tuple[tuple[int, Statement], ...] = (
    (3, helper_that_commits),
    (2, helper_that_begins),
    (5, swallowing_try),
    (4, commit),
    (3, refresh),
    (1, closure),
    (3, item_loop),
)


def careful_menu(w: Writer, names: Names) -> Sequence[tuple[int, Statement]]:
    """What keeps a task easy to rewrite."""
    options = [*_CALM]
    if w.may_ask:
        options += [(5, failing)]
        if names.depth < 4 and w.left > 0:
            options += [(6, branch)]
    if names.depth >= 4:
        options = [(weight, option) for weight, option in options if option is not savepoint]
    return options


def wild_menu(w: Writer, names: Names) -> Sequence[tuple[int, Statement]]:
    """Everything."""
    options = [*careful_menu(w, names)]
    if names.depth < 4 and w.left > 0:
        options += _RISKY
        if w.may_ask:
            options += [(4, early_return), (4, commit_in_branch)]
    return options
