"""Programs about which the rules and SQLAlchemy once disagreed: the smallest one of each kind."""

from __future__ import annotations

import pytest

from .court import report, try_cases
from .findings import ask_rules
from .run_program import World
from .test_judge import needs_rules
from .truth import FAILED, text_of

PROGRAMS = {
    "every expired read of a handler": """
async with factory() as session, session.begin():
    jobs = (await session.scalars(select(Job))).all()
    try:
        session.add(Job(name=taken(flags[0]), status=mark()))
        await session.flush()
    except (ValueError, IntegrityError):
        match flags[1]:
            case True:
                log([each.status for each in jobs])
            case _:
                log([each.status for each in jobs])
""",
    "a handler that begins on two paths": """
async with factory() as session:
    try:
        job = await session.get(Job, job_id)
        fail(flags[0])
    except Exception:
        if flags[1]:
            await session.begin()
        await session.begin()
""",
    "an object that may have been loaded again is still in its session": """
async with expiring_factory() as session:
    job = await session.get(Job, job_id)
    await session.commit()
    await session.execute(select(Job))
    job.status = mark()
""",
    "what was set on one path was not set on another": """
async with get_session() as session:
    job = await session.get(Job, job_id)
    job.status = mark()
    for _ in range(flags[0] + flags[1]):
        await session.rollback()
        await session.execute(insert(Job).values(name=fresh(), status=mark()))
    log(job.status)
""",
    "a refused begin() is no IntegrityError": """
async with expiring_factory() as session:
    try:
        await session.begin()
        async with session.begin():
            log()
    except IntegrityError:
        READ
        await session.begin()
""",
    "a commit behind a failed statement": """
async with get_session() as session:
    try:
        log(await session.scalar(select(Job.status)))
    except Exception:
        await session.commit()
""",
    "a flush behind a failed statement": """
async with get_session() as session:
    try:
        await session.execute(insert(Job).values(name=taken(flags[0]), status=mark()))
    except IntegrityError:
        await session.flush()
        await session.begin()
""",
    "a flush of nothing does not fail": """
async with get_session() as session:
    async with session.begin():
        try:
            await session.flush()
        except Exception:
            WORK
""",
    "refresh() forgets only what was not sent": """
async with open_session() as session:
    job = await session.scalar(select(Job).where(Job.id == job_id))
    async with session.begin_nested():
        job.status = mark()
    await session.refresh(job)
""",
    "a commit ends the savepoint around it": """
async with open_session() as session:
    async with session.begin_nested():
        await session.commit()
        await session.commit()
""",
    "a statement that has failed holds no lock": """
async with factory() as session:
    try:
        await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
    except Exception:
        async with get_session() as second:
            await second.execute(update(Job).where(Job.id == job_id).values(status='failed'))
""",
    "a return in a finally": """
async with factory() as session, session.begin():
    try:
        session.add(Job(name=taken(flags[0]), status=mark()))
        await session.flush()
    finally:
        return
""",
    "the cause of a handler's begin() has its finding": """
session = factory()
READ
try:
    session.add(Job(name=taken(flags[0]), status=mark()))
    await session.flush()
except Exception:
    async with session.begin():
        log()
async with session.begin():
    log()
""",
    "a write in front of a try that fails": """
async with expiring_factory() as session:
    WORK
    try:
        fail(flags[0])
        await session.commit()
    except ValueError:
        log()
""",
    "a query that might load an object again": """
async with get_expiring_session() as session:
    async with session.begin():
        made = Job(name=fresh(), status=mark())
        session.add(made)
    await session.scalar(select(Job).where(Job.id == job_id))
    log(made.status)
""",
    "a query for columns loads no object": """
async with get_expiring_session() as session:
    job = await session.get(Job, job_id)
    await session.commit()
    await session.scalar(select(Job.status).where(Job.id == job_id))
    log(job.status)
""",
    "a lock that only SQLite has": """
async with get_second_session() as other:
    await other.execute(insert(Job).values(name=fresh(), status=mark()))
    async with second_factory() as session:
        session.add(Job(name=fresh(), status=mark()))
        await session.flush()
""",
    "a flush behind a failed commit": """
async with get_session() as session:
    try:
        WORK
        await session.commit()
    except IntegrityError:
        await session.flush()
        await session.begin()
""",
    "a read behind a failed flush": """
async with get_session() as session:
    job = await session.get(Job, job_id)
    session.add(Job(name=taken(flags[0]), status=mark()))
    try:
        READ
    finally:
        log(job.status)
""",
    "what a return in a finally makes of an exception": """
async with factory() as session:
    await session.get(Job, job_id)
    try:
        try:
            WORK
            await session.begin()
        finally:
            return
    except Exception:
        await session.rollback()
""",
    "a session that cannot be opened": """
async with get_session() as session:
    await session.get(Job, job_id)
    try:
        async with get_second_session() as other:
            pass
    except Exception:
        async with session.begin():
            log()
""",
    "a lock of a called function": """
async def work(session, job_id):
    await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
---
async with get_session() as session:
    try:
        await work(session, job_id)
        fail(flags[0])
    except Exception:
        async with get_session() as second:
            SECOND
""",
    "a query of a called function": """
async def find(session, job_id):
    await session.scalar(select(Job).where(Job.id == job_id))
---
async with get_expiring_session() as session:
    async with session.begin():
        jobs = (await session.scalars(select(Job))).all()
    await find(session, job_id)
    log([each.status for each in jobs])
""",
    "a failed commit holds no lock": """
async with expiring_factory() as session:
    try:
        await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
        await session.commit()
    except IntegrityError:
        async with get_session() as second:
            SECOND
""",
    "a called function commits what is empty": """
async def end(session):
    await session.commit()
---
async with get_session() as session:
    await session.begin()
    try:
        await end(session)
    except Exception:
        READ
""",
    "close() behind the commit that has ended a block": """
async with get_session() as session:
    async with session.begin():
        job = await session.get(Job, job_id)
        await session.commit()
        await session.close()
    READ
    await session.rollback()
    log(job.status)
""",
    "a function that never returns": """
async def stops():
    try:
        async with get_session() as session:
            raise ValueError('stop')
        return
    except IntegrityError:
        log()
---
async with factory() as session, session.begin():
    await stops()
    try:
        WORK
    except IntegrityError:
        READ
""",
    "a flush that fails and escapes": """
session = factory()
session.add(Job(name=taken(flags[0]), status=mark()))
await session.flush()
await session.commit()
""",
}


@needs_rules
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_disagreement(world: World, name: str) -> None:
    assert_agreement(world, PROGRAMS[name])


def assert_agreement(world: World, program: str) -> None:
    """Rules and SQLAlchemy agree about a program in the short form of `truth`, but for what is by design."""
    body = program.replace("SECOND", FAILED.replace("session", "second"))
    text = text_of(body).replace("async def task(", "# supavisor-lint: task\nasync def task(")
    case = try_cases(world, [text], ask_rules)[0]
    assert not case.wrong, report(case)
