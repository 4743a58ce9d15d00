"""What the rules want to know of a function's paths: one record for each thing that can happen on some path."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.node import Node
from supavisor_lint.flow.values import Opened

# Where a called function does it: its file and the node in it.
Via = tuple[FileFacts, Node]


@dataclass(slots=True, eq=False)
class Event:
    """Something at a node, on one session. `because` are the nodes that led to it on some path.

    `via` is the place in a called function when the node is the call; `sure` is False when somebody unknown may have
    changed the session meanwhile.
    """

    node: Node
    opened: Opened
    because: set[Node] = field(default_factory=set)
    via: Via | None = None
    sure: bool = False


@dataclass(slots=True, eq=False)
class BegunTwice(Event):
    """`begin()` while a transaction is open. `inherited` when only an exception brings the open one into a handler."""

    inherited: bool = False
    in_block: bool = False


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
    """A write (the node) that nothing commits; `because` are the ends of its session."""


@dataclass(slots=True, eq=False)
class Swallowed(Event):
    """A handler (the node) inside a block that lets it go on; `because` are the operations that failed.

    `writes` are lost with it; `used` are later uses of the session in the block, which raise.
    """

    used: set[Node] = field(default_factory=set)
    writes: set[Node] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class ExpiredRead(Event):
    """An attribute read of an expired object; `because` are what expired it."""

    detached: bool = False


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
        self.complete = True

    def record(self, kind: type[EventT], node: Node, opened: Opened, sure: bool = True) -> EventT:
        """The event of a kind at a node, made at the first question."""
        key = (kind, node, opened.site)
        event = self._events.get(key)
        if not isinstance(event, kind):
            event = kind(node, opened)
            self._events[key] = event
        event.sure = event.sure or sure
        return event

    def of(self, kind: type[EventT]) -> list[EventT]:
        """The events of a kind, in source order."""
        found = [event for event in self._events.values() if isinstance(event, kind)]
        return sorted(found, key=lambda event: event.node.order)

    def clear(self) -> None:
        """Forget all events: the function has too many paths to be followed."""
        self._events.clear()
        self.complete = False
