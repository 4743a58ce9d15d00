"""The processes that use an engine: `python clients.py`; one job a line on stdin, one result a line on stdout, as JSON.

A job is {"source": text that binds `engine`, "environment": what it finds in os.environ}. It is used in three ways:

    A   one process with eight tasks
    B   three processes at once
    C   a new process afterwards, on server connections that the others have left dirty

The result of a job is {"A": [errors, uses], "B": …, "C": …, "error": the first one's text}. Each process is a fork of
this one, which has imported everything but used nothing: asyncpg counts its statements per process, from one.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import asyncpg  # noqa: F401 - for all forks
import psycopg  # noqa: F401
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine  # noqa: F401

TASKS = 8
ROUNDS = 4
REPEATS = 6  # psycopg prepares what it has seen five times
STATEMENTS = (
    "select cast(:a as integer) + {k}",
    "select cast(:a as integer) + cast(:b as integer) + {k}",
    "select id, mood from job where id = :a and {k} = {k}",
)


async def use(engine: AsyncEngine, task: int, turn: int) -> None:
    """One transaction with a few statements; what is asked differs from task to task."""
    statement = STATEMENTS[(task + turn) % len(STATEMENTS)].format(k=task)
    async with engine.connect() as connection, connection.begin():
        for _ in range(REPEATS):
            values = {"a": 1, "b": 2} if ":b" in statement else {"a": 1}
            rows = (await connection.execute(text(statement), values)).all()
            assert rows, statement
            await asyncio.sleep(0)


async def use_much(source: str) -> dict[str, Any]:
    errors: list[str] = []

    async def task(number: int) -> None:
        for turn in range(ROUNDS):
            try:
                await asyncio.wait_for(use(engine, number, turn), 30)
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")

    try:
        names: dict[str, Any] = {}
        exec(compile(source, "engine.py", "exec"), names)
        engine = names["engine"]
    except Exception as error:
        return {"errors": TASKS * ROUNDS, "uses": TASKS * ROUNDS, "error": f"{type(error).__name__}: {error}"}
    await asyncio.gather(*(task(number) for number in range(TASKS)))
    await engine.dispose()
    return {"errors": len(errors), "uses": TASKS * ROUNDS, "error": errors[0] if errors else ""}


def forked(source: str) -> tuple[int, int]:
    """Start a process that uses the source's engine; its id, and where its result can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    os.close(reading)
    try:
        result = asyncio.run(use_much(source))
    except BaseException as error:
        result = {"errors": 1, "uses": 1, "error": repr(error)}
    os.write(writing, json.dumps({**result, "error": result["error"][:500]}).encode())
    os._exit(0)


def finished(processes: list[tuple[int, int]]) -> list[dict[str, Any]]:
    results = []
    for child, reading in processes:
        with os.fdopen(reading, "rb") as pipe:
            results.append(json.loads(pipe.read()))
        os.waitpid(child, 0)
    return results


def run(job: dict[str, Any]) -> dict[str, Any]:
    os.environ |= job["environment"]
    report: dict[str, Any] = {"error": ""}
    for name, count in (("A", 1), ("B", 3), ("C", 1)):
        results = finished([forked(job["source"]) for _ in range(count)])
        report[name] = [sum(r["errors"] for r in results), sum(r["uses"] for r in results)]
        report["error"] = report["error"] or next((r["error"] for r in results if r["error"]), "")
    return report


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
