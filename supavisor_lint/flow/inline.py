"""Following a called function that is given sessions: what it does counts at the call."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Attribute, Expr
from supavisor_lint.flow import machine
from supavisor_lint.flow.added_in_calls import with_added
from supavisor_lint.flow.at_hand import given_rows, without_dropped
from supavisor_lint.flow.events import (
    Trace,
)
from supavisor_lint.flow.frame import Exits, Frame, Thrown
from supavisor_lint.flow.inline_events import Telling, hidden_sessions
from supavisor_lint.flow.just_made import is_made
from supavisor_lint.flow.locked_rows import ANY_ROW, Change, Row, for_caller
from supavisor_lint.flow.memos import facts_back, given_facts, with_facts
from supavisor_lint.flow.operations import handler_around
from supavisor_lint.flow.quiet import SMALL, Manner, Quiet
from supavisor_lint.flow.renaming import Renaming
from supavisor_lint.flow.returning import outside, returned, unmasked
from supavisor_lint.flow.session_state import EMPTY_HISTORY, History, OpenBlock, SessionState
from supavisor_lint.flow.state import RETURNED, ObjectState, State, States, TooManyStates
from supavisor_lint.flow.values import (
    ANYTHING,
    CALLER,
    KeeperRef,
    Tracked,
)
from supavisor_lint.flow.waiting import note_locks_of_call
from supavisor_lint.flow.witnesses import witnesses
from supavisor_lint.project.values import FunctionValue

MAX_DEPTH = 5
MAX_STEPS_IN_CALL = 800  # of one call, with all that it calls


@dataclass(frozen=True, slots=True)
class Summary:
    """What following a function from one state gave: its normal ends, its exceptions, its events, and its updates."""

    ends: tuple[State, ...]
    raised: tuple[tuple[State, tuple[Thrown, ...]], ...]
    trace: Trace
    updates: frozenset[Node] = frozenset()
    changed: dict[Node, frozenset[Row]] = field(default_factory=dict)
    changes: frozenset[Change] = frozenset()
    _renamed: dict[object, tuple[list[State], list[State]]] = field(default_factory=dict)

    def in_names_of(self, names: Renaming) -> tuple[list[State], list[State]]:
        """The states of the ends, and of the exceptions, in a caller's names."""
        key = (*names.sites.items(), *names.objects.items())
        if key not in self._renamed:
            back = names.reversed()
            self._renamed[key] = ([*map(back.state, self.ends)], [back.state(after) for after, _ in self.raised])
        return self._renamed[key]

    def locked(self) -> frozenset[Row]:
        """The rows that the function leaves locked at its ends."""
        states = (*self.ends, *(after for after, _ in self.raised))
        histories = {history for after in states for history in after.histories.values()}
        sent = {write for history in histories for write in history.pending - history.unsent}
        locks = [write for write in sent if write in self.updates or isinstance(write, Attribute)]
        return frozenset(row for write in locks for row in self.changed.get(write, ANY_ROW))


class Inliner:
    """Follows called functions, each once for every state that it is called in."""

    def __init__(self, quiet: Quiet) -> None:
        self._quiet = quiet
        self._known: dict[object, tuple[Summary | None, int]] = {}  # with the steps that it took
        self._active: set[FunctionDef] = set()
        self._cuts = 0

    def call(
        self, frame: Frame, node: Expr, function: FunctionValue, given: dict[str, Tracked], state: State
    ) -> list[tuple[State, Tracked]]:
        """The states behind the call, each with the returned value."""
        if frame.text.contains(function.node):
            return self._in_place(frame, node, function, given, state)
        names = Renaming.of(given, state, partial(is_made, frame))
        if state.ghost or not any(state.sessions[site].sure for site in names.sites):
            frame.throw(state)  # nothing would be told of what it does
            return [(state, ANYTHING)]
        manner = self._quiet.of(function.file, function.node)
        # what it calls on an object that keeps sessions is not in its manner
        is_long = manner.quiet and manner.size > SMALL and KeeperRef not in map(type, given.values())
        if is_long and not (manner.swallows and any(state.sessions[site].blocks for site in names.sites)):
            return self._used(frame, node, manner, names, state)
        facts = given_facts(frame, state, function, node)
        masked = names.state(_masked(state, given, names).but(remembered=facts))
        in_handler = frame.in_handler or handler_around(node) is not None
        summary = self._followed(frame, function, masked, names, in_handler)
        if summary is None and is_long:
            return self._used(frame, node, manner, names, state)
        if summary is None:
            frame.throw(_unsure(state, names))
            return [(_unsure(state, names), ANYTHING)]
        hidden = hidden_sessions(frame, function, given)
        Telling(frame, node, function, state, names.reversed(), hidden).tell(summary.trace)
        note_locks_of_call(frame, state, node, function, summary.changes, names.reversed())
        locked = for_caller(summary.locked(), function, node)
        if locked:
            frame.updates.add(node)
            frame.changed[node] = frame.changed.get(node, frozenset()) | locked
        ends, failures = summary.in_names_of(names)
        if frame.exits.heard:
            for after, (_, kinds) in zip(failures, summary.raised, strict=True):
                behind = unmasked(state, after, node)
                behind = with_facts(behind, facts_back(state, after, function, node))
                for thrown in kinds:
                    frame.throw(behind, thrown)
        results = []
        for after in ends:
            behind, value = returned(state, after, node)
            behind = with_added(frame, after, behind, node, function)
            results.append((with_facts(behind, facts_back(state, after, function, node)), value))
        return results

    def _in_place(
        self, frame: Frame, node: Expr, function: FunctionValue, given: dict[str, Tracked], state: State
    ) -> list[tuple[State, Tracked]]:
        """A function nested in the caller: what happens in it is told where it stands."""
        from supavisor_lint.flow.follower import run_function

        if function.node in self._active or frame.depth >= MAX_DEPTH:
            self._cuts += 1
            return [(state, ANYTHING)]
        frame.trace.calls.setdefault(function.node, set()).add(node)
        inner = frame.nested(function)
        inner.in_handler = frame.in_handler or handler_around(node) is not None
        inner.exits.heard = frame.exits.heard
        outer = frame.trace.current
        frame.trace.current = outer or node
        frame.trace.inside.append(function.node)
        self._active.add(function.node)
        try:
            entry = state.but(variables=dict(given), assumed=(), remembered=frozenset())
            ends = run_function(inner, entry)
        finally:
            self._active.discard(function.node)
            frame.trace.inside.pop()
            frame.trace.current = outer
        for thrown, states in inner.exits.raised.items():
            for after in states:
                frame.throw(_behind_part(after, state), thrown)
        behind = [without_dropped(state, end, function.node) for end in ends]
        return [(_behind_part(end, state), end.value_of(RETURNED)) for end in behind]

    def _used(
        self, frame: Frame, node: Expr, manner: Manner, names: Renaming, state: State
    ) -> list[tuple[State, Tracked]]:
        """A long function that only uses its sessions."""
        states = [state]
        for site in names.sites:
            writes = manner.writes or frame.follower.wary
            use = machine.Use(node, "", writes=writes, queries=manner.queries, flushes=writes)
            states = [after for before in states for after in machine.work(frame, before, site, use)]
        for after in states:
            frame.throw(after)
        return [(after, ANYTHING) for after in states]

    def _followed(
        self, frame: Frame, function: FunctionValue, masked: State, names: Renaming, in_handler: bool
    ) -> Summary | None:
        """What following the function gives; None where that is, or becomes, too much."""
        if frame.follower.shallow:
            return None
        try:
            return self._summary(frame, function, masked, names, in_handler)
        except TooManyStates:
            if not frame.follower.goes_on_without(frame):
                raise
            return None

    def _summary(
        self, frame: Frame, function: FunctionValue, masked: State, names: Renaming, in_handler: bool
    ) -> Summary | None:
        options = tuple((frame.opened[site].expires, frame.opened[site].autoflush) for site in names.sites)
        key = (function.node, in_handler, frame.unwinding > 0, masked.identity, options)
        here = (key, frame.depth, frozenset(self._active))
        for known_as in (key, here):
            if known_as in self._known:
                known, steps = self._known[known_as]
                self._cuts += known_as is here
                frame.follower.spend(steps)
                frame.follower.lacks_calls |= known is None
                return known
        if function.node in self._active or frame.depth >= MAX_DEPTH:
            self._cuts += 1
            return None
        follower = frame.follower
        cuts, spent, limit = self._cuts, follower.spent, follower.limit
        if not follower.wary:  # which must see what they do
            follower.limit = min(limit, spent + MAX_STEPS_IN_CALL)
        self._active.add(function.node)
        try:
            found: Summary | None = self._follow(frame, function, masked, names, in_handler)
        except TooManyStates:
            if follower.spent > limit:
                raise  # that says nothing of this function
            follower.given_up[function.node] = function.file
            follower.lacks_calls = True
            found = None
        finally:
            self._active.discard(function.node)
            follower.limit = limit
        # an answer that a recursion, or the depth, has cut short holds only in this place
        is_whole = cuts == self._cuts or not self._active
        self._known[key if is_whole else here] = (found, frame.follower.spent - spent)
        return found

    def _follow(
        self, frame: Frame, function: FunctionValue, masked: State, names: Renaming, in_handler: bool
    ) -> Summary:
        from supavisor_lint.flow.follower import run_function

        inner = Frame(frame.follower, function.file, function.node, Trace(), frame.depth + 1)
        inner.in_handler, inner.unwinding = in_handler, frame.unwinding
        inner.given = frozenset(masked.objects)
        for old, new in names.sites.items():
            inner.opened[new] = replace(frame.opened[old], site=new, own=False, given=True)
        ends = run_function(inner, masked)
        return Summary(
            tuple(ends),
            _raised(inner.exits),
            inner.trace,
            frozenset(inner.updates),
            inner.changed,
            frozenset(inner.changes),
        )


def _raised(exits: Exits) -> tuple[tuple[State, tuple[Thrown, ...]], ...]:
    """What leaves a called function, each state with all the exceptions that leave it there."""
    found: dict[object, tuple[State, list[Thrown]]] = {}
    for thrown, states in exits.raised.items():
        for state in States(map(outside, states)):
            found.setdefault(state.identity, (state, []))[1].append(thrown)
    return tuple((state, tuple(kinds)) for state, kinds in found.values())


def _behind_part(after: State, before: State) -> State:
    """The caller's state behind a nested function that was followed where it stands."""
    return after.but(variables=before.variables, assumed=before.assumed, remembered=before.remembered)


def _unsure(state: State, names: Renaming) -> State:
    for site in names.sites:
        state = state.with_session(site, state.sessions[site]._replace(sure=False))
    return state


# ------------------------------------------------------------------------------------------------- into the callee


def _masked(state: State, given: dict[str, Tracked], names: Renaming) -> State:
    """The caller's state as the called function sees it: what happened before is the caller's doing."""
    return State(
        dict(given),
        {site: _mask_session(state.sessions[site]) for site in names.sites},
        {site: _mask_history(state.history(site)) for site in names.sites},
        {node: _mask_object(state.objects[node]) for node in names.objects} | witnesses(state, names),
        (),
        state.ghost,
        given_rows(state, names.sites),
    )


def _mask_session(session: SessionState) -> SessionState:
    if not session.blocks and session.failed is None:
        return session
    blocks = tuple(OpenBlock(CALLER, b.nested, None if b.over is None else CALLER) for b in session.blocks)
    return session._replace(blocks=blocks, failed=None if session.failed is None else CALLER)


def _mask_history(history: History) -> History:
    if history == EMPTY_HISTORY:
        return history

    def mask(nodes: frozenset[Node]) -> frozenset[Node]:
        return frozenset((CALLER,)) if nodes else nodes

    return History(
        origins=mask(history.begun_by),
        writes=mask(history.writes),
        carried=mask(history.carried),
        queries=mask(history.queries),
        unsent=mask(history.unsent),
    )


def _mask_object(known: ObjectState) -> ObjectState:
    if all(c.by is None for c in known.conditions):
        return known
    conditions = frozenset(c if c.by is None else c._replace(by=CALLER) for c in known.conditions)
    return known._replace(conditions=conditions)
