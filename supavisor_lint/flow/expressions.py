"""Following the expressions of a function: each takes a state and gives the states behind it, with its value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import dotted
from supavisor_lint.facts.tree import (
    Attribute,
    Await,
    BoolOp,
    Call,
    Collection,
    Comprehension,
    Constant,
    Dict,
    Expr,
    IfExp,
    Lambda,
    Name,
    NamedExpr,
    Operation,
    Starred,
    Subscript,
    Yield,
)
from supavisor_lint.flow import calls, machine
from supavisor_lint.flow.answers import kept_answer
from supavisor_lint.flow.attributes import awaitable, behind_missing, is_missing, load_attribute, read_attribute
from supavisor_lint.flow.binding import bind, foreign, opened_session, read_name, share, share_captured
from supavisor_lint.flow.blank import answered, answered_of, still_blank
from supavisor_lint.flow.call_facts import opens_awaited
from supavisor_lint.flow.choices import MAX_RESULTS, chosen, short_circuit
from supavisor_lint.flow.conditions import elements, truth
from supavisor_lint.flow.counts import compared_count
from supavisor_lint.flow.flags import flag
from supavisor_lint.flow.frame import Frame, Thrown
from supavisor_lint.flow.inert import inert
from supavisor_lint.flow.keepers import attribute_of, may_be_code
from supavisor_lint.flow.meant import never_empty, without_rounds
from supavisor_lint.flow.modes import compared
from supavisor_lint.flow.run_sync import HARMLESS_ATTRIBUTES
from supavisor_lint.flow.several import comprehended, element, iterated
from supavisor_lint.flow.state import State, States
from supavisor_lint.flow.values import (
    ANYTHING,
    BlankRef,
    BlockRef,
    ConstantRef,
    CountRef,
    KeeperRef,
    ObjectRef,
    RecordRef,
    ResultRef,
    SessionRef,
    Tracked,
)
from supavisor_lint.project.values import Session

Results: TypeAlias = list[tuple[State, Tracked]]


def evaluate(frame: Frame, expr: Expr, state: State) -> Results:
    """The states behind an expression, each with the value that it has there."""
    if isinstance(expr, Constant):
        value = expr.value
        return [(state, ConstantRef(value) if value is None or isinstance(value, bool) else ANYTHING)]
    answers = kept_answer(frame, expr, state)
    return asked(frame, expr, state) if answers is None else answers


def asked(frame: Frame, expr: Expr, state: State) -> Results:
    """The same for an expression that is a test itself: its answer is asked now, and not kept."""
    idle = inert(frame, expr)
    if idle is not None and idle.names.isdisjoint(state.roots):
        for thrown in idle.thrown:
            frame.throw(state, thrown)
        return [(state, ANYTHING)]
    results = _KINDS.get(type(expr), _parts)(frame, expr, state)
    return [(after, _of_blanks(frame, expr, after, value)) for after, value in results] if state.has_blanks else results


def _of_blanks(frame: Frame, expr: Expr, state: State, value: Tracked) -> Tracked:
    """What an expression is where some names hold blank values."""
    if isinstance(value, BlankRef):
        return still_blank(frame, expr, value)
    return answered(frame, expr, state) if value is ANYTHING else value


def _name(frame: Frame, expr: Name, state: State) -> Results:
    if expr not in frame.unbound:
        return [read_name(frame, expr, state)]
    frame.throw(state, Thrown("class", "UnboundLocalError"))
    return []


def _await(frame: Frame, expr: Await, state: State) -> Results:
    lazy = awaitable(expr)
    if lazy is not None:
        owners = evaluate(frame, lazy[0], state)
        return [(load_attribute(frame, expr, lazy[1], after, owner), ANYTHING) for after, owner in owners]
    return [r for after, inner in evaluate(frame, expr.value, state) for r in _awaited(frame, expr, after, inner)]


def _named(frame: Frame, expr: NamedExpr, state: State) -> Results:
    return [(bind(frame, after, expr.target, v), v) for after, v in evaluate(frame, expr.value, state)]


def _subscript(frame: Frame, expr: Subscript, state: State) -> Results:
    return [(after, element(v[0], expr.items)) for after, v in sequence(frame, [expr.value, *expr.items], state)]


def sequence(frame: Frame, exprs: Sequence[Expr], state: State) -> list[tuple[State, list[Tracked]]]:
    """Several expressions, one after the other."""
    results: list[tuple[State, list[Tracked]]] = [(state, [])]
    for index, expr in enumerate(exprs, start=1):
        results = [(after, [*known, v]) for s, known in results for after, v in evaluate(frame, expr, s)]
        if len(results) > MAX_RESULTS:
            results = [(state, [ANYTHING] * index) for state in States(state for state, _ in results)]
    return results


def arguments(frame: Frame, call: Call, state: State) -> list[tuple[State, list[Tracked]]]:
    """The arguments of a call, one after the other."""
    return sequence(frame, [argument.value for argument in call.args], state)


def _parts(frame: Frame, expr: Expr, state: State) -> Results:
    """Any other expression; a session that a display keeps may be used by whoever gets that."""
    keeps = isinstance(expr, Collection | Dict)
    parts = list(_sub_expressions(expr))
    results: Results = []
    for after, values in sequence(frame, parts, state):
        told = compared(frame, expr, after, values) if isinstance(expr, Operation) else ANYTHING
        told = compared_count(frame, expr, values) if told is ANYTHING else told
        value = answered_of(expr, parts, values) if told is ANYTHING else told
        results.append((shared_all(after, values) if keeps else after, value))
    return results


def _sub_expressions(node: Node) -> Iterable[Expr]:
    for child in node.children():
        if isinstance(child, Expr):
            yield child
        else:
            yield from _sub_expressions(child)


def shared_all(state: State, values: Iterable[Tracked]) -> State:
    """The state after several values got where others can use them."""
    for value in values:
        state = share(state, value)
    return state


# ---------------------------------------------------------------------------------------------------------- names


def _attribute(frame: Frame, expr: Attribute, state: State) -> Results:
    text = dotted(expr)
    if text in state.variables:
        return [(state, state.variables[text])]
    results: Results = []
    for after, value in evaluate(frame, expr.value, state):
        if is_missing(frame, expr.value, after, value):
            results += [(missing, ANYTHING) for missing in behind_missing(frame, after)]
        elif isinstance(value, ObjectRef):
            results.append(read_attribute(frame, expr, after, value))
        elif isinstance(value, SessionRef):
            results.append((after if expr.attr in HARMLESS_ATTRIBUTES else share(after, value), ANYTHING))
        elif isinstance(value, KeeperRef):
            results.append(_of_keeper(frame, expr, after, value))
        elif isinstance(value, ResultRef) and expr.attr == "rowcount":
            results.append((after, CountRef(value.session, value.site)))
        elif isinstance(value, RecordRef) and (constant := flag(value.flags, expr.attr)) is not None:
            results.append((after, constant))
        elif text and isinstance(value, type(ANYTHING) | RecordRef):
            results.append(foreign(frame, expr, after))
        else:
            results.append((after, ANYTHING))
    return results


def _of_keeper(frame: Frame, expr: Attribute, state: State, keeper: KeeperRef) -> tuple[State, Tracked]:
    """An attribute of an object that keeps sessions; a property, or a method for later, may use any of them."""
    held = attribute_of(keeper, expr.attr)
    if held is ANYTHING and may_be_code(frame.ev, keeper.cls, expr.attr):
        state = share(state, keeper)
    return state, held


# ------------------------------------------------------------------------------------------------------ compounds


def _awaited(frame: Frame, expr: Await, state: State, value: Tracked) -> Results:
    if isinstance(value, BlockRef):
        if value.nested:
            states = machine.work(frame, state, value.session, machine.Use(value.call, "begin_nested"))
        else:
            states = machine.begin(frame, state, value.session, value.call, by_hand=True)
        return [(after.with_value(value, value.begun), value.begun) for after in states]
    if value == ANYTHING and isinstance(expr.value, Call):
        session = opens_awaited(frame, expr)
        if isinstance(session, Session):
            return [opened_session(frame, expr, state, session)]
    if not isinstance(expr.value, Call):
        frame.throw(state)
    return [(state, value)]


def _comprehension(frame: Frame, expr: Comprehension, state: State) -> Results:
    """No iteration, one, and a second one that begins where the first has ended."""
    first = expr.generators[0].iter
    done: Results = []
    for started, iterable in evaluate(frame, first, state):  # once, in front of all rounds
        states, none = elements(frame, first, started, iterable)
        idle = () if never_empty(frame, first) else without_rounds(frame, expr, none)
        rounds: Results = []
        for _ in range(2):
            last = [result for s in states for result in _one_iteration(frame, expr, s, iterable)]
            states = [after for after, _ in last]
            rounds += last
        made = comprehended(expr, (value for _, value in rounds))
        done += [(after, made) for after in (*idle, *(after for after, _ in rounds))]
    return [(s.but(variables=_outer_variables(s, state)), made) for s, made in done]


def _outer_variables(inner: State, outer: State) -> dict[str, Tracked]:
    return {n: v for n, v in inner.variables.items() if n in outer.variables} | {
        n: v for n, v in inner.variables.items() if isinstance(v, SessionRef)
    }


def _one_iteration(frame: Frame, expr: Comprehension, state: State, iterable: Tracked) -> Results:
    states = [state]
    for generator in expr.generators:
        entered = []
        for before in states:
            is_first = generator is expr.generators[0]
            iterables = [(before, iterable)] if is_first else evaluate(frame, generator.iter, before)
            for after, value in iterables:
                for some in [after] if is_first else elements(frame, generator.iter, after, value)[0]:
                    element_state, element = iterated(some, value, generator.iter)
                    entered.append(bind(frame, element_state, generator.target, element))
        states = entered
        for condition in generator.conditions:
            states = [yes for s in states for yes in truth(frame, condition, s)[0]]
    return [(after, values[-1]) for s in states for after, values in sequence(frame, expr.elements, s)]


def _yielded(frame: Frame, value: Expr | None, state: State) -> Results:
    """While a generator waits, its consumer may do anything with the sessions that it can see."""
    results: Results = []
    for after, given in evaluate(frame, value, state) if value is not None else [(state, ANYTHING)]:
        if isinstance(given, SessionRef) and given.site in after.sessions:
            session = after.sessions[given.site]
            after = after.with_session(given.site, session._replace(sure=False))
        frame.throw(after)
        results.append((after, ANYTHING))
    return results


# `match` would try one class after the other, for every expression on every path.
_KINDS: dict[type, Callable[[Frame, Any, State], Results]] = {
    Name: _name,
    Attribute: _attribute,
    Call: lambda frame, expr, state: calls.call(frame, expr, state),
    Await: _await,
    NamedExpr: _named,
    IfExp: chosen,
    BoolOp: short_circuit,
    Lambda: lambda _, expr, state: [(share_captured(state, expr), ANYTHING)],
    Comprehension: _comprehension,
    Yield: lambda frame, expr, state: _yielded(frame, expr.value, state),
    Subscript: _subscript,
    Starred: lambda frame, expr, state: evaluate(frame, expr.value, state),
}
