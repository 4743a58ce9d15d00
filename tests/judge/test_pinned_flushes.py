"""More programs about which the rules and SQLAlchemy once disagreed: what fails and how, and what is at hand."""

from __future__ import annotations

import pytest

from .run_program import World
from .test_judge import needs_rules
from .test_pinned import assert_agreement

PROGRAMS = {
    "a commit that fails leaves the session unusable": """
async with get_session() as session:
    await session.execute(insert(Job).values(name=taken(flags[0]), status=mark()))
    try:
        await session.commit()
    except IntegrityError:
        await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
""",
    "a commit that fails inside a block leaves it open": """
async with get_session() as session, session.begin():
    try:
        try:
            session.add(Job(name=taken(flags[1]), status=mark()))
        finally:
            await session.commit()
    except Exception:
        async with session.begin():
            log()
""",
    "a commit that fails inside a block is swallowed": """
async with get_session() as session, session.begin():
    session.add(Job(name=taken(flags[1]), status=mark()))
    try:
        await session.commit()
    except Exception:
        log()
""",
    "an outer handler does not get what an inner one of its class has taken": """
async with expiring_factory() as session:
    try:
        try:
            await session.execute(select(Job))
        except IntegrityError:
            log()
    except IntegrityError:
        await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
""",
    "a called function finds the savepoint over": """
async def put(session):
    session.add(Job(name=fresh(), status=mark()))
---
async with open_session() as session:
    async with session.begin_nested():
        await session.commit()
        await put(session)
""",
    "a row that a query has given is at hand": """
async with factory() as session:
    async with session.begin():
        jobs = (await session.scalars(select(Job))).all()
    job = await session.get(Job, job_id)
    async with session.begin():
        log()
    await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
""",
    "a row that a loop may have loaded": """
async with get_session() as session:
    async with session.begin():
        for _ in range(flags[1] + flags[2]):
            job = await session.get(Job, job_id)
    async with session.begin():
        try:
            session.add(Job(name=taken(flags[3]), status=mark()))
            other = await session.get(Job, job_id)
        except (ValueError, IntegrityError):
            other = await session.get(Job, job_id)
""",
    "a failed refresh has expired its object": """
async with get_expiring_session() as session:
    kept = await session.get(Job, job_id)
    try:
        await session.refresh(kept)
    except Exception:
        log(f'{kept.id} failed')
        await session.execute(update(Job).where(Job.id == job_id).values(status='failed'))
""",
    "a failed flush in a savepoint leaves the other objects as they are": """
async with get_expiring_session() as session, session.begin():
    async with session.begin_nested():
        job = await session.scalar(select(Job).where(Job.id == job_id))
        try:
            session.add(Job(name=taken(flags[1]), status=mark()))
            await session.flush()
        except IntegrityError:
            log(job.status)
            await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
""",
    "either the flush or the statement behind it has failed": """
async with get_expiring_session() as session:
    kept = await session.get(Job, job_id)
    try:
        session.add(Job(name=fresh(), status=mark()))
        await session.refresh(kept)
    except Exception:
        log(f'{kept.id} failed')
        await session.commit()
""",
    "a rollback inside a savepoint expires": """
async with open_session() as session:
    kept = await session.get(Job, job_id)
    try:
        async with session.begin_nested():
            try:
                fail(flags[2])
            except Exception:
                await session.rollback()
                raise
    except Exception:
        log(kept.status)
""",
    "what a savepoint flushes first fails outside of it": """
async with get_session() as session:
    async with session.begin():
        try:
            session.add(Job(name=taken(flags[2]), status=mark()))
            async with session.begin_nested():
                log()
        except Exception:
            await session.execute(insert(Job).values(name=fresh(), status=mark()))
""",
    "an unused savepoint asks nobody": """
async with expiring_factory() as session:
    try:
        async with session.begin_nested():
            log()
        return
    except IntegrityError:
        log()
    async with session.begin():
        log()
""",
    "a block whose flush has failed commits nothing": """
async def use(session, job_id):
    job = await session.get(Job, job_id)
---
async with get_expiring_session() as session:
    async with session.begin():
        try:
            session.add(Job(name=taken(flags[0]), status=mark()))
            log(await session.scalar(select(Job.status).where(Job.id == job_id)))
        except Exception:
            log()
        made = Job(name=fresh(), status=mark())
        session.add(made)
    log(f'job {made.id}')
    await use(session, job_id)
    async with session.begin():
        log()
""",
    "a called function commits a new object": """
async def save(session):
    await session.commit()
---
async with get_expiring_session() as session:
    made = Job(name=fresh(), status=mark())
    session.add(made)
    await save(session)
    log(made.status)
""",
    "an object that was flushed on one path": """
async with get_session() as session:
    made = Job(name=fresh(), status=mark())
    session.add(made)
    log(await session.scalar(select(Job.status)) if flags[0] else None)
    await session.refresh(made)
    async with session.begin():
        log()
""",
    "an object of another session cannot be refreshed": """
async with get_session() as session, get_second_session() as other:
    job = await session.get(Job, job_id)
    await other.refresh(job)
    async with session.begin():
        log()
""",
    "a commit behind a failed flush raises itself": """
async with get_session() as session, session.begin():
    try:
        session.add(Job(name=taken(flags[0]), status=mark()))
        await session.flush()
    except IntegrityError:
        await session.commit()
        await session.commit()
""",
    "a nested function with a session of its own": """
async def inner():
    async with second_factory() as session:
        async with session.begin():
            await session.begin()
await inner()
""",
    "the end of a savepoint flushes": """
async with get_expiring_session() as session:
    async with session.begin():
        try:
            async with session.begin_nested():
                made = Job(name=fresh(), status=mark())
                session.add(made)
            await session.refresh(made)
        except IntegrityError:
            log()
        else:
            await session.rollback()
""",
    "a savepoint whose end fails takes its own writes along": """
async with get_expiring_session() as session:
    async with session.begin():
        try:
            async with session.begin_nested():
                session.add(Job(name=taken(flags[0]), status=mark()))
        except (ValueError, IntegrityError):
            log()
""",
    "close() leaves nothing at hand": """
async with get_session() as session:
    for _ in range(flags[0] + flags[1]):
        async with session.begin():
            job = await session.scalar(select(Job).where(Job.id == job_id))
        await session.close()
        other = await session.get(Job, job_id)
""",
    "a called function gives up only what it has tried, and work behind it raises": """
async def put(session, flags):
    try:
        session.add(Job(name=taken(flags[0]), status=mark()))
        await session.execute(insert(Job).values(name=taken(flags[1]), status=mark()))
    except IntegrityError:
        log()
---
async with get_session() as session, session.begin():
    await put(session, flags)
    if flags[2] and (found := (await session.get(Job, job_id if flags[3] else 0))) is not None:
        log()
""",
    "a called function works in a block that is over, and the handler closes it": """
async def look(session, job_id):
    job = await session.get(Job, job_id)
---
async with open_session() as session:
    async with session.begin():
        try:
            session.add(Job(name=taken(flags[0]), status=mark()))
            await session.flush()
        except Exception:
            await look(session, job_id)
            await session.close()
""",
    "a handler calls a nested function that works in a block which is over": """
async with open_session() as session:
    async with session.begin():
        async def look():
            READ
        try:
            session.add(Job(name=taken(flags[0]), status=mark()))
            try:
                READ
            except (ValueError, IntegrityError):
                fail(flags[1])
                await session.close()
        except ValueError:
            await look()
""",
    "a commit without anything to write does not fail, so that nothing comes behind that": """
session = factory()
try:
    await session.execute(select(Job))
    await session.commit()
except IntegrityError:
    await session.execute(select(Job))
    session.add(Job(name=fresh(), status=mark()))
""",
    "what fails behind a read that only an aid gets through": """
async with get_expiring_session() as session:
    async with session.begin():
        job = await session.get(Job, job_id)
        jobs = (await session.scalars(select(Job))).all()
    log([each.status for each in jobs])
    await session.refresh(job)
    try:
        await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
    except Exception:
        await session.rollback()
    log(job.status)
""",
    "what is at hand stays so behind a called function": """
async def read(session):
    jobs = (await session.scalars(select(Job))).all()
---
async with get_expiring_session() as session:
    kept = await session.get(Job, job_id)
    try:
        await read(session)
    except Exception:
        other = await session.get(Job, job_id)
""",
    "a key that nobody knows may be that of another row": """
session = factory()
async with session.begin():
    jobs = (await session.scalars(select(Job))).all()
if flags[0] and (found := (await session.get(Job, job_id if flags[1] else 0))) is not None:
    log()
async with session.begin():
    log()
""",
    "a read that stops a loop hides nothing behind an empty one": """
async with get_expiring_session() as session:
    async with session.begin():
        jobs = (await session.scalars(select(Job))).all()
    async with session.begin_nested():
        log([each.status for each in jobs])
        async with session.begin():
            log()
""",
}


@needs_rules
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_disagreement(world: World, name: str) -> None:
    assert_agreement(world, PROGRAMS[name])
