"""The statements that programs are made of. Each function writes one kind; `menu` says which are possible where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .writer import DEEPEST, Names, Statement, Writer

THE_JOB = "Job.id == job_id"
CAUGHT = ("Exception", "Exception", "Exception", "ValueError", "IntegrityError", "(ValueError, IntegrityError)")


def _with_object(names: Names, name: str) -> Names:
    return replace(names, objects=tuple(dict.fromkeys((*names.objects, name))))


def _bound_in(names: Names, inner: Names) -> Names:
    """What a block bound is bound after it."""
    return replace(names, objects=inner.objects, lists=inner.lists)


# ------------------------------------------------------------------------------------------------------- reads, writes


def read(w: Writer, names: Names) -> Names:
    session = w.one_of(names.sessions)
    kind = w.pick(6)
    if kind == 0:
        w.line(f"await {session}.execute(select(Job))")
    elif kind == 1:
        w.line(f"log(await {session}.scalar(select(Job.status).where({THE_JOB})))")
    elif kind in (2, 3):
        job = names.objects[0] if names.objects and w.chance(15) else w.name("job")
        w.line(f"{job} = await {session}.get(Job, job_id)")
        return _with_object(names, job)
    elif kind == 4:
        job = w.name("job")
        w.line(f"{job} = await {session}.scalar(select(Job).where({THE_JOB}))")
        return _with_object(names, job)
    else:
        jobs = w.name("jobs")
        w.line(f"{jobs} = (await {session}.scalars(select(Job))).all()")
        return replace(names, lists=(*names.lists, jobs))
    return names


def write(w: Writer, names: Names) -> Names:
    session = w.one_of(names.sessions)
    kind = w.pick(4)
    if kind == 0:
        w.line(f"await {session}.execute(insert(Job).values(name=fresh(), status=mark()))")
    elif kind == 1:
        w.line(f"await {session}.execute(update(Job).where({THE_JOB}).values(status=mark()))")
    elif kind == 2:
        w.line(f"{session}.add(Job(name=fresh(), status=mark()))")
    else:
        made = w.name("made")
        w.line(f"{made} = Job(name=fresh(), status=mark())")
        w.line(f"{session}.add({made})")
        return _with_object(names, made)
    return names


def failing_write(w: Writer, names: Names) -> Names:
    session, flag = w.one_of(names.sessions), w.flag()
    kind = w.pick(3)
    if kind == 0:
        w.line(f"await {session}.execute(insert(Job).values(name=taken({flag}), status=mark()))")
        return names
    w.line(f"{session}.add(Job(name=taken({flag}), status=mark()))")
    if kind == 1:
        w.line(f"await {session}.flush()")
    return names


def control(w: Writer, names: Names) -> Names:
    session = w.one_of(names.sessions)
    method = w.one_of(("flush", "commit", "commit", "commit", "rollback", "rollback", "close"))
    w.line(f"await {session}.{method}()")
    return names


def begin_by_hand(w: Writer, names: Names) -> Names:
    w.line(f"await {w.one_of(names.sessions)}.begin()")
    return names


def plain(w: Writer, names: Names) -> Names:
    w.line('log("here")')
    return names


def alias(w: Writer, names: Names) -> Names:
    db = w.name("db")
    w.line(f"{db} = {names.sessions[0]}")
    return replace(names, sessions=(*names.sessions, db))


# -------------------------------------------------------------------------------------------------------------- objects


def read_object(w: Writer, names: Names) -> Names:
    if names.lists and (not names.objects or w.chance(25)):
        w.line(f"log([each.status for each in {w.one_of(names.lists)}])")
        return names
    job = w.one_of(names.objects)
    kind = w.pick(4)
    if kind == 3 and w.may_ask:
        w.line(f'log({job}.status if {w.flag()} else "none")')
    elif kind == 2:
        w.line(f'log(f"job {{{job}.id}}")')
    else:
        w.line(f"log({job}.status)")
    return names


def set_object(w: Writer, names: Names) -> Names:
    if names.objects:
        w.line(f"{w.one_of(names.objects)}.status = mark()")
        return names
    return read_object(w, names)


def refresh(w: Writer, names: Names) -> Names:
    if names.objects:
        w.line(f"await {w.one_of(names.sessions)}.refresh({w.one_of(names.objects)})")
        return names
    return read_object(w, names)


# ---------------------------------------------------------------------------------------------------------------- exits


def fail(w: Writer, names: Names) -> Names:
    w.line(f"fail({w.flag()})")
    return names


def leave(w: Writer, names: Names) -> None:
    kind = w.pick(5)
    if names.loop and kind < 3:
        w.line("break" if kind == 0 else "continue")
    elif kind == 4:
        w.line('raise ValueError("stop")')
    else:
        w.line("return")


# ------------------------------------------------------------------------------------------------------------- compound


def block(w: Writer, names: Names) -> Names:
    session = w.one_of(names.sessions)
    w.line(f"async with {session}.begin():")
    return _bound_in(names, w.body(replace(names, blocks=names.blocks | {session})))


def savepoint(w: Writer, names: Names) -> Names:
    w.line(f"async with {w.one_of(names.sessions)}.begin_nested():")
    return _bound_in(names, w.body(names, 2))


def branch(w: Writer, names: Names) -> Names:
    flag = w.flag()
    kind = w.pick(6)
    if kind == 5:
        w.line(f"match {flag}:")
        w.indent += 1
        w.line("case True:")
        w.body(names, 2)
        if w.chance(50):
            w.line("case _:")
            w.body(names, 2)
        w.indent -= 1
        return names
    if kind == 4:
        found = w.name("found")
        key = f"job_id if {w.flag()} else 0"  # of a row, or of none
        w.line(f"if {flag} and ({found} := await {w.one_of(names.sessions)}.get(Job, {key})) is not None:")
        w.body(_with_object(names, found), 2)
        return names
    w.line(f"if {flag}:")
    w.body(names, 3)
    if w.chance(40):
        w.line("else:")
        w.body(names, 3)
    return names


def conditional_read(w: Writer, names: Names) -> Names:
    w.line(f"log(await {w.one_of(names.sessions)}.scalar(select(Job.status)) if {w.flag()} else None)")
    return names


def loop(w: Writer, names: Names) -> Names:
    flag = w.flag()
    if w.chance(50):
        w.line(f"while {flag}:")
    else:
        w.line(f"for _ in range({flag} + {w.flag()}):")
    w.body(replace(names, loop=True), 3)
    if w.chance(20):
        w.line("else:")
        w.body(names, 2)
    return names


def attempt(w: Writer, names: Names) -> Names:
    w.line("try:")
    if names.blocks and w.may_ask and w.chance(35):
        w.indent += 1
        failing_write(w, names)
        w.indent -= 1
    w.body(names, 3)
    if w.chance(20):
        w.line("finally:")
        w.body(replace(names, loop=False), 1)
        return names
    w.line(f"except {w.one_of(CAUGHT)}:")
    if w.chance(20):
        w.indent += 1
        if w.chance(50):
            w.line(f"await {w.one_of(names.sessions)}.rollback()")
        w.line("raise")
        w.indent -= 1
    elif w.chance(30):
        w.indent += 1
        w.line(f"await {w.one_of(names.sessions)}.rollback()")
        w.indent -= 1
    else:
        w.body(names, 2)
    if w.chance(15):
        w.line("else:")
        w.body(names, 2)
    if w.chance(15):
        w.line("finally:")
        w.body(replace(names, loop=False), 1)
    return names


def second_session(w: Writer, names: Names) -> Names:
    other = w.one_of(("other", "session"))
    opening = w.one_of(("get_second_session()", "second_factory()", "get_second_session()"))
    w.line(f"async with {opening} as {other}:")
    objects = names.objects if other == "other" else ()
    sessions = names.sessions if other == "other" else tuple(s for s in names.sessions if s != "session")
    w.body(replace(names, sessions=(other, *sessions), objects=objects, lists=()), 3)
    if other == "session":
        w.line("return")
        return names
    return names


def helper(w: Writer, names: Names) -> Names:
    """A function of the module that is handed the session."""
    name = w.name("helper")
    apart = Writer(w.pick, min(w.left, 3), w.menu, w.style, count=w.count, flags=w.flags, indent=0)
    apart.line(f"async def {name}(session, flags, job_id):")
    apart.body(Names(("session",), is_task=False, depth=names.depth + 1), 2)
    w.count, w.flags = apart.count, apart.flags
    w.helpers += [*apart.helpers, *apart.lines, "", ""]
    w.line(f"await {name}({w.one_of(names.sessions)}, flags, job_id)")
    return names


def nested_function(w: Writer, names: Names) -> Names:
    name = w.name("inner")
    session = w.one_of(names.sessions)
    given = w.chance(50)
    w.line(f"async def {name}({'session' if given else ''}):")
    visible = ("session",) if given else (session,)
    w.body(Names(visible, is_task=False, depth=names.depth), 2)
    w.line(f"await {name}({session if given else ''})")
    return names


# ----------------------------------------------------------------------------------------------------------------- menu

SIMPLE: tuple[tuple[int, Statement], ...] = ((1, plain), (1, alias), (1, begin_by_hand))
OBJECTS: tuple[tuple[int, Statement], ...] = ((20, read_object), (6, set_object), (2, refresh))
ASKING: tuple[tuple[int, Statement], ...] = ((4, fail), (3, failing_write), (1, conditional_read))
COMPOUND: tuple[tuple[int, Statement], ...] = (
    (2, savepoint),
    (6, attempt),
    (1, second_session),
    (2, helper),
    (1, nested_function),
)
BRANCHES: tuple[tuple[int, Statement], ...] = ((6, branch), (4, loop))


def menu(w: Writer, names: Names) -> Sequence[tuple[int, Statement]]:
    """What may stand here, with weights; the first options are the simplest.

    The style decides where most of the work stands: in blocks, or between commits. A program without a style soon
    runs into its first "already begun", and would show little else.
    """
    inside = bool(names.blocks)
    working, ending, opening = {
        "blocks": (18 if inside else 3, 2, 3 if inside else 24),
        "commits": (14, 14, 1),
        "mixed": (12, 6, 3 if inside else 12),
    }[w.style]
    options = [(working, read), (working, write), (ending, control), *SIMPLE]
    if names.objects or names.lists:
        options += OBJECTS
    if w.may_ask:
        options += ASKING
    if names.depth > 2:
        options.append((4 if names.loop else 1, leave))
    if names.depth < DEEPEST and w.left > 0:
        options += [*COMPOUND, (opening, block)]
        if w.may_ask:
            options += BRANCHES
    return options
