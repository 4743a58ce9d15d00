"""The files that tasks stand in: their texts, their findings, and to which task a finding belongs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.engine import Engine
from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.findings import Finding
from supavisor_lint.project.tasks import Task
from supavisor_lint.rewrites import look_at
from supavisor_lint.rewrites.source import Source
from supavisor_lint.sources.reading import decode

_ABOUT_THE_TASK = frozenset({"SUP202", "SUP205", "SUP206"})
"""Rules that report at the registration what is wrong with the task that is registered."""


class AnalysedFile:
    """One file with its findings, each with its fix, and those that a noqa suppresses."""

    def __init__(self, engine: Engine, facts: FileFacts) -> None:
        text = decode(engine.project.bytes_of(facts.path))
        analysis = look_at(engine, facts.path, text)
        self.source = Source(text, facts.layout)
        self.findings = analysis.findings
        self.suppressed = analysis.suppressed
        self._tasks = engine.project.tasks_in(facts.path)
        self._extents: dict[FunctionDef, tuple[int, int]] = {}

    def extent(self, function: FunctionDef) -> tuple[int, int]:
        """The first and the last line of a function, its decorators included."""
        if function not in self._extents:
            self._extents[function] = self.source.extent([function])
        return self._extents[function]

    def lines_of(self, function: FunctionDef) -> tuple[str, ...]:
        """The lines of a function, without their ends."""
        first, last = self.extent(function)
        return tuple(line.rstrip("\r\n") for line in self.source.lines[first - 1 : last])

    def inside(self, task: Task, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Those of some findings of this file that stand in a task, and not in a task inside of it."""
        for finding in findings:
            if finding.code not in _ABOUT_THE_TASK and self._task_at(finding.span.line) is task:
                yield finding

    def _task_at(self, line: int) -> Task | None:
        around = [task for task in self._tasks if self.extent(task.node)[0] <= line <= self.extent(task.node)[1]]
        return max(around, key=lambda task: self.extent(task.node)[0], default=None)


class AnalysedFiles:
    """The files of one project, each analysed when it is first asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, AnalysedFile] = {}

    def of(self, facts: FileFacts) -> AnalysedFile:
        """One file, analysed."""
        if facts.path not in self._known:
            self._known[facts.path] = AnalysedFile(self._engine, facts)
        return self._known[facts.path]

    def findings_of(self, task: Task) -> tuple[Finding, ...]:
        """The findings in a task and at its registrations, sorted."""
        own = self.of(task.function.file)
        found = [*own.inside(task, own.findings), *self._at_registrations(task, suppressed=False)]
        return tuple(sorted(dict.fromkeys(found), key=lambda finding: finding.sort_key))

    def suppressed_of(self, task: Task) -> tuple[str, ...]:
        """The codes of the findings there that a noqa suppresses."""
        own = self.of(task.function.file)
        found = [*own.inside(task, own.suppressed), *self._at_registrations(task, suppressed=True)]
        return tuple(sorted({finding.code for finding in found}))

    def _at_registrations(self, task: Task, *, suppressed: bool) -> Iterator[Finding]:
        for registration in task.registrations:
            file = self.of(registration.file)
            span = registration.node.span
            for finding in file.suppressed if suppressed else file.findings:
                if finding.code in _ABOUT_THE_TASK and span.start <= finding.span.start <= span.end:
                    yield finding
