"""What a session helper does around its `yield`, read from its body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.handlers import enclosing_tries, own_nodes_in, raises
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ClassDef, ExprStmt, For, FunctionDef, Handler, With, WithItem
from supavisor_lint.facts.tree import Attribute, Await, Call, Expr, Name, Stmt, Yield
from supavisor_lint.flow.never import never_returns
from supavisor_lint.flow.operations import Operation, SessionFlow
from supavisor_lint.flow.session_keys import SessionKey, session_key
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.values import External, Session

_DELEGATED = frozenset({"helper", "dependency", "parameter", "request"})


@dataclass(frozen=True, slots=True)
class HelperBody:
    """One generator helper and one of its `yield`s that gives a session."""

    file: FileFacts
    function: FunctionDef
    at: Yield
    session: Session
    key: SessionKey
    operations: tuple[Operation, ...]
    flow: SessionFlow

    @property
    def delegates(self) -> bool:
        """Whether the session comes from another helper, which commits and closes it."""
        return self.session.source in _DELEGATED

    @property
    def block(self) -> With | None:
        """The `begin()` block around the `yield`."""
        return self.flow.block_around(self.file, self.at, self.key)

    @property
    def is_iterated(self) -> bool:
        """Whether the session is what an `async for` round the `yield` gets from another generator."""
        parent = self.at.parent
        while parent is not None and parent is not self.function:
            if isinstance(parent, For) and parent.is_async and _is_key(parent.target, self.key):
                return True
            parent = parent.parent
        return False

    def begun_before(self) -> Node | None:
        """The operation that leaves a transaction open at the `yield`, or the block around it."""
        if self.block is not None:
            return self.block.items[0] if len(self.block.items) == 1 else self.block.items[-1]
        open_since: Node | None = None
        for operation in self._before():
            if operation.kind in ("commit", "rollback", "close"):
                open_since = None
            elif operation.block is None and (operation.kind == "work" or _is_begun_by_hand(operation)):
                open_since = open_since or operation.node
        return open_since

    def _before(self) -> Iterator[Operation]:
        return (op for op in self.operations if op.node.order < self.at.order and op.handler is None)

    def swallowing_handlers(self) -> Iterator[Handler]:
        """The handlers around the `yield` that let the error vanish."""
        for statement, part in enclosing_tries(self.at):
            if part == "body":
                yield from (h for h in statement.handlers if not self._raises(h) and not _ends_generators(h))

    def _raises(self, handler: Handler) -> bool:
        """Whether a handler raises, itself or by a function that does nothing else: `reraise(error)`."""
        return raises(handler) or any(self._is_raising_call(statement) for statement in handler.body)

    def _is_raising_call(self, statement: Stmt) -> bool:
        made = statement.value if isinstance(statement, ExprStmt) else None
        call = made.value if isinstance(made, Await) else made
        functions = functions_called(self.flow.ev, self.file, call) if isinstance(call, Call) else []
        return never_returns(functions) and functions[0].node.is_async == isinstance(made, Await)

    def suppressing_item(self) -> WithItem | None:
        """`with suppress(…):` around the `yield`."""
        parent = self.at.parent
        while parent is not None and parent is not self.function:
            if isinstance(parent, With):
                for item in parent.items:
                    if self._is_suppress(item.context):
                        return item
            parent = parent.parent
        return None

    def _is_suppress(self, context: Expr) -> bool:
        if not isinstance(context, Call):
            return False
        values = self.flow.ev.values(self.file, context.func)
        return any(isinstance(v, External) and v.dotted == "contextlib.suppress" for v in values)

    def commits(self) -> bool:
        """Whether something commits after the `yield`."""
        if self.block is not None:
            return True
        return any(
            op.kind == "commit" and op.handler is None and self.at.order < op.node.order for op in self.operations
        )

    def commits_when_closed(self) -> bool:
        """Whether something commits even where the generator is closed at its `yield`: in a `finally` round it."""
        tries = [statement for statement, part in enclosing_tries(self.at) if part != "finalbody"]
        finals = [part for statement in tries for part in statement.finalbody]
        return any(op.kind == "commit" and any(part.contains(op.node) for part in finals) for op in self.operations)

    def closes(self) -> bool:
        """Whether the session is entered with `async with`, or closed by hand."""
        for node in own_nodes_in(self.function):
            if isinstance(node, WithItem):
                if node.target is not None and session_key(node.target) == self.key:
                    return True
                if isinstance(node.context, Name | Attribute) and session_key(node.context) == self.key:
                    return True
            elif isinstance(node, Call) and any(_is_key(arg.value, self.key) for arg in node.args):
                return True  # handed to something that may close it
        return any(op.kind == "close" for op in self.operations)


def _is_begun_by_hand(operation: Operation) -> bool:
    return operation.kind == "begin" and isinstance(operation.node.parent, Await)


def _is_key(expr: Expr, key: SessionKey) -> bool:
    return isinstance(expr, Name | Attribute) and session_key(expr) == key


def _ends_generators(handler: Handler) -> bool:
    return isinstance(handler.type, Name) and handler.type.id in ("GeneratorExit", "StopAsyncIteration")


def helper_bodies(flow: SessionFlow, file: FileFacts, function: FunctionDef) -> Iterator[HelperBody]:
    """The `yield`s of a generator helper that give a session which is held in a variable."""
    for at in function.yields:
        if isinstance(at.value, Name | Attribute):
            session = flow.ev.session(file, at.value)
            if session is not None:
                key = session_key(at.value)
                own = tuple(op for op in flow.operations(file, function) if op.key == key)
                yield HelperBody(file, function, at, session, key, own, flow)


def exit_method(cls: ClassDef) -> FunctionDef | None:
    """The `__aexit__` of a class."""
    return next((n for n in cls.body if isinstance(n, FunctionDef) and n.name == "__aexit__"), None)


def called_methods(function: FunctionDef) -> set[str]:
    """The names of all methods and functions that a function calls."""
    calls = (node for node in own_nodes_in(function) if isinstance(node, Call))
    return {call.func.attr if isinstance(call.func, Attribute) else getattr(call.func, "id", "") for call in calls}
