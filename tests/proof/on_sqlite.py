"""The stage on SQLite, with the judge's driver, which aborts transactions as PostgreSQL does."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from judge.driver import Connection, Cursor, Faults
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from .notes import only_reads
from .shop import DATABASES, FIRST_ROWS, ROWS, SCHEMA
from .stage import Stage

_RESET = f"BEGIN; DELETE FROM job; DELETE FROM item; {FIRST_ROWS} COMMIT;"
_LOCKED = "SQLITE_BUSY"


class SqliteStage(Stage):
    """Two files in memory."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self._readers = {name: self._database(name) for name in DATABASES}
        super().__init__()

    def close(self) -> None:
        super().close()
        for reader in self._readers.values():
            reader.close()
        shutil.rmtree(self._folder)

    def _database(self, name: str) -> sqlite3.Connection:
        reader = sqlite3.connect(self._folder / name, isolation_level=None)
        reader.execute("PRAGMA journal_mode=WAL")
        reader.execute("PRAGMA synchronous=OFF")
        reader.executescript(SCHEMA)
        return reader

    def engine(self, database: str) -> AsyncEngine:
        path = self._folder / database

        async def connect() -> NotedConnection:
            return NotedConnection(str(path), self)

        engine = create_async_engine(f"sqlite+aiosqlite:///{path}", async_creator=connect)
        event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine

    def reset(self) -> None:
        for reader in self._readers.values():
            reader.executescript(_RESET)

    def look(self) -> tuple[Any, ...]:
        return tuple(tuple(reader.execute(query).fetchall()) for reader in self._readers.values() for query in ROWS)


class NotedConnection(Connection):
    """A connection that notes what it is sent."""

    def __init__(self, path: str, stage: Stage) -> None:
        super().__init__(path, Faults(), like_postgres=True)
        self.stage = stage
        self.wrote = False

    def cursor(self) -> NotedCursor:
        return NotedCursor(self)

    async def commit(self) -> None:
        if self.raw.in_transaction:
            await NotedCursor(self).execute("COMMIT")

    async def rollback(self) -> None:
        self.wrote = False
        await super().rollback()

    def check(self) -> None:
        if self.aborted:
            self.stage.notes.could_only_fail()
        super().check()
        error = self.stage.notes.step("statement")
        if error is not None:
            raise error("the statement failed")


class NotedCursor(Cursor):
    """A cursor that notes statements and commits."""

    _connection: NotedConnection

    async def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> Cursor:
        connection, word = self._connection, sql.partition(" ")[0].upper()
        if word == "PRAGMA":  # of a new connection
            self._cursor.execute(sql)
            return self
        if word == "COMMIT":
            return await self._commit()
        whole = word == "ROLLBACK" and " TO " not in sql
        if word != "BEGIN" and not whole:
            connection.stage.notes.trace.append(("sql", sql, tuple(parameters or ())))
        try:
            await super().execute(sql, parameters)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorname", _LOCKED) == _LOCKED and "locked" in str(error):
                connection.stage.notes.could_only_fail()  # it waits for a lock that only the same task can give back
            raise
        connection.wrote = not whole and (connection.wrote or not only_reads(sql))
        return self

    async def _commit(self) -> Cursor:
        connection, stage = self._connection, self._connection.stage
        wrote, connection.wrote = connection.wrote, False
        if not wrote or connection.aborted:  # the database makes a rollback of the commit after an error
            return await super().execute("ROLLBACK")
        error = stage.notes.step("commit")
        if error is not None:
            stage.notes.trace.append(("commit fails",))
            await super().execute("ROLLBACK")
            raise error("the commit failed")
        await super().execute("COMMIT")
        stage.forget_rows()
        stage.notes.trace.append(("committed", stage.rows()))
        return self
