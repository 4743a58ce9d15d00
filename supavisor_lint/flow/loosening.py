"""Following a function less closely from a place on, where its paths have become too many.

First its branches are not tied to one another any more (what an earlier test has found does not decide a later one);
then the functions that it calls are not followed. What was found before stays: it was seen on fewer, known paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from supavisor_lint.flow.condition_texts import tie_of
from supavisor_lint.flow.frame import Exits, Frame
from supavisor_lint.flow.state import Collected, State, States, TooManyStates

MAX_STEPS_LOOSELY = 2500  # with fewer differences between paths, and again without what called functions do


def closely(frame: Frame, states: list[State], follow: Callable[[list[State]], Collected]) -> Collected:
    """What following something from some states gives, as closely as its paths allow; raises TooManyStates."""
    if frame.looseness:
        states = _untied(frame, states)
    try:
        return follow(states)
    except TooManyStates:
        _loosen(frame, states)
    return closely(frame, states, follow)


def _loosen(frame: Frame, states: Iterable[State]) -> None:
    """Follow less closely from here on, also what leaves the stretches around; raises TooManyStates at the end."""
    if frame.looseness == 1 and not frame.follower.is_exhausted and any(map(_is_tied(frame), states)):
        return  # they come from before
    if frame.looseness == 2:
        raise TooManyStates
    frame.looseness = 2 if frame.follower.is_exhausted else frame.looseness + 1
    if frame.looseness == 2:
        frame.follower.start(shallow=True)
    frame.repeated = frozenset()
    frame.start_again(MAX_STEPS_LOOSELY)
    exits: Exits | None = frame.exits
    while exits is not None:
        exits.raised = {thrown: States(_untied(frame, found)) for thrown, found in exits.raised.items()}
        exits.left = {leaving: States(_untied(frame, found)) for leaving, found in exits.left.items()}
        exits = exits.outer


def _is_tied(frame: Frame) -> Callable[[State], bool]:
    ties = frame.life.repeated
    return lambda state: any(tie_of(text) in ties for text, _ in state.assumed)


def _untied(frame: Frame, states: Iterable[State]) -> list[State]:
    """The states without what ties branches together, each once."""
    is_tied, ties = _is_tied(frame), frame.life.repeated
    return list(
        States(
            state.but(assumed=tuple(a for a in state.assumed if tie_of(a[0]) not in ties)) if is_tied(state) else state
            for state in states
        )
    )
