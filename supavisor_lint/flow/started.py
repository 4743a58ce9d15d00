"""Which coroutines does an argument of `gather`, `wait` or `create_task` start, and does it start them repeatedly?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts, block_of, scope_of
from supavisor_lint.facts.handlers import own_nodes, own_nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, Scope, node_of
from supavisor_lint.facts.statements import Assign, For, FunctionDef, While
from supavisor_lint.facts.tree import (
    Attribute,
    Call,
    Collection,
    Comprehension,
    Dict,
    Expr,
    IfExp,
    Name,
    NamedExpr,
    Other,
    Starred,
    Subscript,
)
from supavisor_lint.flow.locks import is_locked
from supavisor_lint.flow.session_uses import SessionUses, Use
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.registrars import param_uses
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import Coroutine, External, Instance, Method, Value
from supavisor_lint.project.vocabulary import COROUTINE_REGISTRARS, COROUTINE_WRAPPERS, LOOP_MAKERS

TASK_MAKERS = COROUTINE_REGISTRARS - {"asyncio.run_coroutine_threadsafe"}
_COPIES = frozenset({"list", "tuple", "set", "reversed", "sorted", "frozenset"})
_APPENDING = frozenset({"append", "add", "insert", "extend", "update"})
_MAX_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Start:
    """One coroutine that is started at `node`, with what it uses; `loop` starts it again and again."""

    node: Expr
    uses: tuple[Use, ...]
    loop: Node | None


class Starts:
    """Finds the starts in one function."""

    def __init__(self, ev: Evaluator, uses: SessionUses, file: FileFacts, function: FunctionDef) -> None:
        self._ev = ev
        self._uses = uses
        self._file = file
        self._nodes = list(own_nodes_in(function))

    def one(self, expr: Expr, loop: Node | None = None, depth: int = 0) -> Iterator[Start]:
        """The starts of an expression that is a coroutine, a task, or a choice of them."""
        if depth > _MAX_DEPTH:
            return
        match expr:
            case Starred(value):
                yield from self.many(value, expr, depth + 1)
            case Call():
                yield from self._call(expr, loop, depth)
            case IfExp(body, _, orelse):
                yield from self.one(body, loop, depth + 1)
                yield from self.one(orelse, loop, depth + 1)
            case NamedExpr(_, value):
                yield from self.one(value, loop, depth + 1)
            case Name():
                for binding in reaching(expr, expr):
                    if isinstance(binding, Assigned) and binding.value is not None and binding.index is None:
                        yield from self.one(binding.value, loop, depth + 1)
            case _:
                return

    def _call(self, call: Call, loop: Node | None, depth: int) -> Iterator[Start]:
        inner = self.task_argument(call)
        if inner is not None:
            for start in self.one(inner, loop, depth + 1):
                yield Start(call, start.uses, start.loop)
        else:
            uses = (*self._uses.of_call(self._file, call), *self._through_wrapper(call))
            yield Start(call, uses, loop)

    def task_argument(self, call: Call) -> Expr | None:
        """The coroutine that a call makes a task of, or only waits for."""
        for value in self._ev.values(self._file, call.func):
            if isinstance(value, External) and value.dotted in TASK_MAKERS | COROUTINE_WRAPPERS:
                return call.argument(0, "coro")
            if isinstance(value, Method) and value.name == "create_task" and _is_loop(value.receiver):
                return call.argument(0, "coro")
        return None

    def _through_wrapper(self, call: Call) -> Iterator[Use]:
        """`limited(work(session))`: a function of the project that awaits the coroutine it is given, under no lock."""
        for value in self._ev.values(self._file, call):
            if isinstance(value, Coroutine) and value.call is call:
                for param, expr in bind_arguments(value.function, call.args).items():
                    if isinstance(expr, Call) and self._awaits(value, param):
                        yield from self._uses.of_call(self._file, expr)

    def _awaits(self, wrapper: Coroutine, param: str) -> bool:
        node, file = wrapper.function.node, wrapper.function.file
        awaits = [use for use in param_uses(node, node, param) if use.call is None]
        reads = (n for n in own_nodes(node.body) if isinstance(n, Name) and n.id == param)
        return bool(awaits) and not any(is_locked(self._ev, file, read) for read in reads)

    # ------------------------------------------------------------------------------------------------ collections

    def many(self, expr: Expr, at: Expr, depth: int = 0) -> Iterator[Start]:
        """The starts of a collection of coroutines or tasks, as it is where `at` stands."""
        if depth > _MAX_DEPTH:
            return
        match expr:
            case Collection(items):
                for item in items:
                    yield from self.one(item, None, depth + 1)
            case Comprehension(elements):
                yield from self.one(elements[-1], expr, depth + 1)
            case Dict(items):
                for pair in items:
                    yield from self.one(pair.value, None, depth + 1)
            case Name():
                yield from self._variable(expr, at, depth)
            case Subscript(value) | Starred(value) | NamedExpr(_, value):
                yield from self.many(value, at, depth + 1)
            case IfExp(body, _, orelse):
                yield from self.many(body, at, depth + 1)
                yield from self.many(orelse, at, depth + 1)
            case Other(parts, ""):
                for part in parts:
                    yield from self.many(part, at, depth + 1)
            case Call():
                yield from self._copied(expr, at, depth)
            case _:
                return

    def _copied(self, call: Call, at: Expr, depth: int) -> Iterator[Start]:
        """`list(tasks)`, `tasks.values()`, `map(work, …)`."""
        func = call.func
        if isinstance(func, Attribute) and func.attr == "values" and not call.args:
            yield from self.many(func.value, at, depth + 1)
        value = self._ev.only(self._file, func)
        name = value.dotted.removeprefix("builtins.") if isinstance(value, External) else ""
        first = call.argument(0)
        if name in _COPIES and first is not None:
            yield from self.many(first, at, depth + 1)
        elif name == "map" and first is not None:
            yield Start(call, tuple(self._uses.of_callable(self._file, first, ())), call)

    def _variable(self, name: Name, at: Expr, depth: int) -> Iterator[Start]:
        """What a local list holds: what it was made with, and what was put into it since."""
        bindings = reaching(name, at)
        made = [b for b in bindings if isinstance(b, Assigned) and b.value is not None and b.index is None]
        for binding in made:
            if binding.value is not None:
                yield from self.many(binding.value, at, depth + 1)
        if made:
            yield from self._put_into(name, made[0].node, at, depth)

    def _put_into(self, name: Name, made: Node, at: Expr, depth: int) -> Iterator[Start]:
        for node in self._nodes:
            if not isinstance(node, Call | Assign) or not _is_between(made, node, at):
                continue
            value, several = _put(node, name.id)
            if value is not None:
                loop = _loop_around(node, made)
                for start in self.many(value, at, depth + 1) if several else self.one(value, loop, depth + 1):
                    yield Start(start.node, start.uses, start.loop or loop)


def _is_loop(value: Value) -> bool:
    return isinstance(value, Instance) and isinstance(value.of, External) and value.of.dotted in LOOP_MAKERS


def _put(node: Call | Assign, name: str) -> tuple[Expr | None, bool]:
    """What a statement puts into a list, set or dict of that name, and whether that is several."""
    if isinstance(node, Call):
        func = node.func
        if isinstance(func, Attribute) and func.attr in _APPENDING and _is_named(func.value, name) and node.args:
            return node.args[-1].value, func.attr in ("extend", "update")
    elif node.augmented and _is_named(node.targets[0], name):
        return node.value, True
    elif any(isinstance(t, Subscript) and _is_named(t.value, name) for t in node.targets):
        return node.value, False
    return None, False


def _is_named(expr: Expr, name: str) -> bool:
    return isinstance(expr, Name) and expr.id == name


def _is_between(first: Node, node: Node, last: Node) -> bool:
    """Whether a node stands between two others, or before the last in a round of a loop that they share."""
    return first.order < node.order < last.order


def _loop_around(node: Node, since: Node) -> Node | None:
    """The innermost loop round a node that does not make the list anew in each round."""
    parent = node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, For | While) and not parent.contains(since):
            return parent
        parent = parent.parent
    return None


def loop_around(node: Node) -> Node | None:
    """The innermost loop or comprehension whose body holds a node."""
    child, parent = node, node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, For | While) and child in parent.body:
            return parent
        if isinstance(parent, Comprehension) and child in parent.elements:
            return parent
        child, parent = parent, parent.parent
    return None


def reaching(name: Name, at: Node) -> list[Binding]:
    """The bindings of a local variable that a later node may see: the last certain one before it, and what follows."""
    scope: Scope | None = scope_of(name).lookup(name.id)
    if scope is None or scope.kind != "function":
        return []
    before = [b for b in scope.bindings[name.id] if node_of(b).order < at.order]
    for index in range(len(before) - 1, -1, -1):
        statement = node_of(before[index])
        if not _is_augmented(statement) and _is_certain(statement, at):
            return before[index:]
    return before


def _is_certain(node: Node, at: Node) -> bool:
    """Whether every way to `at` leads through the block of statements that binds."""
    block = block_of(node)
    return any(statement.contains(at) for statement in block)


def _is_augmented(node: Node) -> bool:
    return (isinstance(node, Assign) and node.augmented) or (isinstance(node.parent, Assign) and node.parent.augmented)
