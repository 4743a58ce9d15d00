"""Whether an exception is being handled, as `sys.exc_info()` says: `finally:` with `if sys.exc_info()[0] is None:`."""

from __future__ import annotations

from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Call
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.operations import handler_around
from supavisor_lint.flow.values import ANYTHING, SOMETHING, ConstantRef, Tracked, TupleRef
from supavisor_lint.project.values import External


def being_handled(frame: Frame, node: Call) -> Tracked:
    """What `sys.exc_info()` or `sys.exception()` gives; ANYTHING for another call, and where nobody can tell."""
    if last_name(node.func) not in ("exc_info", "exception") or node.args:
        return ANYTHING
    callee = frame.ev.only(frame.file, node.func)
    if not isinstance(callee, External) or callee.dotted not in ("sys.exc_info", "sys.exception"):
        return ANYTHING
    error = _error(frame, node)
    return TupleRef((error,) * 3) if callee.dotted == "sys.exc_info" else error


def _error(frame: Frame, node: Call) -> Tracked:
    if frame.unwinding > 0 or frame.in_handler or handler_around(node) is not None:
        return SOMETHING
    if frame.follower.wary:  # whoever awaits this may be handling one
        return ANYTHING
    return ConstantRef(None)
