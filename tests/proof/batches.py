"""Runs batch jobs of the miniature backend: `python batches.py ROOT JOBS BROKEN`; their statuses on stdout, as JSON.

ROOT is the backend's folder, JOBS how many jobs there are, BROKEN how many of them have a page that cannot be fetched.
DATABASE_URL is the application's address, DIRECT_URL one past the pooler (synchronous). A DATABASE_URL of SQLite
gets a stand-in for the pooler: on a connection whose engine lacks the pooler's settings, each statement fails.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import types
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import create_engine, event, insert, select
from sqlalchemy.ext import asyncio as sqlalchemy_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

SAFE = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}


class Client:
    """What the backend uses of `httpx.AsyncClient`: every page is there, but the broken ones are no pages at all."""

    def __init__(self, **_: object) -> None:
        pass

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def get(self, url: str) -> Any:
        await asyncio.sleep(0)
        if "broken" in url:
            raise RuntimeError("the page is broken")
        return types.SimpleNamespace(text="<title>A page</title>", is_success=True)


def engine_behind_stand_in(address: str, **options: Any) -> AsyncEngine:
    """An engine for SQLite that misses the pooler's settings as one for asyncpg does behind a pooler."""
    settings = options.pop("connect_args", {})
    options.pop("poolclass", None)
    engine = create_async_engine(address, **options)
    if not SAFE.items() <= settings.items():

        @event.listens_for(engine.sync_engine, "before_cursor_execute", retval=True)
        def fail(*_: object) -> tuple[str, tuple[()]]:
            return "SELECT * FROM prepared_statement_that_is_not_there", ()

    return engine


def stand_in() -> None:
    """Put stand-ins in the place of the web and, on SQLite, of the pooler."""
    httpx = types.ModuleType("httpx")
    httpx.AsyncClient, httpx.HTTPError = Client, OSError  # type: ignore[attr-defined]
    sys.modules["httpx"] = httpx
    if os.environ["DATABASE_URL"].startswith("sqlite"):
        sqlalchemy_asyncio.create_async_engine = engine_behind_stand_in  # type: ignore[assignment]


def prepare(jobs: int, broken: int) -> list[UUID]:
    """Make the tables, if need be, and the jobs, which are pending; some have a broken page."""
    from app.models import Base, Job, JobStatus, Page

    engine = create_engine(os.environ["DIRECT_URL"])
    Base.metadata.create_all(engine)
    ids = [uuid4() for _ in range(jobs)]
    with engine.begin() as connection:
        for number, id_ in enumerate(ids):
            row = {"id": id_, "kind": "batch", "target": "two pages", "status": JobStatus.PENDING, "pages_done": 0}
            connection.execute(insert(Job).values(row))
            names = ("one", "broken" if number < broken else "two")
            connection.execute(insert(Page), [{"job_id": id_, "url": f"http://example.com/{name}"} for name in names])
    engine.dispose()
    return ids


async def work(ids: list[UUID]) -> None:
    """Start the tasks as a router does, and wait until none is running; nobody looks at what becomes of them."""
    from app.services.batch_processor import process_batch_with_own_session

    tasks = [asyncio.create_task(process_batch_with_own_session(id_)) for id_ in ids]
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)


def statuses(ids: list[UUID]) -> list[str]:
    """The jobs' statuses, in order."""
    from app.models import Job

    engine = create_engine(os.environ["DIRECT_URL"])
    with engine.connect() as connection:
        found = dict(connection.execute(select(Job.id, Job.status)).tuples().all())
    engine.dispose()
    return [found[id_].value for id_ in ids]


def main() -> None:
    root, jobs, broken = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sys.path.insert(0, root)
    stand_in()
    ids = prepare(jobs, broken)
    asyncio.run(work(ids))
    sys.stdout.write(json.dumps(statuses(ids)))


if __name__ == "__main__":
    main()
