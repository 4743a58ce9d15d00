"""The state of a function's sessions at one point of one path, and the sets of states that paths bring together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from supavisor_lint.facts.node import Node
from supavisor_lint.flow.session_state import EMPTY_HISTORY, History, SessionState
from supavisor_lint.flow.values import ANYTHING, BlankRef, Entity, Site, Tracked

MAX_STATES = 160

RETURNED = "<returned>"  # the name of what a function returns, at its end


class TooManyStates(Exception):  # noqa: N818 - it is named for what happened
    """More different states meet at one point than can be followed."""


class Condition(NamedTuple):
    """How an ORM object stands.

    `added` (not flushed), `new` (not committed), `live`, `expired` by a node, `kept` (one of the two), `unknown`
    (`by` what took it out of the session, if that is known);
    `deleted` by a node, and `gone` by the node that has committed that: it has left the session as it was.

    `present` are the attributes of an expired object that were set since: they can be read. `only` are those that have
    expired (None: all).
    """

    kind: Literal["added", "new", "live", "expired", "kept", "unknown", "deleted", "gone"]
    by: Node | None = None
    detached: bool = False
    present: frozenset[str] = frozenset()
    only: frozenset[str] | None = None

    def blocks(self, attr: str) -> bool:
        """Whether reading an attribute asks the database."""
        return self.kind == "expired" and attr not in self.present and (self.only is None or attr in self.only)


class ObjectState(NamedTuple):
    """An ORM object: its session, its class, and every condition that it may be in."""

    session: Site
    entity: Entity | None
    conditions: frozenset[Condition]

    def joined(self, other: ObjectState) -> ObjectState:
        """The object on either path."""
        return self._replace(conditions=self.conditions | other.conditions)


class Loaded(NamedTuple):
    """A row that a session has at hand."""

    session: Site
    entity: Entity
    key: str | None


@dataclass(slots=True, eq=False)
class State:
    """One state; it never changes (not `frozen`: states are made too often for that to be free).

    `variables` maps names (dotted for attributes) to what they hold; absent is not followed.

    `assumed` are the conditions taken so far, by text; `ghost` marks a path behind something that always fails;
    `loaded` says which rows a session has at hand, so that a `get()` asks nobody: its class and the text of its key
    (None: unknown which). Only what a later `get()` may ask for is in it. `remembered` says what is in some mappings
    (see `memos`).
    """

    variables: dict[str, Tracked]
    sessions: dict[Site, SessionState]
    histories: dict[Site, History]
    objects: dict[Node, ObjectState]
    assumed: tuple[tuple[str, bool], ...] = ()
    ghost: bool = False
    loaded: frozenset[Loaded] = frozenset()
    remembered: frozenset[str] = frozenset()
    _key: object = field(default=None, init=False)
    _roots: frozenset[str] | None = field(default=None, init=False)
    _identity: object = field(default=None, init=False)
    _has_blanks: bool | None = field(default=None, init=False)

    @property
    def key(self) -> object:
        """What tells this state from others; what is left are histories, which add up."""
        if self._key is None:
            variables = frozenset(self.variables.items())
            sessions = frozenset(self.sessions.items())
            self._key = (variables, sessions, self.assumed, self.ghost, self.loaded, self.remembered)
        return self._key

    @property
    def roots(self) -> frozenset[str]:
        """The first parts of all followed names."""
        if self._roots is None:
            self._roots = frozenset([name.partition(".")[0] for name in self.variables])
        return self._roots

    @property
    def has_blanks(self) -> bool:
        """Whether some name holds an instance that was made without arguments."""
        if self._has_blanks is None:
            self._has_blanks = BlankRef in map(type, self.variables.values())
        return self._has_blanks

    @property
    def identity(self) -> object:
        """Everything that is known: two states of one identity go on alike in every respect."""
        if self._identity is None:
            self._identity = (self.key, frozenset(self.histories.items()), frozenset(self.objects.items()))
        return self._identity

    def but(
        self,
        *,
        variables: dict[str, Tracked] | None = None,
        sessions: dict[Site, SessionState] | None = None,
        histories: dict[Site, History] | None = None,
        objects: dict[Node, ObjectState] | None = None,
        assumed: tuple[tuple[str, bool], ...] | None = None,
        ghost: bool | None = None,
        loaded: frozenset[Loaded] | None = None,
        remembered: frozenset[str] | None = None,
    ) -> State:
        """The state with some of its parts replaced."""
        return State(
            self.variables if variables is None else variables,
            self.sessions if sessions is None else sessions,
            self.histories if histories is None else histories,
            self.objects if objects is None else objects,
            self.assumed if assumed is None else assumed,
            self.ghost if ghost is None else ghost,
            self.loaded if loaded is None else loaded,
            self.remembered if remembered is None else remembered,
        )

    def with_variable(self, name: str, value: Tracked) -> State:
        """The state after a name is bound; what was known of its attributes is forgotten."""
        variables = self._without(name)
        variables[name] = value
        return self._with_variables(name, variables, self._assumed_without(name))

    def unbound(self, name: str) -> State:
        """The state after a name is bound to something that is not followed."""
        if not (self.assumed or self.loaded or self.remembered) and name.partition(".")[0] not in self.roots:
            return self
        variables, assumed = self._without(name), self._assumed_without(name)
        remembered = forget(self.remembered, name)
        is_new = len(variables) != len(self.variables) or assumed != self.assumed or remembered != self.remembered
        if not is_new and not self.loaded:
            return self
        return self._with_variables(name, variables, assumed)

    def with_value(self, before: Tracked, now: Tracked) -> State:
        """The state after what some names hold has become something else: they all hold that."""
        if before not in self.variables.values():
            return self
        return self.but(variables={n: now if v == before else v for n, v in self.variables.items()})

    def _with_variables(self, name: str, variables: dict[str, Tracked], assumed: tuple[tuple[str, bool], ...]) -> State:
        loaded = self.loaded
        if loaded:
            loaded = frozenset(row._replace(key=None) if row.key and mentions(row.key, name) else row for row in loaded)
        remembered = forget(self.remembered, name)
        return self.but(variables=variables, assumed=assumed, loaded=loaded, remembered=remembered)

    def _without(self, name: str) -> dict[str, Tracked]:
        prefix = f"{name}."
        return {n: v for n, v in self.variables.items() if n != name and not n.startswith(prefix)}

    def _assumed_without(self, name: str) -> tuple[tuple[str, bool], ...]:
        return tuple(a for a in self.assumed if not mentions(a[0], name)) if self.assumed else ()

    def with_session(self, site: Site, session: SessionState, history: History | None = None) -> State:
        """The state after something happened to a session."""
        same_history = history is None or self.histories.get(site) == history
        if same_history and self.sessions.get(site) == session:
            return self
        sessions = {**self.sessions, site: session}
        histories = self.histories if same_history or history is None else {**self.histories, site: history}
        return self.but(sessions=sessions, histories=histories)

    def with_object(self, site: Node, state: ObjectState) -> State:
        """The state after something happened to an object."""
        if self.objects.get(site) == state:
            return self
        return self.but(objects={**self.objects, site: state})

    def without_loaded(self, site: Site) -> State:
        """The state in which a session has no row at hand any more."""
        if not any(row.session == site for row in self.loaded):
            return self
        return self.but(loaded=frozenset(row for row in self.loaded if row.session != site))

    def value_of(self, name: str) -> Tracked:
        """What a name holds, as far as it is followed."""
        return self.variables.get(name, ANYTHING)

    def history(self, site: Site) -> History:
        """What may have happened to a session."""
        return self.histories.get(site, EMPTY_HISTORY)

    def is_sure(self, site: Site) -> bool:
        """Whether a session is known to be in the state that it seems to be in."""
        return self.sessions[site].sure and not self.ghost

    def joined(self, other: State) -> State:
        """Both states at once; their keys are equal."""
        if other.histories == self.histories and other.objects == self.objects:
            return self
        histories = dict(self.histories)
        for site, history in other.histories.items():
            histories[site] = histories[site].joined(history) if site in histories else history
        objects = dict(self.objects)
        for node, state in other.objects.items():
            known = objects.get(node)
            objects[node] = state if known is None else known.joined(state)
        if histories == self.histories and objects == self.objects:
            return self
        return self.but(histories=histories, objects=objects)


EMPTY = State({}, {}, {}, {})


def mentions(text: str, name: str) -> bool:
    """Whether a condition's text (words separated by blanks) speaks of a name."""
    return name in text.split()


def forget(facts: frozenset[str], name: str) -> frozenset[str]:
    """The facts (words separated by blanks) that do not speak of a name, dotted for attributes."""
    if not facts:
        return facts
    text = f" {name.replace('.', ' .')} "
    return frozenset(fact for fact in facts if text not in f" {fact} ")


class States:
    """A set of states, one for each key. Adding says whether anything was new.

    Most sets are of one state, of which no key is needed: it stands in `_only`, until another one comes.
    """

    __slots__ = ("_by_key", "_only")

    def __init__(self, states: Iterable[State] = ()) -> None:
        self._only: State | None = None
        self._by_key: dict[object, State] = {}
        for state in states:
            if state is not self._only:
                self.add(state)

    def __iter__(self) -> Iterator[State]:
        return iter(list(self._by_key.values()) if self._only is None else (self._only,))

    def __bool__(self) -> bool:
        return self._only is not None or bool(self._by_key)

    def __len__(self) -> int:
        return len(self._by_key) if self._only is None else 1

    def add(self, state: State) -> bool:
        """Add a state; raises TooManyStates."""
        if state is self._only:
            return False
        if self._only is not None:
            self._by_key[self._only.key] = self._only
            self._only = None
        elif not self._by_key:
            self._only = state
            return True
        return self._add_by_key(state)

    def _add_by_key(self, state: State) -> bool:
        known = self._by_key.get(state.key)
        if known is state:
            return False
        joined = state if known is None else known.joined(state)
        if joined is known:
            return False
        self._by_key[state.key] = joined
        if len(self._by_key) > MAX_STATES:
            raise TooManyStates
        return True

    def news(self, states: Iterable[State]) -> States:
        """Add several states; those that are new now, or have become more."""
        added = [state for state in states if self.add(state)]
        return States(added if self._only is not None else (self._by_key[state.key] for state in added))

    def update(self, states: Iterable[State]) -> bool:
        """Add several states."""
        changed = False
        for state in states:
            if state is not self._only and self.add(state):
                changed = True
        return changed


Collected: TypeAlias = States | tuple[State, ...]
"""Some states, of which each is there once."""
