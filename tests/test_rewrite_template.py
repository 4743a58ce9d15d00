"""SUP401, SUP402, SUP404: the handlers of the standard template. First what is left alone, then what is made."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from rewrite_support import fix_project, rewritten
from template_support import after, project, reasons

HEAD = """
import logging

from sqlalchemy import select, text, update

from app.models import Item, Job, JobStatus
from app.session import get_session

logger = logging.getLogger(__name__)

"""


def task(body: str, signature: str = "job_id: int", head: str = HEAD) -> str:
    lines = dedent(body).strip("\n").splitlines()
    inner = "\n".join(f"    {line}" if line.strip() else line for line in lines)
    return f"{head}\n# supavisor-lint: task\nasync def process({signature}):\n{inner}\n"


def phases(work: str) -> str:
    """A task whose only phase does some work."""
    inner = "\n".join("        " + line for line in dedent(work).strip("\n").splitlines())
    return task(f"async with get_session() as session:\n    async with session.begin():\n{inner}")


def only_reason(tmp_path: Path, source: str, *codes: str, **settings: object) -> str:
    (line,) = reasons(tmp_path, source, *(codes or ("SUP401",)), **settings)
    return line.split(" ", 2)[2]


# ------------------------------------------------------------------------------------------- where nothing is made up


@pytest.mark.parametrize(
    "work",
    [
        'job = await session.get(Job, job_id)\njob.status = "shipped"',  # nobody says what stands for a failure
        'job = Job(id=job_id)\nsession.add(job)\njob.status = "completed"',  # not in the table after a rollback
        "for job in await session.scalars(select(Job)):\n    job.status = JobStatus.COMPLETED",
        'setattr(job_id, "status", "completed")\nawait session.execute(select(Job))',
        "await session.execute(text(\"update jobs set status = 'completed'\"))",
        "job = (await session.execute(select(Job).where(Job.id == item.id))).scalar_one()\n"
        "item = await session.get(Item, 1)\njob.status = JobStatus.COMPLETED",
        "found = await session.get(Item, job_id)\n"
        "await session.execute(update(Job).where(Job.id == found.job_id).values(status=JobStatus.COMPLETED))",
        "ids = [1]\nawait session.execute(update(Job).where(Job.id.in_(ids)).values(status=JobStatus.COMPLETED))",
        "await mark_completed(session, job_id)",
        'await elsewhere.set_status(session, job_id, "completed")',
        "job = await unknown.get_job(session, job_id)\njob.status = JobStatus.COMPLETED",
    ],
)
def test_where_nothing_tells_the_failed_status_there_is_no_fix(tmp_path: Path, work: str) -> None:
    source = phases(work)
    assert after(tmp_path, source, "SUP401") == source
    assert "failure" in only_reason(tmp_path, source) or "failed" in only_reason(tmp_path, source)


def test_a_handler_inside_a_transaction_is_left(tmp_path: Path) -> None:
    source = task("""
    async with get_session() as session:
        async with session.begin():
            try:
                job = await session.get(Job, job_id)
                job.status = JobStatus.COMPLETED
            except Exception:
                logger.exception("failed")
                raise
    """)
    assert after(tmp_path, source, "SUP402") == source
    assert "inside a transaction" in only_reason(tmp_path, source, "SUP402")


def test_a_failure_that_another_handler_ends_is_not_recorded_further_out(tmp_path: Path) -> None:
    source = task(
        """
        async with get_session() as session:
            try:
                try:
                    async with session.begin():
                        job = await session.get(Job, job_id)
                        job.status = JobStatus.COMPLETED
                except Exception:
                    logger.exception("item failed")
            except Exception:
                logger.exception("job %s failed", job_id)
        """
    )
    assert after(tmp_path, source, "SUP402") == source
    reason = "the handler in line 20 ends the failure before: record it there, or raise again"
    assert only_reason(tmp_path, source, "SUP402") == reason


def test_a_rollback_in_a_loop_would_expire_what_the_next_round_needs(tmp_path: Path) -> None:
    source = task("""
    async with get_session() as session:
        for item_id in ids:
            try:
                job = await session.get(Job, item_id)
                job.status = JobStatus.COMPLETED
                await session.commit()
            except Exception:
                logger.exception("failed")
    """, "ids")  # fmt: skip
    assert after(tmp_path, source, "SUP402") == source
    assert "loop" in only_reason(tmp_path, source, "SUP402")


def test_a_session_of_a_factory_gives_no_session_to_an_outer_handler(tmp_path: Path) -> None:
    source = task("""
    from app.session import async_session_factory
    data = await fetch(job_id)
    async with async_session_factory() as session:
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.COMPLETED
    """)
    assert after(tmp_path, source, "SUP401") == source
    assert "SUP101" in only_reason(tmp_path, source)


def test_a_suppressed_finding_is_left(tmp_path: Path) -> None:
    source = phases("job = await session.get(Job, job_id)\njob.status = JobStatus.COMPLETED").replace(
        "process(job_id: int):", "process(job_id: int):  # noqa: SUP401, SUP404"
    )
    assert after(tmp_path, source, "SUP401", "SUP404") == source


def test_a_whole_body_is_not_wrapped_where_the_outer_handler_is_suppressed(tmp_path: Path) -> None:
    source = task("""
    async with get_session() as session, session.begin():
        await session.execute(update(Job).values(steps=1))
    """).replace("int):", "int):  # noqa: SUP404")
    assert after(tmp_path, source, "SUP401", "SUP404") == source


def test_a_task_on_one_line_is_left(tmp_path: Path) -> None:
    source = task("async with get_session() as session: await session.execute(select(Job))")
    assert "async with get_session() as session: await" in after(tmp_path, source, "SUP404")
    inline = HEAD + "\nasync def a_with_own_session(): await (await helper()).x\n"
    assert after(tmp_path, inline) == inline


def test_a_selected_sup407_asks_for_more_than_the_handlers(tmp_path: Path) -> None:
    source = task("""
    async with get_session() as session:
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.PROCESSING
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.COMPLETED
    """)
    assert "SUP407" in only_reason(tmp_path, source, "SUP401", extend_select=("SUP407",))
    for ignored, is_fixed in (((), False), (("SUP407",), True)):
        found = fix_project(tmp_path, project(source), unsafe=True, select=("SUP4",), ignore=ignored)
        assert ("SUP401" in {finding.code for finding in found.fixed}) is is_fixed


# ---------------------------------------------------------------------------------------------------- the whole of it

WHOLE = '''"""Jobs."""

from app.models import Job, JobStatus


# supavisor-lint: task
async def process(job_id: int) -> None:
    """The task."""
    from app.session import get_session

    async with get_session() as session:
        # the first phase
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.PROCESSING
        # the last one
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.COMPLETED
            # all done
'''
WHOLE_AFTER = '''"""Jobs."""

import logging

from app.models import Job, JobStatus

logger = logging.getLogger(__name__)


# supavisor-lint: task
async def process(job_id: int) -> None:
    """The task."""
    logger.info("process: started (job_id=%s)", job_id)
    try:
        from app.session import get_session

        async with get_session() as session:
            try:
                # the first phase
                async with session.begin():
                    job = await session.get(Job, job_id)
                    job.status = JobStatus.PROCESSING
                # the last one
                async with session.begin():
                    job = await session.get(Job, job_id)
                    job.status = JobStatus.COMPLETED
                    # all done
            except Exception:
                logger.exception("process: failed (job_id=%s)", job_id)
                try:
                    await session.rollback()
                    async with session.begin():
                        job = await session.get(Job, job_id)
                        if job is not None:
                            job.status = JobStatus.FAILED
                except Exception:
                    logger.exception("process: the failure could not be recorded (job_id=%s)", job_id)
    except Exception:
        logger.exception("process: failed outside its phases (job_id=%s)", job_id)
'''


def test_the_whole_template(tmp_path: Path) -> None:
    assert after(tmp_path, WHOLE) == WHOLE_AFTER
    assert reasons(tmp_path, WHOLE_AFTER) == []


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("unit", ["    ", "\t", "  "])
@pytest.mark.parametrize("end", ["", "\n"])
def test_tabs_line_ends_and_the_end_of_the_file_stay(tmp_path: Path, newline: str, unit: str, end: str) -> None:
    def laid_out(text: str) -> str:
        lines = [unit * ((len(line) - len(line.lstrip())) // 4) + line.lstrip() for line in text.splitlines()]
        return newline.join(lines) + (newline if end else "")

    files = laid_out(WHOLE)
    root = tmp_path / "project"
    after(root, "")
    from supavisor_lint.fixing import fix
    from supavisor_lint.run import job_of_paths
    from supavisor_lint.settings import Settings

    (root / "app/work.py").write_bytes(files.encode())
    settings = Settings(select=("SUP401", "SUP404", "SUP408"))
    (change,) = fix(job_of_paths([root], root, settings), unsafe=True).changes
    assert change.new.decode() == laid_out(WHOLE_AFTER)


def test_a_combined_async_with_is_taken_apart(tmp_path: Path) -> None:
    source = task("""
    async with (
        get_session() as session,  # kept
        session.begin(),
    ):
        sql = '''
    stays
    '''
        job = await session.get(Job, job_id)
        job.status = JobStatus.COMPLETED
    """)
    assert "a comment stands between" in only_reason(tmp_path, source)
    found = after(tmp_path, source.replace("  # kept", ""), "SUP401")
    assert "    ):\n        try:\n            async with session.begin():\n                sql = '''\n" in found
    assert "\nstays\n" in found.replace("    stays", "stays") and "        session.begin(),\n" not in found


def test_the_same_statement_with_the_failed_status_alone(tmp_path: Path) -> None:
    source = phases("""
    await session.execute(
        update(Job)  # one row
        .where(Job.id == job_id)
        .values(status=JobStatus.COMPLETED, steps=await count(), error=None)
    )
    """)
    found = after(tmp_path, source, "SUP401")
    assert "                        .values(status=JobStatus.FAILED)\n" in found
    assert found.count("# one row") == 2


def test_a_statement_that_is_built_first(tmp_path: Path) -> None:
    source = phases("""
    done = update(Job).where(Job.id == job_id).values({Job.status: "completed", "steps": 1})
    await session.execute(done)
    """)
    found = after(tmp_path, source, "SUP401")
    assert 'done = update(Job).where(Job.id == job_id).values({Job.status: "failed"})\n' in found
    assert found.count("await session.execute(done)") == 2


@pytest.mark.parametrize(
    ("read", "guard"),
    [
        ("job = (await session.execute(select(Job).where(Job.id == job_id))).scalar_one()", ""),
        ("job = await session.get_one(Job, job_id)", ""),
        ("result = await session.execute(select(Job).where(Job.id == job_id))\njob = result.scalars().first()", "if"),
        ("query = select(Job).where(Job.id == job_id)\njob: Job | None = await session.scalar(query)", "if"),
    ],
)
def test_the_row_is_read_again_as_the_task_reads_it(tmp_path: Path, read: str, guard: str) -> None:
    found = after(tmp_path, phases(f"{read}\njob.status = JobStatus.COMPLETED.value"), "SUP401")
    for line in read.splitlines():
        assert found.count(line.replace("job: Job | None", "job")) + found.count(line) >= 2
    assert ("if job is not None:" in found) == bool(guard)
    assert "job.status = JobStatus.FAILED.value" in found


def test_a_function_that_writes_the_status_is_called_again(tmp_path: Path) -> None:
    head = HEAD + (
        "async def set_status(session, job_id, status, steps=None):\n"
        "    await session.execute(update(Job).where(Job.id == job_id).values(status=status))\n"
    )
    body = """
    async with get_session() as session:
        async with session.begin():
            steps = await work()
            await set_status(session, job_id, JobStatus.COMPLETED, steps=steps)
    """
    assert "await set_status(session, job_id, JobStatus.FAILED)\n" in after(tmp_path, task(body, head=head), "SUP401")


def test_a_function_that_begins_itself_is_called_outside_a_transaction(tmp_path: Path) -> None:
    head = HEAD + (
        "async def set_status(session, job_id, status):\n"
        "    async with session.begin():\n"
        "        await session.execute(update(Job).where(Job.id == job_id).values(status=status))\n"
    )
    body = """
    async with get_session() as session:
        await set_status(session, job_id, "completed")
        async with session.begin():
            await session.execute(update(Job).values(steps=1))
    """
    found = after(tmp_path, task(body, head=head), "SUP401")
    assert (
        '            await session.rollback()\n                await set_status(session, job_id, "failed")\n' in found
    )


def test_the_word_failed_needs_a_project_that_uses_it(tmp_path: Path) -> None:
    work = 'job = await session.get(Job, job_id)\njob.phase_state = "DONE"'
    assert "DONE" in only_reason(tmp_path, phases(work))
    other = phases(work) + '\n\nasync def other(job):\n    job.phase_state = "FAILED"\n'
    assert after(tmp_path, other, "SUP401").count('job.phase_state = "FAILED"') == 2


def test_a_module_that_is_imported_from_a_folder_says_the_word(tmp_path: Path) -> None:
    work = 'job = await session.get(Job, job_id)\njob.phase_state = "DONE"'
    source = phases(work).replace("\nlogger =", "from app.states import phase_states\n\nlogger =", 1)
    files = project(source) | {"app/states/phase_states.py": 'FIRST, LAST = "DONE", "FAILED"\n'}
    found = rewritten(tmp_path, files, "app/work.py", unsafe=True, select=("SUP401",))
    assert found.count('job.phase_state = "FAILED"') == 1


def test_constants_of_the_module(tmp_path: Path) -> None:
    body = """
    async with get_session() as session, session.begin():
        job = await session.get(Job, job_id)
        job.status = STATUS_DONE
    """
    source = task(body, head=HEAD + 'STATUS_DONE = "done"\nSTATUS_ERROR = "error"\n')
    assert "job.status = STATUS_ERROR\n" in after(tmp_path, source, "SUP401")


# ------------------------------------------------------------------------------------------------- what comes behind


def test_what_never_ran_after_a_failure_does_not_run_now(tmp_path: Path) -> None:
    source = task("""
    async with get_session() as session:
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.COMPLETED
    await tell_everybody(job_id)
    """)
    assert "        return\n    await tell_everybody(job_id)\n" in after(tmp_path, source, "SUP401").replace(
        "            return", "        return"
    )


def test_an_outer_handler_that_does_more_than_log_still_gets_the_error(tmp_path: Path) -> None:
    source = task("""
    try:
        async with get_session() as session:
            async with session.begin():
                job = await session.get(Job, job_id)
                job.status = JobStatus.COMPLETED
    except Exception as error:
        logger.error("failed: %s", error)
        await alert(error)
    """)
    found = after(tmp_path, source, "SUP401")
    assert "                raise\n    except Exception as error:\n" in found


@pytest.mark.parametrize(
    ("returns", "result"), [(" -> int", "await done()"), ("", "job_id"), (" -> 'int | None'", "None")]
)
def test_a_task_that_gives_a_value_raises_again(tmp_path: Path, returns: str, result: str) -> None:
    source = task(f"""
    async with get_session() as session:
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.COMPLETED
    return {result}
    """).replace("int):", f"int){returns}:")
    found = after(tmp_path, source, "SUP401", "SUP404")
    assert found.count("raise\n") == found.count("    except Exception:\n") - 1  # but for the guard of the update


@pytest.mark.parametrize("returns", ["", " -> None", ' -> "None"'])
def test_a_task_that_gives_no_value_does_not(tmp_path: Path, returns: str) -> None:
    source = task("""
    if job_id == 0:
        return None
    async with get_session() as session:
        async with session.begin():
            job = await session.get(Job, job_id)
            job.status = JobStatus.COMPLETED
    """).replace("int):", f"int){returns}:")
    found = after(tmp_path, source, "SUP401", "SUP404")
    assert "except Exception" in found and "raise" not in found


def test_an_outer_handler_that_logs_does_not(tmp_path: Path) -> None:
    source = task("""
    try:
        async with get_session() as session:
            async with session.begin():
                job = await session.get(Job, job_id)
                job.status = JobStatus.COMPLETED
    except Exception as error:
        logger.error("failed: %s", error)
    """)
    assert "raise" not in after(tmp_path, source, "SUP401")


def test_work_outside_the_session_is_recorded_on_one_of_its_own(tmp_path: Path) -> None:
    source = task("""
    key = int(job_id)
    data = await fetch(key)
    async with get_session() as session:
        async with session.begin():
            job = await session.get(Job, key)
            job.status = JobStatus.COMPLETED
    """)
    found = after(tmp_path, source)
    assert "    key = int(job_id)\n    try:\n        data = await fetch(key)\n" in found
    assert "            async with get_session() as session:\n                async with session.begin():\n" in found
    assert reasons(tmp_path, source) == []


def test_the_outer_handler_that_stands_records_it(tmp_path: Path) -> None:
    source = task("""
    try:
        data = await fetch(job_id)
        async with get_session() as session:
            async with session.begin():
                job = await session.get(Job, job_id)
                job.status = JobStatus.COMPLETED
    except Exception as problem:
        logger.error("failed: %s", problem)
        raise
    """)
    found = after(tmp_path, source, "SUP401")
    assert found.count("except Exception") == 2
    assert found.endswith('(job_id=%s)", job_id)\n        raise\n')


# ------------------------------------------------------------------------------------------------------ the settings


@pytest.mark.parametrize("unit", ["\t", "  ", "    "])
def test_a_task_is_indented_as_it_is_not_as_other_code_of_the_file(tmp_path: Path, unit: str) -> None:
    source = phases('job = await session.get(Job, job_id)\njob.status = "completed"').replace("    ", unit)
    for other in ("\t", "        "):
        head = f"def other():\n{other}return 1\n\n\n"
        found = after(tmp_path, source.replace("\n# supavisor-lint: task", f"\n{head}# supavisor-lint: task"), "SUP401")
        assert f"if job is not None:\n{unit * 6}job.status" in found


SETTING = "await {session}.execute(update(Job).where(Job.id == {job_id}).values(status='bad', error=str({error})))"


def template(**settings: str) -> dict[str, object]:
    from supavisor_lint.settings import Template

    return {"template": Template(**settings)}


def test_the_settings_say_how_a_failure_is_recorded(tmp_path: Path) -> None:
    source = phases('job = Job(id=job_id)\nsession.add(job)\njob.status = "completed"')
    settings = template(failure_update=SETTING, failure_import="from app.models import Job, mark")
    found = after(tmp_path, source, "SUP401", **settings)
    assert "        except Exception as error:\n" in found
    assert "                from app.models import mark\n" in found  # the other one is there already
    assert "values(status='bad', error=str(error)))\n" in found


def test_the_exception_has_the_name_that_the_handler_gives_it(tmp_path: Path) -> None:
    for head, wanted in (
        ("except Exception as e:", "str(e)"),
        ("except (Exception):", "str(error)"),
        ("except:", "str(error)"),
    ):
        source = task(f"""
        async with get_session() as session:
            try:
                async with session.begin():
                    session.add(Job(status="completed"))
                    await session.execute(update(Job).values(status="completed"))
            {head}
                logger.exception("failed")
        """)
        found = after(tmp_path, source, "SUP402", **template(failure_update=SETTING))
        assert wanted in found
        compile(found, "work.py", "exec")


def test_a_status_that_every_row_gets_is_not_repeated_as_a_failure(tmp_path: Path) -> None:
    every = 'await session.execute(update(Job).values(status="completed"))'
    one = 'await session.execute(update(Job).where(Job.id == job_id).values(status="completed"))'
    assert "has no `where()`, and in a handler it would fail every row" in only_reason(tmp_path, phases(every))
    assert "update(Job).where(Job.id == job_id).values(status='failed')" in after(
        tmp_path, phases(one), "SUP401"
    ).replace('"', "'")


def test_a_setting_without_a_session_opens_no_transaction(tmp_path: Path) -> None:
    source = phases('job = Job(id=job_id)\nsession.add(job)\njob.status = "completed"')
    settings = template(failure_update="await mark({job_id})", failure_import="from app.work import mark")
    found = after(tmp_path, source, "SUP401", **settings)
    assert "                await session.rollback()\n                await mark(job_id)\n" in found


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("await {session}.execute(mark({task_id}))", "`task_id`, which is no parameter"),
        ("await {session}.execute(mark({job_id}", "is no statement"),
        ("await {session}.execute({})", "is no name"),
        ("await {session}.execute({job_id!r})", "is no name"),
        ("await {session.execute(1)", "braces"),
    ],
)
def test_a_setting_that_cannot_be_filled_in_is_the_reason(tmp_path: Path, statement: str, reason: str) -> None:
    source = phases('job = Job(id=job_id)\nsession.add(job)\njob.status = "completed"')
    assert reason in only_reason(tmp_path, source, **template(failure_update=statement))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"failure_update": "if await mark({job_id}"}, "is no statement: `if await mark(job_id`"),
        ({"failure_update": "await mark({job_id})", "failure_import": "mark"}, "is no import"),
        ({"failure_update": "await mark({job_id})"}, "reads `mark`, which nothing binds in `process`"),
        (
            {"failure_update": "await mark({job_id}, name)", "failure_import": "from app.work import mark"},
            "reads `name`, which nothing binds in `process`: name its module with `failure-import`",
        ),
        (
            {"failure_update": "await mark({job_id})", "failure_import": "from app.nowhere import mark"},
            "names `app.nowhere`, which the project does not have",
        ),
    ],
)
def test_a_broken_setting_is_not_passed_over(tmp_path: Path, settings: dict[str, str], reason: str) -> None:
    source = phases('await session.execute(update(Job).where(Job.id == job_id).values(status="completed"))')
    assert 'values(status="failed")' in after(tmp_path, source, "SUP401")
    assert reason in only_reason(tmp_path, source, **template(**settings))


# -------------------------------------------------------------------------------------------------------------- 402


def test_a_handler_that_rolls_back_already(tmp_path: Path) -> None:
    source = task("""
    async with get_session() as session:
        try:
            job = await session.get(Job, job_id)
            job.status = JobStatus.COMPLETED
            await session.commit()
        except Exception:
            await session.rollback()
            logger.exception("failed")
            return  # enough
    """)
    found = after(tmp_path, source, "SUP402")
    assert found.count("rollback()") == 1
    assert found.endswith('(job_id=%s)", job_id)\n            return  # enough\n')


@pytest.mark.parametrize("row", ["item", "job_id"])
def test_an_attribute_of_what_may_be_a_row_is_not_read_in_a_handler(tmp_path: Path, row: str) -> None:
    source = task(
        f"""
        async with get_session() as session:
            for item in items:
                try:
                    async with session.begin():
                        await session.execute(update(Job).where(Job.id == {row}.id).values(status="completed"))
                except Exception:
                    logger.exception("failed")
        """,
        "items, job_id",
    )
    assert after(tmp_path, source, "SUP402") == source
    assert f"`{row}.id` cannot be read after a rollback" in only_reason(tmp_path, source, "SUP402")


def test_a_handler_in_a_loop_whose_transactions_roll_back_themselves(tmp_path: Path) -> None:
    source = task(
        """
        async with get_session() as session:
            for item_id in items:
                try:
                    async with session.begin():
                        job = await session.get(Job, item_id)
                        job.status = JobStatus.COMPLETED
                except Exception:
                    logger.exception("failed")
                    continue
        """,
        "items",
    )
    found = after(tmp_path, source, "SUP402")
    assert "job.status = JobStatus.FAILED" in found and "rollback()" not in found
    assert found.endswith("                continue\n")


def test_a_typed_parameter_that_is_no_row_may_be_read(tmp_path: Path) -> None:
    head = HEAD + "class Request:\n    id: int\n"
    body = """
    async with get_session() as session, session.begin():
        await session.execute(update(Job).where(Job.id == request.id).values(status="completed"))
    """
    found = after(tmp_path, task(body, "request: Request", head), "SUP401")
    assert 'update(Job).where(Job.id == request.id).values(status="failed")' in found
    assert "`row.id` cannot be read" in only_reason(tmp_path, task(body.replace("request", "row"), "row: Job", head))


def test_an_import_that_would_take_a_name_away_from_the_task_is_the_reason(tmp_path: Path) -> None:
    source = phases('job = Job(id=job_id)\nsession.add(job)\njob.status = "completed"')
    settings = template(failure_update="await mark({job_id})", failure_import="from app.other import Job, mark")
    assert after(tmp_path, source, "SUP401", **settings) == source
    assert "`Job`, which `failure-import` binds, means something else" in only_reason(tmp_path, source, **settings)
