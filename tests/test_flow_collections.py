"""Objects that are added several at once, or kept in a dictionary, expire with the commit as any others do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow_support import faults

WORK = """
import logging
from sqlalchemy import select
from app.models import Item, Job
from app.database import FACTORY

logger = logging.getLogger(__name__)


async def work(job_ids, given, key):
    async with FACTORY() as session:
        BODY
"""
ADDED = "await session.commit()\nlogger.info(job.id)"
TWO = "a = Job(id=1)\nb = Job(id=2)\n"
ASKED = "(await session.scalars(select(Job))).all()"
BY_ID = f"by_id = {{j.id: j for j in {ASKED}}}\n"
COMMIT = "await session.commit()\n"
READ_ALL = "for job in jobs:\n    logger.info(job.status)"


def told(root: Path, body: str, factory: str = "expiring") -> list[str]:
    return faults(root, WORK.replace("FACTORY", factory), body)


SILENT = [
    f"session.add(job := Job(id=1))\n{COMMIT}await session.refresh(job)\nlogger.info(job.id)",
    f"job = None\nsession.add(Job(id=1))\n{COMMIT}logger.info(job)",
    f"session.add(job := Job(id=1))\nawait session.flush()\nlogger.info(job.id)\n{COMMIT}",
    f"{TWO}session.add_all([a, b])\n{COMMIT}await session.refresh(a)\nlogger.info(a.id)",
    f"{TWO}session.add_all([a])\n{COMMIT}logger.info(b.id)",
    f"{TWO}session.add_all([a, b])\nawait session.flush()\nlogger.info(a.id)\n{COMMIT}",
    f"{TWO}session.add_all([a, b])\n{COMMIT}a = Job(id=3)\nlogger.info(a.id)",
    f"{TWO}session.add_all([a, b])\n{COMMIT}a.status = 'x'\nlogger.info(a.status)\n{COMMIT}",
    f"jobs = [Job(id=1), Job(id=2)]\nsession.add_all(jobs)\n{COMMIT}"
    "for job in jobs:\n    await session.refresh(job)\n    logger.info(job.id)",
    f"jobs = [Job(id=1), Job(id=2)]\nsession.add_all(jobs)\n{COMMIT}for job in jobs:\n    await session.refresh(job)\n"
    "logger.info(jobs[0].id)",
    f"jobs = [Job(id=1), Job(id=2)]\nsession.add_all(jobs)\n{COMMIT}jobs = [Job(id=1)]\nlogger.info(jobs[0].id)",
    f"jobs = [Job(id=1)]\nsession.add_all(jobs)\n{COMMIT}jobs.clear()\njobs.append(Job(id=2))\nlogger.info(jobs[0].id)",
    f"jobs = [Job(id=1)]\nsession.add_all(jobs)\n{COMMIT}jobs[0] = Job(id=2)\nlogger.info(jobs[0].id)",
    f"jobs = [Job(id=n) for n in job_ids]\nsession.add_all(jobs)\n{COMMIT}logger.info('%s', len(jobs))",
    f"jobs = (Job(id=n) for n in job_ids)\nsession.add_all(jobs)\n{COMMIT}{READ_ALL}",
    f"jobs = [Job(id=n) for n in job_ids]\nsession.add_all(jobs)\nids = [j.id for j in jobs]\n{COMMIT}logger.info(ids)",
    f"jobs = [Job(id=1)]\nsession.add_all(jobs)\n{COMMIT}jobs = {ASKED}\n{READ_ALL}",
    f"names = {{j.id: j.status for j in {ASKED}}}\n{COMMIT}logger.info(names[key])\nlogger.info(names.values())",
    f"{BY_ID}logger.info(by_id[key].status)\n{COMMIT}",
    f"{BY_ID}{COMMIT}for number in by_id:\n    logger.info(number)",
    f"{BY_ID}{COMMIT}logger.info('%s %s', len(by_id), list(by_id.keys()))",
    f"{BY_ID}{COMMIT}job = by_id[key]\nawait session.refresh(job)\nlogger.info(job.status)",
    f"{BY_ID}{COMMIT}job = by_id.get(key)\nif job is not None:\n    await session.refresh(job)\n"
    "    logger.info(job.status)\nlogger.info(by_id)",
    f"{BY_ID}{COMMIT}for job in by_id.values():\n    await session.refresh(job)\nlogger.info(by_id[key].status)",
    f"{BY_ID}{COMMIT}{BY_ID}logger.info(by_id[key].status)",
    f"{BY_ID}by_id[key] = Job(id=5)\n{COMMIT}logger.info(by_id[key].status)",
    f"{BY_ID}{COMMIT}by_id.update(given)\nlogger.info(by_id[key].status)",
    f"by_id = {{j.id: (j, 1) for j in {ASKED}}}\n{COMMIT}logger.info(by_id[key][1])",
    f"by_id = {{j: j.id for j in {ASKED}}}\n{COMMIT}for number in by_id.values():\n    logger.info(number.real)",
    f"for n, job in {{j.id: j for j in {ASKED}}}.items():\n    logger.info('%s', n.real)\n    logger.info(job.status)",
]


@pytest.mark.parametrize("body", SILENT)
def test_what_can_be_read_is_left_alone(tmp_path: Path, body: str) -> None:
    assert told(tmp_path, body) == []


EXPIRED = [
    f"session.add(job := Job(id=1))\n{COMMIT}logger.info(job.id)",
    f"{TWO}session.add_all([a, b])\n{COMMIT}logger.info(a.id)",
    f"{TWO}session.add_all((a, b))\n{COMMIT}logger.info(b.id)",
    f"{TWO}session.add_all({{a, b}})\n{COMMIT}logger.info(b.id)",
    f"{TWO}session.add_all(instances=[a, b])\n{COMMIT}logger.info(b.id)",
    f"a = Job(id=1)\nsession.add_all([a, Job(id=2)])\n{COMMIT}logger.info(a.id)",
    f"session.add_all([a := Job(id=1), Job(id=2)])\n{COMMIT}logger.info(a.id)",
    f"jobs = [Job(id=1), Job(id=2)]\nsession.add_all(jobs)\n{COMMIT}for job in jobs:\n    logger.info(job.id)",
    f"jobs = (Job(id=1), Job(id=2))\nsession.add_all(jobs)\n{COMMIT}logger.info(jobs[0].id)",
    f"jobs = [Job(id=n) for n in (1, 2)]\nsession.add_all(jobs)\n{COMMIT}logger.info([j.id for j in jobs])",
    f"jobs = [Job(id=n) for n in (1, 2)]\nsession.add_all(jobs)\n{COMMIT}logger.info(jobs[0].id)",
    f"session.add_all(jobs := [Job(id=1)])\n{COMMIT}logger.info(jobs[0].id)",
    f"jobs: list[Job] = []\nfor n in (1, 2):\n    jobs.append(Job(id=n))\nsession.add_all(jobs)\n{COMMIT}"
    "logger.info(jobs[0].id)",
    f"{BY_ID}{COMMIT}logger.info(by_id[key].status)",
    f"{BY_ID}{COMMIT}for job in by_id.values():\n    logger.info(job.status)",
    f"{BY_ID}{COMMIT}for number, job in by_id.items():\n    logger.info(job.status)",
    f"{BY_ID}{COMMIT}logger.info([job.status for job in by_id.values()])",
    f"{BY_ID}{COMMIT}logger.info({{number: job.status for number, job in by_id.items()}})",
    f"{BY_ID}{COMMIT}job = by_id.get(key)\nif job:\n    logger.info(job.status)",
    f"{BY_ID}{COMMIT}if job := by_id.get(key):\n    logger.info(job.status)",
    f"by_id = {{job.id: job for job in await session.scalars(select(Job))}}\n{COMMIT}logger.info(by_id[key].status)",
    f"jobs = {ASKED}\nby_id = {{job.id: job for job in jobs}}\n{COMMIT}logger.info(by_id[key].status)",
    f"jobs = [job for job in {ASKED} if job.status]\n{COMMIT}logger.info(jobs[0].status)",
]


@pytest.mark.parametrize("body", EXPIRED)
def test_what_has_expired_is_told(tmp_path: Path, body: str) -> None:
    reads = [line for line in body.splitlines() if "logger.info(" in line]
    assert told(tmp_path, body) == [f"SUP309 {reads[-1].strip()}"]


@pytest.mark.parametrize("body", EXPIRED)
def test_what_no_commit_expires_is_left_alone(tmp_path: Path, body: str) -> None:
    assert told(tmp_path, body, "sessions") == []
