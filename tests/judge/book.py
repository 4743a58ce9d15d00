"""The book of one session: its begin() blocks, its writes, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidRequestError, OperationalError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from .events import Kind
from .recorder import NOW, Write

_ENDS = ("commit", "rollback", "close")
_QUERIES = ("execute", "scalars", "scalar", "get", "refresh")


@dataclass(eq=False)
class Block:
    """An `async with session.begin()` that is open: where it began, and what happened in it."""

    lines: tuple[int, ...]
    time: int
    enders: list[int] = field(default_factory=list)
    committed: list[int] = field(default_factory=list)
    errors: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)

    @property
    def failed(self) -> tuple[int, ...]:
        """The lines of the statements that failed, and were not undone by a savepoint."""
        return tuple(line for _, lines in self.errors for line in lines)


_FLUSHES = ("flush", "commit", "exit", "begin")  # `begin_nested()` flushes first


class Book:
    """What one session does; its class calls in here before and after the real methods."""

    def __init__(self, owner: AsyncSession, born_in: BaseException | None) -> None:
        self.owner = owner
        self.session = owner.sync_session
        self.database: str = owner.info["database"]
        self.born_in = born_in
        self.recorder = NOW.recorder
        self.recorder.books.append(self)
        event.listen(self.session, "after_flush", self._flushed)
        self.busy = False
        self.leaving: tuple[tuple[int, ...], BaseException | None] | None = None
        self.blocks: list[Block] = []
        self.savepoints: list[list[int]] = []  # of each open `begin_nested()` block, what has ended it early
        self.open: list[Write] = []
        self.faulted = False
        self.together: tuple[int, ...] = ()
        self.begun_by: tuple[int, ...] = ()
        self.queries: tuple[int, ...] = ()
        """The lines that have asked the database since the last commit or rollback."""
        self.changes: tuple[int, ...] = ()
        """The lines that have set an attribute since then."""

    def look(self, lines: tuple[int, ...]) -> None:
        """After each step at some lines: it has begun the transaction that is open now, if none was before."""
        self.begun_by = (self.begun_by or lines) if self.session.in_transaction() else ()

    # ------------------------------------------------------------------------------------------------------- blocks

    def enter(self, lines: tuple[int, ...]) -> Block:
        """A begin() block was entered."""
        block = Block(lines, self.recorder.tick())
        self.blocks.append(block)
        return block

    def leave(self, block: Block, error: BaseException | None) -> None:
        """A begin() block was left, with an error or without."""
        self.settle("exit", block.lines, error, False)
        if error is None and block.errors:
            self._event("swallowed", block.failed, required=False)
        if error is not None and block.committed:
            self._event("committed-early", tuple(block.committed), required=False)
        self.blocks.remove(block)
        self.queries = self.changes = ()
        self.faulted = False

    def reloaded(self, target: object) -> None:
        """refresh() has read an object anew: what was set on it and not yet sent is forgotten, as asked."""
        self.open = [write for write in self.open if write.target is not target or self._is_sent(write)]

    def _is_sent(self, write: Write) -> bool:
        overwritten = any(w.target is None and w.row == write.row and w.time > write.time for w in self.open)
        if overwritten or write.target.__dict__.get("status") == write.value:
            return True
        return write.successor is not None and self._is_sent(write.successor)

    def undone_since(self, time: int) -> None:
        """A savepoint was rolled back by an exception."""
        self.open = [write for write in self.open if write.time < time]
        if self.block is not None:
            self.block.errors = [error for error in self.block.errors if error[0] < time]

    @property
    def block(self) -> Block | None:
        """The innermost open block."""
        return self.blocks[-1] if self.blocks else None

    # --------------------------------------------------------------------------------------------------- operations

    def wrote(self, value: Any, lines: tuple[int, ...], row: int | None, target: Any, *, hits: bool = True) -> None:
        """A write was executed or queued."""
        if value is None:
            return
        write = Write(value, lines, self.recorder.tick(), self.session.get_transaction(), row, target, hits)
        if target is not None:
            self.changes += lines
            for earlier in self.open:
                if earlier.target is target:
                    earlier.successor = write
        self.open.append(write)

    def done(
        self,
        name: str,
        lines: tuple[int, ...],
        explicit: bool,
        in_flight: BaseException | None,
        gives_objects: bool = True,
    ) -> None:
        """A method of the session has returned."""
        if name in _QUERIES and gives_objects:
            self.queries += lines
        if name in _ENDS:
            self.queries = self.changes = ()
            if explicit:
                self._ends(name, lines)
            self.settle(name, lines, in_flight, explicit)
            self.faulted = False

    def _ends(self, name: str, lines: tuple[int, ...]) -> None:
        """The program itself has called commit(), rollback() or close()."""
        for enders in self.savepoints:
            enders += lines
        if self.block is not None:
            self.block.enders += lines
            if name == "commit":
                self.block.committed += lines
            else:
                self._event("discarded", lines, required=False)

    def failed(self, name: str, lines: tuple[int, ...], error: Exception, updates: bool = False) -> None:
        """A method of the session has raised; `updates`: it was given an update of the job's row."""
        self.recorder.error(lines)
        text = str(error)
        kind: Kind | None = None
        causes: tuple[int, ...] = ()
        block = self.block
        if isinstance(error, PendingRollbackError) or "no further SQL can be emitted" in text:
            kind = "pending"
        elif isinstance(error, InvalidRequestError) and "already begun" in text:
            kind, causes = "begun", self.begun_by
        elif isinstance(error, InvalidRequestError) and "closed transaction" in text:
            kind, causes = "closed", (*(block.enders if block else ()), *chain(*self.savepoints))
        elif isinstance(error, OperationalError) and "is aborted" in text:
            kind = "aborted"
        elif isinstance(error, OperationalError) and "is locked" in text:
            flushes = name in _FLUSHES or "autoflush" in text
            kind = self._waits_for_itself(any(write.row == 1 for write in self.open) if flushes else updates)
        elif block is not None and name != "exit" and self._spoils(error):
            block.errors.append((self.recorder.tick(), lines))
        if kind is not None:
            required = kind not in ("pending", "aborted") and not (kind == "closed" and not causes and block is None)
            self._event(kind, lines, causes, required, text, name == "read")
            self.faulted = True
        self.settle("error", lines, error, False)

    def _spoils(self, error: Exception) -> bool:
        """Whether an error takes the block's work with it: the database's, or whatever has ended a flush."""
        return isinstance(error, SQLAlchemyError) or not self.session.is_active

    def _waits_for_itself(self, updates: bool) -> Kind | None:
        """A locked database: real only where PostgreSQL would wait as well, for another session's row."""
        others = [b for b in self.recorder.books if b is not self and b.database == self.database]
        if updates and any(write.row == 1 and book.has_sent(write) for book in others for write in book.open):
            return "locked"
        self.recorder.spoiled = True
        return None

    def has_sent(self, write: Write) -> bool:
        """Whether a write has reached the database: what was set on an object waits for a flush."""
        return write.target is None or write.flushed

    def _flushed(self, *_: Any) -> None:
        for write in self.open:
            write.flushed = True

    def attribute(self, kind: Kind, lines: tuple[int, ...], text: str) -> None:
        """An attribute could not be read: the attempt has begun a transaction.

        Of a list nobody knows which rows it holds: whether what was set was set on one of them.
        """
        self.look(lines)
        causes = self.queries + (self.changes if self.recorder.lines.goes_over_list(lines[0]) else ())
        self._event(kind, lines, causes, required=kind == "greenlet", text=text)
        self.faulted = True

    def _event(
        self,
        kind: Kind,
        lines: tuple[int, ...],
        causes: tuple[int, ...] = (),
        required: bool = True,
        text: str = "",
        reads: bool = False,
    ) -> None:
        within = self.block.lines[0] if self.block is not None and self.block.lines else 0
        failed = self.block.failed if self.block is not None else ()
        self.recorder.event(kind, lines, causes, failed, within, required and not self.faulted, text, reads)

    # -------------------------------------------------------------------------------------------------------- writes

    def settle(self, cause: str, lines: tuple[int, ...], error: BaseException | None, explicit: bool) -> None:
        """Find out what became of the writes whose transaction has ended.

        A generator that is closed where it waits is no error of the program's.
        """
        if not self.open:
            return
        error = None if isinstance(error, GeneratorExit) else error
        now = self.session.get_transaction()
        ended = [write for write in self.open if write.root is not now or cause == "end"]
        if not ended:
            return
        self.open = [write for write in self.open if write.root is now and cause != "end"]
        self.together = tuple(write.lines[0] for write in ended if write.lines)
        for write in ended:
            if self._is_saved(write) or (not write.hits and error is None and cause in ("commit", "exit")):
                self.recorder.saved.append(write.lines[0] if write.lines else 0)
            else:
                self._gone(write, cause, lines, error, explicit)

    def _is_saved(self, write: Write | None) -> bool:
        while write is not None:
            if self.recorder.is_committed(self.database, write.value):
                return True
            write = write.successor
        return False

    def _lost(self, write: Write, required: bool) -> None:
        """Nothing has committed a write; `failed` are the exceptions since."""
        failed = tuple(line for lines in self.recorder.errors_since(write.time) for line in lines)
        required = required and not self.faulted
        self.recorder.event("lost", write.lines, self.together, failed, required=required)

    def _gone(
        self, write: Write, cause: str, lines: tuple[int, ...], error: BaseException | None, explicit: bool
    ) -> None:
        block = self.block
        required = write.successor is None
        if explicit and block is not None and cause in ("rollback", "close"):
            quiet = not self.recorder.errors_since(block.time)
            self._event("discarded", lines, required=quiet and required)
        elif cause in ("rollback", "error") or error is not None:
            return
        elif block is not None and block.errors and cause in ("exit", "commit", "close"):
            self._event("swallowed", block.failed, required=required)
        elif block is not None and block.enders:
            self._event("discarded", tuple(block.enders), required=False)
        elif cause in ("close", "end"):
            is_known = self.recorder.handler_knows(write)
            if not is_known or any(map(self.recorder.lines.is_left_in_finally, write.lines)):
                self._lost(write, required and not is_known)
        elif cause != "commit":
            self._event("unexplained", write.lines, text=cause)
