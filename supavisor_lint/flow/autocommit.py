"""Engines and connections that commit each statement at once: `isolation_level="AUTOCOMMIT"`. Nothing is lost there."""

from __future__ import annotations

from supavisor_lint.facts.file import FileFacts, scope_of
from supavisor_lint.facts.scopes import Assigned, Binding, NameImport
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Call, Constant, Dict, Expr, Name
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.evaluate import Evaluator

_MAX_DEPTH = 6
_AT_ONCE = "AUTOCOMMIT"


def commits_at_once(ev: Evaluator, file: FileFacts, engine: Expr | None) -> bool:
    """Whether an expression is such an engine."""
    return engine is not None and _level(ev, file, engine, 0) == _AT_ONCE


def asks_for_autocommit(call: Call) -> bool:
    """Whether a call says so itself, of what it makes: `connection(execution_options={…})`."""
    return _asked(call) == _AT_ONCE


def _level(ev: Evaluator, file: FileFacts, expr: Expr, depth: int) -> object:
    """The isolation level that an engine was given last; None where that is unknown or the default."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(expr, Name):
        owner = scope_of(expr).lookup(expr.id)
        return _any(ev, file, owner.bindings[expr.id], depth) if owner is not None else None
    if not isinstance(expr, Call):
        return None
    asked = _asked(expr)
    if asked is not None:
        return asked
    made_of = getattr(expr.func, "value", None) if last_name(expr.func) == "execution_options" else None
    if isinstance(made_of, Expr):
        return _level(ev, file, made_of, depth + 1)
    for function in functions_called(ev, file, expr)[:1]:
        levels = {_level(ev, function.file, result, depth + 1) for result in function.node.results}
        return levels.pop() if len(levels) == 1 else None
    return None


def _any(ev: Evaluator, file: FileFacts, bindings: list[Binding], depth: int) -> object:
    """The level of a name; of one that is bound in several branches the one that commits at once, if it may be that."""
    levels = {_bound(ev, file, binding, depth) for binding in bindings}
    return _AT_ONCE if _AT_ONCE in levels else levels.pop() if len(levels) == 1 else None


def _bound(ev: Evaluator, file: FileFacts, binding: Binding, depth: int) -> object:
    if isinstance(binding, Assigned) and binding.value is not None and binding.index is None:
        return _level(ev, file, binding.value, depth + 1)
    if isinstance(binding, NameImport) and depth < _MAX_DEPTH:
        path = ev.files.module(file.path, binding.module, binding.level)
        home = ev.files.peek(path) if path is not None else None
        return _any(ev, home, home.scope.bindings.get(binding.name, []), depth + 1) if home is not None else None
    return None


def _asked(call: Call) -> object:
    """The isolation level that a call names, itself or among its execution options."""
    level = call.argument(None, "isolation_level")
    options = call.argument(None, "execution_options")
    if level is None and isinstance(options, Dict):
        keys = {item.key.value: item.value for item in options.items if isinstance(item.key, Constant)}
        level = keys.get("isolation_level")
    return level.value if isinstance(level, Constant) else None
