"""Is a started task also awaited by the function that starts it? Then it is no background task, only concurrency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.facts.file import enclosing_function, walk
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import dotted, last_name
from supavisor_lint.facts.statements import Assign, For
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Await,
    Call,
    Expr,
    Generator,
    Lambda,
    Name,
    NamedExpr,
    Subscript,
)

_BLOCKING_CALLS = frozenset({"result", "run_until_complete"})
_COLLECTING = frozenset({"append", "add", "extend", "insert", "update", "setdefault"})


def is_structured(registration: Node) -> bool:
    """Whether the function around a registration awaits what the registration gives, on the spot or through names."""
    return waiting(registration) is not None


def waiting(registration: Node) -> Node | None:
    """What in the function around a registration first waits for what it gives; itself if an `await` is around it."""
    if _awaited_around(registration):
        return registration
    function = enclosing_function(registration)
    if function is None:
        return None
    nodes = list(own_nodes_in(function))
    # Only the future of another thread can be waited for without `await`: a task's `result()` just reads it.
    blocking = isinstance(registration, Call) and last_name(registration.func) == "run_coroutine_threadsafe"
    held = _holders(registration)
    while held:
        found = next((node for node in nodes if _waits_for(node, held, blocking)), None)
        if found is not None:
            return found
        more = {name for node in nodes for name in _handed_to(node, held)} - held
        if not more:
            return None
        held |= more
    return None


def is_collected(registration: Node) -> bool:
    """Whether what a registration gives is put into a list, set or dict, rather than into a variable of its own."""
    parent = registration.parent
    while isinstance(parent, Expr | Argument):
        if isinstance(parent, Call) and isinstance(parent.func, Attribute) and parent.func.attr in _COLLECTING:
            return True
        parent = parent.parent
    return isinstance(parent, Assign) and any(isinstance(target, Subscript) for target in parent.targets)


def _awaited_around(node: Node) -> bool:
    """Whether an `await` (or `.result()`) stands around a node in its statement, and no `shield` between them."""
    parent = node.parent
    while isinstance(parent, Expr | Argument | Generator) and not isinstance(parent, Lambda):
        if isinstance(parent, Call) and last_name(parent.func) == "shield":
            return False
        if isinstance(parent, Await) or (isinstance(parent, Call) and last_name(parent.func) in _BLOCKING_CALLS):
            return True
        parent = parent.parent
    return False


def _holders(node: Node) -> set[str]:
    """The names that hold what a node gives: assigned, walrused, appended to a list, put into a dict."""
    held: set[str] = set()
    parent = node.parent
    while isinstance(parent, Expr | Argument | Generator) and not isinstance(parent, Lambda):
        if isinstance(parent, NamedExpr):
            held |= set(_names(parent.target))
        if isinstance(parent, Call) and isinstance(parent.func, Attribute) and parent.func.attr in _COLLECTING:
            held |= {dotted(parent.func.value)} - {""}
        parent = parent.parent
    if isinstance(parent, Assign):
        held |= {name for target in parent.targets for name in _names(target)}
    return held


def _handed_to(node: Node, held: set[str]) -> Iterator[str]:
    """The names to which an assignment or loop hands something that is held."""
    if isinstance(node, Assign) and node.value is not None and _mentions(node.value, held):
        if not isinstance(node.value, Await):
            yield from (name for target in node.targets for name in _names(target))
    elif isinstance(node, For | Generator) and _mentions(node.iter, held):
        yield from _names(node.target)


def _waits_for(node: Node, held: set[str], blocking: bool) -> bool:
    if isinstance(node, Await):
        return _mentions(node.value, held)
    if isinstance(node, Call) and (last_name(node.func) == "run_until_complete" or (blocking and _is_result(node))):
        return _mentions(node, held)
    return isinstance(node, For) and node.is_async and _mentions(node.iter, held)


def _is_result(call: Call) -> bool:
    return last_name(call.func) == "result"


def _mentions(node: Node, held: set[str]) -> bool:
    return any(isinstance(n, Name | Attribute) and dotted(n) in held and not _is_shielded(n) for n in walk(node))


def _is_shielded(node: Node) -> bool:
    """`await shield(task)`: a cancellation ends the waiting, not the task."""
    call = node.parent.parent if isinstance(node.parent, Argument) else None
    return isinstance(call, Call) and last_name(call.func) == "shield"


def _names(target: Node) -> Iterable[str]:
    """The names, also dotted ones, that a target binds or fills."""
    if isinstance(target, Name | Attribute):
        return (dotted(target),)
    if isinstance(target, Subscript):
        return _names(target.value)
    return tuple(name for child in target.children() for name in _names(child))
