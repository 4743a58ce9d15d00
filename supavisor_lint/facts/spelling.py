"""How names are spelled: the text of a dotted name, and the last name in an expression."""

from __future__ import annotations

from supavisor_lint.facts.tree import Attribute, Call, Expr, Name, Subscript


def dotted(expr: Expr) -> str:
    """`a.b.c` as text, "" for anything else."""
    if isinstance(expr, Name):
        return expr.id
    if isinstance(expr, Attribute):
        inner = dotted(expr.value)
        return f"{inner}.{expr.attr}" if inner else ""
    return ""


def last_name(expr: Expr) -> str:
    """The last name of what is called or mentioned: `c` of `a.b.c`, "" when it has none."""
    if isinstance(expr, Name):
        return expr.id
    if isinstance(expr, Attribute):
        return expr.attr
    if isinstance(expr, Call | Subscript):  # a builder that is called twice, `async_sessionmaker[AsyncSession](…)`
        return last_name(expr.func if isinstance(expr, Call) else expr.value)
    return ""


def is_spelled_like_class(expr: Expr) -> bool:
    """Whether what is called has the name of a class: `Scope`, `models.Job`, `_Unit`."""
    return last_name(expr).lstrip("_")[:1].isupper()
