"""Which variable holds a session: one key for all the expressions that mean it."""

from __future__ import annotations

from dataclasses import dataclass

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.scopes import Assigned, Scope
from supavisor_lint.facts.tree import Attribute, Expr, Name


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Which session variable: its name (`self.db` with dots) and the scope that binds it."""

    text: str
    scope: Scope | None


def session_key(expr: Expr, depth: int = 0) -> SessionKey:
    """Which variable an expression is."""
    if isinstance(expr, Name):
        scope = scope_of(expr).lookup(expr.id)
        bindings = scope.bindings[expr.id] if scope is not None else []
        if len(bindings) == 1 and isinstance(bindings[0], Assigned) and bindings[0].index is None:
            value = bindings[0].value
            if isinstance(value, Name | Attribute) and depth < 4:  # a second name for the same session
                return session_key(value, depth + 1)
        return SessionKey(expr.id, scope)
    if isinstance(expr, Attribute):
        inner = session_key(expr.value)
        return SessionKey(f"{inner.text}.{expr.attr}", inner.scope)
    return SessionKey("", None)
