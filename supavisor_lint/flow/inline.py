"""Following a called function that is given sessions: what it does counts at the call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Call
from supavisor_lint.flow import machine
from supavisor_lint.flow.conditions import repeated_conditions
from supavisor_lint.flow.events import (
    BegunTwice,
    EndedInBlock,
    Event,
    ExpiredRead,
    FailedUse,
    ManualCommit,
    SlowAwait,
    Swallowed,
    Trace,
    Uncovered,
)
from supavisor_lint.flow.frame import Frame, Thrown
from supavisor_lint.flow.operations import handler_around
from supavisor_lint.flow.state import (
    Condition,
    History,
    ObjectState,
    OpenBlock,
    SessionState,
    State,
    TooManyStates,
)
from supavisor_lint.flow.values import (
    ANYTHING,
    CALLER,
    BlockRef,
    ConstantRef,
    ManyRef,
    ObjectRef,
    ResultRef,
    SessionRef,
    Site,
    Tracked,
    TransactionRef,
)
from supavisor_lint.project.values import FunctionValue

MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Summary:
    """What following a function from one state gave: its normal ends, its exceptions, its events."""

    ends: tuple[State, ...]
    raised: tuple[tuple[Thrown, State], ...]
    trace: Trace


class Inliner:
    """Follows called functions, each once for every state that it is called in."""

    def __init__(self, follower: object) -> None:
        self._follower = follower
        self._known: dict[object, Summary | None] = {}
        self._active: set[FunctionDef] = set()

    def call(
        self, frame: Frame, node: Call, function: FunctionValue, given: dict[str, Tracked], state: State
    ) -> list[tuple[State, Tracked]]:
        """The states behind the call, each with the returned value."""
        masked = _masked(state, given)
        in_handler = frame.in_handler or handler_around(node) is not None
        summary = self._summary(frame, function, masked, in_handler)
        if summary is None:
            frame.throw(_unsure(state, given))
            return [(_unsure(state, given), ANYTHING)]
        _report(frame, node, function, state, summary.trace)
        for thrown, after in summary.raised:
            frame.throw(_unmasked(state, after, node), thrown)
        return [_returned(state, after, node) for after in summary.ends]

    def _summary(self, frame: Frame, function: FunctionValue, masked: State, in_handler: bool) -> Summary | None:
        key = (function.node, in_handler, masked.identity)
        if key not in self._known:
            if function.node in self._active or frame.depth >= MAX_DEPTH:
                return None
            self._active.add(function.node)
            try:
                self._known[key] = self._follow(frame, function, masked, in_handler)
            except TooManyStates:
                self._known[key] = None
            finally:
                self._active.discard(function.node)
        return self._known[key]

    def _follow(self, frame: Frame, function: FunctionValue, masked: State, in_handler: bool) -> Summary:
        from supavisor_lint.flow.follower import run_function

        inner = Frame(frame.follower, function.file, function.node, Trace(), frame.depth + 1)
        inner.in_handler = in_handler
        inner.opened = {site: replace(frame.opened[site], own=False) for site in masked.sessions}
        ends = run_function(inner, masked, repeated_conditions(function.node))
        raised = tuple((thrown, s) for thrown, states in inner.exits.raised.items() for s in states)
        return Summary(tuple(ends), raised, inner.trace)


def _sites(given: dict[str, Tracked]) -> Iterator[Site]:
    for value in given.values():
        if isinstance(value, SessionRef):
            yield value.site
        elif isinstance(value, TransactionRef | BlockRef | ResultRef):
            yield value.session


def _unsure(state: State, given: dict[str, Tracked]) -> State:
    for site in set(_sites(given)):
        state = state.with_session(site, state.sessions[site]._replace(sure=False))
    return state


# ------------------------------------------------------------------------------------------------- into the callee


def _masked(state: State, given: dict[str, Tracked]) -> State:
    """The caller's state as the called function sees it: what happened before is the caller's doing."""
    objects = {v.site: state.objects[v.site] for v in given.values() if isinstance(v, ObjectRef | ManyRef)}
    sites = {*_sites(given), *(o.session for o in objects.values() if o.session in state.sessions)}
    objects |= {node: known for node, known in state.objects.items() if known.session in sites}
    return State(
        dict(given),
        {site: _mask_session(state.sessions[site]) for site in sites},
        {site: _mask_history(state.history(site)) for site in sites},
        {node: _mask_object(known) for node, known in objects.items()},
        (),
        state.ghost,
    )


def _mask_session(session: SessionState) -> SessionState:
    blocks = tuple(OpenBlock(CALLER, b.nested, None if b.over is None else CALLER) for b in session.blocks)
    return session._replace(blocks=blocks, failed=None if session.failed is None else CALLER)


def _mask_history(history: History) -> History:
    def mask(nodes: frozenset[Node]) -> frozenset[Node]:
        return frozenset((CALLER,)) if nodes else nodes

    return History(*map(mask, history))


def _mask_object(known: ObjectState) -> ObjectState:
    conditions = frozenset(c if c.by is None else c._replace(by=CALLER) for c in known.conditions)
    return known._replace(conditions=conditions)


# ----------------------------------------------------------------------------------------------------- and back out


def _returned(state: State, after: State, node: Call) -> tuple[State, Tracked]:
    from supavisor_lint.flow.statements import RETURNED

    value = after.value_of(RETURNED)
    back = _unmasked(state, after, node)
    if isinstance(value, ObjectRef | ManyRef):
        if value.site in state.objects:
            return back, value
        known = after.objects.get(value.site)
        if known is not None and known.session in back.sessions:
            return back.with_object(node, _object_back(known, None, node)), type(value)(node)
        return back, ANYTHING
    if isinstance(value, SessionRef):
        return (back, value) if value.site in state.sessions else (back, ANYTHING)
    return back, value if isinstance(value, ConstantRef) else ANYTHING


def _unmasked(state: State, after: State, node: Call) -> State:
    """The caller's state behind the call: what the called function did is done by the call."""
    for site, session in after.sessions.items():
        if site in state.sessions:
            before = state.sessions[site]
            history = _history_back(state.history(site), after.history(site), node)
            state = state.with_session(site, _session_back(before, session, node), history)
    for found, known in after.objects.items():
        if found in state.objects:
            state = state.with_object(found, _object_back(known, state.objects[found], node))
    return replace(state, ghost=after.ghost)


def _session_back(before: SessionState, after: SessionState, node: Node) -> SessionState:
    blocks = before.blocks
    if len(after.blocks) == len(blocks):
        blocks = tuple(
            old._replace(over=old.over if new.over is CALLER else None if new.over is None else node)
            for old, new in zip(blocks, after.blocks, strict=True)
        )
    failed = before.failed if after.failed is CALLER else None if after.failed is None else node
    return after._replace(blocks=blocks, failed=failed)


def _history_back(before: History, after: History, node: Node) -> History:
    def back(mine: frozenset[Node], found: frozenset[Node]) -> frozenset[Node]:
        kept = mine if CALLER in found else frozenset[Node]()
        return kept | {node} if found - {CALLER} else kept

    return History(*(back(mine, found) for mine, found in zip(before, after, strict=True)))


def _object_back(known: ObjectState, before: ObjectState | None, node: Node) -> ObjectState:
    def back(condition: Condition) -> Iterator[Condition]:
        if condition.by is None:
            yield condition
        elif condition.by is CALLER and before is not None:
            yield from (c for c in before.conditions if c.by is not None)
        else:
            yield condition._replace(by=node)

    return known._replace(conditions=frozenset(c for condition in known.conditions for c in back(condition)))


# ----------------------------------------------------------------------------------------------------------- events


def _report(frame: Frame, node: Call, function: FunctionValue, state: State, trace: Trace) -> None:
    """Tell the caller's trace what the called function does to what it was given."""
    for begun in trace.of(BegunTwice):
        if CALLER in begun.because and begun.sure and begun.opened.site in state.sessions:
            machine.note_begun_twice(frame, state, begun.opened.site, node)
            _via(frame, BegunTwice, node, begun, function)
    for ended in trace.of(EndedInBlock):
        _report_ended(frame, node, function, state, ended)
    for swallowed in trace.of(Swallowed):
        _report_swallowed(frame, node, function, state, swallowed)
    for kind in (ExpiredRead, FailedUse, SlowAwait):
        for event in trace.of(kind):
            if CALLER in event.because and event.opened.site in state.sessions:
                _copy(frame, node, function, state, event)
    _report_work(frame, node, function, state, trace)


def _via(frame: Frame, kind: type[Event], node: Node, event: Event, function: FunctionValue) -> None:
    mine = frame.trace.record(kind, node, frame.opened[event.opened.site], False)
    mine.via = event.via or (function.file, event.node)


def _report_ended(frame: Frame, node: Call, function: FunctionValue, state: State, event: EndedInBlock) -> None:
    site = event.opened.site
    if site not in state.sessions:
        return
    over = state.sessions[site].is_over
    if event.node is CALLER and over is not None and event.used:
        frame.trace.record(EndedInBlock, over, frame.opened[site], False).used.add(node)
    if CALLER in event.because and event.node is not CALLER:
        mine = frame.trace.record(EndedInBlock, node, frame.opened[site], event.sure and not state.ghost)
        mine.method = event.method
        mine.because |= {b.node for b in state.sessions[site].blocks if not b.nested}
        mine.used |= {node} if event.used else set()
        mine.via = event.via or (function.file, event.node)


def _report_swallowed(frame: Frame, node: Call, function: FunctionValue, state: State, event: Swallowed) -> None:
    """The called function swallows an error that its caller's block does not survive."""
    site = event.opened.site
    if not event.sure or site not in state.sessions or state.sessions[site].block is None:
        return
    mine = frame.trace.record(Swallowed, node, frame.opened[site], machine.is_sure(state, site))
    mine.via = event.via or (function.file, event.node)
    mine.because.add(node)
    mine.writes |= state.history(site).pending - {CALLER}


def _copy(frame: Frame, node: Call, function: FunctionValue, state: State, event: Event) -> None:
    site = event.opened.site
    mine = frame.trace.record(type(event), node, frame.opened[site], event.sure)
    mine.via = event.via or (function.file, event.node)
    session, history = state.sessions[site], state.history(site)
    if isinstance(event, ExpiredRead) and isinstance(mine, ExpiredRead):
        mine.detached = event.detached
        conditions = (c for known in state.objects.values() if known.session == site for c in known.conditions)
        mine.because |= {c.by for c in conditions if c.by is not None}
    elif isinstance(event, FailedUse) and isinstance(mine, FailedUse):
        mine.method = event.method
        mine.because |= {session.failed} if session.failed is not None else set()
    elif isinstance(event, SlowAwait) and isinstance(mine, SlowAwait):
        mine.what = event.what
        mine.because |= history.queries


def _report_work(frame: Frame, node: Call, function: FunctionValue, state: State, trace: Trace) -> None:
    """Work and commits outside blocks: the call stands for them."""
    for event in trace.of(Uncovered):
        site = event.opened.site
        if site in state.sessions and not state.sessions[site].block:
            mine = machine.note_uncovered(frame, state, site, node)
            mine.via = mine.via or event.via or (function.file, event.node)
            mine.commits |= {node} if event.commits else set()
    for commit in trace.of(ManualCommit):
        site = commit.opened.site
        if site in state.sessions and not state.sessions[site].block:
            mine_commit = frame.trace.record(ManualCommit, node, frame.opened[site])
            mine_commit.via = commit.via or (function.file, commit.node)
            origins = state.history(site).origins
            mine_commit.because |= origins or {node}
            for origin in origins:
                frame.trace.record(Uncovered, origin, frame.opened[site], False).commits.add(node)
