"""Runs one task with given answers and given faults, and notes all that it does to the database and to the world.

What is noted: each statement with its parameters, each commit with the rows that a second connection sees after it,
each call of a plain function (what it was given, and what a second connection sees meanwhile), what the task returns,
what escapes, the rows at the end, and the connections that nobody has given back.

A fault stands at a *step*: a statement, a commit or a plain call. The end of a transaction that has only read is none,
and is not noted: whether it is a commit or a rollback, and when it comes, nobody can tell apart.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import types
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from judge.recorder import Decisions
from sqlalchemy.exc import InvalidRequestError, PendingRollbackError, SAWarning
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.ext.asyncio.session import AsyncSessionTransaction

from .notes import Faults, Notes, Run, plain
from .shop import DATABASES, FACTORIES, MODULES

PROGRAM = "<task>"
"""The file name under which a task is compiled."""
TASK_MODULE = "shop.tasks.generated"


class Stage(ABC):
    """Two databases with engines, factories and helpers over them; close it after use."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self.notes = Notes(Decisions(), {})
        self._seen: tuple[Any, ...] | None = None
        self._engines = {name: self.engine(name) for name in DATABASES}
        self._modules = self._brought_to_life()

    @abstractmethod
    def engine(self, database: str) -> AsyncEngine:
        """An engine that notes what it does."""

    @abstractmethod
    def reset(self) -> None:
        """Put the rows back that each run starts with."""

    @abstractmethod
    def look(self) -> tuple[Any, ...]:
        """What a second connection sees of all rows."""

    def close(self) -> None:
        """Give everything back."""
        for engine in self._engines.values():
            self._loop.run_until_complete(engine.dispose())
        self._loop.close()

    def task(self, text: str) -> Any:
        """The task that a text defines."""
        sys.modules.update(self._modules)
        space: dict[str, Any] = {"__name__": TASK_MODULE, "print": self._log}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(text, PROGRAM, "exec", dont_inherit=True), space)
        return space["task"]

    def run(self, task: Any, flags: tuple[bool, ...], faults: Faults) -> Run:
        """One run of a task."""
        self.reset()
        self.forget_rows()
        self.notes = notes = Notes(Decisions(flags), faults)
        escaped, result = "", ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)
            try:
                result = plain(self._loop.run_until_complete(task(notes.decisions, 1)))
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                escaped = _escaped(error)
            left_out = self._left_out()
        self.forget_rows()
        rows = self.rows()
        taken = tuple(notes.decisions.taken)
        trace, steps = tuple(notes.trace), tuple(notes.steps)
        return Run(
            taken,
            trace,
            steps,
            escaped,
            result,
            rows,
            _status(rows),
            left_out,
            notes.doomed,
            notes.rolled_back,
            tuple(notes.struck),
        )

    def rows(self) -> tuple[Any, ...]:
        """What a second connection sees; it looks again after each commit."""
        if self._seen is None:
            self._seen = self.look()
        return self._seen

    def forget_rows(self) -> None:
        """Something was committed."""
        self._seen = None

    def _left_out(self) -> int:
        """How many connections nobody has given back, not even the garbage collector; they are thrown away."""

        def count() -> int:
            return sum(engine.pool.checkedout() for engine in self._engines.values())  # type: ignore[attr-defined]

        if not count():
            return 0
        gc.collect()
        self._loop.run_until_complete(asyncio.sleep(0))
        left = count()
        if left:
            for engine in self._engines.values():
                self._loop.run_until_complete(engine.dispose())
        return left

    def _brought_to_life(self) -> dict[str, types.ModuleType]:
        modules: dict[str, types.ModuleType] = {}
        for name, text in MODULES.items():
            modules[name] = module = types.ModuleType(name)
            exec(compile(text, f"<{name}>", "exec", dont_inherit=True), module.__dict__)
            parent, _, own = name.rpartition(".")
            if parent:
                setattr(modules[parent], own, module)
        for name, (database, factory, _, expires) in FACTORIES.items():
            made = async_sessionmaker(
                self._engines[database], class_=NotedSession, expire_on_commit=expires, info={"stage": self}
            )
            setattr(modules[name], factory, made)
        space = modules["shop.support"].__dict__
        space.update(fail=self._fail, log=self._log, mark=self._mark, fresh=self._fresh, fetch=self._fetch)
        return modules

    # -------------------------------------------------------------------------------------------- what tasks call

    def _call(self, name: str, values: Sequence[object] = ()) -> None:
        """Note a call of a plain function, and raise what is to be raised there."""
        self.notes.trace.append((name, *map(plain, values), self.rows()))
        error = self.notes.step("call" if name == "log" else "work")
        if error is not None:
            raise error("the call failed")

    def _fail(self, now: object) -> None:
        if now:
            self._call("fail")
            raise ValueError("asked to fail")

    def _log(self, *values: object, **_: object) -> None:
        self._call("log", values)

    def _mark(self) -> str:
        return f"mark {self.notes.number()}"

    def _fresh(self) -> str:
        return f"name {self.notes.number()}"

    async def _fetch(self, address: object) -> str:
        self._call("fetch", (address,))
        await asyncio.sleep(0)
        return f"page {self.notes.number()} of {address}"


def _escaped(error: BaseException) -> str:
    """An error as text, without what depends on the way that it took.

    A cancellation loses its words in a task of its own, in which `factory.begin()` closes its session and the helper
    does not. SQLAlchemy wraps the MissingGreenlet of an expired attribute where the connection was made before.
    """
    text = plain(f"{type(error).__name__}: {error}")
    if isinstance(error, asyncio.CancelledError):
        return "CancelledError"
    return "MissingGreenlet" if "greenlet_spawn has not been called" in text else text


def _status(rows: tuple[Any, ...]) -> str:
    return next((status for id_, _, status, *_ in rows[0] if id_ == 1), "")


class NotedTransaction(AsyncSessionTransaction):
    """`session.begin()`: notes when it has to fail because a transaction has begun already."""

    async def start(self, is_ctxmanager: bool = False) -> AsyncSessionTransaction:
        try:
            return await super().start(is_ctxmanager)
        except InvalidRequestError:
            self.session.info["stage"].notes.could_only_fail()
            raise


_REFUSALS = ("closed transaction", "no further SQL can be emitted")
"""What a session says in a state that only a rollback ends."""


class NotedSession(AsyncSession):
    """A session that behaves like any other; it notes when it is used as no session can be used."""

    def begin(self) -> AsyncSessionTransaction:
        return NotedTransaction(self)

    async def rollback(self) -> None:
        self.info["stage"].notes.expired()
        await super().rollback()


def _noted(name: str) -> Callable[..., Any]:
    original = getattr(AsyncSession, name)

    async def method(self: NotedSession, *args: Any, **keywords: Any) -> Any:
        try:
            return await original(self, *args, **keywords)
        except InvalidRequestError as error:
            if isinstance(error, PendingRollbackError) or any(words in str(error) for words in _REFUSALS):
                self.info["stage"].notes.could_only_fail()
            raise

    return method


for _name in ("execute", "scalars", "scalar", "get", "refresh", "flush", "commit"):
    setattr(NotedSession, _name, _noted(_name))
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
logging.getLogger(TASK_MODULE).disabled = True
