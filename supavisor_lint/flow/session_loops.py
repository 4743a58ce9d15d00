"""`async for session in get_db():` over a generator that gives one session: the body runs once, with that session.

Behind the body's end the generator goes on and does what it does behind its `yield`. A `break`, a `return` or an
exception leaves it where it is: it hears of no exception, does not commit, and closes the session when it is collected.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign, ExprStmt, For, FunctionDef, Return, Try, While, With
from supavisor_lint.facts.tree import Attribute, Await, Block, Name, Yield
from supavisor_lint.flow import machine
from supavisor_lint.flow.alternatives import exclude_each_other
from supavisor_lint.flow.blocks import open_session
from supavisor_lint.flow.expressions import evaluate
from supavisor_lint.flow.frame import Exits, Frame
from supavisor_lint.flow.loops import Run
from supavisor_lint.flow.objects import detached, forgotten
from supavisor_lint.flow.session_state import EMPTY_HISTORY, SessionState
from supavisor_lint.flow.state import State, States
from supavisor_lint.flow.values import ANYTHING, BlockRef, KeeperRef, SessionRef, Site, Tracked, TransactionRef
from supavisor_lint.project.calls import iterated
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.names import is_what_it_says
from supavisor_lint.project.values import FunctionValue, GeneratorValue, Session

_MAX_DEPTH = 5  # a generator over a generator over a generator …
_OF_SOMEBODY_ELSE = frozenset({"parameter", "request"})


@dataclass(frozen=True, slots=True)
class SessionLoop:
    """Such a loop. `begun` if the session comes with its transaction begun, `sure` if the generator surely gives it."""

    statement: For
    session: Session
    begun: bool
    sure: bool


def session_loop(frame: Frame, statement: For) -> SessionLoop | None:
    """The loop that a statement is; None for one that may go over anything else."""
    if not statement.is_async or not isinstance(statement.target, Name | Attribute):
        return None
    made = frame.ev.only(frame.file, statement.iter)
    if not isinstance(made, GeneratorValue) or not gives_one_session(frame.ev, made.function):
        return None
    given = set(iterated(frame.ev, frame.file, (made,)))
    session = given.pop()
    if given or not isinstance(session, Session):
        return None
    begun = session.begun or frame.follower.flow.is_phase(made.function)
    return SessionLoop(statement, session, begun, _surely_yields(frame.ev, made.function))


def follow_session_loop(frame: Frame, loop: SessionLoop, state: State, run: Run) -> States:
    """The states behind the loop, whose body `run` follows."""
    statement, site = loop.statement, loop.statement.iter
    done, broken = States(), States()
    for after, _ in evaluate(frame, statement.iter, state):
        frame.throw(after)
        if not loop.sure:
            done.add(after)
        entered = open_session(frame, after, site, statement.target, loop.session, begun=loop.begun)
        with frame.stretch() as exits:
            ends = run(frame, statement.body, States((entered.state,)))
        ends.update(exits.left.pop("continue", ()))
        done.update(behind for end in ends for behind in entered.leave(frame, end))
        abandoned = _abandoned(frame, loop, exits)
        broken.update(abandoned.left.pop("break", ()))
        frame.exits.add_all(abandoned)
    behind = run(frame, statement.orelse, done)
    behind.update(broken)
    return behind


def _abandoned(frame: Frame, loop: SessionLoop, exits: Exits) -> Exits:
    """The ways out of the body on which the generator does not go on."""
    found = Exits()
    for leaving, states in exits.left.items():
        for state in states:
            _note_lost(frame, loop, state)
        found.left[leaving] = States(_left(frame, loop, state) for state in states)
    for thrown, states in exits.raised.items():
        found.raise_all(thrown, [_left(frame, loop, state) for state in states])
    return found


def _note_lost(frame: Frame, loop: SessionLoop, state: State) -> None:
    if _ends_closed(frame, loop):
        machine.lost(frame, state, loop.statement.iter, loop.statement)


def _left(frame: Frame, loop: SessionLoop, state: State) -> State:
    """The state in which the generator is collected: when, beside what the function does by then, nobody knows.

    So nothing can be said of the session any more; its objects are what they were when it is closed.
    """
    site = loop.statement.iter
    session = state.sessions[site]
    state = detached(state, site) if _ends_closed(frame, loop) else forgotten(state, site)
    state = state.but(variables={n: ANYTHING if _holds(v, site) else v for n, v in state.variables.items()})
    ended = SessionState("fresh", sure=session.sure, shared=session.shared)
    return state.with_session(site, ended, EMPTY_HISTORY)


def _ends_closed(frame: Frame, loop: SessionLoop) -> bool:
    """Whether a generator that does not go on closes its session, and commits nothing."""
    openings = frame.follower.openings
    return frame.opened[loop.statement.iter].exit != "unknown" and not openings.commits_when_left(loop.session)


def _holds(value: Tracked, site: Site) -> bool:
    match value:
        case SessionRef(held) | BlockRef(session=held) | TransactionRef(session=held):
            return held is site
        case KeeperRef():
            return site in value.sites
        case _:
            return False


# --------------------------------------------------------------------------------------------------- the generator


def gives_one_session(ev: Evaluator, function: FunctionValue, depth: int = 0) -> bool:
    """Whether a generator is what its `def` says, and yields at most once: a session, and not one of its caller's."""
    yields = function.node.yields
    if depth > _MAX_DEPTH or not is_what_it_says(ev, function):
        return False
    if any(at.is_from or _is_of_somebody_else(ev, function.file, at) for at in yields):
        return False
    if any(_is_repeated(ev, function.file, at, depth) for at in yields):
        return False
    return all(exclude_each_other(*pair) for pair in combinations(yields, 2))


def _is_of_somebody_else(ev: Evaluator, file: FileFacts, at: Yield) -> bool:
    session = ev.session(file, at.value) if at.value is not None else None
    return session is not None and session.source in _OF_SOMEBODY_ELSE


def _is_repeated(ev: Evaluator, file: FileFacts, at: Yield, depth: int) -> bool:
    """Whether a `yield` stands in a loop, other than one over such a generator."""
    return any(
        isinstance(around, While) or (isinstance(around, For) and not _runs_once(ev, file, around, depth))
        for around in _statements_around(at)
    )


def _runs_once(ev: Evaluator, file: FileFacts, loop: For, depth: int) -> bool:
    made = ev.only(file, loop.iter)
    return loop.is_async and isinstance(made, GeneratorValue) and gives_one_session(ev, made.function, depth + 1)


def _surely_yields(ev: Evaluator, function: FunctionValue) -> bool:
    """Whether nothing but an exception can keep a generator from its `yield`, in front of which no branch stands."""
    node, at = function.node, function.node.yields[0]
    if any(isinstance(part, Return) and part.order < at.order for part in own_nodes_in(node)):
        return False
    child: Node = at
    for around in _statements_around(at):
        if not _always_comes_to(ev, function.file, around, child):
            return False
        child = around
    return True


def _always_comes_to(ev: Evaluator, file: FileFacts, around: Node, child: Node) -> bool:
    match around:
        case With() | ExprStmt() | Assign() | Await():
            return True
        case Try(body=body):
            return _is_in(body, child)
        case For(iter=iterable, body=body):
            made = ev.only(file, iterable)
            return _is_in(body, child) and isinstance(made, GeneratorValue) and _surely_yields(ev, made.function)
        case _:
            return False


def _is_in(block: Block, child: Node) -> bool:
    return any(statement is child for statement in block)


def _statements_around(at: Yield) -> list[Node]:
    """What stands round a `yield` in its function, inner first."""
    found: list[Node] = []
    parent = at.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        found.append(parent)
        parent = parent.parent
    return found
