"""Is a lock held here? What stands under one never runs at the same time as other code under it."""

from __future__ import annotations

from supavisor_lint.facts.file import FileFacts, scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.statements import ExprStmt, FunctionDef, Try, With
from supavisor_lint.facts.tree import Attribute, Call, Constant, Expr, Name
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.members import self_assignments
from supavisor_lint.project.values import ClassValue, External, Instance

_LOCKS = frozenset({"asyncio.Lock", "asyncio.locks.Lock", "asyncio.Condition", "anyio.Lock", "aiorwlock.RWLock"})
_SEMAPHORES = frozenset({"asyncio.Semaphore", "asyncio.BoundedSemaphore", "anyio.Semaphore", "anyio.CapacityLimiter"})


def is_locked(ev: Evaluator, file: FileFacts, node: Node) -> bool:
    """Whether a lock is held around a node in its function: by `async with`, or from `acquire()` to `release()`."""
    child, parent = node, node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, Try) and child in parent.body and _releases(ev, file, parent):
            return True
        if (
            isinstance(parent, With)
            and child in parent.body
            and any(_is_lock(ev, file, i.context) for i in parent.items)
        ):
            return True
        child, parent = parent, parent.parent
    return False


def _releases(ev: Evaluator, file: FileFacts, statement: Try) -> bool:
    """`try: … finally: lock.release()`."""
    return any(
        isinstance(last, ExprStmt)
        and isinstance(last.value, Call)
        and isinstance(last.value.func, Attribute)
        and last.value.func.attr == "release"
        and _is_lock(ev, file, last.value.func.value)
        for last in statement.finalbody
    )


def _is_lock(ev: Evaluator, file: FileFacts, context: Expr) -> bool:
    """A lock by its class, or by its name where nothing else is known; not one that the function makes for itself."""
    if isinstance(context, Name) and _is_own(context):
        return False
    value = ev.only(file, context)
    if isinstance(value, Instance) and isinstance(value.of, External):
        dotted = value.of.dotted
        return dotted in _LOCKS or (dotted in _SEMAPHORES and _counts_to_one(ev, file, context))
    name = context.id if isinstance(context, Name) else context.attr if isinstance(context, Attribute) else ""
    return any(word in name.lower() for word in ("lock", "mutex"))


def _is_own(name: Name) -> bool:
    """Whether a lock is a variable of the very function that holds it: every run has one of its own."""
    scope = scope_of(name)
    owner = scope.lookup(name.id)
    function = owner.node if owner is not None else None
    return isinstance(function, FunctionDef) and scope.function is function and function.param(name.id) is None


def _counts_to_one(ev: Evaluator, file: FileFacts, semaphore: Expr) -> bool:
    """`Semaphore(1)` (also the default)."""
    made = _made_by(ev, file, semaphore)
    if made is None:
        return False
    count = made.argument(0, "value")
    return count is None or (isinstance(count, Constant) and count.value == 1)


def _made_by(ev: Evaluator, file: FileFacts, expr: Expr) -> Call | None:
    values: list[Expr | None] = []
    if isinstance(expr, Name):
        owner = scope_of(expr).lookup(expr.id)
        bindings = owner.bindings[expr.id] if owner is not None else []
        values = [b.value for b in bindings if isinstance(b, Assigned)]
    elif isinstance(expr, Attribute):
        keeper = ev.only(file, expr.value)
        if isinstance(keeper, Instance) and isinstance(keeper.of, ClassValue):
            values = [value for value, _ in self_assignments(keeper.of.node).get(expr.attr, [])]
    made = values[0] if len(values) == 1 else None
    return made if isinstance(made, Call) else None
