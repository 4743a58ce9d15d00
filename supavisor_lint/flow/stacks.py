"""Blocks that an `AsyncExitStack` enters: left where the stack is, which is not followed."""

from __future__ import annotations

from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Call
from supavisor_lint.flow import machine
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import BlockRef, Tracked


def entered_by_stack(frame: Frame, node: Call, state: State, given: list[Tracked]) -> State:
    """The state behind `enter_async_context(session.begin())`: whether the block can be entered is known."""
    block = given[0] if given else None
    if last_name(node.func) != "enter_async_context" or not isinstance(block, BlockRef) or block.nested:
        return state
    entered = machine.begin(frame, state, block.session, block.call)
    return state.but(ghost=any(inside.ghost for inside in entered))
