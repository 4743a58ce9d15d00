"""What statements do to a session and its objects: the questions that decide whether they may become a phase."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from supavisor_lint.facts.file import walk, walk_own
from supavisor_lint.facts.handlers import is_log_call
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign, FunctionDef
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Await,
    Call,
    Collection,
    Comprehension,
    Expr,
    Lambda,
    Name,
    Starred,
    Subscript,
)
from supavisor_lint.flow.concurrency import GATHER
from supavisor_lint.flow.may_swallow import may_swallow
from supavisor_lint.flow.sql import locks_rows, only_reads
from supavisor_lint.flow.wording import what
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.names import is_what_it_says
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import ClassValue, External, FunctionValue
from supavisor_lint.rewrites.base import Context
from supavisor_lint.rewrites.row_names import displayed, handed_on, unpacked_targets
from supavisor_lint.rewrites.session_names import SessionNames

_QUERIES = frozenset({"execute", "scalars", "scalar", "stream", "stream_scalars"})
_READS = frozenset({"get", "get_one", "refresh"})
_NOTHING = frozenset({"get_bind", "identity_key", "is_modified"})
_STATE = frozenset({"in_transaction", "in_nested_transaction", "get_transaction", "get_nested_transaction"})
_RESULT_READS = frozenset(
    {"scalars", "scalar", "scalar_one", "scalar_one_or_none", "one", "one_or_none", "first", "all", "fetchall"}
    | {"fetchone", "fetchmany", "mappings", "unique", "keys", "partitions", "tuples", "columns", "yield_per"}
    | {"get", "items", "values", "isoformat", "strip", "lower", "upper", "split", "startswith", "endswith", "format"}
    | {"replace", "total_seconds", "timestamp", "date", "count", "index", "copy", "model_dump", "_asdict"}
)
_BUILTINS = frozenset(
    {"print", "len", "isinstance", "issubclass", "id", "repr", "str", "bool", "type", "hasattr", "callable", "range"}
    | {"list", "dict", "set", "tuple", "enumerate", "zip", "sorted", "reversed", "max", "min", "any", "all", "sum"}
    | {"int", "float", "getattr", "iter", "next", "frozenset", "round", "abs"}
)
ENDS = frozenset({"commit", "rollback", "close", "reset", "invalidate", "aclose"})
BEGINS = frozenset({"begin"})

ActKind: TypeAlias = Literal["read", "write", "change", "unknown", "ends"]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is done with the session or an object of it.

    `read` and `write` work on the session; `change` only changes an object; `unknown` may do anything to the session
    but is not seen to; `ends`: what is called ends the transaction or begins another one.
    `at_once`: a function that gets the session runs at the same time as others (SUP204).
    """

    node: Node
    kind: ActKind
    at_once: bool = False

    @property
    def uses_session(self) -> bool:
        """Whether the session itself is used."""
        return self.kind != "change"

    @property
    def leaves_something(self) -> bool:
        """Whether there may be something to commit behind it."""
        return self.kind != "read"

    def __str__(self) -> str:
        return f"{what(self.node)} in line {self.node.span.line}"


class Effects:
    """The acts of a function on one session; answers are remembered by statement."""

    def __init__(self, context: Context, names: SessionNames) -> None:
        self.context = context
        self.names = names
        self._known: dict[Node, tuple[Act, ...]] = {}

    def of(self, statements: Iterable[Node]) -> list[Act]:
        """The acts in some statements (or parts of such), in source order."""
        return [act for statement in statements for act in self._of(statement)]

    def _of(self, statement: Node) -> tuple[Act, ...]:
        if statement not in self._known:
            found = [act for node in walk_own(statement) for act in self._acts(node)]
            self._known[statement] = tuple(sorted(found, key=lambda act: act.node.order))
        return self._known[statement]

    def works(self, statements: Iterable[Node]) -> bool:
        """Whether some statements use the session, or change an object of it: what begins a transaction."""
        return bool(self.of(statements))

    def may_swallow(self, context: Expr) -> bool:
        """Whether a `with` item may let an error of its block vanish."""
        return may_swallow(self.context.ev, self.context.file, context)

    def _acts(self, node: Node) -> Iterator[Act]:
        for target in unpacked_targets(node):
            if isinstance(target, Attribute | Subscript) and self._is_of_object(target):
                yield Act(target, "change")
        if isinstance(node, Call):
            kind = self._of_call(node)
            if kind is not None:
                yield Act(node, kind, self._hands_session(node) and self._is_gathered(node))

    def _is_of_object(self, target: Expr) -> bool:
        root = self.names.root(target)
        return root is not None and self.names.is_object(root)

    # ------------------------------------------------------------------------------------------------------- calls

    def _of_call(self, call: Call) -> ActKind | None:
        func = call.func
        if isinstance(func, Attribute) and self.names.is_session(func.value):
            return self._of_method(call, func.attr)
        if self._hands_session(call):
            return self._of_receiver(call)
        if self.names.is_holder(func) or any(self.names.is_holder(argument.value) for argument in call.args):
            return "unknown"
        if self.names.is_object(func):
            return "change"  # a lambda or `partial()` made of objects
        if isinstance(func, Attribute):
            root = self.names.root(func)
            if root is not None and self.names.is_holder(root):
                return "unknown"  # its methods may use what it keeps in more ways than their text shows
            if root is not None and self.names.is_object(root):
                return None if self._is_reading_method(func, root) else "change"
        given = [argument.value for argument in call.args]
        if any(map(self._is_row, given)) and not self._is_harmless(call):
            return "change"
        if any(map(self._may_be_row, given)) and self._is_seen_to_change(call):
            return "change"
        return None

    def _hands_session(self, call: Call) -> bool:
        return any(self.names.is_session(argument.value) for argument in call.args)

    def _is_row(self, expr: Expr) -> bool:
        """Whether an expression is a row, or a display of rows."""
        return any(self.names.is_object(part) for part in displayed(expr))

    def _may_be_row(self, expr: Expr) -> bool:
        """`jobs[0]`, `jobs.pop()`: a row, or one of the values of a result's row."""
        return any(self.names.is_object(name) for name in handed_on(expr))

    def _is_seen_to_change(self, call: Call) -> bool:
        """Whether what is called sets fields of what it is given."""
        if isinstance(call.func, Name) and call.func.id == "setattr":
            return True
        called = functions_called(self.context.ev, self.context.file, call)
        return any(_sets_fields(function.node) for function in called)

    def _of_method(self, call: Call, method: str) -> ActKind | None:
        if method in ENDS or method in BEGINS:
            return "ends"
        if method in _NOTHING:
            return None
        if method in _STATE:
            return "unknown"
        if method == "run_sync":
            return "write" if self._is_run_quietly(call) else "unknown"
        if method in _QUERIES:
            query = call.argument(0, "statement")
            reads = only_reads(self.context.ev, self.context.file, query) and not locks_rows(query)
            return "read" if reads else "write"
        if method in _READS:
            return "write" if call.argument(None, "with_for_update") is not None else "read"
        return "write"

    def _is_run_quietly(self, call: Call) -> bool:
        """Whether the function of `run_sync(function)` can be read, and neither ends a transaction nor hands it on."""
        given = call.argument(0, "fn")
        functions: list[Lambda | FunctionDef] = [given] if isinstance(given, Lambda) else []
        if given is not None and not functions:
            values = self.context.ev.values(self.context.file, given)
            functions = [value.node for value in values if isinstance(value, FunctionValue)]
            if len(functions) != len(values):
                return False
        return bool(functions) and all(_is_quiet(function) for function in functions)

    @staticmethod
    def _is_reading_method(func: Attribute, root: Expr) -> bool:
        """A result's method, or one of a column's value; a method of an object itself may change it."""
        return func.attr in _RESULT_READS and (func.value is not root or func.attr not in ("replace", "count"))

    def _is_harmless(self, call: Call) -> bool:
        if is_log_call(call):
            return True
        callee = self.context.ev.only(self.context.file, call.func)
        if isinstance(callee, External):
            return callee.dotted.removeprefix("builtins.") in _BUILTINS or callee.root == "sqlalchemy"
        return False

    def _of_receiver(self, call: Call) -> ActKind | None:
        """A call of something that gets the session."""
        found = functions_called(self.context.ev, self.context.file, call)
        if len(found) != 1:
            return None if self._makes_holder(call) else "unknown"
        function = found[0]
        if function.node.is_async and not isinstance(call.parent, Await) and not self._is_gathered(call):
            return "unknown"
        if function.node.is_generator or not is_what_it_says(self.context.ev, function):
            return "unknown"
        if self._ends(function, call):
            return "ends"
        manner = self.context.view.follower.quiet.of(function.file, function.node)
        if not manner.quiet or manner.wrapped:
            return "unknown"
        return "write" if manner.writes or not self._only_queries(function) else "read"

    def _is_gathered(self, call: Call) -> bool:
        """`await asyncio.gather(*[function(session, row) for row in rows])`: it is awaited where it is called."""
        node: Node | None = call.parent
        while isinstance(node, Argument | Collection | Comprehension | Starred):
            node = node.parent
        if not isinstance(node, Call) or not isinstance(node.parent, Await):
            return False
        gather = self.context.ev.only(self.context.file, node.func)
        return isinstance(gather, External) and gather.dotted in GATHER and not any(a.keyword for a in node.args)

    def _makes_holder(self, call: Call) -> bool:
        """`Repository(session)`, bound to a name."""
        parent = call.parent
        return isinstance(parent, Assign) and parent.value is call and bool(self._classes(call))

    def _classes(self, call: Call) -> bool:
        return isinstance(self.context.ev.only(self.context.file, call.func), ClassValue)

    def _ends(self, function: FunctionValue, call: Call) -> bool:
        given = bind_arguments(function, call.args)
        for name, expr in given.items():
            if self.names.is_session(expr):
                effects = self.context.view.flow.effects(function, name)
                if effects.begin is not None or effects.commit is not None or effects.close is not None:
                    return True
        return False

    def _only_queries(self, function: FunctionValue) -> bool:
        """Whether a function surely changes nothing: it sets no attributes, and hands nothing on that might."""
        return not any(
            (isinstance(node, Assign) and any(isinstance(t, Attribute | Subscript) for t in node.targets))
            or (isinstance(node, Attribute) and node.attr in ("execute", "with_for_update", "flush"))
            for statement in function.node.body
            for node in walk_own(statement)
        )


def _sets_fields(function: FunctionDef) -> bool:
    nodes = list(walk(function))
    return any(isinstance(n, Call) and isinstance(n.func, Name) and n.func.id == "setattr" for n in nodes) or any(
        isinstance(target, Attribute) for node in nodes for target in unpacked_targets(node)
    )


def _is_quiet(function: Lambda | FunctionDef) -> bool:
    """Whether a plain function does not end the transaction of its first parameter, nor hand it on."""
    session = function.params[0].name if function.params else ""
    for node in walk(function):
        if isinstance(node, Attribute) and node.attr in ENDS | BEGINS:
            return False
        if isinstance(node, Argument) and isinstance(node.value, Name) and node.value.id == session:
            return False
    return True
