"""SUP301 and SUP304 where the engine's isolation level holds together what a task reads and what it writes after it.

Each case is the engine's part of `app/session.py`; the task reads, and writes what follows from it, up to one commit.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from rewrite_runs import project
from rewrite_support import fix_project
from test_rewrite_wrap_phases import task

ENGINE = 'engine = create_async_engine("sqlite+aiosqlite://")'
PARTED = task("""
job = await session.get(Job, job_id)
if job is not None:
    job.status = "seen"
    await session.commit()
""")
NEXT_ROUND = task("""
for number in range(3):
    if number:
        session.add(Line(text="a"))
        await session.commit()
    job = await session.get(Job, job_id)
""")
IN_ONE_BLOCK = task("""
job = await session.get(Job, job_id)
job.status = "seen"
await session.commit()
lines = await session.scalars(select(Line))
session.add(Line(text="a"))
await session.commit()
""")
READ_LAST = task("""
if job_id:
    session.add(Line(text="a"))
    await session.commit()
job = await session.get(Job, job_id)
""")
IN_OTHER_ARMS = task("""
if job_id == 1:
    job = await session.get(Job, job_id)
    print(job.status)
elif job_id:
    session.add(Line(text="a"))
    await session.commit()
else:
    logger.info("none")
""")
LEFT_BETWEEN = task("""
if job_id == 1:
    job = await session.get(Job, job_id)
    logger.info("job %s", job.status)
    return
if job_id == 2:
    session.add(Line(text="a"))
    await session.commit()
""")


def said(root: Path, engine: str, text: str, **more: str) -> set[str]:
    """What is said of the phases: "safe", or "unsafe" with why."""
    files = project(text) | {name.replace("__", "/") + ".py": body for name, body in more.items()}
    files["app/session.py"] = files["app/session.py"].replace(ENGINE, engine)
    assert engine in files["app/session.py"]
    found = fix_project(root, files)
    fixes = [f.fix for f in (*found.fixed, *found.result.findings) if f.code in ("SUP301", "SUP304") and f.fix]
    assert fixes
    return {fix.applicability if fix.applicability == "safe" else f"unsafe: {fix.title}" for fix in fixes}


WEAK = {
    "the default": ENGINE,
    "READ COMMITTED": 'engine = create_async_engine("sqlite://", isolation_level="READ COMMITTED")',
    "another spelling": 'engine = create_async_engine("sqlite://", isolation_level="read_committed")',
    "none": 'engine = create_async_engine("sqlite://", isolation_level=None)',
    "another engine is strict": f'reports = create_async_engine("sqlite://", isolation_level="SERIALIZABLE")\n{ENGINE}',
    "an engine made of it is strict": f'{ENGINE}\nstrict = engine.execution_options(isolation_level="SERIALIZABLE")',
    "an option that commits at once": (
        f'{ENGINE}\nadmin = create_async_engine("sqlite://").execution_options(isolation_level="AUTOCOMMIT")'
    ),
}
STRICT = {
    "REPEATABLE READ": 'engine = create_async_engine("sqlite://", isolation_level="REPEATABLE READ")',
    "SERIALIZABLE": 'engine = create_async_engine("sqlite://", isolation_level="SERIALIZABLE")',
    "another spelling": 'engine = create_async_engine("sqlite://", isolation_level="repeatable_read")',
    "execution options": (
        'engine = create_async_engine("sqlite://", execution_options={"isolation_level": "SERIALIZABLE"})'
    ),
    "options of the engine": (
        'engine = create_async_engine("sqlite://").execution_options(isolation_level="SERIALIZABLE")'
    ),
    "options of another name": (
        'plain = create_async_engine("sqlite://")\nengine = plain.execution_options(isolation_level="SERIALIZABLE")'
    ),
    "a constant": 'LEVEL = "SERIALIZABLE"\nengine = create_async_engine("sqlite://", isolation_level=LEVEL)',
    "a dict of options": (
        'OPTIONS = {"isolation_level": "SERIALIZABLE"}\nengine = create_async_engine("sqlite://", **OPTIONS)'
    ),
    "a function": (
        'def make():\n    return create_async_engine("sqlite://", isolation_level="SERIALIZABLE")\n\n\nengine = make()'
    ),
    "from outside": ('import os\nengine = create_async_engine("sqlite://", isolation_level=os.environ["LEVEL"])'),
    "the server's default": (
        'engine = create_async_engine("sqlite://", connect_args={"server_settings": '
        '{"default_transaction_isolation": "serializable"}})'
    ),
}


@pytest.mark.parametrize("case", WEAK)
def test_what_is_overwritten_anyway_may_be_parted(tmp_path: Path, case: str) -> None:
    assert said(tmp_path, WEAK[case], PARTED) == {"safe"}


@pytest.mark.parametrize("text", [IN_ONE_BLOCK, READ_LAST, IN_OTHER_ARMS, LEFT_BETWEEN])
def test_what_stays_together_is_safe_at_any_level(tmp_path: Path, text: str) -> None:
    assert said(tmp_path, STRICT["SERIALIZABLE"], text) == {"safe"}


@pytest.mark.parametrize("text", [PARTED, NEXT_ROUND])
@pytest.mark.parametrize("case", STRICT)
def test_what_a_strict_level_holds_together_is_not_parted(tmp_path: Path, case: str, text: str) -> None:
    (only,) = said(tmp_path, STRICT[case], text)
    assert only.startswith("unsafe: ") and "app/session.py" in only and "they would be two transactions" in only


def test_the_reason_names_the_level_and_the_lines(tmp_path: Path) -> None:
    (only,) = said(tmp_path, STRICT["REPEATABLE READ"], PARTED)
    assert "(the isolation level REPEATABLE READ (app/session.py:5) holds what line 17 reads against changes" in only
    assert "by others until the commit behind line 19; they would be two transactions)" in only


def test_an_engine_of_another_module(tmp_path: Path) -> None:
    imported = "from app.engine import engine"
    made = 'from sqlalchemy.ext.asyncio import create_async_engine\nengine = create_async_engine("sqlite://"{})\n'
    assert said(tmp_path / "a", imported, PARTED, app__engine=made.format("")) == {"safe"}
    (only,) = said(tmp_path / "b", imported, PARTED, app__engine=made.format(', isolation_level="SERIALIZABLE"'))
    assert "SERIALIZABLE (app/engine.py:2)" in only


def test_the_level_of_one_session_is_its_own(tmp_path: Path) -> None:
    other = """
        async def transfer(session):
            await session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
    """
    engine = "engine = make_engine()"
    made = "from app.engine import make_engine\n" + engine
    maker = """
        from sqlalchemy.ext.asyncio import create_async_engine

        def make_engine():
            return create_async_engine("sqlite://")
    """
    assert said(tmp_path, made, PARTED, app__engine=maker, app__transfer=other) == {"safe"}
