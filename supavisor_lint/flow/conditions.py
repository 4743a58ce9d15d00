"""Conditions: which states go on where a test is true, and which where it is false."""

from __future__ import annotations

from typing import TypeAlias

from supavisor_lint.facts.tree import Attribute, BoolOp, Call, Constant, Expr, Name, Other
from supavisor_lint.flow.added_lists import without_empty_adds
from supavisor_lint.flow.condition_texts import (
    asked_text,
    condition_text,
    is_bool,
    is_none,
    switch_of,
    tie_of,
    told_by,
    truth_of,
)
from supavisor_lint.flow.counts import unwritten, without_empty_writes
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.guards import told
from supavisor_lint.flow.memos import known_answer, with_answer
from supavisor_lint.flow.objects import absent
from supavisor_lint.flow.open_tests import open_test
from supavisor_lint.flow.optional import there_or_none
from supavisor_lint.flow.session_state import History, SessionState
from supavisor_lint.flow.state import State
from supavisor_lint.flow.transaction_objects import is_still_open
from supavisor_lint.flow.unsent import changes_asked
from supavisor_lint.flow.values import (
    CALLER,
    EMPTY_COLLECTION,
    NOTHING,
    BlankRef,
    ConstantRef,
    CountRef,
    KeeperRef,
    ModeRef,
    ObjectRef,
    RecordRef,
    SessionRef,
    Tracked,
    TransactionRef,
)

Split: TypeAlias = tuple[list[State], list[State]]

_MAX_ASSUMED = 6
_THERE = BlankRef | KeeperRef | ModeRef | RecordRef | TransactionRef  # never None


def truth(frame: Frame, test: Expr, state: State) -> Split:
    """The states behind a test, where it is true and where it is false."""
    idle = open_test(frame, test)
    if idle is not None and idle.names.isdisjoint(state.roots):
        for thrown in idle.thrown:
            frame.throw(state, thrown)
        return [state], [state]
    known = known_answer(frame, test, state)
    if known is not None:
        return ([state], []) if known else ([], [state])
    yes, no = _asked(frame, test, state)
    return with_answer(frame, test, yes, True), with_answer(frame, test, no, False)


def _asked(frame: Frame, test: Expr, state: State) -> Split:
    from supavisor_lint.flow.expressions import asked  # expressions have conditions in them, too

    inner = truth_of(test)
    if inner is not None:
        return truth(frame, inner, state)
    if isinstance(test, Other) and test.op == "not":
        yes, no = truth(frame, test.parts[0], state)
        return no, yes
    if isinstance(test, BoolOp):
        return _junction(frame, test, state)
    if isinstance(test, Constant):
        return ([state], []) if test.value else ([], [state])
    if isinstance(test, Other) and test.op in ("is", "is not") and is_none(test.parts[1]):
        yes, no = _none_test(frame, test.parts[0], state)
        return (yes, no) if test.op == "is" else (no, yes)
    if isinstance(test, Other) and test.op in ("is", "is not", "==", "!=") and is_bool(test.parts[1]):
        yes, no = _bool_test(frame, test, test.parts[0], state)
        return (yes, no) if test.op in ("is", "==") else (no, yes)
    split = told(frame, test, state)
    if split is not None:
        return split
    switch = switch_of(test)
    if switch is not None:
        return ([state], []) if switch else ([], [state])
    both: Split = ([], [])
    for after, value in asked(frame, test, state):
        for mine, found in zip(both, _decided(frame, test, after, value), strict=True):
            mine += found
    return without_empty_adds(frame, test, without_empty_writes(frame, test, both))


def _junction(frame: Frame, test: BoolOp, state: State) -> Split:
    decided: list[State] = []
    rest = [state]
    for operand in test.values:
        splits = [truth(frame, operand, s) for s in rest]
        on = 0 if test.op == "and" else 1
        rest = [s for split in splits for s in split[on]]
        decided += [s for split in splits for s in split[1 - on]]
    return (rest, decided) if test.op == "and" else (decided, rest)


def _decided(frame: Frame, test: Expr, state: State, value: Tracked) -> Split:
    if isinstance(value, ConstantRef):
        return ([state], []) if value.value else ([], [state])
    session = there_or_none(frame, test, state, value)
    if session is not None:
        return session
    if isinstance(value, CountRef):
        return [state], [unwritten(state, value)]
    if isinstance(value, ModeRef) and value.true is not None:
        return ([state], []) if value.true else ([], [state])
    if value == EMPTY_COLLECTION:
        return [], [state]
    receiver = session_asked(test)
    if receiver is not None:
        return _in_transaction(frame, receiver, state)
    if isinstance(test, Attribute) and test.attr == "is_active":
        return _is_active(frame, test, state)
    if isinstance(value, TransactionRef) or (isinstance(value, ObjectRef) and value.exists):
        return [state], []
    changes = changes_asked(frame, test, state)
    if changes is not None:
        return changes
    yes, no = assume(frame, asked_text(test), state)
    no = [_without_object(s, value) for s in no]
    return (no, yes) if isinstance(test, Other) and test.op in ("!=", "not in") else (yes, no)


def session_asked(test: Expr) -> Expr | None:
    """What `session.in_transaction()` asks; None for anything else."""
    func = test.func if isinstance(test, Call) else None
    return func.value if isinstance(func, Attribute) and func.attr == "in_transaction" else None


def _in_transaction(frame: Frame, receiver: Expr, state: State) -> Split:
    from supavisor_lint.flow.expressions import evaluate

    after, value = next(iter(evaluate(frame, receiver, state)), (state, None))
    if not isinstance(value, SessionRef) or not after.sessions[value.site].sure:
        return [state], [state]
    session = after.sessions[value.site]
    if session.transaction == "entry" and not session.blocks:
        begun = session._replace(transaction="begun")
        history = History(origins=frozenset((CALLER,)))
        return [after.with_session(value.site, begun, history)], [after.with_session(value.site, SessionState())]
    is_open = (session.is_begun or bool(session.blocks)) and session.is_over is None
    return ([after], []) if is_open else ([], [after])


def _is_active(frame: Frame, test: Attribute, state: State) -> Split:
    """`session.is_active`: False from a flush that has failed until the rollback, else True; `tx.is_active`.

    A failed statement leaves the session active. So does a `COMMIT` that fails itself, which has rolled back: there is
    nothing to tell of it.
    """
    from supavisor_lint.flow.expressions import evaluate

    after, value = next(iter(evaluate(frame, test.value, state)), (state, None))
    if isinstance(value, TransactionRef):
        is_open = is_still_open(after, value)
        return ([after], [after]) if is_open is None else ([after], []) if is_open else ([], [after])
    if not isinstance(value, SessionRef):
        return assume(frame, condition_text(test), state)
    session = after.sessions[value.site]
    if not session.sure or (session.transaction == "entry" and not session.blocks):
        return [after], [after]
    return ([], [after]) if session.hard in ("flush", "savepoint") else ([after], [])


def _none_test(frame: Frame, subject: Expr, state: State) -> Split:
    from supavisor_lint.flow.expressions import evaluate

    both: Split = ([], [])
    for after, value in evaluate(frame, subject, state):
        session = there_or_none(frame, subject, after, value)
        if session is not None:
            both[0].extend(session[1])
            both[1].extend(session[0])
        elif isinstance(value, ConstantRef) and value != NOTHING:
            both[0 if value.value is None else 1].append(after)
        elif isinstance(value, CountRef):
            both[0].append(unwritten(after, value))
            both[1].append(after)
        elif isinstance(value, _THERE) or (isinstance(value, ObjectRef) and value.exists):
            both[1].append(after)
        else:
            text = condition_text(subject)
            yes, no = assume(frame, None if text is None else f"{text} is None", after)
            both[0].extend(_without_object(s, value) for s in yes)
            both[1].extend(no)
    return both


def _bool_test(frame: Frame, test: Other, subject: Expr, state: State) -> Split:
    """`commit is True`: what is known to be something else is not."""
    from supavisor_lint.flow.expressions import evaluate

    asked_for = isinstance(test.parts[1], Constant) and test.parts[1].value is True
    both: Split = ([], [])
    for after, value in evaluate(frame, subject, state):
        if isinstance(value, ConstantRef) and (value.exact or bool(value.value) is not asked_for):
            both[0 if value.value is asked_for else 1].append(after)
        else:
            for mine, found in zip(both, assume(frame, condition_text(test), after), strict=True):
                mine += found
    return both


def _without_object(state: State, value: Tracked) -> State:
    """The state in which a query has given None: there is no object that could have expired."""
    return absent(state, value.site) if isinstance(value, ObjectRef) else state


def assume(frame: Frame, text: str | None, state: State) -> Split:
    """Both ways; where what was asked before on this path tells the answer, only that one."""
    if text is None or tie_of(text) not in frame.repeated:
        return [state], [state]
    for known, answer in state.assumed:
        told = told_by(known, answer, text)
        if told is not None:
            return ([state], []) if told else ([], [state])
    if len(state.assumed) >= _MAX_ASSUMED:
        return [state], [state]
    assumed = [tuple(sorted((*state.assumed, (text, answer)))) for answer in (True, False)]
    return [state.but(assumed=assumed[0])], [state.but(assumed=assumed[1])]


def elements(frame: Frame, iterable: Expr, state: State, value: Tracked) -> Split:
    """The states in which something that is iterated, a value, has elements, and those in which it has none."""
    if value == EMPTY_COLLECTION:
        return [], [state]
    return assume(frame, iterable.id if isinstance(iterable, Name) else None, state)
