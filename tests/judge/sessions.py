"""A session that behaves exactly like AsyncSession and keeps a book on the side."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import Update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.asyncio.session import AsyncSessionTransaction

from .book import Block, Book
from .recorder import NOW, is_called_by_program, may_fail, stack


class JudgedTransaction(AsyncSessionTransaction):
    """`session.begin()` and `begin_nested()`: note what is entered and left."""

    block: Block | None = None
    since = 0

    def __init__(self, session: AsyncSession, nested: bool = False) -> None:
        super().__init__(session, nested)
        self.enders: list[int] = []

    async def start(self, is_ctxmanager: bool = False) -> AsyncSessionTransaction:
        lines = stack()
        book: Book = self.session.info["book"]
        may_fail()
        try:
            await super().start(is_ctxmanager)
        except Exception as error:
            book.failed("begin", lines, error)
            raise
        book.look(lines)
        self.since = NOW.recorder.tick()
        if is_ctxmanager and not self.nested:
            self.block = book.enter(lines)
        elif is_ctxmanager:
            book.savepoints.append(self.enders)
        return self

    async def __aexit__(self, type_: Any, value: Any, traceback: Any) -> None:
        book: Book = self.session.info["book"]
        error = value
        try:
            await super().__aexit__(type_, value, traceback)
        except Exception as raised:
            error = raised
            lines = stack() or (self.block.lines if self.block else ())
            book.failed("exit", lines, raised)
            raise
        finally:
            book.look(())
            book.savepoints = [enders for enders in book.savepoints if enders is not self.enders]
            if self.block is not None:
                book.leave(self.block, error)
            elif self.nested and error is not None:
                book.undone_since(self.since)


class JudgedSession(AsyncSession):
    """An AsyncSession with a book."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        may_fail()
        super().__init__(*args, **keywords)
        self.book = Book(self, sys.exc_info()[1])
        self.info["book"] = self.book

    def begin(self) -> AsyncSessionTransaction:
        return JudgedTransaction(self)

    def begin_nested(self) -> AsyncSessionTransaction:
        return JudgedTransaction(self, nested=True)

    def add(self, instance: object, **keywords: Any) -> None:
        lines = stack()
        try:
            super().add(instance, **keywords)
        except Exception as error:
            self.book.failed("add", lines, error)
            raise
        self.book.look(lines)
        self.book.wrote(instance.__dict__.get("status"), lines, None, instance)

    async def __aexit__(self, type_: Any, value: Any, traceback: Any) -> None:
        self.book.leaving = (stack(), value)
        await super().__aexit__(type_, value, traceback)


def _gives_objects(args: tuple[Any, ...]) -> bool:
    """Whether a method with these arguments may load objects: not a change, not a query for columns."""
    if not args or getattr(args[0], "is_dml", False):
        return False
    columns = args[0].column_descriptions if getattr(args[0], "is_select", False) else ()
    return not columns or any(isinstance(column["expr"], type) for column in columns)


def _watched(name: str) -> Callable[..., Any]:
    original = getattr(AsyncSession, name)

    async def method(self: JudgedSession, *args: Any, **keywords: Any) -> Any:
        book = self.book
        if book.busy:
            return await original(self, *args, **keywords)
        lines, explicit, in_flight = stack(), is_called_by_program(), sys.exc_info()[1]
        if explicit:
            may_fail()
        if book.leaving is not None:
            lines, in_flight = book.leaving
            book.leaving = None
        elif in_flight is book.born_in:
            in_flight = None
        book.busy = True
        written = None
        if args and getattr(args[0], "is_dml", False):
            mark = NOW.recorder.mark
            written = mark if mark.lines == lines else "failed"
        try:
            result = await original(self, *args, **keywords)
        except Exception as error:
            book.failed(name, lines, error, updates=bool(args) and isinstance(args[0], Update))
            raise
        finally:
            book.busy = False
            book.look(lines)
        hits = getattr(result, "rowcount", None) != 0
        if written is not None and (hits or NOW.recorder.no_rows):  # of no row: nothing was written
            book.wrote(written, lines, 1 if isinstance(args[0], Update) else None, None, hits=hits)
        if name == "refresh":
            book.reloaded(args[0])
        book.done(name, lines, explicit, in_flight, _gives_objects(args))
        return result

    return method


for _name in ("execute", "scalars", "scalar", "get", "refresh", "flush", "commit", "rollback", "close"):
    setattr(JudgedSession, _name, _watched(_name))
