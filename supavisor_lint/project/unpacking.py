"""What do the targets of `a, b = …` and of `for a, b in …` get?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.tree import Attribute, Await, Call, Collection, Dict, Expr, Name, Starred
from supavisor_lint.project.values import UNKNOWN, FunctionValue, Session, Value

if TYPE_CHECKING:
    from supavisor_lint.project.evaluate import Evaluator


def target_values(ev: Evaluator, file: FileFacts, target: Node, value: Expr, index: int) -> Iterable[Value]:
    """What one of several targets gets, by its position among them (0-based)."""
    return (UNKNOWN,) if _is_behind_a_star(target) else _part_values(ev, file, value, index)


def _is_behind_a_star(target: Node) -> bool:
    """Whether a target stands behind a `*rest`: its position in the value is not that among the targets."""
    targets = target.parent
    if not isinstance(targets, Collection):
        return False
    return any(isinstance(before, Starred) and before.order < target.order for before in targets.items)


def _part_values(ev: Evaluator, file: FileFacts, expr: Expr, index: int) -> Iterable[Value]:
    """What the target at a position (0-based) gets: of a tuple as written, or of a builder's result."""
    if isinstance(expr, Collection):
        return ev.values(file, expr.items[index]) if index < len(expr.items) else (UNKNOWN,)
    return _part_of_result(ev, file, expr, index)


def _part_of_result(ev: Evaluator, file: FileFacts, expr: Expr, index: int) -> Iterable[Value]:
    """`engine, factory = build()`, where the function of the project returns its tuple as written."""
    call = expr.value if isinstance(expr, Await) else expr
    if not isinstance(call, Call):
        return (UNKNOWN,)
    found: list[Value] = []
    for callee in ev.values(file, call.func):
        if (
            isinstance(callee, FunctionValue)
            and callee.node.is_async == isinstance(expr, Await)
            and not callee.node.is_generator
        ):
            for result in callee.node.results:
                found += item_values(ev, callee.file, result, index)
        else:
            found.append(UNKNOWN)
    return found or (UNKNOWN,)


def parts_returned(ev: Evaluator, function: FunctionValue) -> Iterable[Value]:
    """All that stands in the tuples that a function returns as written."""
    for result in function.node.results:
        if isinstance(result, Collection):
            for item in result.items:
                yield from ev.values(function.file, item)


def round_values(ev: Evaluator, file: FileFacts, iterated: Expr, index: int | None) -> Iterable[Value]:
    """What a `for` gets from a display of the project, all rounds together: by its name, and of a dictionary, too."""
    match iterated:
        case Call(Attribute(Name() | Dict() as mapping, "values" | "items" as view), ()):
            found = [
                v for home, display in _displays(ev, file, mapping) for v in _of_view(ev, home, display, view, index)
            ]
        case _:
            found = [v for home, display in _displays(ev, file, iterated) for v in _of_items(ev, home, display, index)]
    return found or (UNKNOWN,)  # else other bindings of the name would stand alone


def _of_view(ev: Evaluator, file: FileFacts, display: Expr, view: str, index: int | None) -> Iterable[Value]:
    """What `values()` of a dictionary gives, or one part of its `items()`."""
    if not isinstance(display, Dict) or (view == "values") != (index is None):
        return (UNKNOWN,)
    parts = [pair.value if index in (None, 1) else pair.key for pair in display.items]
    return [v for part in parts for v in ((UNKNOWN,) if part is None else item_values(ev, file, part, None))]


def _of_items(ev: Evaluator, file: FileFacts, display: Expr, index: int | None) -> Iterable[Value]:
    if not isinstance(display, Collection):
        return (UNKNOWN,)
    return [value for item in display.items for value in item_values(ev, file, item, index)]


def _displays(ev: Evaluator, file: FileFacts, expr: Expr) -> Iterable[tuple[FileFacts, Expr]]:
    """The displays that an expression is, or that its name is bound to."""
    from supavisor_lint.project.members import definition_sites  # mutual: members needs what targets get

    if not isinstance(expr, Name):
        yield file, expr
        return
    for home, binding in definition_sites(ev, file, expr, everywhere=True):
        if isinstance(binding, Assigned) and binding.value is not None and binding.index is None:
            yield home, binding.value


def item_values(ev: Evaluator, file: FileFacts, item: Expr, index: int | None) -> Iterable[Value]:
    """What a round of `for f in (first, second)` or `for f, x in [(first, 1)]` gives; no session, which is one each."""
    if index is not None:
        if not isinstance(item, Collection) or index >= len(item.items):
            return (UNKNOWN,)
        if any(isinstance(before, Starred) for before in item.items[:index]):
            return (UNKNOWN,)
        item = item.items[index]
    if isinstance(item, Starred):
        return (UNKNOWN,)
    return [UNKNOWN if isinstance(value, Session) else value for value in ev.values(file, item)]
