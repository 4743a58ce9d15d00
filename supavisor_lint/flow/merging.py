"""`session.merge(job)`: whether it is meant to write, or gives an object that is read on in another session."""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.file import enclosing_function, nodes_of_kind
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, ExprStmt, FunctionDef
from supavisor_lint.facts.tree import Attribute, Await, Call, Constant, Expr, Name
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ObjectRef, Site, Tracked

_PERSISTENT = frozenset({"new", "live", "expired", "kept"})


def given_back(frame: Frame, state: State, site: Site, given: Sequence[Tracked]) -> Tracked | None:
    """The object itself, where a merge gets one that its session has: that neither writes it nor loads it again."""
    value = given[0] if given else None
    known = state.objects.get(value.site) if isinstance(value, ObjectRef) else None
    if frame.follower.wary or known is None or known.session != site or not known.conditions:
        return None
    is_here = all(c.kind in _PERSISTENT and not c.detached for c in known.conditions)
    return value if is_here else None


def may_only_read(merge: Call) -> bool:
    """Whether a merge may leave the row as it is.

    It writes where it gives an object whose attributes were set, and is meant to where nobody looks at what it returns.
    """
    load = merge.argument(None, "load")
    if isinstance(load, Constant) and load.value is False:
        return True
    whole = merge.parent if isinstance(merge.parent, Await) else merge
    merged = merge.argument(0, "instance")
    return not isinstance(whole.parent, ExprStmt) and merged is not None and not _is_filled(merged)


def _is_filled(expr: Expr) -> bool:
    """Whether an object was made with more than its key, or changed in the function that merges it."""
    if isinstance(expr, Call):
        return len(expr.args) > 1 or any(argument.star for argument in expr.args)
    function = enclosing_function(expr)
    if not isinstance(expr, Name) or function is None:
        return False
    bindings = function.scope.bindings.get(expr.id, [])
    made = [b.value for b in bindings if isinstance(b, Assigned) and isinstance(b.value, Call)]
    return any(map(_is_filled, made)) or _is_changed(function, expr.id)


def _is_changed(function: FunctionDef, name: str) -> bool:
    """`job.status = "done"`, `setattr(job, "status", "done")`."""
    targets = (target for statement in nodes_of_kind(function, Assign) for target in statement.targets)
    if any(isinstance(t, Attribute) and isinstance(t.value, Name) and t.value.id == name for t in targets):
        return True
    calls = (call for call in nodes_of_kind(function, Call) if last_name(call.func) == "setattr")
    given = (call.args[0].value for call in calls if call.args)
    return any(isinstance(expr, Name) and expr.id == name for expr in given)
