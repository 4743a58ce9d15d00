"""One function being followed: what is known about it, and where its exceptions and early exits go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.flow.condition_texts import reads_attributes
from supavisor_lint.flow.events import Swallowed, Trace, Via
from supavisor_lint.flow.lifetimes import life_of
from supavisor_lint.flow.locked_rows import Change, Row
from supavisor_lint.flow.memos import Memo
from supavisor_lint.flow.state import State, States, TooManyStates
from supavisor_lint.flow.steady import is_steady
from supavisor_lint.flow.unbound import unbound_reads
from supavisor_lint.flow.values import Opened, Site
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.values import FunctionValue

if TYPE_CHECKING:
    from supavisor_lint.flow.follower import Follower

Leaving: TypeAlias = Literal["break", "continue", "return"]


MAX_STEPS = 4000
MAX_STEPS_IN_CALLED = 500


class Thrown(NamedTuple):
    """What kind of exception leaves: the database's, one of a known class, any, or any but the database's ("plain").

    "refused" is what a session, or a transaction that has failed already, says that has to be rolled back first.
    `bases` are the names of all that a known class derives from, where its definition is known. `past` are the classes
    of the handlers that it has passed: it is none of these.
    """

    kind: Literal["any", "database", "refused", "class", "plain"] = "any"
    name: str = ""
    bases: frozenset[str] | None = None
    past: frozenset[str] = frozenset()


ANY = Thrown()
DATABASE = Thrown("database")
REFUSED = Thrown("refused")
PLAIN = Thrown("plain")  # of a call that is not awaited: it cannot have asked the database


@dataclass(slots=True, eq=False)
class Exits:
    """The ways out of a stretch of code other than its end.

    Where nobody hears exceptions (what is followed first lets them out to nobody), they are not kept.
    """

    heard: bool = True
    outer: Exits | None = None
    raised: dict[Thrown, States] = field(default_factory=dict)
    left: dict[Leaving, States] = field(default_factory=dict)

    def add_all(self, other: Exits) -> None:
        """Take over the exits of an inner stretch."""
        for thrown, states in other.raised.items():
            self.raise_all(thrown, states)
        for leaving, states in other.left.items():
            self.left.setdefault(leaving, States()).update(states)

    def raise_all(self, thrown: Thrown, states: Iterable[State]) -> None:
        """Let an exception out of several states."""
        if not self.heard:
            return
        known = self.raised.get(thrown)
        if known is None:
            self.raised[thrown] = States(states)
        else:
            known.update(states)


class Stretch:
    """A stretch of code that keeps its exits to itself. (A class: `contextmanager` takes three times as long.)"""

    __slots__ = ("_frame", "_hears", "_outer")

    def __init__(self, frame: Frame, *, hears: bool) -> None:
        self._frame = frame
        self._hears = hears

    def __enter__(self) -> Exits:
        self._outer = self._frame.exits
        self._frame.exits = Exits(self._hears or self._outer.heard, self._outer)
        return self._frame.exits

    def __exit__(self, *_: object) -> None:
        self._frame.exits = self._outer


class Frame:
    """One function being followed on all its paths."""

    def __init__(self, follower: Follower, file: FileFacts, function: FunctionDef, trace: Trace, depth: int) -> None:
        self.follower = follower
        self.file = file
        self.function = function
        self.text = function  # with all the nested functions that are followed as a part of it
        self.trace = trace
        self.depth = depth
        self.opened: dict[Site, Opened] = {}
        self.exits = Exits(heard=depth > 0)
        self.life = life_of(function)
        self.unbound = unbound_reads(function)
        self.repeated = self._ties()  # the conditions that tie branches together
        self.swallowers: dict[Node, set[Node]] = {}  # a failed operation and what lets its block go on
        self.caught_at: dict[Node, Via] = {}  # where a call catches what spoils its caller's block
        self.losses: dict[tuple[Site, Node], dict[Node, set[Node]]] = {}  # of these, those that lose work: which writes
        self.left_failed: dict[tuple[Site, Node], Swallowed] = {}  # calls that swallow what spoils their caller's block
        self.updates: set[Node] = set()  # executed statements that lock the rows they change
        self.rows: dict[
            Node, tuple[object, str]
        ] = {}  # the class and key of what an update changes, where both are known
        self.changed: dict[Node, frozenset[Row]] = {}  # the rows of each update, as far as they are known
        self.changes: set[Change] = set()  # updates in the sessions that a called function is given
        self.given: frozenset[Node] = frozenset()  # the caller's objects
        self.in_handler = False  # whether the call that led here stands in a failure handler
        self.steps: dict[object, tuple[tuple[State, ...], Exits]] = {}
        self.unwinding = 0  # clean-ups after an exception that this stands in, also by the calls that led here
        self.looseness = 0  # see loosening
        self._steps_left = MAX_STEPS if depth == 0 else MAX_STEPS_IN_CALLED

    def _ties(self) -> frozenset[str]:
        repeated = self.life.repeated
        if not self.follower.wary:
            return repeated
        return frozenset(t for t in repeated if not reads_attributes(t) and is_steady(self.function, t))

    @property
    def memo(self) -> Memo:
        """What the function asks some mapping for, and puts there."""
        return self.follower.memos.memo(self.file, self.function)

    @property
    def ev(self) -> Evaluator:
        """The evaluator of the project."""
        return self.follower.ev

    def nested(self, function: FunctionValue) -> Frame:
        """A function of this one's own text, followed as a part of it."""
        inner = Frame(self.follower, function.file, function.node, self.trace, self.depth + 1)
        inner.text, inner.opened, inner.given = self.text, self.opened, self.given
        inner.updates, inner.rows, inner.unwinding = self.updates, self.rows, self.unwinding
        inner.changed, inner.changes = self.changed, self.changes
        inner.swallowers, inner.losses, inner.left_failed = self.swallowers, self.losses, self.left_failed
        inner.caught_at = self.caught_at
        return inner

    def start_again(self, steps: int) -> None:
        """Follow on differently: what was found for a compound statement does not hold any more."""
        self.steps.clear()
        self._steps_left = steps

    def spend(self) -> None:
        """One more step; raises TooManyStates when they are too many for one function."""
        if self.depth > 0:
            self.follower.spend(1)
        self._steps_left -= 1
        if self._steps_left < 0:
            raise TooManyStates

    def throw(self, state: State, thrown: Thrown = ANY) -> None:
        """An exception leaves from here."""
        exits = self.exits
        if exits.heard:
            known = exits.raised.get(thrown)
            if known is None:
                exits.raised[thrown] = States((state,))
            else:
                known.add(state)

    def behind_failure(self, state: State) -> State:
        """The state behind something that always fails: nothing gets there, but for who wants to know all the same."""
        return state if self.follower.tells_all else state.but(ghost=True)

    def leave(self, leaving: Leaving, state: State) -> None:
        """`break`, `continue` or `return`."""
        self.exits.left.setdefault(leaving, States()).add(state)

    def stretch(self, *, hears: bool = False) -> Stretch:
        """Collect the exits of a stretch of code instead of letting them out; does what is around it hear exceptions?

        Else they matter only if somebody further out does.
        """
        return Stretch(self, hears=hears)

    @contextmanager
    def cleaning_up(self) -> Iterator[None]:
        """Clean-up after an exception: what is given up now is no news."""
        self.unwinding += 1
        try:
            yield
        finally:
            self.unwinding -= 1
