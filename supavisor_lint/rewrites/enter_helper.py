"""SUP104: `with` becomes `async with`, and a missing call is added. Safe: what stands there can only fail."""

from __future__ import annotations

from supavisor_lint.facts.file import enclosing_function
from supavisor_lint.facts.statements import With, WithItem
from supavisor_lint.facts.tree import Call, Expr
from supavisor_lint.findings import Edit, Finding, Fix, Span
from supavisor_lint.rewrites.base import Context, NoFix


def propose(context: Context, finding: Finding) -> Fix:
    """The two forms that have one right reading; the scope of a missing `async with` is for the author to choose."""
    expr = context.node(finding, Expr)
    item = expr.parent
    if not isinstance(item, WithItem) or not isinstance(item.parent, With):
        raise NoFix("no rewrite is offered: which statements belong into the `async with` is for its author to say")
    context.refuse_caught(expr, "TypeError", "AttributeError")
    statement, is_called = item.parent, isinstance(expr, Call)
    if statement.is_async and is_called:
        raise NoFix("no rewrite is offered: what is entered here is no context manager, its definition has to change")
    behind = Span(*expr.span.end, *expr.span.end)
    edits = [] if is_called else [Edit(behind, "()")]
    if statement.is_async:
        return context.fix("safe", "Call the session helper", edits)
    _require_async(statement)
    start = Span(*statement.span.start, *statement.span.start)
    title = "Enter the session helper with `async with`" if is_called else "Call the session helper, with `async with`"
    return context.fix("safe", title, [Edit(start, "async "), *edits])


def _require_async(statement: With) -> None:
    """Raise NoFix where a `with` cannot become an `async with`."""
    function = enclosing_function(statement)
    if function is None or not function.is_async:
        raise NoFix("`async with` needs an `async def` around it")
    if len(statement.items) > 1:
        raise NoFix("the other items of this `with` may not work in an `async with`")
