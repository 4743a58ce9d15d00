"""More programs about which the rules and SQLAlchemy once disagreed: which objects are one row, and who ends what."""

from __future__ import annotations

import pytest

from .run_program import World
from .test_judge import needs_rules
from .test_pinned import assert_agreement

PROGRAMS = {
    "what is set on a row can be read by its other name": """
async with get_session() as session, session.begin():
    kept = await session.get(Job, job_id)
    job = await session.scalar(select(Job).where(Job.id == job_id))
    try:
        session.add(Job(name=taken(flags[0]), status=mark()))
        await session.flush()
    except Exception:
        kept.status = mark()
        log(job.status)
""",
    "what refresh() has read can be read by its other name": """
async with expiring_factory() as session:
    kept = await session.get(Job, job_id)
    job = await session.scalar(select(Job).where(Job.id == job_id))
    await session.commit()
    await session.refresh(kept)
    log(job.status)
""",
    "what is set on a row can be read in a list": """
async with expiring_factory() as session:
    kept = await session.get(Job, job_id)
    jobs = (await session.scalars(select(Job))).all()
    await session.commit()
    kept.status = mark()
    log([each.status for each in jobs])
    await session.commit()
""",
    "a row that was added is no other's": """
async with expiring_factory() as session:
    kept = await session.get(Job, job_id)
    made = Job(name=fresh(), status=mark())
    session.add(made)
    await session.commit()
    made.status = mark()
    log(kept.status)
    await session.commit()
""",
    "a row at hand is asked for without a flush of what was added since": """
async with factory.begin() as session:
    kept = await session.get(Job, job_id)
    try:
        made = Job(name=taken(flags[0]), status=mark())
        session.add(made)
        job = await session.get(Job, job_id)
    except Exception:
        log(made)
""",
    "what was added is flushed before another row is asked for": """
async with factory.begin() as session:
    try:
        made = Job(name=taken(flags[0]), status=mark())
        session.add(made)
        job = await session.get(Job, job_id)
    except Exception:
        log()
""",
    "a new row waits for no other's lock": """
async with get_second_session() as other:
    async with second_factory() as session:
        await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
        await other.execute(insert(Job).values(name=fresh(), status=mark()))
""",
    "two sessions in one row": """
async with get_second_session() as other:
    async with second_factory() as session:
        await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
        await other.execute(update(Job).where(Job.id == job_id).values(status=mark()))
""",
    "a nested function is not to blame for what another one has ended": """
async with get_session() as session:
    async with session.begin():
        async def inner():
            await session.commit()
            await session.begin()
        await inner()
        async def other():
            session.add(Job(name=fresh(), status=mark()))
        await other()
""",
    "a nested function that another one calls": """
async with get_session() as session:
    async with session.begin():
        async def inner():
            await session.commit()
        async def other():
            await inner()
        await other()
        READ
    async def reads():
        READ
    async def reads_and_begins():
        await reads()
        async with session.begin():
            log()
    await reads_and_begins()
""",
    "a query brings nothing of a row that was added": """
async with get_session() as session:
    async with session.begin():
        if flags[0]:
            made = Job(name=fresh(), status=mark())
            session.add(made)
        await session.execute(select(Job))
    job = await session.get(Job, job_id)
    async with session.begin():
        log()
""",
    "a nested function asks for a row that is at hand": """
async with get_session() as session:
    async with session.begin():
        jobs = (await session.scalars(select(Job))).all()
    async def inner():
        job = await session.get(Job, job_id)
        async with session.begin():
            await session.close()
            READ
    await inner()
""",
    "what only a nested function has held is forgotten behind it": """
async for session in get_db():
    async with session.begin():
        async def inner(session):
            job = await session.get(Job, job_id)
        await inner(session)
        await session.commit()
        job = await session.get(Job, job_id)
    job.status = mark()
    await session.begin()
""",
    "a nested function returns a row that is at hand then": """
async with get_session() as session:
    async def inner():
        return (await session.scalars(select(Job))).all()
    async with session.begin():
        jobs = await inner()
    job = await session.get(Job, job_id)
    async with session.begin():
        await session.commit()
        READ
    log(jobs)
""",
    "refresh() forgets nothing that was sent together": """
async for session in open_db():
    made = Job(name=fresh(), status=mark())
    session.add(made)
    made.status = mark()
    await session.flush()
    await session.refresh(made)
""",
    "behind a read that only an empty list gets through, an update may still be lost": """
session = factory()
jobs = (await session.scalars(select(Job))).all()
try:
    await session.begin()
except Exception:
    await session.rollback()
log([each.status for each in jobs])

async def inner(session):
    async with session.begin():
        log()
    await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
await inner(session)
""",
    "what is set twice holds no lock before it is sent": """
async with get_session() as session:
    try:
        session.add(Job(name=fresh(), status=mark()))
        job = await session.get(Job, job_id)
        job.status = mark()
        fail(flags[0])
        job.status = mark()
        fail(flags[1])
    except Exception:
        async with get_session() as second:
            await second.execute(update(Job).where(Job.id == job_id).values(status='failed'))
""",
    "a lost write of one round keeps that of the next one waiting": """
for _ in range(2):
    try:
        async with get_second_session() as session:
            fail(flags[0])
    except ValueError:
        await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
""",
    "a session of the last round was used behind its end": """
async with get_session() as session:
    for _ in range(flags[0] + flags[1]):
        await session.execute(update(Job).where(Job.id == job_id).values(status=mark()))
        async with second_factory() as session:
            log()
""",
    "an error that is always raised and caught": """
async def stop(session):
    raise ValueError("stop")
---
async with factory() as session:
    WORK
    try:
        await stop(session)
    except Exception:
        log()
""",
}


@needs_rules
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_disagreement(world: World, name: str) -> None:
    assert_agreement(world, PROGRAMS[name])
