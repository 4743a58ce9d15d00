"""The operations on sessions in one function, in source order, each with the `begin()` block and handler around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from supavisor_lint.facts.file import FileFacts, walk_own
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef, Handler, With, WithItem
from supavisor_lint.facts.tree import Attribute, Await, Call, Expr, Name
from supavisor_lint.flow.session_keys import SessionKey, session_key
from supavisor_lint.flow.unawaited import never_runs
from supavisor_lint.project.calls import entered, functions_called
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.names import names_function
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import (
    Decorated,
    FactoryBlock,
    FunctionValue,
    Manager,
    NamedHelper,
    ParamValue,
    Session,
    Transaction,
    Value,
)

# What autobegins, and what ends a transaction: section 1 of the session semantics.
WORK = frozenset(
    {
        "execute",
        "scalars",
        "scalar",
        "stream",
        "stream_scalars",
        "get",
        "get_one",
        "refresh",
        "merge",
        "delete",
        "connection",
        "add",
        "add_all",
        "begin_nested",
        "run_sync",
    }
)
ENDS = frozenset({"commit", "rollback", "close", "reset"})
OPENED_HERE = frozenset({"factory", "class", "helper", "getter", "dependency"})

Kind: TypeAlias = Literal["work", "commit", "rollback", "close", "begin"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `block` is the `begin()` block of the same session around it; `via` the callee's own node."""

    node: Call
    session: Session
    key: SessionKey
    kind: Kind
    block: With | None
    handler: Handler | None
    method: str = ""
    via: tuple[FileFacts, Node] | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """What a function does with a session that it is given: the first node of each kind, None if it does not."""

    work: tuple[FileFacts, Node] | None = None
    begin: tuple[FileFacts, Node] | None = None
    commit: tuple[FileFacts, Node] | None = None
    close: tuple[FileFacts, Node] | None = None

    @property
    def does_nothing_else(self) -> bool:
        """Whether the function neither works on the session, nor begins or commits on it."""
        return self.work is None and self.begin is None and self.commit is None


class SessionFlow:
    """Finds operations; remembers what called functions do with the sessions that they are given."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.ev = evaluator
        self._effects: dict[tuple[FunctionDef, str], Effects] = {}
        self._operations: dict[FunctionDef, tuple[Operation, ...]] = {}
        self._begun: dict[FunctionDef, bool] = {}

    def operations(self, file: FileFacts, function: FunctionDef) -> tuple[Operation, ...]:
        """All operations in the function's own body (nested functions left out)."""
        if function not in self._operations:
            self._operations[function] = tuple(self._find(file, function, None))
        return self._operations[function]

    def operations_on(self, function: FunctionValue, param: str) -> tuple[Operation, ...]:
        """The operations on a parameter that is known to be a session, typed as one or not."""
        found = self._find(function.file, function.node, param)
        return tuple(op for op in found if op.key.text == param and op.key.scope is function.node.scope)

    def effects(self, function: FunctionValue, param: str) -> Effects:
        """What a function does with the session that it gets as `param`, through its own callees as well."""
        key = (function.node, param)
        if key not in self._effects:
            self._effects[key] = Effects()  # while it is being computed
            self._effects[key] = self._summarise(function, param)
        return self._effects[key]

    def _summarise(self, function: FunctionValue, param: str) -> Effects:
        work = begin = commit = close = None
        for operation in self.operations_on(function, param):
            place = operation.via or (function.file, operation.node)
            if operation.kind == "begin":
                begin = begin or place
            elif operation.block is None and operation.kind == "work":
                work = work or place
            elif operation.kind == "commit":
                commit = commit or place
            elif operation.kind == "close":
                close = close or place
        return Effects(work, begin, commit, close)

    # ------------------------------------------------------------------------------------------------- finding

    def _find(self, file: FileFacts, function: FunctionDef, param: str | None) -> Iterator[Operation]:
        for statement in function.body:
            if isinstance(statement, FunctionDef):
                continue
            for node in walk_own(statement):
                if isinstance(node, Call):
                    yield from self._of_call(file, function, node, param)

    def _of_call(self, file: FileFacts, function: FunctionDef, call: Call, param: str | None) -> Iterator[Operation]:
        func = call.func
        if isinstance(func, Attribute):
            kind = _kind(func.attr)
            if func.attr == "begin_nested" and not isinstance(call.parent, Await | WithItem):
                kind = None  # made, not yet begun
            if kind is not None and not never_runs(call):
                session = self.session(file, func.value, function, param)
                if session is not None:
                    yield self._operation(file, call, session, func.value, kind, func.attr)
                    return
        yield from self._through_call(file, function, call, param)

    def session(
        self, file: FileFacts, expr: Expr, function: FunctionDef | None = None, param: str | None = None
    ) -> Session | None:
        """The session that an expression is; a bare parameter counts when the caller says that it is one."""
        if param is not None and isinstance(expr, Name) and expr.id == param:
            values = self.ev.values(file, expr)
            if any(isinstance(v, ParamValue) and v.function is function for v in values):
                return Session("parameter")
        return self.ev.session(file, expr)

    def _operation(
        self,
        file: FileFacts,
        call: Call,
        session: Session,
        receiver: Expr,
        kind: Kind,
        method: str,
        via: tuple[FileFacts, Node] | None = None,
    ) -> Operation:
        key = session_key(receiver)
        block = self.block_around(file, call, key)
        return Operation(call, session, key, kind, block, handler_around(call), method, via)

    def _through_call(
        self, file: FileFacts, function: FunctionDef, call: Call, param: str | None
    ) -> Iterator[Operation]:
        """A call that hands the session to a function of the project does what that function does with it."""
        handed = [a.value for a in call.args if isinstance(a.value, Name | Attribute)]
        sessions = [(e, s) for e in handed if (s := self.session(file, e, function, param)) is not None]
        if not sessions:
            return
        for callee in functions_called(self.ev, file, call)[:1]:
            given = bind_arguments(callee, call.args)
            for expr, session in sessions:
                name = next((n for n, e in given.items() if e is expr), None)
                if name is not None:
                    yield from self._effects_of(file, call, expr, session, self.effects(callee, name))

    def _effects_of(
        self, file: FileFacts, call: Call, expr: Expr, session: Session, effects: Effects
    ) -> Iterator[Operation]:
        pairs: tuple[tuple[Kind, tuple[FileFacts, Node] | None], ...] = (
            ("work", effects.work),
            ("begin", effects.begin),
            ("commit", effects.commit),
        )
        for kind, place in pairs:
            if place is not None:
                yield self._operation(file, call, session, expr, kind, "", place)

    # ------------------------------------------------------------------------------------------------- blocks

    def block_around(self, file: FileFacts, node: Node, key: SessionKey) -> With | None:
        """The nearest `async with` around a node, in its function, that opens a transaction of that session."""
        child, parent = node, node.parent
        while parent is not None and not isinstance(parent, FunctionDef):
            if isinstance(parent, With) and parent.is_async and self._opens(file, parent, child, key):
                return parent
            child, parent = parent, parent.parent
        return None

    def _opens(self, file: FileFacts, statement: With, child: Node, key: SessionKey) -> bool:
        for item in statement.items:
            if item is child:
                return False
            values = self.ev.values(file, item.context)
            if any(self._is_block_of(v, key) for v in values) or _begins(item.context, key):
                return True
            if item.target is not None and session_key(item.target) == key and self.enters_begun(file, values):
                return True
        return False

    def _is_block_of(self, value: Value, key: SessionKey) -> bool:
        return isinstance(value, Transaction) and not value.nested and session_key(value.receiver) == key

    def enters_begun(self, file: FileFacts, values: Iterable[Value]) -> bool:
        """Whether entering one of these gives a session with its transaction begun: its block is one phase."""
        for value in values:
            if isinstance(value, FactoryBlock):
                return True
            if isinstance(value, Manager) and self._is_phase(value.helper):
                return True
        return any(isinstance(v, Session) and v.begun for v in entered(self.ev, file, values))

    def _is_phase(self, helper: Decorated | NamedHelper) -> bool:
        if isinstance(helper, NamedHelper):
            return names_function(self.ev.settings.phase_helpers, helper.name, ())
        return self.is_phase(helper.function)

    def is_phase(self, function: FunctionValue) -> bool:
        """Whether a generator gives its session with its transaction begun, which ends where the generator goes on."""
        modules = self.ev.files.dotted_names(function.file.path)
        if names_function(self.ev.settings.phase_helpers, function.node.qualname, modules):
            return True
        if function.node not in self._begun:
            self._begun[function.node] = False  # while it is being computed
            self._begun[function.node] = self._yields_in_block(function)
        return self._begun[function.node]

    def _yields_in_block(self, function: FunctionValue) -> bool:
        return any(
            isinstance(at.value, Name | Attribute)
            and self.block_around(function.file, at, session_key(at.value)) is not None
            for at in function.node.yields
        )


def _begins(context: Expr, key: SessionKey) -> bool:
    """`session.begin()` on the very variable, whatever is known of it."""
    return (
        isinstance(context, Call)
        and isinstance(context.func, Attribute)
        and context.func.attr == "begin"
        and session_key(context.func.value) == key
    )


def _kind(method: str) -> Kind | None:
    if method in WORK:
        return "work"
    if method == "begin":
        return "begin"
    if method in ENDS:
        return "commit" if method == "commit" else "rollback" if method == "rollback" else "close"
    return None


def handler_around(node: Node) -> Handler | None:
    """The innermost handler of the same function whose body holds a node."""
    parent = node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, Handler):
            return parent
        parent = parent.parent
    return None


def is_own(operation: Operation, function: FunctionDef) -> bool:
    """Whether an operation works on a session that the function opened itself."""
    return operation.key.scope is function.scope and operation.session.source in OPENED_HERE
