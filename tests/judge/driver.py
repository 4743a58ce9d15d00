"""A database driver for the judge: SQLite in the calling thread, with the transactions of PostgreSQL.

It has the face of aiosqlite that SQLAlchemy's dialect uses, so that all of SQLAlchemy is the real one; only the hop to
another thread is missing, which costs more than everything else together. `like_postgres` makes an error abort the
transaction: further statements fail, and a COMMIT rolls back (semantics, section 2). `Faults` lets the n-th statement
of a run fail. `BEGIN` is sent by SQLAlchemy's own recipe (`prelude`), because sqlite3's own one knows no savepoints.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

_ENDS = ("ROLLBACK", "COMMIT")


FAULTS = (sqlite3.OperationalError, sqlite3.IntegrityError, ValueError)
"""How a statement may fail: any handler can be reached, and some errors leave the transaction as it was."""


@dataclass
class Faults:
    """Which statements of the run fail (counted from 0) and how, and how many there were."""

    planned: dict[int, type[Exception]] = field(default_factory=dict)
    seen: int = 0

    def step(self) -> type[Exception] | None:
        """Count a statement; the error if it is one that fails."""
        self.seen += 1
        return self.planned.get(self.seen - 1)


class Cursor:
    """What `connection.cursor()` gives: sqlite3's cursor with coroutines."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor = connection.raw.cursor()
        self._changed: int | None = None

    def __await__(self) -> Generator[None, None, Cursor]:
        """Some versions of the dialect await the new cursor."""
        return self
        yield

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> Cursor:
        connection = self._connection
        word = sql[:8].upper()
        if word == "COMMIT" and connection.aborted:
            sql = "ROLLBACK"
        error = connection.faults.step() if word == "COMMIT" else None
        if error is not None:
            self._cursor.execute("ROLLBACK")
            raise error("the commit failed")
        try:
            if not word.startswith(_ENDS) and word != "BEGIN":
                connection.check()
            self._cursor.execute(sql, parameters or ())
        except sqlite3.Error:
            connection.aborted = connection.like_postgres and connection.raw.in_transaction
            raise
        if word.startswith(_ENDS):
            connection.aborted = False
        return self

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> Cursor:
        changed = 0
        for row in parameters:
            await self.execute(sql, row)
            changed += self._cursor.rowcount
        self._changed = changed
        return self

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    async def fetchone(self) -> Any:
        return self._cursor.fetchone()

    async def close(self) -> None:
        self._cursor.close()

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def lastrowid(self) -> Any:
        return self._cursor.lastrowid

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount if self._changed is None else self._changed


class Connection:
    """A connection; made by `connect`."""

    isolation_level = None

    def __init__(self, path: str, faults: Faults, like_postgres: bool) -> None:
        self.raw = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        self.raw.execute("PRAGMA synchronous=OFF")
        self._connection = self.raw  # SQLAlchemy asks whether it is still there
        self.faults = faults
        self.like_postgres = like_postgres
        self.aborted = False

    def check(self) -> None:
        """Raise what the database would raise before it looks at a statement."""
        if self.aborted:
            raise sqlite3.OperationalError("current transaction is aborted, commands ignored until end of block")
        error = self.faults.step()
        if error is not None:
            raise error("the statement failed")

    def cursor(self) -> Cursor:
        return Cursor(self)

    async def create_function(self, *args: Any, **keywords: Any) -> None:
        self.raw.create_function(*args, **keywords)

    async def commit(self) -> None:
        if self.raw.in_transaction:
            await Cursor(self).execute("COMMIT")

    async def rollback(self) -> None:
        if self.raw.in_transaction:
            await Cursor(self).execute("ROLLBACK")
        self.aborted = False

    async def close(self) -> None:
        self.raw.close()

    def stop(self) -> None:
        """Close at once."""
        self.raw.close()


async def connect(path: str, faults: Faults, like_postgres: bool = True) -> Connection:
    """Open a connection to a database file."""
    return Connection(path, faults, like_postgres)
