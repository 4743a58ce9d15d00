"""`with` items: what entering one does to the sessions, and what leaving it does, normally or with an exception."""

from __future__ import annotations

from dataclasses import dataclass, replace

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import dotted
from supavisor_lint.facts.statements import WithItem
from supavisor_lint.facts.tree import Expr
from supavisor_lint.flow import expressions, machine
from supavisor_lint.flow.begin_blocks import Leave, failing, leave_block, leaving
from supavisor_lint.flow.binding import bind, fresh, share
from supavisor_lint.flow.ends import note_end
from supavisor_lint.flow.frame import DATABASE, PLAIN, Frame
from supavisor_lint.flow.managers import keeping_manager
from supavisor_lint.flow.objects import after_commit, after_rollback, detached, forgotten
from supavisor_lint.flow.session_state import EMPTY_HISTORY, History, OpenBlock, SessionState
from supavisor_lint.flow.state import State
from supavisor_lint.flow.suppressing import Suppressor, suppressor
from supavisor_lint.flow.units import Unit, begins, unit_of
from supavisor_lint.flow.values import (
    ANYTHING,
    BlockRef,
    Exit,
    KeeperRef,
    OpenerRef,
    SessionRef,
    Site,
    Tracked,
    TransactionRef,
)
from supavisor_lint.project import calls as project_calls
from supavisor_lint.project.values import ClassValue, Session


@dataclass(frozen=True, slots=True)
class Entered:
    """An entered item: the state inside, what happens on leaving it, and whether errors of some kinds end there."""

    state: State
    leave: Leave
    fail: Leave
    suppressor: Suppressor | None = None


def _same(frame: Frame, state: State) -> list[State]:
    return [state]


def enter(frame: Frame, item: WithItem, state: State, *, is_async: bool) -> list[Entered]:
    """Evaluate and enter one item."""
    found: list[Entered] = []
    for after, value in expressions.evaluate(frame, item.context, state):
        if not is_async:
            frame.throw(after)
            bound = _bound(frame, after, item, ANYTHING)
            found.append(Entered(bound, _same, _same, suppressor(frame, item.context)))
        elif isinstance(value, BlockRef):
            found += _begin(frame, item, after, value)
        elif isinstance(value, TransactionRef):
            found += _begun_before(frame, item, after, value)
        elif isinstance(value, SessionRef) and value.site in after.sessions:
            found.append(_session(frame, item, after, value.site))
        elif isinstance(value, KeeperRef):
            found += _kept(frame, item, after, value)
        elif isinstance(value, OpenerRef):
            found.append(_opener(frame, item, after, value))
        else:
            found.append(_other(frame, item, after))
    return found


def _bound(frame: Frame, state: State, item: WithItem, value: Tracked) -> State:
    return state if item.target is None else bind(frame, state, item.target, value)


def _other(frame: Frame, item: WithItem, state: State) -> Entered:
    """An unknown context manager, or one whose class opens a session."""
    values = frame.ev.values(frame.file, item.context)
    frame.throw(state)
    entered = project_calls.entered(frame.ev, frame.file, values)
    sessions = [v for v in entered if isinstance(v, Session)]
    if len(sessions) == 1 and len(entered) == 1 and item.target is not None:
        opened = _opened(frame, item, state, sessions[0], begun=sessions[0].begun)
        return opened if not isinstance(sessions[0].definition, ClassValue) else _begun(frame, item, opened)
    unit = None if frame.follower.wary else unit_of(frame, item, values)
    if unit is not None:
        return _unit(frame, item, state, unit)
    return Entered(_bound(frame, state, item, ANYTHING), _same, _same, suppressor(frame, item.context))


def _kept(frame: Frame, item: WithItem, state: State, keeper: KeeperRef) -> list[Entered]:
    """A context manager of the project that keeps sessions; where it is not plain what it does, it may do anything."""
    manager = keeping_manager(frame, item.context, keeper)
    if manager is None:
        return [_other(frame, item, share(state, keeper))]
    return [
        Entered(_bound(frame, inside, item, value), manager.left, manager.failed)
        for inside, value in manager.entered(frame, state)
    ]


# ------------------------------------------------------------------------------------------------------- sessions


def _opener(frame: Frame, item: WithItem, state: State, ref: OpenerRef) -> Entered:
    values = frame.ev.values(frame.file, ref.context)
    frame.throw(state, PLAIN)  # a session connects when it is used
    entered = [v for v in project_calls.entered(frame.ev, frame.file, values) if isinstance(v, Session)]
    if not entered or item.target is None:
        return Entered(_bound(frame, state, item, ANYTHING), _same, _same, suppressor(frame, item.context))
    return _opened(frame, item, state, entered[0], begun=frame.follower.flow.enters_begun(frame.file, values))


def _opened(frame: Frame, item: WithItem, state: State, session: Session, *, begun: bool) -> Entered:
    assert item.target is not None
    return open_session(frame, state, item, item.target, session, begun=begun)


def open_session(
    frame: Frame, state: State, site: WithItem | Expr, target: Expr, session: Session, *, begun: bool
) -> Entered:
    """The life of a session that is opened for a block of code and given a name, its transaction maybe `begun`."""
    node = site.context if isinstance(site, WithItem) else site
    name = dotted(target) or "session"
    frame.opened[site] = frame.follower.openings.opened(site, name, session, frame.file)
    frame.trace.opened.add(site)
    blocks = (OpenBlock(node, nested=False),) if begun else ()
    histories = {s: h for s, h in state.histories.items() if s is not site}
    state = state.but(histories=histories)
    state = state.with_session(site, fresh(frame.opened[site], blocks))
    state = bind(frame, state, target, SessionRef(site))
    return Entered(state, _leaving(site, node, begun), _failing(site, node))


def _unit(frame: Frame, item: WithItem, state: State, unit: Unit) -> Entered:
    """A unit of work opens its own session; its class says how that ends."""
    name = f"{dotted(item.target)}.{unit.attr}" if item.target is not None else unit.attr
    openings = frame.follower.openings
    made = openings.opened(unit.made_by, name, unit.session, unit.cls.file)
    helper = Session("helper", unit.cls, confidence=unit.session.confidence)
    frame.opened[item] = replace(made, site=item, session=helper, exit=openings.exit(helper))
    histories = {s: h for s, h in state.histories.items() if s is not item}
    state = _bound(frame, state.but(histories=histories), item, ANYTHING)
    state = state.with_session(item, fresh(frame.opened[item])).with_variable(name, SessionRef(item))
    return _begun(frame, item, Entered(state, _leaving(item, item.context, False), _failing(item, item.context)))


def _begun(frame: Frame, item: WithItem, entered: Entered) -> Entered:
    """The same block where the class has begun a transaction on entering it."""
    definition = frame.opened[item].session.definition
    if not isinstance(definition, ClassValue) or not begins(frame.follower.flow, definition):
        return entered
    begun = entered.state.sessions[item]._replace(transaction="begun")
    history = History(origins=frozenset((item.context,)))
    return replace(entered, state=entered.state.with_session(item, begun, history))


def _session(frame: Frame, item: WithItem, state: State, site: Site) -> Entered:
    """`async with session:` on a session that exists: entering does nothing, leaving closes it.

    What a helper does to its own session comes later, at the end of the helper's block.
    """
    state = _bound(frame, state, item, SessionRef(site))
    if frame.opened[site].exit == "commit":
        return Entered(state, _closing(site, item.context), _failing(site, item.context, "close"))
    return Entered(state, _leaving(site, item.context, begun=False), _failing(site, item.context))


def _closing(site: Site, node: Node) -> Leave:
    return lambda frame, state: machine.end(frame, state, site, node, "close")


def _leaving(site: Site, node: Node, begun: bool) -> Leave:
    def leave(frame: Frame, state: State) -> list[State]:
        if begun:
            states = leave_block(frame, state, site, node)
        else:
            states = [state]
        for ending in states:
            note_end(frame, ending, site, node)
        return [_closed(frame, s, site, node) for s in states]

    return leave


def _closed(frame: Frame, state: State, site: Site, node: Node) -> State:
    opened, session = frame.opened[site], state.sessions[site]
    if opened.exit == "commit" and opened.own:
        if state.history(site).pending:
            frame.throw(state.with_session(site, SessionState(), EMPTY_HISTORY), DATABASE)
        state = after_commit(state, opened, node)
    elif opened.exit == "close":
        machine.lost(frame, state, site, node)
    state = detached(state, site) if opened.exit != "unknown" else forgotten(state, site)
    ended = SessionState("fresh", sure=session.sure, shared=session.shared)
    return state.with_session(site, ended, EMPTY_HISTORY)


def _failing(site: Site, node: Node, exit_: Exit | None = None) -> Leave:
    def fail(frame: Frame, state: State) -> list[State]:
        session, ends_with = state.sessions[site], exit_ or frame.opened[site].exit
        if ends_with == "close":
            state = detached(state, site)
        elif ends_with == "commit":
            state = detached(after_rollback(state, site, node), site)
        else:
            state = forgotten(state, site)
        ended = SessionState("fresh", sure=session.sure, shared=session.shared)
        return [state.with_session(site, ended, EMPTY_HISTORY)]

    return fail


# --------------------------------------------------------------------------------------------------------- blocks


def _begin(frame: Frame, item: WithItem, state: State, ref: BlockRef) -> list[Entered]:
    begin = machine.begin_nested if ref.nested else machine.begin
    found = []
    for after in begin(frame, state, ref.session, ref.call):
        inside = _bound(frame, after.with_value(ref, ref.begun), item, ref.begun)
        found.append(Entered(inside, leaving(ref), failing(ref)))
    return found


def _begun_before(frame: Frame, item: WithItem, state: State, ref: TransactionRef) -> list[Entered]:
    """`async with await session.begin():`. Entering begins once more, which a savepoint only survives."""
    return _begin(frame, item, state, BlockRef(ref.session, item.context, ref.nested))
