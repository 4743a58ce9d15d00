"""Errors that are caught where they would be lost, and raised behind that by what somebody has kept of them."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import FileFacts, walk, walk_own
from supavisor_lint.facts.handlers import own_nodes, own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import dotted
from supavisor_lint.facts.statements import Assign, FunctionDef, Handler, If, Match, Raise, Simple
from supavisor_lint.facts.tree import Attribute, Await, Call, Constant, Expr, Name, NamedExpr
from supavisor_lint.flow.collected import changed_by
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import FunctionValue


def raises_what_was_collected(function: FunctionDef, handler: Handler, before: Node | None = None) -> bool:
    """Whether an error hangs on what a handler keeps: `errors.append(error)`, and `if errors: raise …` behind it.

    That stands in front of a place, if one is given. What it puts into a name of its own, `failed = True`, is followed,
    and no matter of this.
    """
    nodes = list(own_nodes(handler.body))
    kept = changed_by(nodes).union(*(map(_kept_by, nodes)))
    asked = (node for node in own_nodes_in(function) if node.order > handler.order and _is_before(node, before))
    return any(_raises_by(node, kept) for node in asked)


def raises_what_a_call_tells(
    ev: Evaluator, function: FunctionDef, file: FileFacts, call: Node, before: Node | None = None
) -> bool:
    """Whether an error hangs on what a called function leaves behind: `if problems: raise …` behind the call.

    In what it was given, on `self`, or in its answer; one that is always a constant is followed. It stands in front of
    a place, if one is given.
    """
    if not isinstance(call, Call):
        return False
    whole = call.parent if isinstance(call.parent, Await) else call
    called = functions_called(ev, file, call)
    told = {dotted(given) for callee in called for given in _left_behind(callee, call) if not ev.session(file, given)}
    answers = not all(isinstance(result, Constant) for callee in called for result in callee.node.results)
    told |= _targets(whole.parent) if answers else set()
    asked = (node for node in own_nodes_in(function) if node.order > call.order or node.contains(call))
    return any(_raises_by(node, told, call, answers=answers) for node in asked if _is_before(node, before))


def _is_before(node: Node, place: Node | None) -> bool:
    return place is None or node.order < place.order


def _left_behind(callee: FunctionValue, call: Call) -> Iterator[Expr]:
    """What the handlers of a called function may put something into, or the functions that it awaits, as its caller
    spells it."""
    nodes = own_nodes_in(callee.node)
    handlers = [node for node in nodes if isinstance(node, Handler)]
    in_handlers = [inner for handler in handlers for inner in own_nodes(handler.body)]
    mentioned = {inner.id for inner in in_handlers if isinstance(inner, Name)}
    awaited = [node.value for node in nodes if isinstance(node, Await) and isinstance(node.value, Call)]
    mentioned |= {a.value.id for inner in awaited for a in inner.args if isinstance(a.value, Name)}
    for param, given in bind_arguments(callee, call.args).items():
        if param in mentioned and callee.node.param(param) is not None:
            yield given
    if isinstance(call.func, Attribute) and dotted(call.func.value) == "self":
        yield from (
            inner for inner in in_handlers if isinstance(inner, Attribute) and dotted(inner).startswith("self.")
        )


def _raises_by(node: Node, names: set[str], call: Node | None = None, *, answers: bool = False) -> bool:
    """Whether a statement raises, or not, by what it finds in some names, or by the answer of a call in its test."""
    match node:
        case If(test) | Match(test):
            raises = any(isinstance(inner, Raise) for inner in walk_own(node))
        case Simple("assert", (test, *_)):
            raises = True
        case _:
            return False
    return raises and any(
        (answers and inner is call)
        or (isinstance(inner, Name | Attribute) and dotted(inner) in names and not (call and call.contains(inner)))
        for inner in walk(test)
    )


def _kept_by(node: Node) -> set[str]:
    """`first = first or error`, `self.error = error`."""
    if not isinstance(node, Assign) or isinstance(node.value, Constant | Name):
        return {dotted(t) for t in node.targets if isinstance(t, Attribute)} if isinstance(node, Assign) else set()
    return {dotted(target) for target in node.targets}.difference({""})


def _targets(node: Node | None) -> set[str]:
    if isinstance(node, NamedExpr):
        return {dotted(node.target)}
    return {dotted(target) for target in node.targets} if isinstance(node, Assign) else set()
