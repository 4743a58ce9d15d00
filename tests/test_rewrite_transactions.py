"""SUP302, SUP303, SUP305, SUP406, SUP203: transactions that end, begin or are shared in the wrong place."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
from rewrite_runs import ends, project
from rewrite_support import fix_project

from supavisor_lint.rewrites import REWRITES

TASK = """\
async def work_with_own_session(job_id):
    logger.info("job %s", job_id)
    try:
        async with get_session() as session:
{body}
    except Exception:
        logger.exception("job %s failed", job_id)
"""


def task(body: str) -> str:
    return TASK.format(body=indent(dedent(body).strip("\n"), "            "))


def after(root: Path, body: str, *, unsafe: bool = False, expires: bool = False) -> str:
    """The body of the task's `async with` after its rewrite; "" if nothing is changed."""
    text = changed(root, task(body), unsafe=unsafe, expires=expires)
    inner = text.partition("async with get_session() as session:\n")[2].partition(
        "\n    except Exception:\n        logg"
    )
    return dedent(inner[0]).strip("\n")


def changed(root: Path, text: str, *, unsafe: bool = False, expires: bool = False) -> str:
    changes = fix_project(root, project(text, expires=expires), unsafe=unsafe).changes
    return next((c.after for c in changes), "")


def reasons(root: Path, text: str, code: str, *, expires: bool = False) -> list[str]:
    """What is said of the findings of a rule that a safe run leaves: the reason, or "unsafe"."""
    found = fix_project(root, project(text, expires=expires)).result.findings
    return [f.no_fix_reason or f"unsafe: {f.fix.title if f.fix else ''}" for f in found if f.code == code]


def test_each_rewrite_has_its_rule() -> None:
    assert {"SUP203", "SUP302", "SUP303", "SUP305", "SUP306", "SUP308", "SUP309", "SUP406"} <= set(REWRITES)


# ------------------------------------------------------------------------------------------ SUP303: ends inside blocks


LEFT_IN_BLOCK = {
    "a rollback": (
        """
        async with session.begin():
            session.add(Line(text="a"))
            await session.rollback()
        """,
        "without the `rollback()` the block would save what it discards now",
    ),
    "a close": (
        """
        async with session.begin():
            session.add(Line(text="a"))
            await session.close()
        """,
        "without the `close()`",
    ),
    "a commit that an exception follows": (
        """
        async with session.begin():
            session.add(Line(text="a"))
            await session.commit()
            raise ValueError
        """,
        "raises behind the commit",
    ),
    "a commit in a loop": (
        """
        async with session.begin():
            for text in ("a", "b"):
                session.add(Line(text=text))
                await session.commit()
        """,
        "the commit stands in a loop",
    ),
    "a commit on a condition, with work behind it": (
        """
        async with session.begin():
            session.add(Line(text="a"))
            if job_id == 1:
                await session.commit()
            session.add(Line(text="b"))
        """,
        "does not stand directly in the block",
    ),
    "a function that commits": (
        """
        async with session.begin():
            await save_line(session, "a")
        """,
        "ends the transaction in its own body",
    ),
}


@pytest.mark.parametrize("case", LEFT_IN_BLOCK)
def test_what_ends_a_block_is_left(tmp_path: Path, case: str) -> None:
    body, reason = LEFT_IN_BLOCK[case]
    assert all(reason in said for said in reasons(tmp_path, task(body), "SUP303"))
    assert reasons(tmp_path, task(body), "SUP303")


def test_a_commit_before_plain_python_goes_on_request_only(tmp_path: Path) -> None:
    body = """
    async with session.begin():
        session.add(Line(text="a"))
        await session.commit()
        plain()
    """
    assert after(tmp_path, body) == ""
    assert "commit" not in after(tmp_path, body, unsafe=True)
    files = project(task(body))
    rewritten = changed(tmp_path, task(body), unsafe=True)
    assert ends(rewritten, files, tmp_path) != ends(files["app/work.py"], files, tmp_path)


TRAILING = {
    "at the end": ('    session.add(Line(text="a"))\n    await session.commit()  # last', True),
    "the only statement": ("    await session.commit()  # nothing", True),
    "on the same line": ('    session.add(Line(text="a")); await session.commit()', True),
    "before a bare return": (
        '    session.add(Line(text="a"))\n    if job_id == 1:\n        await session.commit()\n        return',
        True,
    ),
    "at the end of a branch": (
        '    session.add(Line(text="a"))\n    if job_id == 1:\n        await session.commit()',
        True,
    ),
}


@pytest.mark.parametrize("case", TRAILING)
def test_a_trailing_commit_goes(tmp_path: Path, case: str) -> None:
    body = "async with session.begin():\n" + TRAILING[case][0]
    files = project(task(body))
    rewritten = changed(tmp_path, task(body))
    assert ".commit()" not in rewritten
    assert rewritten.count("#") == files["app/work.py"].count("#")
    assert ends(rewritten, files, tmp_path) == ends(files["app/work.py"], files, tmp_path)


USES = {
    "reads": "except ValueError:\n    logger.info(job.name)",
    "sets": "except ValueError:\n    job.status = 'failed'",
    "reads later": "except ValueError:\n    pass\nlogger.info(job.name)",
}


@pytest.mark.parametrize("case", USES)
def test_a_commit_stays_where_its_failure_leaves_objects_that_are_used(tmp_path: Path, case: str) -> None:
    """The block's own commit expires them when it fails; a handler that rolls back first has done that already."""
    block = "    async with session.begin():\n        job = await session.get(Job, 1)\n        await session.commit()\n"
    head = f"try:\n{block}"
    assert any(reason.startswith("unsafe") for reason in reasons(tmp_path, task(head + USES[case]), "SUP303"))
    rolled_back = head + "except ValueError:\n    await session.rollback()"
    assert ".commit()" not in after(tmp_path, rolled_back)


def test_the_transaction_object_commits_as_well(tmp_path: Path) -> None:
    body = """
    async with session.begin() as transaction:
        session.add(Line(text="a"))
        await transaction.commit()
    """
    assert after(tmp_path, body) == 'async with session.begin() as transaction:\n    session.add(Line(text="a"))'


def test_a_block_is_cut_in_two_at_a_commit_with_work_behind_it(tmp_path: Path) -> None:
    body = """
    async with session.begin():
        session.add(Line(text="a"))
        await session.commit()  # first
        # second
        session.add(Line(text="b"))
    """
    assert reasons(tmp_path, task(body), "SUP303") == ["unsafe: Cut the block in two at the commit"]
    assert after(tmp_path, body, unsafe=True) == dedent(
        """
        async with session.begin():
            session.add(Line(text="a"))
            # first
        async with session.begin():
            # second
            session.add(Line(text="b"))
        """
    ).strip("\n")


# ------------------------------------------------------------------------------------------- SUP406: failure handlers


HANDLER = """
try:
    async with session.begin():
        {work}
    await step()
    {outside}
except Exception:
    {handler}
"""


def handler(work: str, outside: str, *lines: str) -> str:
    return HANDLER.format(work=work, outside=outside, handler="\n    ".join(lines))


STATUS = "await session.execute(update(Job).where(Job.id == job_id).values(status={!r}))"


def test_a_handler_that_begins_rolls_back_first(tmp_path: Path) -> None:
    body = handler(
        STATUS.format("processing"),
        "await session.execute(select(Job))\n    await step()",
        'logger.exception("%s", job_id)',
        "try:",
        "    # record it",
        "    async with session.begin():",
        "        " + STATUS.format("failed"),
        "except Exception:",
        '    logger.exception("not recorded")',
    )
    found = after(tmp_path, body)
    assert (
        "    try:\n        await session.rollback()\n        # record it\n        async with session.begin():" in found
    )


def test_the_cured_handler_records_the_failure(tmp_path: Path) -> None:
    body = handler(
        STATUS.format("processing"),
        "await session.execute(select(Job))\n    plain()",
        "async with session.begin():",
        "    " + STATUS.format("failed"),
    )
    files = project(task(body))
    stuck = [end.jobs[0][1] for end in ends(files["app/work.py"], files, tmp_path, (1,))]
    cured = [end.jobs[0][1] for end in ends(changed(tmp_path, task(body)), files, tmp_path, (1,))]
    assert cured.count("failed") > stuck.count("failed")


def test_an_attribute_that_has_expired_is_not_cured(tmp_path: Path) -> None:
    body = """
    try:
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = "processing"
            await step()
    except Exception:
        logger.exception("job %s", job.id)
    """
    said = reasons(tmp_path, task(body), "SUP406")
    assert said and all("a rollback would expire it as well" in reason for reason in said)


def test_a_handler_that_reads_an_object_behind_the_rollback_is_left(tmp_path: Path) -> None:
    body = """
    try:
        job = await session.get(Job, job_id)
        await step(job.url)
    except Exception:
        async with session.begin():
            session.add(Line(text=job.url))
    """
    said = reasons(tmp_path, task(body), "SUP406")
    assert said and all("the handler reads `job`" in reason for reason in said)


@pytest.mark.parametrize("step", ["await step()", 'logger.info("job %s", name_of(job_id))', 'logger.info("half done")'])
def test_a_handler_that_would_save_half_done_work_is_rolled_back_on_request_only(tmp_path: Path, step: str) -> None:
    body = f"""
    try:
        session.add(Line(text="a"))
        await session.flush()
        {step}
        await session.commit()
    except Exception:
        session.add(Line(text="failed"))
        await session.commit()
    """
    said = reasons(tmp_path, task(body), "SUP406")
    assert said == [
        "unsafe: Roll `session` back before it is used in the failure handler: what the `try` has left half done is no "
        "longer saved, neither by the handler nor when the session ends"
    ]


def test_a_handler_that_gets_what_is_at_hand_is_told_that_it_reads_again(tmp_path: Path) -> None:
    body = """
    try:
        session.add(Line(text="a"))
        await session.flush()
    except Exception:
        job = await session.get(Job, job_id)
        job.status = "failed"
        await session.commit()
    """
    said = reasons(tmp_path, task(body), "SUP406")
    assert [reason.partition(": ")[2].partition(": ")[2] for reason in said] == [
        "what is got by its key there is read again, if the session has it still at hand"
    ]


def test_behind_a_handler_that_fails_it_may_be_read_again_as_well(tmp_path: Path) -> None:
    body = """
    try:
        rows = await session.scalars(select(Job))
    except Exception:
        await session.execute(update(Job).values(status="failed"))
        await session.commit()
    finally:
        job = await session.get(Job, job_id)
    """
    said = reasons(tmp_path, task(body), "SUP406")
    assert [reason.partition(": ")[2].partition(": ")[2] for reason in said] == [
        "what is got by its key there is read again, if the session has it still at hand"
    ]
    assert reasons(tmp_path, task(body.replace("finally:", "else:")), "SUP406") == []  # fixed safely


BEFORE = """
{before}
try:
    rows = await session.scalars(select(Job))
except Exception:
    await session.execute(update(Job).values(status="failed"))
    await session.commit()
"""
LEFT_OPEN = {
    "a write": 'await session.execute(update(Job).values(status="processing"))',
    "a write, perhaps committed": "session.add(Job())\nif job_id:\n    await session.commit()",
    "a write around it": "if job_id:\n    session.add(Job())\nelse:\n    await session.commit()",
}
DONE = {
    "nothing": "",
    "a read": "job = (await session.scalars(select(Job))).first()",
    "a commit": "session.add(Job())\nawait session.commit()",
    "a block": "async with session.begin():\n    session.add(Job())",
}


@pytest.mark.parametrize("before", LEFT_OPEN.values(), ids=LEFT_OPEN)
def test_work_before_the_try_goes_with_a_rollback(tmp_path: Path, before: str) -> None:
    said = reasons(tmp_path, task(BEFORE.format(before=before)), "SUP406")
    assert len(said) == 1 and "what was done before the `try`, and is not committed yet" in said[0]


@pytest.mark.parametrize("before", DONE.values(), ids=DONE)
def test_where_nothing_is_open_before_the_try_nothing_goes(tmp_path: Path, before: str) -> None:
    assert "    await session.rollback()\n" in after(tmp_path, BEFORE.format(before=before))


def test_a_loop_leaves_open_what_its_last_round_did(tmp_path: Path) -> None:
    round_ = indent(BEFORE.format(before="").strip(), "    ")
    body = "for number in range(3):\n" + round_ + "\n    session.add(Line(text=str(number)))\n"
    assert len(reasons(tmp_path, task(body), "SUP406")) == 1
    assert reasons(tmp_path, task(body + "    await session.commit()\n"), "SUP406") == []


SYNC = """\
from sqlalchemy.ext.asyncio import AsyncSession


async def sync({row}, session: AsyncSession):
    try:
        {name}.status = "processing"
        await session.commit()
        await step()
        {name}.status = "completed"
        await session.commit()
    except Exception:
        {handler}
        await session.commit()


async def work_with_own_session(job_id):
    async with get_session() as session:
        await sync({given}, session)
"""


GIVEN = "await session.get(Job, job_id)"
BOX = "class Box:\n    def __init__(self, job):\n        self.job = job\n\n\n"


@pytest.mark.parametrize("row", ["job: Job", "job"])
def test_a_row_that_comes_with_its_session_is_changed_behind_the_rollback(tmp_path: Path, row: str) -> None:
    text = SYNC.format(row=row, name="job", handler='job.status = "failed"', given=GIVEN)
    assert '        await session.rollback()\n        job.status = "failed"\n' in changed(tmp_path, text, unsafe=True)


@pytest.mark.parametrize(
    ("row", "handler", "reason"),
    [
        (
            "job: Job",
            'logger.error("%s", job.url)\n        job.status = "failed"',
            "the handler reads `job`",
        ),
        ("job", 'job.status = "failed"\n        logger.error("%s", job.url)', "the handler reads `job`"),
        ("box", 'box.job.status = "failed"', "the handler reads `box`"),
        ("box: Box", 'box.job.status = "failed"', "changes what a rollback would take back"),
    ],
)
def test_a_rollback_takes_nothing_back_that_the_handler_has_set(
    tmp_path: Path, row: str, handler: str, reason: str
) -> None:
    name, given = ("box.job", f"Box({GIVEN})") if row.startswith("box") else ("job", GIVEN)
    text = BOX + SYNC.format(row=row, name=name, handler=handler, given=given)
    assert reason in " ".join(reasons(tmp_path, text, "SUP406"))
    assert "rollback" not in changed(tmp_path, text, unsafe=True)


@pytest.mark.parametrize("block", ["session.begin()", "factory.begin() as session"])
def test_a_handler_inside_the_block_is_left(tmp_path: Path, block: str) -> None:
    body = f"""
    async with {block}:
        try:
            await session.execute(delete(Line))
        except Exception:
            async with session.begin():
                session.add(Line(text="failed"))
    """
    assert "rollback" not in changed(tmp_path, task(body), unsafe=True)


def test_the_first_session_is_rolled_back_before_the_second_one_waits(tmp_path: Path) -> None:
    body = f"""
    try:
        {STATUS.format("processing")}
        await step()
    except Exception:
        logger.exception("x")
        async with get_session() as other:
            async with other.begin():
                await other.execute(update(Job).where(Job.id == job_id).values(status="failed"))
    """
    found = after(tmp_path, body)
    assert '    logger.exception("x")\n    await session.rollback()\n    async with get_session() as other:' in found


# ------------------------------------------------------------------------------------------------ SUP302: begun twice


def test_the_block_moves_up_round_what_has_begun(tmp_path: Path) -> None:
    body = '''
    logger.info("starts")
    # the job
    job = await session.get(Job, job_id)
    text = """
one
"""
    # the block
    async with session.begin():  # begun
        # its status
        job.status = text
    '''
    body = dedent(body.replace("\none\n", "\n    one\n").replace('\n"""\n', '\n    """\n'))
    text = task(body)
    assert [r.partition(":")[0] for r in reasons(tmp_path, text, "SUP302")] == ["unsafe"]
    assert changed(tmp_path, text) == ""
    assert after(tmp_path, body, unsafe=True) == dedent(
        '''
        logger.info("starts")
        async with session.begin():  # begun
            # the job
            job = await session.get(Job, job_id)
            text = """
        one
        """
            # the block
            # its status
            job.status = text
        '''
    ).strip("\n")


BEGUN = {
    "inside another block": (
        """
        async with session.begin():
            job = await session.get(Job, job_id)
            async with session.begin():
                job.status = "a"
        """,
        "has a transaction already",
    ),
    "in another list of statements": (
        """
        if job_id == 1:
            job = await session.get(Job, job_id)
            for number in range(1):
                async with session.begin():
                    job.status = "a"
        """,
        "begins the transaction elsewhere",
    ),
    "an error that is swallowed in between": (
        """
        try:
            await session.execute(delete(Line))
        except Exception:
            logger.exception("x")
        async with session.begin():
            session.add(Line(text="a"))
        """,
        "may swallow a failure",
    ),
    "begun by hand": (
        """
        await session.execute(delete(Line))
        await session.begin()
        """,
        "is no block",
    ),
}


@pytest.mark.parametrize("case", BEGUN)
def test_where_the_block_cannot_move_it_says_why(tmp_path: Path, case: str) -> None:
    body, reason = BEGUN[case]
    said = reasons(tmp_path, task(body), "SUP302")
    assert said and all(reason in r for r in said), said


# ---------------------------------------------------------------------------------------- SUP305: one block for it all


SHARED = """
async def work_with_own_session(job_id):
    logger.info("job %s", job_id)
    try:
        # the session
        async with get_session() as session, session.begin():  # everything
            job = await session.get(Job, job_id)
            job.status = "processing"
            job.url = "u"
            # the work
            await session.execute(delete(Line))
            job.status = "completed"
            # the end
    except Exception:
        logger.exception("job %s failed", job_id)
"""


def test_the_first_status_gets_a_block_of_its_own(tmp_path: Path) -> None:
    assert changed(tmp_path, SHARED) == ""
    assert """
        # the session
        async with get_session() as session:  # everything
            async with session.begin():
                job = await session.get(Job, job_id)
                job.status = "processing"
                job.url = "u"
            async with session.begin():
                # the work
                await session.execute(delete(Line))
                job.status = "completed"
                # the end
    except Exception:
""" in changed(tmp_path, SHARED, unsafe=True)


@pytest.mark.parametrize(
    "field", ['setattr(job, "url", "u")', 'setattr(job, "url", "u")\n            await session.flush()']
)
@pytest.mark.parametrize("status", ['job.status = "processing"', 'setattr(job, "status", "processing")'])
def test_fields_that_are_set_by_name_stay_with_the_status(tmp_path: Path, status: str, field: str) -> None:
    text = SHARED.replace('job.status = "processing"', status).replace('job.url = "u"', field)
    assert f"""
                {status}
                {field.replace(" " * 12, " " * 16)}
            async with session.begin():
                # the work
""" in changed(tmp_path, text, unsafe=True)


def test_a_lock_that_ends_with_the_first_status_is_told(tmp_path: Path) -> None:
    text = SHARED.replace("job_id)\n            job.status", "job_id, with_for_update=True)\n            job.status")
    assert reasons(tmp_path, text, "SUP305") == [
        "unsafe: Commit the first status before the work: a block for each of them (the lock of line 19 ends with it)"
    ]


def test_an_object_that_expires_with_the_first_status_is_not_read_behind_it(tmp_path: Path) -> None:
    text = SHARED.replace("delete(Line))", "delete(Line).where(Line.text == job.url))")
    assert ["`job` is read in line" in r for r in reasons(tmp_path, text, "SUP305", expires=True)] == [True]
    assert reasons(tmp_path, text, "SUP305")[0].startswith("unsafe: ")


def test_a_status_in_a_branch_is_left(tmp_path: Path) -> None:
    head, job, rest = SHARED.partition("            job.status")
    work, end, handler = (job + rest).partition("            # the end\n")
    text = f"{head}            if job is not None:\n{indent(work, '    ')}{end}{handler}"
    assert ["nothing tells where" in r for r in reasons(tmp_path, text, "SUP305")] == [True]


# ---------------------------------------------------------------------------------------- SUP203: the parameter's name


SHADOWED = """
async def work_with_own_session(session, job_id):
    if session is None:
        logger.info("no session")
    try:
        async with get_session() as session, session.begin():
            await add_line(session, text=f"{session!r}")
            own_session = 1
    except Exception:
        logger.exception("job %s failed", job_id)
"""


def test_the_own_session_gets_a_free_name(tmp_path: Path) -> None:
    assert changed(tmp_path, SHADOWED) == ""
    found = changed(tmp_path, SHADOWED, unsafe=True)
    assert "async with get_session() as own_session_2, own_session_2.begin():" in found
    assert 'await add_line(own_session_2, text=f"{own_session_2!r}")' in found
    assert "(session, job_id):\n    if session is None:" in found


def test_a_name_that_may_mean_either_is_left(tmp_path: Path) -> None:
    text = SHADOWED + "    await add_line(session, text='z')\n"
    assert ["outside the block of the own session" in r for r in reasons(tmp_path, text, "SUP203")] == [True]


# -------------------------------------------------------------------------------------------------- the author's choice


def test_a_lost_write_says_what_has_to_be_decided(tmp_path: Path) -> None:
    text = """
async def work_with_own_session(job_id):
    from app.session import session_factory

    try:
        async with session_factory() as session:
            session.add(Line(text="a"))
            await session.flush()
    except Exception:
        logger.exception("x")
"""
    said = [r for r in reasons(tmp_path, text, "SUP308") if r]
    assert said and all("a dry run" in reason for reason in said)


def test_a_swallowed_error_says_what_has_to_be_decided(tmp_path: Path) -> None:
    body = """
    async with session.begin():
        session.add(Line(text="a"))
        try:
            await session.flush()
        except Exception:
            logger.exception("x")
    """
    assert ["`begin_nested()`" in r for r in reasons(tmp_path, task(body), "SUP306")] == [True]


def test_a_called_function_that_swallows_is_named(tmp_path: Path) -> None:
    text = """
async def add_or_log(session, text):
    try:
        session.add(Line(text=text))
        await session.flush()
    except Exception:
        logger.exception("x")
"""
    body = """
    async with session.begin():
        session.add(Line(text="a"))
        await add_or_log(session, "b")
    """
    assert ["whether `add_or_log()` is to raise" in r for r in reasons(tmp_path, text + task(body), "SUP306")] == [True]


def test_an_expired_read_says_what_has_to_be_decided(tmp_path: Path) -> None:
    body = """
    async with session.begin():
        job = await session.get(Job, job_id)
    await step(job.url)
    """
    assert ["load the object again" in r for r in reasons(tmp_path, task(body), "SUP309", expires=True)] == [True]
