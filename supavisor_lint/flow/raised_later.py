"""Errors that are caught where they would be lost, and raised behind that by what somebody has kept of them."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import FileFacts, walk, walk_own
from supavisor_lint.facts.handlers import own_nodes, own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import dotted, last_name
from supavisor_lint.facts.statements import Assign, FunctionDef, Handler, If, Match, Raise, Simple
from supavisor_lint.facts.tree import Argument, Attribute, Await, Call, Collection, Constant, Expr, Name, NamedExpr
from supavisor_lint.flow.collected import changed_by
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import FunctionValue


def raises_what_was_collected(
    ev: Evaluator, function: FunctionDef, file: FileFacts, handler: Handler, before: Node | None = None
) -> bool:
    """Whether an error hangs on what a handler keeps: `errors.append(error)`, and `if errors: raise …` behind it.

    That stands in front of a place, if one is given. What it puts into a name of its own, `failed = True`, is followed,
    and no matter of this.
    """
    nodes = list(own_nodes(handler.body))
    search = _Search(ev, file, changed_by(nodes).union(*(map(_kept_by, nodes))))
    search.errors = {dotted(t) for node in nodes if isinstance(node, Assign) for t in node.targets} - {""}
    asked = (node for node in own_nodes_in(function) if node.order > handler.order and _is_before(node, before))
    return any(search.raises_by(node) for node in asked)


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
    told |= _collected_in(whole)
    search = _Search(ev, file, told, call, answers=answers)
    asked = [
        node
        for node in own_nodes_in(function)
        if (node.order > call.order or node.contains(call)) and _is_before(node, before)
    ]
    for node in asked:  # `if error: errors.append(error)`, `if not await check(): failed.append(name)`
        if isinstance(node, If) and (search.asks(node.test) or node.test.contains(call)):
            search.names |= changed_by(own_nodes(node.body))
    return any(search.raises_by(node) for node in asked)


def _is_before(node: Node, place: Node | None) -> bool:
    return place is None or node.order < place.order


def _collected_in(answer: Expr) -> set[str]:
    """`problems` of `problems.extend(await check())`."""
    outer = answer.parent.parent if isinstance(answer.parent, Argument) else None
    return changed_by((outer,)) if isinstance(outer, Call) else set()


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


class _Search:
    """Looks for what raises by what it finds in some names, or by the answer of a call in its test."""

    def __init__(
        self, ev: Evaluator, file: FileFacts, names: set[str], call: Call | None = None, *, answers: bool = False
    ) -> None:
        self.names = names
        self.errors: set[str] = set()  # names that are followed: what is asked of their class is not
        self._ev = ev
        self._file = file
        self._call = call
        self._answers = answers

    def raises_by(self, node: Node) -> bool:
        """Whether a statement raises, or not, by that: itself, or in a function that it hands it to."""
        match node:
            case If(test) | Match(test):
                return self.asks(test) and any(isinstance(inner, Raise) for inner in walk_own(node))
            case Simple("assert", (test, *_)):
                return self.asks(test)
            case Call() if node is not self._call:
                return self._raises_in(node)
            case _:
                return False

    def _raises_in(self, call: Call) -> bool:
        """Whether a called function raises by what it is handed: one of the names, or the object that holds one."""
        owner = dotted(call.func.value) if isinstance(call.func, Attribute) else ""
        held = {told.removeprefix(f"{owner}.") for told in self.names if owner and told.startswith(f"{owner}.")}
        if not held and not any(self._is_named(argument.value) for argument in call.args):
            return False
        for callee in functions_called(self._ev, self._file, call):
            given = bind_arguments(callee, call.args).items()
            names = {param for param, value in given if self._is_named(value)} | {f"self.{attr}" for attr in held}
            search = _Search(self._ev, callee.file, names)
            if any(search.raises_by(node) for node in own_nodes_in(callee.node) if not isinstance(node, Call)):
                return True
        return False

    def _is_named(self, value: Expr) -> bool:
        return isinstance(value, Name | Attribute) and self._is_told(value)

    def asks(self, test: Expr) -> bool:
        """Whether a test is about that."""
        return any(
            (self._answers and inner is self._call)
            or (isinstance(inner, Name | Attribute) and self._is_told(inner))
            or (isinstance(inner, Call) and last_name(inner.func) == "isinstance" and self._is_error(inner))
            for inner in walk(test)
        )

    def _is_told(self, expr: Name | Attribute) -> bool:
        """Whether an expression is one of the names, or asks the object that holds one of them: `report.ok`."""
        if self._call is not None and self._call.contains(expr):
            return False
        name = dotted(expr)
        owner = name.partition(".")[0]
        return name in self.names or (
            "." in name and owner not in ("self", "cls") and any(told.startswith(f"{owner}.") for told in self.names)
        )

    def _is_error(self, call: Call) -> bool:
        return bool(call.args) and dotted(call.args[0].value) in self.errors


def _kept_by(node: Node) -> set[str]:
    """`first = first or error`, `self.error = error`."""
    if not isinstance(node, Assign) or isinstance(node.value, Constant | Name):
        return {dotted(t) for t in node.targets if isinstance(t, Attribute)} if isinstance(node, Assign) else set()
    return {dotted(target) for target in node.targets}.difference({""})


def _targets(node: Node | None) -> set[str]:
    if isinstance(node, NamedExpr):
        return {dotted(node.target)}
    targets = node.targets if isinstance(node, Assign) else ()
    parts = (part for target in targets for part in (target.items if isinstance(target, Collection) else (target,)))
    return {dotted(part) for part in parts}
