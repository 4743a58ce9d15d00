"""Following a call: a session's method, a query's result, or a function that may be given a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Attribute, Await, Call, Name
from supavisor_lint.flow import expressions, objects, session_calls, several, wary
from supavisor_lint.flow.attributes import (
    behind_missing,
    is_missing,
    read_by_function,
    read_by_method,
    read_by_name,
    read_whole,
    set_by_name,
)
from supavisor_lint.flow.being_handled import being_handled
from supavisor_lint.flow.binding import opened_session, share
from supavisor_lint.flow.blank import answered, answered_of, made_blank
from supavisor_lint.flow.call_facts import functions_of, is_builtin, is_cast, opens, slow
from supavisor_lint.flow.events import SlowAwait
from supavisor_lint.flow.frame import ANY, PLAIN, Frame
from supavisor_lint.flow.harmless import is_harmless
from supavisor_lint.flow.keepers import made_with, method_of, record_of
from supavisor_lint.flow.may_change import runs_what_changes
from supavisor_lint.flow.memos import removed
from supavisor_lint.flow.never import SYSTEM_EXIT, ends_process, never_returns
from supavisor_lint.flow.orm_functions import of_sqlalchemy
from supavisor_lint.flow.own_session import session_of_object, shared_by_objects
from supavisor_lint.flow.passing import passed_values, with_receivers_sessions
from supavisor_lint.flow.registering import note_registration
from supavisor_lint.flow.stacks import entered_by_stack
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import (
    ANYTHING,
    BlankRef,
    BlockRef,
    KeeperRef,
    ManyRef,
    ObjectRef,
    OpenerRef,
    SessionRef,
    Tracked,
    TransactionRef,
)
from supavisor_lint.project.values import (
    ClassValue,
    Coroutine,
    FunctionValue,
    Instance,
    Manager,
    Method,
    Session,
    Value,
)

Results = list[tuple[State, Tracked]]
Functions = list[FunctionValue]

_MODEL_MAKERS = frozenset({"model_validate", "from_orm"})  # of Pydantic's models, from an object's attributes
_KNOWN_BY_NAME = _MODEL_MAKERS | {"cast", "getattr", "setattr", "exc_info", "exception"}


def call(frame: Frame, node: Call, state: State) -> Results:
    """The states behind a call."""
    if not isinstance(node.func, Attribute):
        return _plain(frame, node, state)
    state = removed(frame, node, state)
    if isinstance(node.func.value, Call | Await | Attribute | Name):
        results: Results = []
        for after, receiver in expressions.evaluate(frame, node.func.value, state):
            results += _method(frame, node, node.func.attr, after, receiver)
        return results
    receivers = expressions.evaluate(frame, node.func.value, state)
    return [r for s, _ in receivers for r in _plain(frame, node, s)]


def _method(frame: Frame, node: Call, name: str, state: State, receiver: Tracked) -> Results:
    known = session_calls.method(frame, node, name, state, receiver)
    if known is not None:
        return known
    if isinstance(node.func, Attribute) and is_missing(frame, node.func.value, state, receiver):
        return [(after, ANYTHING) for after in behind_missing(frame, state)]
    if isinstance(receiver, ObjectRef):
        state = read_by_method(frame, node, name, state, receiver)
    if isinstance(receiver, ManyRef):
        state = several.changed(state, name, receiver)
    if frame.follower.wary:
        state = _may_change(frame, node, state, receiver)
    states = session_calls.changed_collection(frame, node, state)
    return [result for after in states for result in _plain(frame, node, after, receiver)]


def _may_change(frame: Frame, node: Call, state: State, receiver: Tracked) -> State:
    """A method may change its object, or what an attribute of some object holds."""
    for attribute in wary.changed_in_place(node):
        if last_name(node.func) in session_calls.COLLECTION_CHANGES and wary.sets_row(frame, attribute):
            state = wary.write(frame, state, node)
    return wary.handed(frame, node, state, [receiver] if isinstance(receiver, ObjectRef) else [])


# ---------------------------------------------------------------------------------------------------- other calls


def _plain(frame: Frame, node: Call, state: State, receiver: Tracked = ANYTHING) -> Results:
    opened = opens(frame, node)
    functions = (
        method_of(frame, receiver, last_name(node.func) or "")
        if isinstance(receiver, KeeperRef)
        else functions_of(frame, node)
    )
    results: Results = []
    for after, given in expressions.arguments(frame, node, _callee_shares(frame, node, state)):
        after = _note_slow(frame, node, functions, after, given, receiver)
        note_registration(frame, node, after)
        if isinstance(opened, Session):
            results.append(opened_session(frame, node, after, opened))
        elif opened is not None:
            used = [*given, receiver] if isinstance(receiver, KeeperRef) else given
            results.append((_unknown_effect(frame, node, functions, after, used), OpenerRef(node)))
        else:
            results += _into(frame, node, functions, after, given, receiver)
    return results


def _callee_shares(frame: Frame, node: Call, state: State) -> State:
    """A called expression other than a name may be anything: a lambda, a partial."""
    if isinstance(node.func, Name | Attribute):
        return state
    return next((after for after, _ in expressions.evaluate(frame, node.func, state)), state)


def _into(
    frame: Frame, node: Call, functions: Functions, state: State, given: list[Tracked], receiver: Tracked
) -> Results:
    """A call of something else, maybe with sessions or objects among its arguments."""
    known = _by_its_name(frame, node, functions, state, given) if last_name(node.func) in _KNOWN_BY_NAME else None
    if known is not None:
        return known
    keeper = made_with(frame, node, given)
    if keeper is not ANYTHING:
        frame.throw(state, PLAIN)
        others: list[Tracked] = [value for value in given if not isinstance(value, SessionRef | KeeperRef)]
        return [(_unknown_effect(frame, node, functions, state, others), keeper)]
    state = with_receivers_sessions(frame, node, functions, state)
    passed = passed_values(frame, node, functions, state, given, receiver)
    if passed is not None:
        if frame.follower.wary and not any(isinstance(value, ObjectRef) for value in given):
            state = wary.handed(frame, node, state, ())  # objects that no path follows there, next to the session
        return frame.follower.called(frame, node, functions[0], passed, state)
    state = entered_by_stack(frame, node, state, given)
    of_object = session_of_object(frame, node, state, given)
    if of_object is not None:
        return [of_object]
    state = shared_by_objects(frame, functions, state, [*given, receiver])
    awaited = isinstance(node.parent, Await)
    if never_returns(functions, wary=frame.follower.wary) and awaited == functions[0].node.is_async:
        frame.throw(state)
        return []
    if ends_process(frame.ev, frame.file, node, wary=frame.follower.wary):
        frame.throw(state, SYSTEM_EXIT)
        return []
    record = record_of(frame, node, given)
    told = read_by_function(frame, node, functions[0], state, given) if len(functions) == 1 else [(state, ANYTHING)]
    return [
        (after, record if record is not ANYTHING else answer if value is ANYTHING else value)
        for before, answer in told
        for after, value in _unfollowed(frame, node, functions, before, given, receiver)
    ]


def _by_its_name(frame: Frame, node: Call, functions: Functions, state: State, given: list[Tracked]) -> Results | None:
    """What is known of a function that is not of the project; None for one of another that has its name."""
    if is_cast(frame, node):
        return [(state, given[1])]
    error = being_handled(frame, node)
    if error != ANYTHING:
        return [(state, error)]
    subject = given[0] if given else ANYTHING
    if not isinstance(subject, ObjectRef):
        return None
    if is_builtin(frame, node, "getattr"):
        return [read_by_name(frame, node, state, subject)]
    if is_builtin(frame, node, "setattr"):
        written = set_by_name(frame, node, state, subject)
        return None if written is None else [(after, ANYTHING) for after in written]
    if not functions and last_name(node.func) in _MODEL_MAKERS:
        return [read_whole(frame, node, state, subject)]
    return None


def _unfollowed(
    frame: Frame, node: Call, functions: Functions, state: State, given: list[Tracked], receiver: Tracked
) -> Results:
    """A call of something that is not looked into."""
    if given and isinstance(given[0], ObjectRef):
        state = of_sqlalchemy(frame, node, state, given[0])
    runs = frame.follower.wary and runs_what_changes(frame, node)
    if (is_harmless(frame, node, given) and not runs) or _is_told(frame, node, state):
        return [(state, answered_of(node, [argument.value for argument in node.args], given))]
    thrown = ANY if isinstance(node.parent, Await) else PLAIN
    frame.throw(state, thrown)
    if frame.follower.wary:
        state = wary.handed(frame, node, state, given)
        frame.throw(state, thrown)
    used = [*given, receiver] if isinstance(receiver, KeeperRef) else given
    return [(_unknown_effect(frame, node, functions, state, used), ANYTHING)]


def _is_told(frame: Frame, node: Call, state: State) -> bool:
    """Whether it is known what a call gives, so that it does not fail: it makes a blank instance, or asks one."""
    if isinstance(made_blank(frame, node), BlankRef):
        return True
    return state.has_blanks and answered(frame, node, state) is not ANYTHING


def _unknown_effect(frame: Frame, node: Call, functions: Functions, state: State, given: list[Tracked]) -> State:
    """Somebody unknown got a session: for this call, or for good if it may keep it."""
    for value in _sessions_apart(given):
        if isinstance(value, SessionRef) and value.site in state.sessions:
            session = state.sessions[value.site]
            keeps = _may_keep(frame, node) or (frame.follower.wary and not isinstance(node.parent, Await))
            session = session._replace(sure=False, shared=session.shared or keeps)
            state = state.with_session(value.site, session)
        elif isinstance(value, BlockRef | TransactionRef):
            state = share(state, value)
        elif isinstance(value, ObjectRef | ManyRef):
            state = objects.handed(state, value.site) if functions else objects.unknown(state, value.site)
    return state


def _sessions_apart(given: Iterable[Tracked]) -> Iterator[Tracked]:
    """What is given, with the sessions of what keeps some."""
    for value in given:
        if isinstance(value, KeeperRef):
            yield from map(SessionRef, value.sites)
        else:
            yield value


def _may_keep(frame: Frame, node: Call) -> bool:
    """Objects keep what they are made with; coroutines that are not awaited here use it later."""
    values: Iterable[Value] = (*frame.ev.values(frame.file, node), *frame.ev.values(frame.file, node.func))
    if any(isinstance(v, Instance | ClassValue | Method | Manager) for v in values):
        return True
    return any(isinstance(v, Coroutine) for v in values) and not isinstance(node.parent, Await)


def _note_slow(
    frame: Frame, node: Call, functions: Functions, state: State, given: list[Tracked], receiver: Tracked
) -> State:
    if not any(history.queries for history in state.histories.values()):
        return state
    what = slow(frame, node)
    if what is None or passed_values(frame, node, functions, state, given, receiver) is not None:
        return state  # followed into: what it does with the session comes first
    for site, history in state.histories.items():
        if history.queries and site in frame.opened:
            event = frame.trace.record(SlowAwait, node, frame.opened[site], state.is_sure(site))
            event.because |= history.queries
            event.what = what
    return state
