"""Which functions leave transactions alone: they may use a session, but nothing in them begins or ends one.

Nothing but "the session was used" has to be known of a call of such a function, and nothing can go wrong inside it that
depends on the path: most service functions of real projects are of this kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts, nodes_in
from supavisor_lint.facts.handlers import own_nodes, raises
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import For, FunctionDef, Try, With
from supavisor_lint.facts.tree import Attribute, Await, Call, Generator, Name, Stmt
from supavisor_lint.flow.frame import DATABASE
from supavisor_lint.flow.handlers import catches
from supavisor_lint.flow.merging import may_only_read
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.names import is_what_it_says
from supavisor_lint.project.values import External, FunctionValue

_LOUD = frozenset(
    {"begin", "begin_nested", "commit", "rollback", "close", "aclose", "reset", "run_sync"}
    | {"expunge", "expunge_all", "expire", "expire_all", "invalidate"}
)
_PUTS = frozenset({"add", "add_all", "delete", "merge"})
_STATEMENTS = frozenset({"insert", "update", "delete"})
SMALL = 25


@dataclass(frozen=True, slots=True)
class Manner:
    """How a function treats the sessions that it is given; `size` counts its statements.

    `queries` is False for one that awaits nothing: it can only add to its sessions, which does not fail. `swallows` for
    one that may keep a database error to itself: in a block of its caller's that has to be seen. `wrapped` for one that
    hands a session to a function whose decorator may do anything with it: begin, say.
    """

    quiet: bool
    writes: bool
    queries: bool
    size: int
    swallows: bool = False
    wrapped: bool = False


class Quiet:
    """Answers by the functions' text, through their calls; remembers."""

    def __init__(self, ev: Evaluator) -> None:
        self._ev = ev
        self._known: dict[FunctionDef, Manner] = {}

    def of(self, file: FileFacts, function: FunctionDef) -> Manner:
        """The manner of a function. One that calls itself is judged without that call."""
        if function not in self._known:
            self._known[function] = Manner(True, False, False, 0)
            self._known[function] = self._judge(file, function)
        return self._known[function]

    def _judge(self, file: FileFacts, function: FunctionDef) -> Manner:
        nodes = nodes_in(function)
        names = {node.attr for node in nodes if isinstance(node, Attribute)}
        names |= {node.id for node in nodes if isinstance(node, Name)}
        size = sum(isinstance(node, Stmt) for node in nodes)
        if not names.isdisjoint(_LOUD):
            return Manner(False, True, True, size)
        own_writes = any(isinstance(node, Call) and self._is_write(file, function, node) for node in nodes)
        if not function.is_async:  # it cannot await what ends a transaction
            return Manner(True, own_writes, True, size)
        handed = [*self._handed(file, function, nodes)]
        called = [self.of(f.file, f.node) if f is not None else None for f in handed]
        quiet = all(manner is not None and manner.quiet for manner in called)
        writes = own_writes or any(manner is None or manner.writes for manner in called)
        swallows = any(map(_may_swallow, nodes)) or any(manner is not None and manner.swallows for manner in called)
        wrapped = any(f is not None and not is_what_it_says(self._ev, f) for f in handed)
        wrapped = wrapped or any(manner is not None and manner.wrapped for manner in called)
        return Manner(quiet, writes, any(map(_awaits, nodes)), size, swallows, wrapped)

    def _is_write(self, file: FileFacts, function: FunctionDef, call: Call) -> bool:
        """`session.add(…)` (not a set's), `insert(…)`."""
        func = call.func
        receiver = func.value if isinstance(func, Attribute) and func.attr in _PUTS else None
        if last_name(func) == "merge" and may_only_read(call):
            receiver = None
        if isinstance(receiver, Name | Attribute) and self._may_be_session(file, function, receiver):
            return True
        if last_name(func) not in _STATEMENTS:
            return False
        return any(isinstance(v, External) and v.root == "sqlalchemy" for v in self._ev.values(file, func))

    def _handed(self, file: FileFacts, function: FunctionDef, nodes: Iterable[Node]) -> Iterator[FunctionValue | None]:
        """The functions that get a session, or use one of their object's; None for one that nobody can read."""
        for node in nodes:
            if isinstance(node, Call) and self._may_hand(file, function, node):
                callee = self._callee(file, node)
                if not isinstance(callee, External):
                    yield callee

    def _may_hand(self, file: FileFacts, function: FunctionDef, call: Call) -> bool:
        func = call.func
        if isinstance(func, Attribute) and isinstance(func.value, Name) and func.value.id in ("self", "cls"):
            return True
        handed = [a.value for a in call.args if isinstance(a.value, Name | Attribute)]
        return any(self._may_be_session(file, function, expr) for expr in handed)

    def _may_be_session(self, file: FileFacts, function: FunctionDef, expr: Name | Attribute) -> bool:
        return self._ev.session(file, expr) is not None or _is_bare(function, expr)

    def _callee(self, file: FileFacts, call: Call) -> FunctionValue | External | None:
        functions = functions_called(self._ev, file, call)
        if functions:
            return functions[0]
        return next((v for v in self._ev.values(file, call.func) if isinstance(v, External)), None)


def _awaits(node: Node) -> bool:
    return isinstance(node, Await) or (isinstance(node, For | With | Generator) and node.is_async)


def _may_swallow(node: Node) -> bool:
    """A `try` (or a `with suppress(…)`) round something awaited, that may take a database error and end normally."""
    if isinstance(node, With):
        entered = [item.context for item in node.items]
        takes = any(isinstance(context, Call) and last_name(context.func) == "suppress" for context in entered)
    elif isinstance(node, Try):
        takes = any(catches(handler, DATABASE) is not False and not raises(handler) for handler in node.handlers)
    else:
        return False
    return takes and any(_awaits(inner) for inner in own_nodes(node.body))


def _is_bare(function: FunctionDef, expr: Name | Attribute) -> bool:
    """A parameter that says nothing of its type, but is called like a session."""
    param = function.param(expr.id) if isinstance(expr, Name) else None
    return param is not None and param.annotation is None and param.name in ("session", "db", "db_session")
