"""Sessions that are bound to a connection: whoever has begun its transaction commits what they have written."""

from __future__ import annotations

from supavisor_lint.facts.file import FileFacts, scope_of
from supavisor_lint.facts.scopes import Assigned, Entered
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Attribute, Await, Call, Constant, Expr, Name
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.values import External, Instance

_ENGINES = frozenset({"create_async_engine", "async_engine_from_config", "AsyncEngine"})
_CONNECTS = frozenset({"begin", "connect"})
_OF_ITS_OWN = frozenset({"create_savepoint", "control_fully"})


def is_connection(ev: Evaluator, file: FileFacts, bind: Expr) -> bool | None:
    """Whether what a session is bound to is a connection; None if it is not known to be one, nor an engine."""
    origins = [_origin(v.of) for v in ev.values(file, bind) if isinstance(v, Instance) and isinstance(v.of, External)]
    if any(origin in _ENGINES for origin in origins) or "engine" in _name(bind).lower():
        return False
    return True if "AsyncConnection" in origins or _is_connected(bind) else None


def _origin(made_by: External) -> str:
    """What has made an engine or a connection, whatever options it was given since."""
    while made_by.last == "execution_options":
        made_by = External(made_by.dotted.rpartition(".")[0])
    return made_by.last


def loses_its_own(made_by: Call) -> bool:
    """Whether a session on a connection is asked to end its work itself: `join_transaction_mode`."""
    mode = made_by.argument(None, "join_transaction_mode")
    return isinstance(mode, Constant) and mode.value in _OF_ITS_OWN


def _name(expr: Expr) -> str:
    return last_name(expr.func if isinstance(expr, Call) else expr) or ""


def _is_connected(expr: Expr) -> bool:
    """`engine.connect()`, and a name for it: `async with engine.begin() as connection`."""
    if isinstance(expr, Await):
        return _is_connected(expr.value)
    if isinstance(expr, Call):
        return isinstance(expr.func, Attribute) and expr.func.attr in _CONNECTS
    owner = scope_of(expr).lookup(expr.id) if isinstance(expr, Name) else None
    if owner is None or not isinstance(expr, Name):
        return False
    return any(_binds_connection(binding) for binding in owner.bindings[expr.id])


def _binds_connection(binding: object) -> bool:
    made_by = binding.context if isinstance(binding, Entered) else None
    if isinstance(binding, Assigned) and isinstance(binding.value, Await):
        made_by = binding.value.value
    return isinstance(made_by, Call) and _is_connected(made_by)
