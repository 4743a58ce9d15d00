"""Functions that are given the session inside a phase: what they do to it without a block may be wrong in one."""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.tree import Call
from supavisor_lint.flow.events import Event, Swallowed
from supavisor_lint.flow.in_block import first_fault_in_block
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.phase_effects import Act, Effects


def refuse_calls(effects: Effects, acts: Sequence[Act]) -> None:
    """Raise NoFix where a called function would end a block around its call, or keep a failure in it to itself."""
    for act in acts:
        if isinstance(act.node, Call):
            has_written = any(other.leaves_something for other in acts if other is not act)
            fault = _fault(effects.context, effects, act.node, has_written)
            if fault is not None:
                raise NoFix(f"{act} {fault}")


def _fault(context: Context, effects: Effects, call: Call, has_written: bool) -> str | None:
    """What a call would do to a block around it, and where; None if nothing is wrong with it."""
    follower = context.wary
    for function in functions_called(context.ev, context.file, call):
        for param, given in bind_arguments(function, call.args).items():
            session = context.ev.session(context.file, given) if effects.names.is_session(given) else None
            if session is not None:
                opened = follower.openings.opened(given, effects.names.session, session, context.file)
                event = first_fault_in_block(follower, function, param, opened, has_written=has_written)
                if event is not None:
                    return _told(event, "" if function.file is context.file else f" of {function.file.path}")
    return None


def _told(event: Event, of_file: str) -> str:
    where = f"in line {event.node.span.line}{of_file}"
    if isinstance(event, Swallowed):
        return f"may swallow a failure of the database {where}, which takes a whole transaction with it"
    return f"begins or ends a transaction itself, {where}"
