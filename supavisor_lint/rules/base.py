"""What every rule is made of: the `Rule` record, and the `FileView` that a rule reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from supavisor_lint.facts.file import FileFacts, enclosing_function
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, NameImport
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import For, FunctionDef
from supavisor_lint.facts.tree import Attribute, Call, Expr, Name, Param
from supavisor_lint.findings import Confidence, Finding, Place, Severity, Span
from supavisor_lint.flow.events import Event, EventT, ExpiredRead
from supavisor_lint.flow.follower import Follower
from supavisor_lint.flow.shape import TaskShape
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.project import Project
from supavisor_lint.project.tasks import Task
from supavisor_lint.settings import Settings
from supavisor_lint.sources.discovery import is_test_file

Profile: TypeAlias = Literal["template", "hazards", "hazards for the broken forms"]
Fix: TypeAlias = Literal["safe", "unsafe", "none"]
Detect: TypeAlias = Callable[["FileView"], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `doc` is its module's docstring in five parts, `summary` the first line of it."""

    code: str
    name: str
    severity: Severity
    profile: Profile
    fix: Fix
    doc: str
    detect: Detect = field(repr=False)
    default: bool = True

    @property
    def summary(self) -> str:
        """One line: what the rule finds."""
        return self.doc.strip().splitlines()[0].rstrip(".")

    @property
    def why_no_fix(self) -> str | None:
        """Why a finding has no fix, as the documentation says; None where a rewrite will look at it."""
        if self.fix != "none":
            return None
        reason = " ".join(self.doc.partition("## Fix safety")[2].split()).partition(". ")[0].rstrip(".")
        return reason[:1].lower() + reason[1:]

    def at(
        self,
        view: FileView,
        where: Node | Span,
        message: str,
        *,
        confidence: Confidence = "high",
        related: Iterable[Place] = (),
        hazard: bool | None = None,
        function: FunctionDef | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding at a node or span of the view's file; `function` when it is not the node's enclosing one.

        A place that explains it is named once: several nodes may begin there.
        """
        holder = function if function is not None or isinstance(where, Span) else _holder(where)
        if isinstance(where, Node):
            view.remember(where)
        return Finding(
            self.code,
            self.name,
            message,
            severity or self.severity,
            confidence,
            view.file.path,
            where if isinstance(where, Span) else where.span,
            holder.qualname if holder is not None else None,
            tuple(dict.fromkeys(related)),
            (self.profile == "hazards" and confidence != "medium") if hazard is None else hazard,
            self.why_no_fix,
        )


def _may_be_of(func: Expr, vocabulary: frozenset[str]) -> bool:
    """Whether a callee's last name is one of some; of one without (`(a or b)()`, `make()()`) nothing is known."""
    name = last_name(func)
    return name in vocabulary or not name or isinstance(func, Call)


def _may_alias(name: str, binding: Binding) -> bool:
    if isinstance(binding, NameImport):
        return binding.name != name
    return isinstance(binding, Assigned | Param) or (isinstance(binding, FunctionDef) and bool(binding.decorators))


def _holder(node: Node) -> FunctionDef | None:
    return node if isinstance(node, FunctionDef) else enclosing_function(node)


class FileView:
    """One file as the rules see it, with the project around it. Everything here is computed once."""

    def __init__(self, project: Project, follower: Follower, file: FileFacts) -> None:
        self.project = project
        self.follower = follower
        self.flow = follower.flow
        self.file = file
        self.ev: Evaluator = project.evaluator
        self.settings: Settings = project.settings
        self._shapes: dict[FunctionDef, TaskShape] = {}
        self._found: dict[Span, list[Node]] = {}

    def remember(self, node: Node) -> None:
        """Keep a node that a finding stands at: who asks for it by its place need not look for it again."""
        self._found.setdefault(node.span, []).append(node)

    def found_at(self, span: Span) -> list[Node]:
        """The nodes at some place that findings stand at."""
        return self._found.get(span, [])

    @property
    def tells_all(self) -> bool:
        """Whether each fault is wanted, those included that another finding stands for."""
        return self.follower.tells_all

    @cached_property
    def tasks(self) -> list[Task]:
        """The background tasks that this file defines."""
        return self.project.tasks_in(self.file.path)

    @cached_property
    def mentions(self) -> list[Name | Attribute]:
        """Every read of a name, and every access of an attribute, that may mean a factory, helper or getter."""
        vocabulary = self.project.names.vocabulary | self._aliases
        found: list[Name | Attribute] = []
        for name in vocabulary.intersection(self.file.names):
            found += self.file.names[name]
        for name in vocabulary.intersection(self.file.attributes):
            found += self.file.attributes[name]
        return found

    @cached_property
    def session_calls(self) -> list[Call]:
        """The calls that may give a session, factory or helper, judged by the callee's last name; in source order."""
        vocabulary = self.project.names.vocabulary | self._aliases
        return [call for call in self.file.calls if _may_be_of(call.func, vocabulary)]

    @cached_property
    def _aliases(self) -> frozenset[str]:
        """Names that this file gives to things of other names: variables, parameters, `import … as …`."""
        found: set[str] = set()
        for scope in self.file.scopes:
            for name, bindings in scope.bindings.items():
                if any(_may_alias(name, binding) for binding in bindings):
                    found.add(name)
        return frozenset(found)

    def shape(self, task: Task) -> TaskShape:
        """The shape of one of the file's tasks."""
        if task.node not in self._shapes:
            self._shapes[task.node] = TaskShape(self.file, task.node, self.flow)
        return self._shapes[task.node]

    @cached_property
    def working_tasks(self) -> list[tuple[Task, TaskShape]]:
        """The tasks that do database work in their own body, with their shapes."""
        pairs = ((task, self.shape(task)) for task in self.tasks)
        return [(task, shape) for task, shape in pairs if shape.does_database_work]

    @cached_property
    def tasks_with_handlers(self) -> list[tuple[Task, TaskShape]]:
        """The tasks that the template asks to have failure handlers.

        Not asked: tasks of queue frameworks, which record and retry failures themselves; callbacks, whose registrar
        does; tasks that work on a request's session, whose fault is that.
        """
        return [
            (task, shape)
            for task, shape in self.working_tasks
            if not task.queued and not task.provided and shape.guarded_openings
        ]

    @cached_property
    def session_functions(self) -> list[FunctionDef]:
        """The functions that hold a session: they open one, are given one, or use one of their object's."""
        from supavisor_lint.flow.holders import session_functions

        wanted = {task.node for task in self.tasks} | self.follower.registrars_in(self.file)
        return session_functions(self.flow, self.follower.quiet, self.file, self.session_calls, wanted)

    def runs_in_task(self, function: FunctionDef) -> bool:
        """Whether a function is a background task, or runs in one."""
        return self.follower.runs_in_task(function, self.project.table.tasks.values())

    def events(self, kind: type[EventT]) -> Iterator[tuple[FunctionDef, EventT]]:
        """The events of a kind on all paths of all functions that hold a session, with their function."""
        for function in self.session_functions:
            for event in self.follower.trace(self.file, function).of(kind):
                yield function, event

    def hazards(self, kind: type[EventT]) -> Iterator[tuple[FunctionDef, EventT]]:
        """The events of a kind that certainly happen on some path, outside the session modules."""
        for function, event in self.events(kind):
            if event.sure and self.looks_at(function):
                yield function, event

    def expired_reads(self) -> Iterator[tuple[FunctionDef, ExpiredRead]]:
        """The reads of expired objects; not those of a called function that is told of them where it stands."""
        for function, event in self.hazards(ExpiredRead):
            if event.via is None or not self._is_told_there(*event.via):
                yield function, event

    def _is_told_there(self, file: FileFacts, read: Node) -> bool:
        """Whether a function, of any file, reads what has expired whoever calls it, and the rules look at it."""
        function = enclosing_function(read)
        if function is None or file.path not in self.project.candidates:
            return False
        own = self.follower.trace(file, function).of(ExpiredRead)
        if not any(event.node is read and event.sure for event in own):
            return False
        there = self if file is self.file else FileView(self.project, self.follower, file)
        return there.looks_at(function) and function in there.session_functions

    def looks_at(self, function: FunctionDef) -> bool:
        """Whether the rules about all code look at a function: not in session modules, tasks there excepted."""
        return not self.is_session_module or self._in_task(function)

    def places(self, event: Event, because: str, via: str) -> Iterator[Place]:
        """The places that explain an event: what led to it, and where a called function does it."""
        yield from self.places_of(event.because, because)
        if event.via is not None:
            yield self.place(*event.via, via)

    def places_of(self, nodes: Iterable[Node], message: str) -> Iterator[Place]:
        """Some nodes of this file as places, in source order."""
        for node in sorted(nodes, key=lambda node: node.order):
            if self.file.module.contains(node):
                yield self.place(self.file, node, message)

    @cached_property
    def is_test(self) -> bool:
        """Whether the template profile leaves this file out."""
        return is_test_file(self.file.path) and not self.settings.check_tests

    @cached_property
    def is_session_module(self) -> bool:
        """Whether the file defines a session factory."""
        return self.project.names.is_session_module(self.file, self.session_calls)

    def may_open_sessions(self, node: Node) -> bool:
        """Whether code here may use factories and getters: session modules, helpers, dependencies, getters.

        A background task never may.
        """
        function = enclosing_function(node)
        if self._in_task(function):
            return False
        return self.is_session_module or self.project.names.may_use_factory(self.file, function)

    def tells_of_loop(self, node: Node) -> bool:
        """Whether a node is a loop over a session dependency that SUP103 stands at if it is left early."""
        return isinstance(node, For) and isinstance(node.iter, Call) and not self.may_open_sessions(node.iter)

    def _in_task(self, function: FunctionDef | None) -> bool:
        node: Node | None = function
        while node is not None:
            if isinstance(node, FunctionDef) and self.project.task_of(node) is not None:
                return True
            node = node.parent
        return False

    def place(self, file: FileFacts, node: Node, message: str) -> Place:
        """A place that explains a finding."""
        return Place(file.path, node.span.line, node.span.column, message)

    def registrations_of(self, task: Task) -> Iterator[Place]:
        """The places that make a function a background task."""
        for registration in task.registrations[:5]:
            yield self.place(registration.file, registration.node, f"registered here ({registration.how})")

    def definition_of(self, expr: Expr) -> Iterator[Place]:
        """The place where what an expression names is defined."""
        from supavisor_lint.project.definitions import definition_places

        return definition_places(self.ev, self.file, expr)
