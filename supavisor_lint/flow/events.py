"""What the rules want to know of a function's paths: one record for each thing that can happen on some path."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, fields
from typing import TypeVar

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Expr
from supavisor_lint.flow.values import Opened, Site

# Where a called function does it: its file and the node in it.
Via = tuple[FileFacts, Node]


@dataclass(slots=True, eq=False)
class Event:
    """Something at a node, on one session. `because` are the nodes that led to it on some path.

    `via` is the place in a called function when the node is the call; `calls` are the calls of nested functions that it
    happened in; `sure` is False when somebody unknown may have changed the session meanwhile.
    """

    node: Node
    opened: Opened
    because: set[Node] = field(default_factory=set)
    via: Via | None = None
    sure: bool = False
    calls: set[Expr] = field(default_factory=set)

    def take(self, other: Event) -> None:
        """Take over what another event of this kind knows."""
        for item in fields(self):
            mine, more = getattr(self, item.name), getattr(other, item.name)
            if isinstance(mine, set):
                mine |= more
            elif item.name not in ("node", "opened", "via", "sure"):
                setattr(self, item.name, mine or more)


@dataclass(slots=True, eq=False)
class BegunTwice(Event):
    """`begin()` while a transaction is open. `inherited` when only an exception brings the open one into a handler."""

    inherited: bool = False
    in_block: bool = False

    def take(self, other: Event) -> None:
        """Take over another one, at the call of the function that it happens in: one that is not inherited counts."""
        inherited = isinstance(other, BegunTwice) and other.inherited and (self.inherited or not self.because)
        Event.take(self, other)
        self.inherited = inherited


@dataclass(slots=True, eq=False)
class EndedInBlock(Event):
    """commit, rollback or close (`method`) inside a `begin()` block; `because` are the blocks.

    `used` are later uses of the session in the block; `discarded` writes that go without an error.
    """

    method: str = "commit"
    used: set[Node] = field(default_factory=set)
    discarded: set[Node] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class LostWrite(Event):
    """A write (the node) that nothing commits; `because` are the ends of its session.

    `unseen` when nothing can have asked the database for anything between the write and one of them.
    """

    unseen: bool = False


@dataclass(slots=True, eq=False)
class NeverRun(Event):
    """A coroutine of a session's `method` that nobody awaits: it does nothing."""

    method: str = ""


@dataclass(slots=True, eq=False)
class Swallowed(Event):
    """A handler (the node) inside a block that lets it go on; `because` are the operations that failed.

    `writes` are lost with it; `used` are later uses of the session in the block, which raise. `silent` if on some path
    the block's end says nothing: where it has changes to send, PostgreSQL refuses them after a failed statement.
    """

    used: set[Node] = field(default_factory=set)
    writes: set[Node] = field(default_factory=set)
    silent: bool = False


@dataclass(slots=True, eq=False)
class CaughtForCaller(Event):
    """A handler (the node) that catches what spoils its caller's block, whether or not it loses anything by that."""


@dataclass(slots=True, eq=False)
class ExpiredRead(Event):
    """An attribute read of an expired object; `because` are what expired it.

    `detached` if its session is closed; `refused` if a flush has failed that nobody has rolled back. `reached` if
    some path there is not behind something that always fails: then all that is said is of such paths.
    """

    detached: bool = False
    refused: bool = False
    reached: bool = False


@dataclass(slots=True, eq=False)
class FailedUse(Event):
    """Use of a session in a handler after a failed write, without rollback; `because` are the failed operations."""

    method: str = ""


@dataclass(slots=True, eq=False)
class WaitsForLock(Event):
    """An update in a session while another one's open transaction has made updates (`because`); maybe `same_row`."""

    same_row: bool = False


@dataclass(slots=True, eq=False)
class Uncovered(Event):
    """An operation outside any block that begins a transaction; `commits` are commits by hand that end it.

    `continued` when another operation has begun it already on some path: then that one stands for the run.
    """

    continued: bool = False
    commits: set[Node] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class ManualCommit(Event):
    """A commit outside any block that ends work; `because` began the transaction."""


@dataclass(slots=True, eq=False)
class SlowAwait(Event):
    """Network, sleep or subprocess awaited (`what`) while a transaction holds a connection."""

    what: str = ""


@dataclass(slots=True, eq=False)
class StartedTask(Event):
    """A registration of a background task (the node) while a session has uncommitted writes (`because`)."""


@dataclass(slots=True, eq=False)
class LeftToCaller(Event):
    """A write (the node) on somebody else's session that is not committed when the function ends normally."""


@dataclass(slots=True, eq=False)
class Ended(Event):
    """A normal end of an own session's life: of its block, by a `close()`, of the function, or the next opening.

    `pending` are the writes that nothing has committed by then, `failed` the operations that nobody has rolled back;
    `unsure` if somebody unknown may have changed the session on some path.
    """

    pending: set[Node] = field(default_factory=set)
    failed: set[Node] = field(default_factory=set)
    unsure: bool = False


@dataclass(slots=True, eq=False)
class HandedObject(Event):
    """An ORM object of a session that a registration hands to its task, by an argument or closure (the node).

    `name` is the object's name; `registration` the call.
    """

    name: str = ""
    registration: Node | None = None


EventT = TypeVar("EventT", bound=Event)


class Trace:
    """All events of one function, each kind by node and session. `complete` unless its paths were too many."""

    def __init__(self) -> None:
        self._events: dict[Hashable, Event] = {}
        self.calls: dict[FunctionDef, set[Expr]] = {}
        self.opened: set[Site] = set()  # the own sessions that are followed
        self.current: Expr | None = None  # the call of a nested function that is being followed
        self.inside: list[FunctionDef] = []  # that function, and those that it calls
        self.complete = True

    def record(self, kind: type[EventT], node: Node, opened: Opened, sure: bool = True) -> EventT:
        """The event of a kind at a node, made at the first question."""
        key = (kind, node, opened.site)
        event = self._events.get(key)
        if not isinstance(event, kind):
            event = kind(node, opened)
            self._events[key] = event
        event.sure = event.sure or sure
        if self.current is not None and any(function.contains(node) for function in self.inside):
            event.calls.add(self.current)
        return event

    def of(self, kind: type[EventT]) -> list[EventT]:
        """The events of a kind, in source order."""
        found = [event for event in self._events.values() if isinstance(event, kind)]
        return sorted(found, key=lambda event: event.node.order)

    def tell_at_calls(self, file: FileFacts, function: FunctionDef) -> None:
        """Faults seen through a nested function stand at its call; those that are all its own stay where they are."""
        for key, event in list(self._events.items()):
            home = self._home(event, function)
            if home is not None:
                del self._events[key]
                for call in event.calls or self._calls_of(home, function):
                    mine = self.record(type(event), call, event.opened, event.sure)
                    mine.take(event)
                    mine.via = mine.via or event.via or (file, event.node)

    def _home(self, event: Event, function: FunctionDef) -> FunctionDef | None:
        """The nested function that an event has to be told outside of."""
        inner = next((f for f in self.calls if f.contains(event.node)), None)
        if inner is None or inner is function:
            return None
        opened = event.opened.site
        if isinstance(opened, Node) and inner.contains(opened):
            return None
        return None if event.because and all(inner.contains(node) for node in event.because) else inner

    def _calls_of(self, inner: FunctionDef, function: FunctionDef, depth: int = 0) -> set[Expr]:
        found: set[Expr] = set()
        for call in self.calls.get(inner, ()):
            around = next((f for f in self.calls if f is not inner and f.contains(call)), None)
            found |= {call} if around is None or depth > 5 else self._calls_of(around, function, depth + 1)
        return found

    def clear(self) -> None:
        """Forget all events: the function has too many paths to be followed."""
        self._events.clear()
        self.complete = False
