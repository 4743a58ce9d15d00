"""Following `try` and `with`: where exceptions and early exits go."""

from __future__ import annotations

from collections.abc import Callable

from supavisor_lint.facts.handlers import is_broad
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Handler, Try, With
from supavisor_lint.flow import blocks, statements
from supavisor_lint.flow.frame import Exits, Frame, Leaving, Thrown
from supavisor_lint.flow.handlers import catches, passing
from supavisor_lint.flow.memos import failed
from supavisor_lint.flow.session_state import History
from supavisor_lint.flow.state import State, States
from supavisor_lint.flow.swallowing import note_swallowed
from supavisor_lint.flow.values import SOMETHING


def follow_try(frame: Frame, statement: Try, state: State) -> States:
    """The states behind a `try`, with its handlers, `else` and `finally`."""
    with frame.stretch(hears=bool(statement.finalbody)) as outer:
        with frame.stretch(hears=bool(statement.handlers)) as exits:
            ends = statements.run(frame, statement.body, States((state,)))
        raised, exits.raised = exits.raised, {}
        outer.add_all(exits)
        ends = statements.run(frame, statement.orelse, ends)
        for thrown, states in raised.items():
            ends.update(_handle(frame, statement, thrown, states))
    if not statement.finalbody:
        frame.exits.add_all(outer)
        return ends
    return _finally(frame, statement, ends, outer)


def _handle(frame: Frame, statement: Try, thrown: Thrown, states: States) -> States:
    """The states behind the handlers of one kind of exception; what none certainly catches goes on."""
    ends = States()
    for handler in statement.handlers:
        answer = catches(handler, thrown, frame.ev, frame.file)
        if answer is False:
            continue
        ends.update(_run_handler(frame, statement, handler, thrown, states))
        if answer:
            return ends
        thrown = passing(handler, thrown, frame.ev, frame.file)
    for state in states:
        frame.throw(state, thrown)
    return ends


def _run_handler(frame: Frame, statement: Try, handler: Handler, thrown: Thrown, states: States) -> States:
    entered = States(failed(frame, statement, _caught(state, handler.name)) for state in states)
    if handler.name is not None and handler.name in frame.life.copied:
        entered = States(state.with_variable(handler.name, SOMETHING) for state in entered)
    with frame.stretch() as exits:
        ends = statements.run(frame, handler.body, entered)
    _rethrow(exits, thrown)
    going_on = [*ends, *(s for left in exits.left.values() for s in left)]
    note_swallowed(frame, statement, handler, going_on, broad=is_broad(handler))
    frame.exits.add_all(exits)
    return ends


def _rethrow(exits: Exits, thrown: Thrown) -> None:
    """A bare `raise` in a handler throws what was caught."""
    bare = exits.raised.pop(Thrown("class", ""), None)
    if bare is not None:
        exits.raised.setdefault(thrown, States()).update(bare)


def _caught(state: State, name: str | None = None) -> State:
    """The state at the head of a handler: what began a transaction before is somebody's failure now."""
    histories = {site: _inherited(history) for site, history in state.histories.items()}
    state = state.but(histories=histories)
    return state.unbound(name) if name else state


def _inherited(history: History) -> History:
    none = frozenset[Node]()
    return history._replace(origins=none, inherited=history.begun_by, writes=none, carried=history.pending)


def _finally(frame: Frame, statement: Try, ends: States, exits: Exits) -> States:
    """The clean-up runs on every way out, and then that way goes on."""
    with frame.cleaning_up():
        for thrown, states in exits.raised.items():
            for after in statements.run(frame, statement.finalbody, states):
                frame.throw(after, thrown)
    for leaving, states in exits.left.items():
        for after in statements.run(frame, statement.finalbody, states):
            frame.leave(leaving, after)
    return statements.run(frame, statement.finalbody, ends)


def follow_with(frame: Frame, statement: With, index: int, state: State) -> States:
    """Enter the items one by one, run the body, leave them in reverse."""
    if index == len(statement.items):
        return statements.run(frame, statement.body, States((state,)))
    ends = States()
    for entered in blocks.enter(frame, statement.items[index], state, is_async=statement.is_async):
        with frame.stretch(hears=True) as exits:
            inner = follow_with(frame, statement, index + 1, entered.state)
        ends.update(_each(frame, entered.leave, inner))
        for leaving, states in exits.left.items():
            _leave_all(frame, leaving, _each(frame, entered.leave, states))
        for thrown, states in exits.raised.items():
            ends.update(_fail_all(frame, statement, entered, thrown, states))
    return ends


def _each(frame: Frame, leave: Callable[[Frame, State], list[State]], states: States) -> States:
    return States(after for state in states for after in leave(frame, state))


def _leave_all(frame: Frame, leaving: Leaving, states: States) -> None:
    for state in states:
        frame.leave(leaving, state)


def _fail_all(frame: Frame, statement: With, entered: blocks.Entered, thrown: Thrown, states: States) -> list[State]:
    after = [s for state in states for s in entered.fail(frame, state)]
    suppressor = entered.suppressor
    swallowed = False if suppressor is None else suppressor.catches(thrown)
    if swallowed is not True:
        passed = thrown if suppressor is None else suppressor.passing(thrown)
        for state in after:
            frame.throw(state, passed)
    if suppressor is None or swallowed is False:
        return []
    after = [_caught(state) for state in after]
    note_swallowed(frame, statement, suppressor.node, after, broad=suppressor.is_broad)
    return after
