"""What a fix brings to light is no fault of its; what it brings into the code is, even beside that."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest
from cli_support import invoke
from fix_support import replacing
from project_support import SESSION_MODULE, write

from supavisor_lint.rewrites import REWRITES

MODELS = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
"""
HEAD = """\
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.models import Job
from app.session import get_session


"""
TASK = """\
async def work_with_own_session(job_id):
    async with get_session() as session:
{body}
"""
BEGUN = """\
job = await session.get(Job, job_id)
async with session.begin():
    job.name = "a"
    await session.commit()
    print("done")
"""
IN_HANDLER = """\
try:
    session.add(Job(name="a"))
    await session.flush()
except IntegrityError:
    await session.execute(update(Job).values(name="b"))
    try:
        await session.execute(update(Job).values(name="c"))
    except IntegrityError:
        await session.execute(update(Job).values(name="d"))
"""
HAZARDS = ["--select", "SUP3,SUP4", "--ignore", "SUP401,SUP404,SUP408,SUP301"]


@pytest.fixture(name="app")
def app_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, {"pyproject.toml": "[tool.supavisor-lint]\n", "app/__init__.py": "", "app/models.py": MODELS})
    write(tmp_path, {"app/session.py": SESSION_MODULE.replace("(engine)", "(engine, expire_on_commit=False)")})
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


def task(body: str) -> str:
    return HEAD + TASK.format(body=indent(body, " " * 8))


def found(app: Path, text: str, *args: str) -> list[str]:
    """`line CODE` of what is found in work.py; nothing is rewritten."""
    (app / "app" / "work.py").write_text(text, "utf-8")
    result = invoke("check", "--output-format", "concise", *HAZARDS, *args, "app/work.py")
    return [f"{line.split(':')[1]} {line.split(': ')[1][:6]}" for line in result.stdout.splitlines()]


def fixed(app: Path, text: str, *args: str) -> tuple[list[str], list[str]]:
    """What is found in work.py when that has been fixed, and the errors."""
    (app / "app" / "work.py").write_text(text, "utf-8")
    result = invoke("check", "--fix", "--unsafe-fixes", *HAZARDS, *args, "app/work.py")
    errors = [line.partition("fix failed: ")[2] for line in result.stderr.splitlines() if "error:" in line]
    return found(app, (app / "app" / "work.py").read_text("utf-8"), *args), errors


# ----------------------------------------------------------------------------------------------------- still refused


def misbehaving(monkeypatch: pytest.MonkeyPatch, code: str, *changes: tuple[str, str]) -> None:
    """The rule's rewrite changes the text so, whatever else is to be said."""
    monkeypatch.setitem(REWRITES, code, replacing(*changes, applicability="unsafe"))
    for other in list(REWRITES):
        if other != code:
            monkeypatch.delitem(REWRITES, other)


WITHOUT_COMMIT = BEGUN.replace("    await session.commit()\n", "")
EARLIER = ("job = await session.get(Job, job_id)", 'job = Job(name="x")')
OTHERS = """\


async def other_with_own_session(job_id):
    async with get_session() as session:
        async with session.begin():
            await session.execute(update(Job).values(name="x"))
            print("other")
"""

STILL = "SUP302 would still be found in the rewritten code"
MORE = "the rewritten code has more findings of SUP303 than before, in "
IN_WORK, IN_OTHER = "`work_with_own_session`", "`other_with_own_session`"


@pytest.mark.parametrize(
    ("body", "more", "reason"),
    [
        (WITHOUT_COMMIT, ('print("done")', 'await session.commit()\n            print("done")'), MORE + IN_WORK),
        (BEGUN, ('print("done")', 'await session.commit()\n            print("done")'), MORE + IN_WORK),
        (
            BEGUN,
            ('print("other")', 'await session.commit()\n            print("other")'),
            MORE + f"{IN_OTHER}, {IN_WORK}",
        ),
        (WITHOUT_COMMIT, ('print("other")', 'await session.rollback()\n            print("other")'), MORE + IN_OTHER),
        (WITHOUT_COMMIT, ('print("done")', 'async with session.begin():\n                print("done")'), STILL),
    ],
    ids=["in the block", "beside a hidden one", "in another function", "in another function alone", "of the same rule"],
)
def test_what_a_fix_brings_in_is_refused(
    app: Path, monkeypatch: pytest.MonkeyPatch, body: str, more: tuple[str, str], reason: str
) -> None:
    misbehaving(monkeypatch, "SUP302", EARLIER, more)
    text = task(body) + OTHERS
    before = found(app, text)
    assert before == [f"{text[: text.index('session.begin()')].count(chr(10)) + 1} SUP302"]
    after, errors = fixed(app, text)
    assert errors == [reason]
    assert after == before


def test_another_handler_that_fails_is_refused(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rolled_back = 'await session.rollback()\n    await session.execute(update(Job).values(name="b"))'
    first = IN_HANDLER.partition("    try:\n")[0]
    more = ('print("end")', 'try:\n            await session.flush()\n        except Exception:\n'
            '            await session.execute(update(Job).values(name="e"))')  # fmt: skip
    misbehaving(
        monkeypatch,
        "SUP406",
        ('    await session.execute(update(Job).values(name="b"))', indent(rolled_back, "        ").lstrip()),
        more,
    )
    text = task(first + 'session.add(Job(name="z"))\nprint("end")\n')
    before = found(app, text)
    assert [line[-6:] for line in before] == ["SUP406"]
    after, errors = fixed(app, text)
    assert (after, len(errors)) == (before, 1)


# --------------------------------------------------------------------------------------------------- brought to light


def test_what_stood_behind_a_begin_that_fails(app: Path) -> None:
    """Nothing gets to the commit before the block is moved up; then it is seen, and mended as well."""
    assert found(app, task(BEGUN)) == ["11 SUP302"]
    assert fixed(app, task(BEGUN)) == ([], [])
    assert "commit()" not in (app / "app" / "work.py").read_text("utf-8")


def test_what_stood_behind_a_begin_that_fails_and_is_left(app: Path) -> None:
    body = BEGUN.replace("commit", "rollback")
    assert found(app, task(body)) == ["11 SUP302"]
    assert fixed(app, task(body)) == (["13 SUP303"], [])


def test_handlers_in_a_handler_are_mended_one_by_one(app: Path) -> None:
    assert found(app, task(IN_HANDLER)) == ["14 SUP406"]
    assert fixed(app, task(IN_HANDLER)) == ([], [])
    assert (app / "app" / "work.py").read_text("utf-8").count("await session.rollback()") == 2


def test_what_stood_behind_it_in_a_called_function(app: Path) -> None:
    """The other file is not rewritten; what is found at its call was hidden by the failure in front of it."""
    body = "job = await session.get(Job, job_id)\nasync with session.begin():\n    await finish(session)\n"
    text = task(body).replace("import get_session\n", "import get_session\nfrom app.more import finish\n")
    write(app, {"app/more.py": "async def finish(session):\n    await session.rollback()\n    await session.flush()\n"})
    assert found(app, text) == ["12 SUP302"]
    assert fixed(app, text) == (["13 SUP303"], [])


# ------------------------------------------------------------------------------------- a session that never opened

NEVER_OPENS = """\
import asyncio

from app.session import get_session


async def work(job_id):
    {opening} as session:
        await session.execute("select 1")
{others}

def start(job_id):
    asyncio.create_task(work(job_id))
"""


@pytest.mark.parametrize("opening", ["with get_session()", "async with get_session", "with get_session"])
def test_what_a_task_lacks_that_never_opened_its_session_comes_to_light(app: Path, opening: str) -> None:
    work = app / "app" / "work.py"
    work.write_text(NEVER_OPENS.format(opening=opening, others=""), "utf-8")
    result = invoke("check", "--fix", "--select", "SUP1,SUP3,SUP4", "app/work.py")
    assert "error:" not in result.stderr
    assert "    async with get_session() as session:" in work.read_text("utf-8")
    assert "SUP104" not in result.stdout
    assert "SUP401" in result.stdout


def test_what_such_a_fix_brings_in_elsewhere_is_refused(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    misbehaving(
        monkeypatch,
        "SUP104",
        ("    with get_session()", "    async with get_session()"),
        ('print("other")', 'await session.commit()\n            print("other")'),
    )
    text = NEVER_OPENS.format(
        opening="with get_session()", others=OTHERS.replace('update(Job).values(name="x")', "'select 2'")
    )
    _, errors = fixed(app, text, "--extend-select", "SUP104")
    assert errors == [MORE + IN_OTHER]
    assert (app / "app" / "work.py").read_text("utf-8") == text
