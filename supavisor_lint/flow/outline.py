"""What a background task is made of: how it gets its session, its phases, and what becomes of a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.handlers import broad_handlers, is_log_call, own_nodes_in, starts_with_log
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef, Handler
from supavisor_lint.facts.tree import Await, Call
from supavisor_lint.flow.database_work import callees_that_open, sessions_opened
from supavisor_lint.flow.handed import handed_sessions
from supavisor_lint.flow.operations import OPENED_HERE, Operation
from supavisor_lint.flow.phases import Phases
from supavisor_lint.flow.session_uses import SessionUses
from supavisor_lint.flow.shape import TaskShape, is_aftermath
from supavisor_lint.project.tasks import Task
from supavisor_lint.project.values import FunctionValue, Session, SessionSource
from supavisor_lint.report.audit_model import Pattern

_PATTERNS: dict[SessionSource, Pattern] = {
    "helper": "helper",
    "getter": "getter",
    "dependency": "getter",
    "factory": "factory",
    "class": "factory",
    "request": "parameter",
    "parameter": "parameter",
}
_WORST_FIRST: tuple[Pattern, ...] = ("factory", "getter", "parameter", "helper")
_MAX_CALLS = 3


@dataclass(frozen=True, slots=True)
class Origin:
    """One session that a task works with: where it comes in, and how."""

    file: FileFacts
    node: Node
    session: Session

    @property
    def pattern(self) -> Pattern:
        """How the session is had."""
        return _PATTERNS[self.session.source]


class Outlines:
    """Outlines of the tasks of one project, and of the functions that they call."""

    def __init__(self, uses: SessionUses) -> None:
        self._uses = uses
        self._flow = flow = uses.flow
        self._phases = Phases(flow)
        self._opening: dict[Call, list[FunctionValue]] = {}

    def of_task(self, task: Task, shape: TaskShape) -> Outline:
        """The outline of a background task."""
        given = {*task.provided, *self._handed(task)}
        operations = self._operations(task.function, shape, given)
        return Outline(self, shape, operations, bool(given), frozenset({task.node}))

    def of_callee(self, function: FunctionValue, above: frozenset[FunctionDef]) -> Outline:
        """The outline of a function that is called; `above` are the functions that lead to the call."""
        shape = TaskShape(function.file, function.node, self._flow)
        return Outline(self, shape, shape.operations, False, above | {function.node})

    def _handed(self, task: Task) -> list[str]:
        """The parameters that registrations fill with sessions, and those that are typed as such."""
        carriers = {handed.carrier for handed in handed_sessions(self._uses, task)}
        filled = [
            name
            for registration in task.registrations
            for name, expr in registration.given(task.function).items()
            if any(carrier.contains(expr) for carrier in carriers)
        ]
        typed = [p.name for p in task.node.params if self._flow.ev.is_session_type(task.function.file, p)]
        return [*filled, *typed]

    def _operations(self, function: FunctionValue, shape: TaskShape, given: Iterable[str]) -> tuple[Operation, ...]:
        """All operations, also those on parameters that are sessions without saying so."""
        known = {op.node for op in shape.operations}
        more = (op for name in given for op in self._flow.operations_on(function, name) if op.node not in known)
        return (*shape.operations, *more)

    def callees(self, shape: TaskShape, call: Call) -> list[FunctionValue]:
        """The functions that a call runs, as far as they or their callees open a session."""
        if call not in self._opening:
            self._opening[call] = callees_that_open(self._flow, shape.file, call)
        return self._opening[call]

    def origins_below(self, function: FunctionValue) -> list[Origin]:
        """The sessions that a called function opens, or has others open."""
        return [Origin(o.file, o.node, o.session) for o in sessions_opened(self._flow, function)]

    def phases(self, shape: TaskShape, operations: Iterable[Operation]) -> int:
        """The phases in a function's own text."""
        return self._phases.of(shape, operations)


class Outline:
    """One function's outline.

    `operations` are all that it does with sessions; `given` says that somebody hands it one; `path` are the functions
    whose calls lead to it, itself included.
    """

    def __init__(
        self,
        all_: Outlines,
        shape: TaskShape,
        operations: tuple[Operation, ...],
        given: bool,
        path: frozenset[FunctionDef],
    ) -> None:
        self._all = all_
        self._given = given
        self._path = path
        self._operations = operations
        self._work = tuple(op for op in operations if not is_aftermath(op.node))
        self.shape = shape

    # -------------------------------------------------------------------------------------------------- sessions

    @cached_property
    def pattern(self) -> Pattern:
        """How the function gets its session; of several ways the one that bypasses most."""
        if not self._is_of_its_own and not self._foreign_work and not self._given and self.opening_calls:
            return "callee"
        found = {origin.pattern for origin in self.origins} | ({"parameter"} if self._is_given else set())
        return next((pattern for pattern in _WORST_FIRST if pattern in found), "none")

    @property
    def _is_of_its_own(self) -> bool:
        return bool(self.shape.main_openings)

    @property
    def _is_given(self) -> bool:
        return not self._is_of_its_own and self._given

    @cached_property
    def _foreign_work(self) -> tuple[Operation, ...]:
        """The operations on sessions that the function has not opened itself."""
        scope = self.shape.function.scope
        return tuple(op for op in self._work if op.key.scope is not scope or op.session.source not in OPENED_HERE)

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        """The sessions that the function works with, those of handlers only where there are no others."""
        shape = self.shape
        if self._is_of_its_own:
            return tuple(Origin(shape.file, o.node, o.session) for o in shape.main_openings)
        if self._foreign_work or self._given:
            first = {op.key: Origin(shape.file, op.node, op.session) for op in reversed(self._foreign_work)}
            return tuple(sorted(first.values(), key=lambda origin: origin.node.order))
        below = [o for call in self.opening_calls for f in self._callees_of(call) for o in self._all.origins_below(f)]
        found = below or [Origin(shape.file, o.node, o.session) for o in shape.openings]
        return tuple({(origin.file.path, origin.node): origin for origin in found}.values())

    @cached_property
    def opening_calls(self) -> tuple[Call, ...]:
        """The calls outside handlers that run a function which opens a session."""
        if len(self._path) > _MAX_CALLS:
            return ()
        return tuple(call for call in self.shape.main_calls if self._callees_of(call))

    def _callees_of(self, call: Call) -> list[FunctionValue]:
        return [f for f in self._all.callees(self.shape, call) if f.node not in self._path]

    def _below(self, call: Call) -> list[Outline]:
        return [self._all.of_callee(function, self._path) for function in self._callees_of(call)]

    # ---------------------------------------------------------------------------------------------------- phases

    @cached_property
    def phases(self) -> int:
        """How many transactions the function commits (see `Phases`); of the pattern "callee", its callees' together."""
        if self.pattern != "callee":
            return self._all.phases(self.shape, self._operations)
        return sum(max((outline.phases for outline in self._below(call)), default=0) for call in self.opening_calls)

    # -------------------------------------------------------------------------------------------------- handlers

    @cached_property
    def inner_handler(self) -> bool:
        """Whether a broad handler stands round all database work, inside of the session's block."""
        shape = self.shape
        if self._is_of_its_own:
            pairs = [(node, opening) for opening in shape.main_openings for node in shape.uses_of(opening)]
            return bool(pairs) and all(shape.inner_handlers(node, opening) for node, opening in pairs)
        if self.pattern == "callee":
            return all(_levels(call) > 1 or self._all_below(call, _has_inner) for call in self.opening_calls)
        return bool(self._work) and all(_levels(op.node) for op in self._work)

    @cached_property
    def outer_handler(self) -> bool:
        """Whether a broad handler stands round what opens the session; without a session, round all that is awaited."""
        shape = self.shape
        if self._is_of_its_own:
            return all(shape.outer_handlers(opening) for opening in shape.guarded_openings)
        if self.pattern == "callee":
            return all(_levels(call) or self._all_below(call, _has_outer) for call in self.opening_calls)
        if self._work:
            return all(_levels(op.node) > 1 for op in self._work)
        return bool(self._steps) and all(_levels(node) for node in self._steps)

    @cached_property
    def failure_status(self) -> bool:
        """Whether some failure of the database work reaches a handler that records it."""
        return any(
            self._reaches(node, lambda handler: self.shape.failure_update(handler) is not None)
            or self._all_below(node, _has_status)
            for node in self._points
        )

    @cached_property
    def failure_logged(self) -> bool:
        """Whether every failure reaches a handler that logs it or hands it on."""
        openings = [opening.node for opening in self.shape.guarded_openings] if self._is_of_its_own else []
        points = [*self._points, *openings] or self._steps
        return bool(points) and all(
            self._reaches(node, self.shape.speaks) or self._all_below(node, _is_logged) for node in points
        )

    @property
    def start_log(self) -> bool:
        """Whether the function logs before anything can fail."""
        return starts_with_log(self.shape.function.body)

    @cached_property
    def _points(self) -> list[Node]:
        """Where the database work of the function is done."""
        if self._is_of_its_own:
            return [node for opening in self.shape.main_openings for node in self.shape.uses_of(opening)]
        return list(self.opening_calls) if self.pattern == "callee" else [op.node for op in self._work]

    @cached_property
    def _steps(self) -> list[Node]:
        """What may fail in a function that has nothing to do with sessions: what it awaits, else what it calls."""
        awaits = [n for n in own_nodes_in(self.shape.function) if isinstance(n, Await) and not is_aftermath(n)]
        return list(awaits) or [call for call in self.shape.main_calls if not is_log_call(call)]

    def _reaches(self, node: Node, does: Callable[[Handler], bool]) -> bool:
        """Whether a failure of a node reaches a handler that does something, before one that ends it."""
        for handler in broad_handlers(node):
            if does(handler):
                return True
            if self.shape.swallows(handler):
                return False
        return False

    def _all_below(self, node: Node, has: Callable[[Outline], bool]) -> bool:
        """Whether all functions that a call runs, and that open a session, deal with a failure themselves."""
        outlines = self._below(node) if isinstance(node, Call) and node in self.opening_calls else []
        return bool(outlines) and all(has(outline) for outline in outlines)


def _levels(node: Node) -> int:
    """How many broad handlers stand round a node."""
    return sum(1 for _ in broad_handlers(node))


def _has_inner(outline: Outline) -> bool:
    return outline.inner_handler


def _has_outer(outline: Outline) -> bool:
    return outline.outer_handler


def _has_status(outline: Outline) -> bool:
    return outline.failure_status


def _is_logged(outline: Outline) -> bool:
    return outline.failure_logged
