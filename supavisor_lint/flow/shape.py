"""The shape of a background task: where it opens sessions, what it does with them, which handlers stand around that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from supavisor_lint.facts.file import FileFacts, enclosing_function
from supavisor_lint.facts.handlers import (
    broad_handlers,
    enclosing_tries,
    hands_on,
    is_broad,
    is_log_call,
    logs,
    own_nodes,
    own_nodes_in,
    raises,
)
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Entered, Iterated, node_of
from supavisor_lint.facts.statements import Assign, FunctionDef, Handler, Try, With, WithItem
from supavisor_lint.facts.tree import Attribute, Await, Call, Name
from supavisor_lint.flow.operations import OPENED_HERE, Operation, SessionFlow, handler_around, is_own
from supavisor_lint.flow.session_keys import SessionKey, session_key
from supavisor_lint.flow.status import StatusWrite, status_writes
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.names import binding_values
from supavisor_lint.project.values import Coroutine, FunctionValue, Session


@dataclass(frozen=True, slots=True)
class Opening:
    """A place where a task opens a session of its own: the binding's node, and the `with` item if it is entered."""

    node: Node
    key: SessionKey
    session: Session
    item: WithItem | None

    @property
    def block(self) -> With | None:
        """The `async with` that holds the session, None for a plain assignment."""
        parent = self.item.parent if self.item is not None else None
        return parent if isinstance(parent, With) else None


@dataclass(frozen=True, slots=True)
class FailureUpdate:
    """What a handler does to record the failure; `guarded` if a failure of that is caught and logged."""

    node: Node
    guarded: bool


def _opened_here(values: Iterable[object]) -> Session | None:
    return next((value for value in values if isinstance(value, Session) and value.source in OPENED_HERE), None)


class TaskShape:
    """One background task as the template rules see it. Nested functions are left out."""

    def __init__(self, file: FileFacts, function: FunctionDef, flow: SessionFlow) -> None:
        self.file = file
        self.function = function
        self._flow = flow
        self._ev: Evaluator = flow.ev

    @cached_property
    def openings(self) -> tuple[Opening, ...]:
        """The task's own sessions, in source order."""
        return tuple(sorted(self._find_openings(), key=lambda opening: opening.node.order))

    def _find_openings(self) -> Iterator[Opening]:
        scope = self.function.scope
        for name, bindings in scope.bindings.items():
            for binding in bindings:
                own = enclosing_function(node_of(binding)) is self.function  # not a nested function's, by `nonlocal`
                if isinstance(binding, Entered | Assigned | Iterated) and own:
                    session = _opened_here(binding_values(self._ev, self.file, binding))
                    if session is not None:
                        entered = binding.node.parent if isinstance(binding, Entered) else None
                        item = entered if isinstance(entered, WithItem) else None
                        yield Opening(binding.node, SessionKey(name, scope), session, item)
        yield from self._kept_by_objects()

    def _kept_by_objects(self) -> Iterator[Opening]:
        """`self.session = factory()`."""
        for node in own_nodes_in(self.function):
            if isinstance(node, Assign) and isinstance(target := node.targets[0], Attribute) and node.value is not None:
                session = _opened_here(self._ev.values(self.file, node.value))
                if session is not None:
                    yield Opening(target, session_key(target), session, None)

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """All operations of the task, on whatever session."""
        return self._flow.operations(self.file, self.function)

    @cached_property
    def own_operations(self) -> tuple[Operation, ...]:
        """The operations on the task's own sessions."""
        return tuple(op for op in self.operations if is_own(op, self.function))

    @cached_property
    def main_openings(self) -> tuple[Opening, ...]:
        """The sessions that are opened for the work itself, not in a handler or a `finally`."""
        return tuple(o for o in self.openings if not is_aftermath(o.node))

    @cached_property
    def guarded_openings(self) -> tuple[Opening, ...]:
        """The sessions whose opening needs an outer handler: all but those that a handler opens."""
        return tuple(o for o in self.openings if handler_around(o.node) is None)

    @cached_property
    def main_operations(self) -> tuple[Operation, ...]:
        """The operations on own sessions outside handlers and `finally`."""
        return tuple(op for op in self.own_operations if not is_aftermath(op.node))

    @cached_property
    def main_calls(self) -> tuple[Call, ...]:
        """All calls outside handlers and `finally`, in source order."""
        calls = (node for node in own_nodes_in(self.function) if isinstance(node, Call) and not is_aftermath(node))
        return tuple(sorted(calls, key=lambda call: call.order))

    def handed_on(self, opening: Opening) -> list[Call]:
        """The calls outside handlers that are given a session which was opened here."""
        return [
            call
            for call in self.main_calls
            for argument in call.args
            if isinstance(argument.value, Name | Attribute) and session_key(argument.value) == opening.key
        ]

    def uses_of(self, opening: Opening) -> list[Call]:
        """What is done outside handlers with a session that was opened here: its operations, else who is given it."""
        return [op.node for op in self.main_operations if self.opening_of(op) is opening] or self.handed_on(opening)

    @property
    def does_database_work(self) -> bool:
        """Whether the task opens a session of its own for its work, or works on one that it was given."""
        return bool(self.main_openings) or bool(self.operations)

    def block_around(self, node: Node, key: SessionKey) -> With | None:
        """The `begin()` block of a session around a node."""
        return self._flow.block_around(self.file, node, key)

    def functions_called(self, call: Call) -> list[FunctionValue]:
        """The functions of the project that a call of the task may run."""
        return functions_called(self._ev, self.file, call)

    # --------------------------------------------------------------------------------------------------- status

    @cached_property
    def status_writes(self) -> tuple[StatusWrite, ...]:
        """The status writes outside handlers."""
        return tuple(w for w in self._all_status_writes if handler_around(w.node) is None)

    # -------------------------------------------------------------------------------------------------- handlers

    def opening_of(self, operation: Operation) -> Opening | None:
        """The opening whose session an operation uses: the nearest one before it."""
        found = None
        for opening in self.openings:
            if opening.key == operation.key and opening.node.order <= operation.node.order:
                found = opening
        return found

    def inner_handlers(self, node: Node, opening: Opening) -> list[Handler]:
        """The broad handlers around a node that stand inside its session's block, inner first."""
        outside = set(map(id, self.outer_handlers(opening)))
        return [h for h in broad_handlers(node) if id(h) not in outside]

    def outer_handlers(self, opening: Opening) -> list[Handler]:
        """The broad handlers around the opening of a session, inner first."""
        return list(broad_handlers(opening.node))

    def handlers_of_status(self, node: Node) -> tuple[list[Handler], list[Handler]] | None:
        """The inner and outer handlers of a status write; None if it uses no session of the task's own."""
        around = [o for o in self.main_openings if o.block is not None and o.block.contains(node)]
        before = [o for o in self.main_openings if o.block is None and o.node.order < node.order]
        openings = around or before
        if not openings:
            return None
        return self.inner_handlers(node, openings[-1]), self.outer_handlers(openings[-1])

    @cached_property
    def broad_handlers(self) -> tuple[Handler, ...]:
        """All broad handlers of the task's own body, in source order."""
        handlers = [n for n in _handlers(self.function) if is_broad(n)]
        return tuple(sorted(handlers, key=lambda handler: handler.order))

    @cached_property
    def phase_handlers(self) -> tuple[Handler, ...]:
        """The broad handlers around the task's own database work, or around the opening of its session."""
        found: dict[Handler, None] = {}
        for node in (*(op.node for op in self.main_operations), *(o.node for o in self.main_openings)):
            found.update(dict.fromkeys(broad_handlers(node)))
        return tuple(sorted(found, key=lambda handler: handler.order))

    def is_silent(self, handler: Handler) -> bool:
        """Whether a handler neither logs nor raises, nor hands the exception on, nor calls something that logs."""
        return not (raises(handler) or self.speaks(handler))

    def speaks(self, handler: Handler, heard: Callable[[Node], bool] = lambda _: True) -> bool:
        """Whether a handler logs, hands the exception on, or calls something that logs, by the nodes that are heard."""
        nodes = filter(heard, own_nodes(handler.body))
        return any(
            is_log_call(n) or hands_on(handler, n) or (isinstance(n, Call) and self._logs_inside(n)) for n in nodes
        )

    def _logs_inside(self, call: Call) -> bool:
        return any(is_log_call(node) for body in self._called_bodies(call) for node in own_nodes(body.body))

    def _called_bodies(self, call: Call) -> list[FunctionDef]:
        plain = [v.node for v in self._ev.values(self.file, call.func) if isinstance(v, FunctionValue)]
        return plain or self._bodies(call)

    def failure_update(self, handler: Handler) -> FailureUpdate | None:
        """How a handler, or the `finally` beside it, records the failure; None if neither does.

        A status write, or database work of its own or of a called function. Setting an attribute alone cannot fail.
        """
        statement = handler.parent
        write = next(iter(status_writes(handler.body)), None)
        work = self._database_work(handler)
        if work is not None:
            return FailureUpdate(work if write is None else write.node, self._is_guarded(work, handler))
        elsewhere = isinstance(statement, Try) and any(w.failed for w in status_writes(statement.finalbody))
        if write is not None or elsewhere or self._chooses_status(handler):
            return FailureUpdate(handler, True)
        return None

    def _chooses_status(self, handler: Handler) -> bool:
        """Whether a handler only sets a variable that a later status write takes its value from."""
        chosen = {
            target.id
            for node in own_nodes(handler.body)
            if isinstance(node, Assign)
            for target in node.targets
            if isinstance(target, Name)
        }
        return any(write.node.order > handler.order and write.value in chosen for write in self._all_status_writes)

    @cached_property
    def _all_status_writes(self) -> tuple[StatusWrite, ...]:
        return tuple(status_writes(self.function.body))

    def _database_work(self, handler: Handler) -> Call | None:
        """The first thing in a handler that reaches the database for the failure's sake."""
        for operation in self.operations:
            if operation.kind in ("work", "commit") and handler.contains(operation.node):
                return operation.node
        awaited = (call for call in self._calls_in(handler) if isinstance(call.parent, Await))
        writes = {id(write.node) for write in status_writes(handler.body)}
        return next((call for call in awaited if id(call) in writes or self._records(call)), None)

    def _calls_in(self, handler: Handler) -> Iterator[Call]:
        return (node for node in own_nodes(handler.body) if isinstance(node, Call))

    def _records(self, call: Call) -> bool:
        """Whether a called function of the project writes a status (one hop)."""
        return any(next(iter(status_writes(body.body)), None) is not None for body in self._bodies(call))

    def _bodies(self, call: Call) -> list[FunctionDef]:
        return [v.function.node for v in self._ev.values(self.file, call) if isinstance(v, Coroutine)]

    def _is_guarded(self, node: Call, handler: Handler) -> bool:
        inside = [
            h
            for statement, part in enclosing_tries(node)
            if part == "body" and handler not in statement.handlers and handler.contains(statement)
            for h in statement.handlers
            if is_broad(h)
        ]
        if any(logs(h) or raises(h) for h in inside):
            return True
        if any(operation.node is node for operation in self.operations):
            return False
        bodies = self._bodies(node)
        return all(guards_itself(body) for body in bodies)  # of a function that nobody can read nothing is claimed

    def swallows(self, handler: Handler) -> bool:
        """Whether the failure ends in this handler."""
        return not raises(handler)


def is_aftermath(node: Node) -> bool:
    """Whether a node stands in a handler or a `finally`: there the task deals with how its work ended."""
    return any(part in ("handler", "finalbody") for _, part in enclosing_tries(node))


def _handlers(function: FunctionDef) -> Iterator[Handler]:
    return (node for node in own_nodes_in(function) if isinstance(node, Handler))


def guards_itself(function: FunctionDef) -> bool:
    """Whether a function catches its own failures: a `try` with a broad handler that logs holds its last statements."""
    return any(is_broad(handler) and logs(handler) and not raises(handler) for handler in _handlers(function))
