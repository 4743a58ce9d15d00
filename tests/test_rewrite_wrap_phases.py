"""SUP301 and SUP304: which phases are wrapped, which only on request, and which not at all, with the reason."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
from rewrite_runs import ends, project
from rewrite_support import fix_project

from supavisor_lint.fixing import Fixed

TASK = """\
async def work_with_own_session(job_id):
    logger.info("job %s", job_id)
    try:
        async with get_session() as session:
{body}
    except Exception:
        logger.exception("job %s failed", job_id)
"""
GUARDED = """\
try:
{body}
except Exception:
    logger.exception("phase of %s failed", job_id)
    try:
        await session.rollback()
        async with session.begin():
            await session.execute(update(Job).where(Job.id == job_id).values(status="failed"))
    except Exception:
        logger.exception("job %s: the failure could not be recorded", job_id)
"""


def task(body: str, *, guarded: bool = False) -> str:
    """A task whose session's block is the body, in a handler of the template if it is guarded."""
    body = dedent(body).strip("\n")
    if guarded:
        body = GUARDED.format(body=indent(body, "    "))
    return TASK.format(body=indent(body.rstrip(), "            "))


def fixed(root: Path, text: str, *, unsafe: bool = False, expires: bool = False) -> Fixed:
    return fix_project(root, project(text, expires=expires), unsafe=unsafe)


def outcome(root: Path, text: str, *, expires: bool = False) -> list[str]:
    """What is said of the task's phases: "safe", "unsafe: why" or the reason for no fix, each once."""
    found = fixed(root, text, expires=expires)
    said = dict.fromkeys(f.fix.applicability for f in found.fixed if f.fix and f.code in ("SUP301", "SUP304"))
    for f in found.result.findings:
        if f.code in ("SUP301", "SUP304"):
            said[f"unsafe: {f.fix.title}" if f.fix is not None else str(f.no_fix_reason)] = None
    return list(said)


def wrapped(root: Path, text: str, *, expires: bool = False, unsafe: bool = False) -> str:
    """The task after its rewrite, which does what it did, with and without faults."""
    files = project(text, expires=expires)
    changes = fixed(root, text, expires=expires, unsafe=unsafe).changes
    after = next(change.after for change in changes if change.path == "app/work.py")
    if not unsafe:
        assert ends(after, files, root) == ends(files["app/work.py"], files, root)
    return after.partition("async def work_with_own_session(job_id):\n")[2]


def same_but_for(root: Path, text: str) -> None:
    """The rewrite of an unsafe case is noticed by some run: the doubt is none of caution alone."""
    files = project(text)
    changes = fixed(root, text, unsafe=True).changes
    after = next(change.after for change in changes if change.path == "app/work.py")
    assert ends(after, files, root) != ends(files["app/work.py"], files, root)


def only(said: list[str]) -> str:
    assert len(said) == 1, said
    return said[0]


# ---------------------------------------------------------------------------------------------------- what is left


NOT_WRAPPED = {
    "8: a commit in one arm of an `if`, with work pending before it": (
        """
        session.add(Line(text="a"))
        if job_id == 1:
            await session.commit()
        await session.commit()
        """,
        "statement in line 18: put both into one `begin()`, or commit before that line if neither needs the other",
    ),
    "8: a commit for every other round": (
        """
        for number in range(4):
            session.add(Line(text=str(number)))
            if number % 2:
                await session.commit()
        """,
        "statement in line 19: put both into one `begin()`, or commit before that line if neither needs the other",
    ),
    "8: a transaction that is begun by hand": (
        """
        session.add(Line(text="a"))
        await session.commit()
        await session.begin()
        session.add(Line(text="b"))
        await session.commit()
        """,
        "begin",
    ),
    "8: a handler with a rollback in the middle of a run": (
        """
        session.add(Line(text="a"))
        try:
            await step()
        except ValueError:
            await session.rollback()
        await session.commit()
        """,
        "statement in line 18: put both into one `begin()`, or commit before that line if neither needs the other",
    ),
    "8: what is rolled back on purpose": (
        """
        session.add(Line(text="a"))
        await session.rollback()
        session.add(Line(text="b"))
        await session.commit()
        """,
        "gives up what",
    ),
    "8: a commit in a `finally`": (
        """
        try:
            session.add(Line(text="a"))
            await step()
        finally:
            await session.commit()
        """,
        "uses the session in a `finally`",
    ),
    "7: a commit that is waited for": (
        """
        session.add(Line(text="a"))
        await asyncio.wait_for(session.commit(), 5)
        """,
        "ends or begins a transaction in a way that no block can replace",
    ),
    "10: a function that commits": (
        """
        session.add(Line(text="a"))
        await save_line(session, "b")
        session.add(Line(text="c"))
        await session.commit()
        """,
        "begins or ends a transaction itself",
    ),
    "11: a failed flush that is swallowed inside a run": (
        """
        session.add(Line(text="a"))
        try:
            await session.flush()
        except Exception:
            logger.exception("flush")
        session.add(Line(text="b"))
        await session.commit()
        """,
        "may swallow a failure of `session.flush()`",
    ),
    "11: a savepoint that sends first what was added before, and swallows its failure": (
        """
        session.add(Line(text="a"))
        try:
            async with session.begin_nested():
                session.add(Line(text="b"))
        except Exception:
            logger.exception("savepoint")
        await session.commit()
        """,
        "may swallow a failure of `session.add()`",
    ),
    "11: the same by `suppress`": (
        """
        session.add(Line(text="a"))
        with contextlib.suppress(Exception):
            await session.execute(delete(Line))
        await session.commit()
        """,
        "may swallow a failure of `session.execute()`",
    ),
    "12: a query in the head of a loop that commits": (
        """
        for line in (await session.scalars(select(Line))).all():
            line.text = "b"
            await session.commit()
        """,
        "stands in the head of a statement that commits",
    ),
    "4: a session that is kept": (
        """
        holder = [session]
        session.add(Line(text="a"))
        await session.commit()
        """,
        "`session` goes where it cannot be followed",
    ),
    "4: a session that a nested function uses": (
        """
        async def later():
            session.add(Line(text="a"))

        await later()
        await session.commit()
        """,
        "is used by a function inside this one",
    ),
}


@pytest.mark.parametrize("case", NOT_WRAPPED)
def test_what_has_no_fix_says_why(tmp_path: Path, case: str) -> None:
    body, reason = NOT_WRAPPED[case]
    for said in outcome(tmp_path, task(body)):
        assert reason in said


@pytest.mark.parametrize(
    "read",
    [
        'logger.error("%s", job.url)\n    await session.rollback()',
        'await session.rollback()\n    logger.error("%s", job.url)',
        "await session.rollback()\n    await step(job)",
    ],
)
def test_13_a_handler_that_reads_an_object_has_no_fix(tmp_path: Path, read: str) -> None:
    body = f"""
try:
    job = await session.get(Job, job_id)
    job.status = "processing"
    await session.commit()
    await step()
    job.status = "completed"
    await session.commit()
except Exception:
    {read}
    raise
"""
    assert "the handler reads `job`, which has expired" in only(outcome(tmp_path, task(body)))


UNSAFE = {
    "9: a `return` with work pending, inside the handler's reach": (
        """
        session.add(Line(text="a"))
        if job_id == 2:
            return
        await step()
        await session.commit()
        """,
        True,
        "the `return` in line",
    ),
    "h: `continue` with work pending": (
        """
        for number in range(3):
            session.add(Line(text=str(number)))
            if number == 1:
                continue
            await step()
            await session.commit()
        """,
        False,
        "the `continue` in line",
    ),
    "10: a function that nobody can read": (
        """
        session.add(Line(text="a"))
        await unknown(session)
        await session.commit()
        """,
        False,
        "may end the transaction",
    ),
    "3: a rollback that has made the object fresh": (
        """
        job = await session.get(Job, job_id)
        try:
            await step()
        except Exception:
            await session.rollback()
            job.status = "failed"
            await session.commit()
        """,
        False,
        "would not expire `job` any more",
    ),
    "u: the last phase is left to the helper's commit": (
        """
        session.add(Line(text="a"))
        await session.commit()
        await step()
        session.add(Line(text="b"))
        """,
        True,
        "would be committed before the session's block ends",
    ),
}


STORE = """

async def store(session, text):
    session.add(Line(text=text))
    await session.flush()
"""


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        ('asyncio.gather(*[store(session, text) for text in "ab"])', "runs at once with others on the session"),
        ('asyncio.gather(store(session, "a"), store(session, "b"))', "runs at once with others on the session"),
        ('asyncio.gather(store(session, "a"), return_exceptions=True)', "may end the transaction"),
        ('asyncio.wait([store(session, "a")])', "may end the transaction"),
        ('store(session, "a")', None),
    ],
)
def test_10_calls_at_once_are_told_from_what_nobody_can_read(tmp_path: Path, calls: str, why: str | None) -> None:
    body = f"""
    session.add(Line(text="z"))
    await {calls}
    await session.commit()
    """
    said = only(outcome(tmp_path, "import asyncio\n" + task(body) + STORE))
    assert (said.startswith("unsafe: ") and why in said) if why else said == "safe"


@pytest.mark.parametrize("case", UNSAFE)
def test_what_may_be_noticed_is_unsafe(tmp_path: Path, case: str) -> None:
    body, guarded, why = UNSAFE[case]
    said = only(outcome(tmp_path, task(body, guarded=guarded)))
    assert said.startswith("unsafe: ") and why in said


@pytest.mark.parametrize(
    ("last", "stays_behind"),
    [
        ('logger.info("job %s", job_id)', True),
        ('logger.info(f"job {job_id}")', True),
        ("return", True),
        ('print("done")', False),
        ("log(job_id)", False),
        ('logger.info("job %s", name_of(job_id))', False),
    ],
)
def test_u_what_may_fail_before_the_helper_commits_stays_before_the_commit(
    tmp_path: Path, last: str, *, stays_behind: bool
) -> None:
    changes = fixed(tmp_path, task(f'session.add(Line(text="a"))\n{last}')).changes
    line = next(line for line in changes[0].after.split("async with session.begin():")[1].splitlines() if last in line)
    assert line == " " * (12 if stays_behind else 16) + last


def test_3_a_handler_that_swallows_without_rollback_is_unsafe(tmp_path: Path) -> None:
    body = """
    try:
        session.add(Line(text="a"))
        await step()
        await session.commit()
    except Exception:
        logger.exception("failed")
    """
    assert "does not first roll back what was left half done" in only(outcome(tmp_path, task(body)))
    same_but_for(tmp_path, task(body))


def test_h_continue_is_noticed(tmp_path: Path) -> None:
    same_but_for(tmp_path, task(UNSAFE["h: `continue` with work pending"][0]))


def test_14_a_session_that_is_a_parameter_is_left(tmp_path: Path) -> None:
    text = """\
async def work_with_own_session(session, job_id):
    session.add(Line(text="a"))
    await session.commit()
"""
    assert fixed(tmp_path, text, unsafe=True).changes == ()


def test_a_factory_that_is_not_swapped_keeps_its_phases(tmp_path: Path) -> None:
    text = """\
async def work_with_own_session(job_id):
    from app.session import session_factory

    async with session_factory() as session:  # noqa: SUP101
        session.add(Line(text="a"))
        await session.commit()
"""
    assert outcome(tmp_path, text) == [
        "the session does not come from the session helper: use the helper first (SUP101)"
    ]


def test_a_helper_that_does_not_do_its_part_is_to_be_mended_first(tmp_path: Path) -> None:
    text = """\
@asynccontextmanager
async def closing():
    async with session_factory() as session:
        yield session


async def work_with_own_session(job_id):
    async with closing() as session:
        session.add(Line(text="a"))
        await session.commit()
"""
    head = "from contextlib import asynccontextmanager\n\nfrom app.session import session_factory\n\n\n"
    said = "the helper `closing` does not commit when its block ends: see to that first"
    assert outcome(tmp_path, head + text) == [said]


@pytest.mark.parametrize("opened", ["AsyncSession(bind)", "async_sessionmaker(bind)()"])
def test_the_rule_that_comes_first_is_named(tmp_path: Path, opened: str) -> None:
    text = f"""\
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker


async def work_with_own_session(bind):
    async with {opened} as session:
        session.add(Line(text="a"))
        await session.commit()
"""
    said = "--fix --unsafe-fixes mends that first (SUP102), then looks at this again"
    assert f"the session does not come from the session helper: {said}" in outcome(tmp_path, text)


def test_a_session_that_an_object_keeps_is_named(tmp_path: Path) -> None:
    text = """\
from app.session import session_factory


class Runner:
    async def work_with_own_session(self):
        self.session = session_factory()
        self.session.add(Line(text="a"))
        await self.session.commit()
        await self.session.close()
"""
    reason = "the session is kept in `self.session`, where other code can reach it: open it with `async with`"
    assert all(said.startswith(reason) for said in outcome(tmp_path, text))
    left = {f.code: str(f.no_fix_reason) for f in fixed(tmp_path, text).result.findings}
    assert left["SUP101"].startswith(reason) and left["SUP304"].startswith(reason)


def test_a_suppressed_commit_keeps_its_session_as_it_is(tmp_path: Path) -> None:
    body = """
    session.add(Line(text="a"))
    await session.commit()  # noqa: SUP304
    session.add(Line(text="b"))
    await session.commit()
    """
    assert "where SUP304 is suppressed" in only(outcome(tmp_path, task(body)))


def test_what_expires_with_the_new_commit_has_no_fix(tmp_path: Path) -> None:
    body = """
    job = await session.get(Job, job_id)
    await step(job.url)
    for number in range(2):
        await step(job.url)
    """
    text = task(body).replace("async with get_session", "async with get_session")
    said = only(outcome(tmp_path, text, expires=True))
    assert said == "safe"  # everything that reads it is in the block
    body = """
    job = await session.get(Job, job_id)
    for number in range(2):
        session.add(Line(text=job.url))
        await session.commit()
    """
    assert "may expire the object" in only(outcome(tmp_path, task(body), expires=True))


# ----------------------------------------------------------------------------------------------- what is wrapped


def test_each_commit_ends_a_block(tmp_path: Path) -> None:
    body = """
    job = await session.get(Job, job_id)
    if job is None:
        return
    # the status
    job.status = "processing"

    await session.commit()  # visible now
    logger.info("works")
    text = await step(job.url)
    session.add(Line(text=text))
    await add_line(session, "b")
    await session.commit()
    job.status = "completed"
    await session.commit()
    logger.info("done")
    """
    assert outcome(tmp_path, task(body, guarded=True)) == ["safe"]
    after = wrapped(tmp_path, task(body, guarded=True))
    assert dedent(
        """
            async with session.begin():
                job = await session.get(Job, job_id)
                if job is None:
                    return
                # the status
                job.status = "processing"

                # visible now
            logger.info("works")
            text = await step(job.url)
            async with session.begin():
                session.add(Line(text=text))
                await add_line(session, "b")
            async with session.begin():
                job.status = "completed"
            logger.info("done")
            """
    ).strip() in dedent(after.partition("            try:\n")[2].partition("            except")[0])


SAME = {
    "a loop that commits each item": (
        """
        for number in range(3):
            if number == job_id:
                await step()
            session.add(Line(text=str(number)))
            await step()
            await session.commit()
        """,
        True,
    ),
    "a loop with a handler of its own": (
        """
        for number in range(3):
            try:
                session.add(Line(text=str(number)))
                await step()
                await session.commit()
            except Exception:
                await session.rollback()
        """,
        False,
    ),
    "a retry loop": (
        """
        while True:
            try:
                session.add(Line(text="a"))
                await session.commit()
                break
            except Exception:
                await session.rollback()
                raise
        """,
        False,
    ),
    "early ends that commit": (
        """
        job = await session.get(Job, job_id)
        if job is None:
            session.add(Line(text="none"))
            await session.commit()
            return
        if job.id == 2:
            job.status = "cancelled"
            await session.commit()
            return
        job.status = "completed"
        await session.commit()
        """,
        True,
    ),
    "`else` and `finally`": (
        """
        try:
            session.add(Line(text="a"))
            await session.commit()
        except ValueError:
            await session.rollback()
            raise
        else:
            await step()
            session.add(Line(text="b"))
            await session.commit()
        finally:
            logger.info("end")
        """,
        False,
    ),
    "a savepoint whose failure is swallowed": (
        """
        session.add(Line(text="a"))
        await session.flush()
        try:
            async with session.begin_nested():
                session.add(Line(text="b"))
                await session.flush()
        except Exception:
            logger.exception("savepoint")
        await session.commit()
        """,
        False,
    ),
    "a handler that swallows what has nothing to do with the session": (
        """
        session.add(Line(text="a"))
        try:
            await step()
        except Exception:
            logger.exception("step")
        await session.commit()
        """,
        False,
    ),
    "everything left to the helper, which commits at the same moment": (
        """
        job = await session.get(Job, job_id)
        if job is None:
            return
        await step()
        job.status = "completed"
        await session.execute(delete(Line))
        logger.info("done")
        """,
        False,
    ),
    "a `return` with work pending where nothing stands between": (
        """
        session.add(Line(text="a"))
        if job_id == 2:
            return
        await step()
        session.add(Line(text="b"))
        await session.commit()
        """,
        False,
    ),
    "only reads": (
        """
        job = await session.get(Job, job_id)
        lines = (await session.scalars(select(Line))).all()
        await step(len(lines))
        """,
        True,
    ),
    "reads before a loop that commits": (
        """
        jobs = (await session.scalars(select(Job))).all()
        for job in jobs:
            job.status = await step(job.url)
            await session.commit()
        """,
        True,
    ),
    "functions that leave the transaction alone": (
        """
        await add_line(session, "a")
        await step()
        number = await count_lines(session)
        await add_line(session, str(number))
        await session.commit()
        """,
        True,
    ),
    "a failure that is recorded by hand": (
        """
        try:
            job = await session.get(Job, job_id)
            job.status = "processing"
            await session.commit()
            await step()
            job.status = "completed"
            await session.commit()
        except Exception:
            await session.rollback()
            job = await session.get(Job, job_id)
            job.status = "failed"
            await session.commit()
        """,
        False,
    ),
    "a failure that is recorded and raised": (
        """
        try:
            await session.execute(update(Job).where(Job.id == job_id).values(status="processing"))
            await session.commit()
            await step()
            await session.execute(update(Job).where(Job.id == job_id).values(status="completed"))
            await step()
            await session.commit()
        except Exception as error:
            await session.rollback()
            await session.execute(update(Job).where(Job.id == job_id).values(status="failed"))
            await session.commit()
            raise error
        """,
        False,
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_the_same_is_done_with_and_without_faults(tmp_path: Path, case: str) -> None:
    body, guarded = SAME[case]
    text = task(body, guarded=guarded)
    assert outcome(tmp_path, text) == ["safe"]
    after = wrapped(tmp_path, text)
    assert ".commit()" not in after
    assert "session.begin():" in after


def test_a_loop_gets_one_block_for_each_round(tmp_path: Path) -> None:
    after = wrapped(tmp_path, task(SAME["a loop that commits each item"][0]))
    assert "                async with session.begin():\n                    session.add(" in after


# ------------------------------------------------------------------------------------------------------- layout


def test_insides_of_strings_do_not_move(tmp_path: Path) -> None:
    body = '''
    session.add(Line(text="""a
  b
c"""))  # text
    await session.commit()
    '''
    text = TASK.format(body=indent(body.strip("\n"), "        ", lambda line: line.startswith("    ")))
    after = wrapped(tmp_path, text)
    assert 'text="""a\n  b\nc"""))  # text\n' in after


def test_statements_on_one_line(tmp_path: Path) -> None:
    body = """
    session.add(Line(text="a")); await session.commit()  # both
    session.add(Line(text="b")); session.add(Line(text="c")); await session.commit(); await step()
    """
    text = task(body)
    said = outcome(tmp_path, text)
    assert "line 18 holds other code as well: give each statement a line of its own" in said
    after = wrapped(tmp_path, task('session.add(Line(text="a")); await session.commit()  # both'))
    assert 'async with session.begin():\n                session.add(Line(text="a"))  # both\n' in after


def test_tabs_and_no_newline_at_the_end(tmp_path: Path) -> None:
    text = (
        "async def work_with_own_session(job_id):\n\ttry:\n\t\tasync with get_session() as session:\n"
        "\t\t\tsession.add(Line(text='a'))\n\t\t\tawait session.commit()  # last\n\texcept Exception:\n"
        "\t\tlogger.exception('x')"
    )
    after = wrapped(tmp_path, text)
    assert "\t\t\tasync with session.begin():\n\t\t\t\tsession.add(Line(text='a'))\n\t\t\t\t# last\n" in after
    assert after.endswith("logger.exception('x')")


def test_comments_inside_the_last_body_go_with_it(tmp_path: Path) -> None:
    body = """
    # before
    if job_id == 1:
        session.add(Line(text="a"))
        # inside
    # behind
    """
    after = wrapped(tmp_path, task(body))
    assert '                    session.add(Line(text="a"))\n                    # inside\n' in after
    assert "async with session.begin():\n                # before\n" in after


def test_a_session_is_not_given_the_blocks_of_the_one_inside_it(tmp_path: Path) -> None:
    body = """
    async with get_session() as other:
        print(await session.scalar(select(Job.id)))
        await other.execute(update(Job).values(status="b"))
    """
    outer = "async with async_session_factory() as session:  # noqa: SUP101"
    text = "from app.session import async_session_factory\n\n\n" + task(body)
    found = fixed(tmp_path, text.replace("async with get_session() as session:", outer))
    assert found.failures == {}
    assert [finding.message.split()[0] for finding in found.fixed] == ["`other.execute()`"]
    left = [f.no_fix_reason for f in found.result.findings if f.message.startswith("`session.scalar()`")]
    assert left and all("session helper" in str(reason) for reason in left)


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    text = task(SAME["early ends that commit"][0], guarded=True)
    after = next(c.after for c in fixed(tmp_path, text).changes)
    files = project("") | {"app/work.py": after}
    assert fix_project(tmp_path, files, unsafe=True).changes == ()
