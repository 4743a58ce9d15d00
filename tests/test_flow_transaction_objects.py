"""A transaction object says whether it is still open: `tx.is_active` of `tx = await session.begin()`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
from app.database import sessions
from app.models import Job


async def end(session, tx):
    if tx.is_active:
        await tx.rollback()


async def work(job, other):
    async with sessions() as session:
        BODY
"""
AGAIN = "async with session.begin():\n    session.add(other)\n"
BY_HAND = f"""
tx = await session.begin()
try:
    session.add(job)
    if job.ready:
        await END.commit()
finally:
    if tx.is_active:
        await tx.rollback()
{AGAIN}"""
OF_NONE = f"""
tx = None
try:
    tx = await session.begin()
    session.add(job)
    if job.ready:
        await tx.commit()
finally:
    if tx is not None and tx.is_active:
        await tx.rollback()
{AGAIN}"""
IN_BLOCK = f"""
async with session.begin() as tx:
    session.add(job)
    await session.flush()
    if not tx.is_active:
        await session.rollback()
    session.add(other)
{AGAIN}"""
ANOTHER = f"""
tx = await session.begin()
session.add(job)
await tx.commit()
session.add(other)
if not tx.is_active:
    await session.commit()
{AGAIN}"""
KEPT = f"""
tx = await session.begin()
session.add(job)
if job.ready:
    await tx.commit()
is_open = tx.is_active
if is_open:
    await tx.commit()
{AGAIN}"""
ASKED_FOR = f"""
session.add(job)
if job.ready:
    await session.commit()
tx = session.get_transaction()
if tx is not None and tx.is_active:
    await session.commit()
{AGAIN}"""
GIVEN = f"""
tx = await session.begin()
session.add(job)
if job.ready:
    await tx.commit()
await end(session, tx)
{AGAIN}"""
BEGUN = ["SUP302 async with session.begin():"]


@pytest.mark.parametrize(
    "body",
    [
        BY_HAND.replace("END", "tx"),
        BY_HAND.replace("END", "session"),
        OF_NONE,
        IN_BLOCK,
        ANOTHER,
        KEPT,
        ASKED_FOR,
        GIVEN,
    ],
)
def test_a_transaction_object_tells_whether_it_is_open(tmp_path: Path, body: str) -> None:
    assert faults(tmp_path, WORK, body) == []


def test_a_rollback_of_an_open_block_is_found(tmp_path: Path) -> None:
    assert faults(tmp_path, WORK, IN_BLOCK.replace("if not tx", "if tx")) == ["SUP303 await session.rollback()"]


@pytest.mark.parametrize("body", [BY_HAND.replace("END", "tx"), OF_NONE, KEPT, ASKED_FOR])
def test_a_transaction_that_is_left_open_is_found(tmp_path: Path, body: str) -> None:
    turned = (
        body.replace("if tx.is", "if not tx.is").replace("and tx.is", "and not tx.is").replace("if is", "if not is")
    )
    assert BEGUN[0] in faults(tmp_path, WORK, turned)


def test_one_that_a_failed_flush_has_ended_is_open_no_more(tmp_path: Path) -> None:
    body = f"""
tx = await session.begin()
try:
    session.add(job)
    await session.flush()
    await tx.commit()
except Exception:
    if not tx.is_active:
        await session.rollback()
    {AGAIN.strip().replace(chr(10), chr(10) + "    ")}
"""
    assert faults(tmp_path, WORK, body) == []
