"""What SUP501 and SUP502 say about an engine is what happens to it behind PgBouncer in transaction mode."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from matrix import ROWS, Row
from servers import started, why_not

from supavisor_lint.findings import Finding
from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings

pytest.importorskip("asyncpg")
pytest.importorskip("psycopg")
_REASON = why_not()
pytestmark = pytest.mark.skipif(_REASON is not None, reason=str(_REASON))

_SCHEMA = (
    "create type mood as enum ('calm', 'busy');"  # a type that asyncpg has to ask for, by statements of its own
    "create table job (id int primary key, mood mood);"
    "insert into job values (1, 'calm')"
)
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)

Results = dict[str, dict[str, Any]]


@pytest.fixture(scope="module", name="results")
def results_fixture() -> Iterator[Results]:
    """What happened to each row's engine."""
    with started() as servers:
        asyncio.run(_prepare(servers.direct))
        clients = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("clients.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        jobs = [(row.name, row.source, servers.pgbouncer_port, row.name) for row in ROWS]
        jobs.append(("direct", ROWS[0].source, servers.postgres_port, "postgres"))
        lines = [
            json.dumps({"source": source, "environment": {"POOLER_PORT": str(port), "POOL": pool}})
            for _, source, port, pool in jobs
        ]
        answers = clients.communicate("\n".join(lines) + "\n", timeout=300)[0].splitlines()
        assert clients.returncode == 0
        yield {name: json.loads(answer) for (name, *_), answer in zip(jobs, answers, strict=True)}


async def _prepare(address: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(f"postgresql://{address}")
    await connection.execute(_SCHEMA)
    await connection.close()


def errors(result: dict[str, Any]) -> int:
    return sum(result[phase][0] for phase in ("A", "B", "C"))


def findings(row: Row, folder: Path) -> tuple[Finding, ...]:
    folder.joinpath("engine.py").write_text(row.source, "utf-8")
    version = importlib.metadata.version("asyncpg")
    settings = replace(Settings(), select=("SUP5",), asyncpg_version=version)
    return check_paths([folder], folder, settings).findings


def test_without_the_pooler_the_default_works(results: Results) -> None:
    assert errors(results["direct"]) == 0, results["direct"]


@every_row
def test_what_is_reported_is_what_happens(row: Row, results: Results, tmp_path: Path) -> None:
    found = [f for f in findings(row, tmp_path) if "does nothing" not in f.message]
    if row.sees:
        assert bool(found) == bool(errors(results[row.name])), (found, results[row.name])
    else:
        assert errors(results[row.name])
        assert "SUP502" not in [finding.code for finding in found]


@pytest.mark.parametrize(("with_it", "without"), [("no_ops", "default"), ("no_ops_both", "both")])
def test_what_does_nothing_changes_nothing(with_it: str, without: str, results: Results, tmp_path: Path) -> None:
    """`no_prepare` and `raw_sql`: what fails does so with them, and what works works with them."""
    row = next(row for row in ROWS if row.name == with_it)
    found = [finding.code for finding in findings(row, tmp_path)]
    fails = bool(errors(results[without]))
    assert bool(errors(results[with_it])) == fails
    assert found.count("SUP502") == 2
    assert ("SUP501" in found) == fails
