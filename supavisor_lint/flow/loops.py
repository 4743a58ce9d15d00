"""Following a loop: rounds until nothing new turns up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from supavisor_lint.facts.statements import For, While
from supavisor_lint.facts.tree import Block
from supavisor_lint.flow import objects
from supavisor_lint.flow.binding import bind
from supavisor_lint.flow.conditions import elements, truth
from supavisor_lint.flow.expressions import evaluate
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.meant import never_empty, without_rounds
from supavisor_lint.flow.several import iterated
from supavisor_lint.flow.state import State, States, TooManyStates
from supavisor_lint.flow.values import ANYTHING, ObjectRef, Tracked

MAX_ROUNDS = 25
Run: TypeAlias = Callable[[Frame, Block, States], States]


def loop(frame: Frame, statement: While | For, state: State, run: Run) -> States:
    """Rounds until nothing new turns up; raises TooManyStates if that takes too long."""
    heads, done, broken = States(), States(), States()
    advance = _while_head if isinstance(statement, While) else _for_head
    if isinstance(statement, While):
        heads.add(state)
    else:
        name = _iterable(statement)
        for entry, value in evaluate(frame, statement.iter, state):
            some, none = elements(frame, statement.iter, _kept(entry, name, value), value)
            heads.update(some)
            done.update(() if never_empty(frame, statement.iter) else without_rounds(frame, statement, none))
    waiting = heads
    for _ in range(MAX_ROUNDS):
        with frame.stretch() as exits:
            inside = States()
            for head in waiting:
                yes, no = advance(frame, statement, head)
                inside.update(yes)
                done.update(no)
            ends = run(frame, statement.body, inside)
        ends.update(exits.left.pop("continue", ()))
        broken.update(exits.left.pop("break", ()))
        frame.exits.add_all(exits)
        if isinstance(statement, For):
            done.update(ends)
        waiting = heads.news(ends)
        if not waiting:
            break
    else:
        raise TooManyStates
    after = run(frame, statement.orelse, done)
    after.update(broken)
    return States(state.unbound(_iterable(statement)) for state in after) if isinstance(statement, For) else after


def _while_head(frame: Frame, statement: While | For, state: State) -> tuple[list[State], list[State]]:
    assert isinstance(statement, While)
    return truth(frame, statement.test, state)


def _for_head(frame: Frame, statement: While | For, state: State) -> tuple[list[State], list[State]]:
    assert isinstance(statement, For)
    after, element = iterated(state, state.value_of(_iterable(statement)), statement.iter)
    if isinstance(element, ObjectRef) and element.site in after.objects:
        opened = frame.opened.get(after.objects[element.site].session)
        expires = opened.expires if opened is not None else None
        after = objects.next_in_loop(after, element.site, statement, expires=expires)
    if statement.is_async:
        frame.throw(after)
    return [bind(frame, after, statement.target, element)], []


def _kept(state: State, name: str, value: Tracked) -> State:
    return state if value == ANYTHING else state.with_variable(name, value)


def _iterable(statement: For) -> str:
    """The name under which a state keeps what a loop goes over."""
    return f"<iterable {statement.order}>"
