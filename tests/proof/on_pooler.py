"""The stage on PostgreSQL behind PgBouncer in transaction mode (`tests/pooler/servers.py` starts both).

A fault is a real one, so that PostgreSQL itself ends the transaction: the statement that is to fail becomes one that
divides by zero, and before a commit that is to fail goes a row whose deferred constraint the commit finds broken.
Errors that no database raises (ValueError, a cancellation) are raised before the statement is sent.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import psycopg
from pooler.servers import Servers
from sqlalchemy import Connection, ExceptionContext, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from .notes import only_reads
from .shop import DATABASES, FIRST_ROWS, ROWS, SCHEMA
from .stage import NotedSession, Stage

_SERIAL = SCHEMA.replace("id INTEGER PRIMARY KEY", "id SERIAL PRIMARY KEY")
_RESET = f"""
TRUNCATE job, item RESTART IDENTITY;
{FIRST_ROWS}
SELECT setval('job_id_seq', 1), setval('item_id_seq', 2);
"""
_FAILS = "SELECT 1 / 0"
_FAULT_TABLE = """
CREATE TABLE fault (id SERIAL PRIMARY KEY, missing INTEGER REFERENCES fault DEFERRABLE INITIALLY DEFERRED);
"""
_COMMIT_FAILS = "INSERT INTO {database}.fault VALUES (0, 1)"
_NOTHING = {"wrote": False, "aborted": False}
"""What a transaction has done at first: whether it wrote, and whether an error has aborted it."""
_RAISED = (ValueError, asyncio.CancelledError)


class PooledStage(Stage):
    """Two schemas, each behind a pool of its own."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._commits_writes = False
        with psycopg.connect(f"postgresql://{servers.direct}", autocommit=True) as admin:
            for name in DATABASES:
                admin.execute(f"CREATE SCHEMA {name}")
            admin.execute("ALTER DATABASE postgres SET lock_timeout = '1s'")
        self._readers = {name: self._database(name) for name in DATABASES}
        super().__init__()
        event.listen(NotedSession.sync_session_class, "after_commit", self._after_commit)

    def close(self) -> None:
        event.remove(NotedSession.sync_session_class, "after_commit", self._after_commit)
        super().close()
        for reader in self._readers.values():
            reader.close()

    def _database(self, name: str) -> psycopg.Connection[Any]:
        reader = psycopg.connect(f"postgresql://{self._servers.direct}", autocommit=True)
        reader.execute(f"SET search_path = {name}")
        reader.execute(_SERIAL + _FAULT_TABLE)
        return reader

    def engine(self, database: str) -> AsyncEngine:
        engine = create_async_engine(
            f"postgresql+asyncpg://{self._servers.pooled(database)}",
            execution_options={"schema_translate_map": {None: database}},  # all pools lead to the same database
            connect_args={
                "statement_cache_size": 0,
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": lambda: f"__{uuid4()}__",
            },
        )
        event.listen(engine.sync_engine, "before_cursor_execute", self._before, retval=True)
        event.listen(engine.sync_engine, "handle_error", self._failed)
        event.listen(engine.sync_engine, "commit", self._commit)
        event.listen(engine.sync_engine, "after_cursor_execute", self._executed)
        event.listen(engine.sync_engine, "checkout", lambda _dbapi, record, _proxy: record.info.update(_NOTHING))
        event.listen(engine.sync_engine, "rollback", lambda connection: connection.info.update(_NOTHING))
        event.listen(engine.sync_engine, "rollback_savepoint", self._rolled_back_to_savepoint)
        return engine

    def reset(self) -> None:
        self._commits_writes = False
        for reader in self._readers.values():
            reader.execute(_RESET)

    def look(self) -> tuple[Any, ...]:
        return tuple(tuple(reader.execute(query).fetchall()) for reader in self._readers.values() for query in ROWS)

    def _before(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> tuple[str, Any]:
        self.notes.trace.append(("sql", statement, str(parameters)))
        error = self.notes.step("statement")
        if error in _RAISED:
            raise error("the statement failed")  # type: ignore[misc]
        return (statement, parameters) if error is None else (_FAILS, ())

    def _executed(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if not only_reads(statement):
            connection.info["wrote"] = True

    def _rolled_back_to_savepoint(self, connection: Connection, _name: str, _context: None) -> None:
        connection.info["aborted"] = False

    def _failed(self, context: ExceptionContext) -> None:
        said = str(context.original_exception)
        if "current transaction is aborted" in said or "lock timeout" in said:  # its own lock: there is nobody else
            self.notes.could_only_fail()
        if context.connection is not None and context.sqlalchemy_exception is not None:
            context.connection.info["aborted"] = True

    def _commit(self, connection: Connection) -> None:
        wrote, aborted = connection.info["wrote"], connection.info["aborted"]
        connection.info.update(_NOTHING)
        if not wrote or aborted:  # PostgreSQL makes a rollback of the commit after an error
            return
        if self.notes.step("commit") is not None:
            self.notes.trace.append(("commit fails",))
            connection.connection.cursor().execute(_COMMIT_FAILS.format(database=DATABASES[0]))
            return
        self._commits_writes = True

    def _after_commit(self, _session: object) -> None:
        if self._commits_writes:
            self._commits_writes = False
            self.forget_rows()
            self.notes.trace.append(("committed", self.rows()))
