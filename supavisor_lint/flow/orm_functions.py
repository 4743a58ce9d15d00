"""SQLAlchemy's own functions that are given an object: `make_transient(job)`, `inspect(job)`."""

from __future__ import annotations

from supavisor_lint.facts.statements import Assign
from supavisor_lint.facts.tree import Call, Constant, NamedExpr
from supavisor_lint.flow import objects
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ObjectRef
from supavisor_lint.project.values import External

_LEAVES_SESSION = frozenset({"make_transient", "make_transient_to_detached"})
_SETS = frozenset({"set_committed_value", "set_attribute"})


def of_sqlalchemy(frame: Frame, node: Call, state: State, given: ObjectRef) -> State:
    """The state behind a call whose first argument is an object; the same for any other function.

    Who keeps what `inspect(job)` gives may ask it how the object stands, and load it then.
    """
    callee = frame.ev.only(frame.file, node.func)
    if not isinstance(callee, External) or callee.root != "sqlalchemy":
        return state
    if callee.last in _LEAVES_SESSION or (callee.last == "inspect" and isinstance(node.parent, Assign | NamedExpr)):
        return objects.unknown(state, given.site)
    name = node.args[1].value if len(node.args) > 1 else None
    if callee.last in _SETS and isinstance(name, Constant) and isinstance(name.value, str):
        return objects.was_set(state, given.site, name.value) if given.site in state.objects else state
    return state
