"""A session that has work in it, or is bound to somebody's connection, is not to be had from the helper."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from swap_support import KEEPING, function, verdict

GETTERS = KEEPING + dedent(
    """

    async def plain():
        session = async_session_factory()
        return session


    async def with_a_row():
        session = async_session_factory()
        session.add(Job())
        return session


    async def with_a_statement():
        session = async_session_factory()
        await session.execute(text("select 1"))
        return session


    async def prepared_elsewhere():
        session = async_session_factory()
        prepare(session)
        return session


    async def over_one_with_a_row():
        return await with_a_row()


    async def over_a_plain_one():
        session = await plain()
        return session


    def plain_with_a_row():
        session = async_session_factory()
        session.add(Job())
        return session
    """
)


def used(getter: str) -> str:
    body = f"""
    from app.session import get_session, {getter.removeprefix("await ").removesuffix("()")}

    session = {getter}
    try:
        await session.commit()
    finally:
        await session.close()
    """
    return function(body)


@pytest.mark.parametrize("getter", ["await plain()", "await over_a_plain_one()"])
def test_a_getter_that_only_gives_is_swapped(tmp_path: Path, getter: str) -> None:
    assert verdict(tmp_path, used(getter), "SUP103", GETTERS).startswith("unsafe: ")


@pytest.mark.parametrize(
    "getter",
    [
        "await with_a_row()",
        "await with_a_statement()",
        "await prepared_elsewhere()",
        "await over_one_with_a_row()",
        "plain_with_a_row()",
    ],
)
def test_what_a_getter_has_done_with_its_session_is_not_lost(tmp_path: Path, getter: str) -> None:
    said = verdict(tmp_path, used(getter), "SUP103", GETTERS)
    assert said.startswith("no fix: ")
    assert "works with the session before it returns it" in said


def bound(given: str) -> str:
    body = f"""
    from app.session import engine
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

    async with engine.connect() as connection:
        outer = await connection.begin()
        async with {given} as session:
            session.add(Job(id=job_id))
            await session.commit()
        await outer.commit()
    """
    return function(body)


@pytest.mark.parametrize(
    "given",
    [
        "AsyncSession(connection)",
        "AsyncSession(bind=connection)",
        "AsyncSession(bind=connection, join_transaction_mode='create_savepoint')",
        "AsyncSession(bind=job_id, join_transaction_mode='create_savepoint')",
        "async_sessionmaker(connection)()",
        "async_sessionmaker(bind=connection, expire_on_commit=False)()",
        "async_sessionmaker(engine)(bind=connection)",
        "async_sessionmaker(engine).begin(bind=connection)",
    ],
)
def test_work_in_an_outer_transaction_stays_there(tmp_path: Path, given: str) -> None:
    said = verdict(tmp_path, bound(given), "SUP102")
    assert said.startswith("no fix: the session works in the transaction of a connection")


@pytest.mark.parametrize(
    "given",
    ["AsyncSession(engine)", "AsyncSession(bind=engine)", "async_sessionmaker(engine, expire_on_commit=False)()"],
)
def test_a_session_of_an_engine_is_swapped(tmp_path: Path, given: str) -> None:
    assert verdict(tmp_path, bound(given), "SUP102").startswith("unsafe: another engine")
