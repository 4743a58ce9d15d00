"""The background tasks of a project: which functions, registered where and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.findings import Confidence
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.guards import logged_by_callback, logged_by_decorator
from supavisor_lint.project.registrars import OwnRegistrars
from supavisor_lint.project.registration import Registration
from supavisor_lint.project.registrations import RegistrationFinder
from supavisor_lint.project.structured import is_structured
from supavisor_lint.project.values import FunctionValue
from supavisor_lint.settings import Settings


@dataclass(slots=True, eq=False)
class Task:
    """A background task. Without registrations it is one by its mark or by its name."""

    function: FunctionValue
    registrations: list[Registration] = field(default_factory=list)
    marked: bool = False
    logged: bool = False

    @property
    def node(self) -> FunctionDef:
        """Its definition."""
        return self.function.node

    @property
    def confidence(self) -> Confidence:
        """High when registered or marked, low when only its name says so."""
        return "high" if self.registrations or self.marked else "low"

    @property
    def queued(self) -> bool:
        """Whether a queue framework runs it everywhere: that records and retries failures itself."""
        return bool(self.registrations) and all(r.queue for r in self.registrations)

    @property
    def guarded(self) -> bool:
        """Whether every registrar, or a decorator of the project, logs its failure."""
        return self.logged or (bool(self.registrations) and all(r.guarded for r in self.registrations))

    @property
    def provided(self) -> frozenset[str]:
        """The parameters for which a registrar hands over a session: such a task is a callback."""
        return frozenset(name for r in self.registrations for name in r.provided)


class TaskTable:
    """Collects the tasks of a project, file by file; the registrars of its own are learned on the way."""

    def __init__(self, evaluator: Evaluator, settings: Settings) -> None:
        self._ev = evaluator
        self._settings = settings
        self.own = OwnRegistrars(settings)
        self._finder = RegistrationFinder(evaluator, self.own)
        self.tasks: dict[FunctionDef, Task] = {}
        self.registrations: list[Registration] = []

    def rebuild(self, files: Iterable[FileFacts], counts: Callable[[FileFacts], bool]) -> None:
        """Find all registrations in the files, until no new registrar turns up.

        `counts` tells whether a file's registrations count (tests' do not).
        """
        known = list(files)
        self._named_registrars(known)
        found = self._round(known, counts)
        while self._learn(found):
            found = self._round(known, counts)
        self.registrations = found
        self.tasks = {}
        for registration in found:
            if isinstance(registration.target, FunctionValue):
                guarded = logged_by_callback(self._ev, registration.file, registration.started)
                self._task(registration.target).registrations.append(
                    replace(registration, guarded=registration.guarded or guarded)
                )
        for file in known:
            self._by_mark_or_name(file)

    def _learn(self, found: list[Registration]) -> bool:
        news = [self.own.learn(registration) for registration in found]  # all of them, whatever the first one says
        return any(news)

    def _round(self, files: list[FileFacts], counts: Callable[[FileFacts], bool]) -> list[Registration]:
        found = (r for file in files if counts(file) for r in self._finder.find(file))
        return [r for r in found if r.queue or not is_structured(r.started)]

    def _named_registrars(self, files: list[FileFacts]) -> None:
        if not self._settings.task_registrars:
            return
        for file in files:
            modules = list(self._ev.files.dotted_names(file.path))
            for function in file.functions:
                value = FunctionValue(file, function, bound=isinstance(function.parent, ClassDef))
                self.own.by_settings(value, (f"{module}.{function.qualname}" for module in modules))

    def _task(self, function: FunctionValue) -> Task:
        task = self.tasks.get(function.node)
        if task is None:
            task = self.tasks[function.node] = Task(function, logged=logged_by_decorator(self._ev, function))
        return task

    def _by_mark_or_name(self, file: FileFacts) -> None:
        for function in file.functions:
            named = any(fnmatchcase(function.name, pattern) for pattern in self._settings.task_names)
            if function.marked_as_task or (named and counts_as_work(function)):
                task = self._task(FunctionValue(file, function, bound=isinstance(function.parent, ClassDef)))
                task.marked = task.marked or function.marked_as_task


def counts_as_work(function: FunctionDef) -> bool:
    """Whether a function that is only named like a task can be one: a coroutine function, no generator."""
    return function.is_async and not function.is_generator
