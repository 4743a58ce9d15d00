"""Context managers that may swallow what is raised in them: told by their definitions, else by well-known names."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import FileFacts, enclosing_function
from supavisor_lint.facts.handlers import enclosing_tries, own_nodes, own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import FunctionDef, Handler, Raise, Return, With, WithItem
from supavisor_lint.facts.tree import Attribute, Call, Constant, Expr, Name
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.members import member
from supavisor_lint.project.values import ClassValue, Decorated, FunctionValue, GeneratorValue, Instance, Manager, Value

_BY_NAME = frozenset({"suppress", "ignored", "raises", "move_on_after", "move_on_at", "CancelScope"})
_STACKS = frozenset({"ExitStack", "AsyncExitStack"})
_ENTERS = frozenset({"enter_context", "enter_async_context", "push", "push_async_exit"})
_MAX_DEPTH = 3


def may_swallow(ev: Evaluator, file: FileFacts, context: Expr, depth: int = 0) -> bool:
    """Whether what a `with` item enters may let an error of its block vanish. What nobody can read does not."""
    if isinstance(context, Call):
        name = last_name(context.func)
        if name in _BY_NAME:
            return True
        if name in _STACKS:
            return depth < _MAX_DEPTH and any(
                may_swallow(ev, file, entered, depth + 1) for entered in _entered_in_stack(context)
            )
    return any(_is_swallowing(ev, value, depth) for value in ev.values(file, context))


def _is_swallowing(ev: Evaluator, value: Value, depth: int) -> bool:
    match value:
        case Manager(Decorated(function)) | GeneratorValue(function):
            return _swallows_at_yield(ev, function, depth)
        case Instance(ClassValue()):
            methods = (m for name in ("__exit__", "__aexit__") for m in member(ev, value, name))
            return any(isinstance(m, FunctionValue) and _may_be_true(m.node) for m in methods)
        case _:
            return False


def _may_be_true(exit_: FunctionDef) -> bool:
    """Whether an `__exit__` may return something true, which swallows the error."""
    return any(not isinstance(result, Constant) or bool(result.value) for result in exit_.results)


def _swallows_at_yield(ev: Evaluator, function: FunctionValue, depth: int) -> bool:
    """Whether an error that is raised at a `yield` may end inside of the generator."""
    if depth >= _MAX_DEPTH:
        return True
    for at in function.node.yields:
        for statement, part in enclosing_tries(at):
            if part == "body" and any(not _hands_on(handler) for handler in statement.handlers):
                return True
            if part != "finalbody" and any(isinstance(node, Return) for node in own_nodes(statement.finalbody)):
                return True
        if any(may_swallow(ev, function.file, item.context, depth + 1) for item in _items_around(at)):
            return True
    return False


def _hands_on(handler: Handler) -> bool:
    """Whether a handler ends in `raise`, whatever it does before; one for the generator's own end does not count."""
    if isinstance(handler.type, Name) and handler.type.id in ("GeneratorExit", "StopAsyncIteration", "StopIteration"):
        return True
    leaves = any(isinstance(node, Return) for node in own_nodes(handler.body))
    return bool(handler.body) and isinstance(handler.body[-1], Raise) and not leaves


def _items_around(node: Node) -> Iterator[WithItem]:
    parent = node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, With):
            yield from parent.items
        parent = parent.parent


def _entered_in_stack(stack: Call) -> Iterator[Expr]:
    """What is entered with `stack.enter_context(…)` and the like, in the function around."""
    item, function = stack.parent, enclosing_function(stack)
    target = item.target if isinstance(item, WithItem) else None
    if not isinstance(target, Name) or function is None:
        return
    for node in own_nodes_in(function):
        if isinstance(node, Call) and node.args and isinstance(node.func, Attribute) and node.func.attr in _ENTERS:
            receiver = node.func.value
            if isinstance(receiver, Name) and receiver.id == target.id:
                yield node.args[0].value
