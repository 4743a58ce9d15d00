"""How the places of an event are named in a message: by line and by what stands there."""

from __future__ import annotations

from collections.abc import Iterable

from supavisor_lint.facts.file import walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, FunctionDef, Handler
from supavisor_lint.facts.tree import Attribute, Call, Constant, Expr, Name
from supavisor_lint.flow.values import CALLER


def what(node: Node) -> str:
    """What stands at a node, in a few words: `session.get()`, `job.status = …`, the call of a function."""
    if isinstance(node, Call):
        by_name = attribute_by_name(node)
        if by_name is None:
            return f"`{written(node.func)}()`"
        return f"`{by_name} = …`" if last_name(node.func) == "setattr" else f"`{by_name}`"
    if isinstance(node, Attribute):
        assigned = isinstance(node.parent, Assign) and node in node.parent.targets
        return f"`{written(node)} = …`" if assigned else f"`{written(node)}`"
    if isinstance(node, Handler):
        return "`except`"
    if isinstance(node, FunctionDef):
        return f"the end of `{node.name}`"
    return "the block"


def read_by(node: Node) -> str:
    """What stands at a node that reads something: `job.attempts`, also in `job.attempts += 1`."""
    return f"`{written(node)}`" if isinstance(node, Attribute) else what(node)


def attribute_by_name(call: Call) -> str | None:
    """`job.status`, where that is what `getattr(job, "status")` reads or `setattr(job, "status", …)` sets."""
    name = call.args[1].value if isinstance(call.func, Name) and len(call.args) > 1 else None
    if last_name(call.func) not in ("getattr", "setattr") or not isinstance(name, Constant):
        return None
    return f"{written(call.args[0].value)}.{name.value}" if isinstance(name.value, str) else None


def written(expr: Expr) -> str:
    """`a.b.c`; what is not a name is an ellipsis."""
    if isinstance(expr, Name):
        return expr.id
    if isinstance(expr, Attribute):
        return f"{written(expr.value)}.{expr.attr}"
    if isinstance(expr, Call):
        return f"{written(expr.func)}()"
    return "…"


def _line(node: Node) -> int:
    """The line (from 1) of what `what` names: of a function, that of its end."""
    if isinstance(node, FunctionDef):
        return max(part.span.line for part in walk(node.body[-1]))
    return node.span.line


def through(nodes: Iterable[Node]) -> str:
    """`line 41 (…)`: the nodes that a path goes through; at most three of them."""
    found = sorted((n for n in nodes if n is not CALLER), key=lambda n: n.order)
    named = [f"line {_line(n)} ({what(n)})" for n in found[:3]]
    if not named:
        return "the caller"
    text = named[0] if len(named) == 1 else ", ".join(named[:-1]) + f" or {named[-1]}"
    return text + (" …" if len(found) > 3 else "")
