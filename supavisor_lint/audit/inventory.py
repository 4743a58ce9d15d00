"""Takes the inventory: links the project, analyses the files that matter, and puts each task's facts together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from supavisor_lint.audit.files import AnalysedFiles
from supavisor_lint.audit.names import name_of
from supavisor_lint.audit.priority import Signs, priority_of
from supavisor_lint.audit.proposals import Extent, proposals_for
from supavisor_lint.engine import Engine
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import dotted
from supavisor_lint.facts.tree import Call
from supavisor_lint.findings import Finding
from supavisor_lint.flow.outline import Outline, Outlines
from supavisor_lint.project.project import Project
from supavisor_lint.project.registration import Registration
from supavisor_lint.project.tasks import Task
from supavisor_lint.project.values import Unknown
from supavisor_lint.report.audit_model import (
    PRIORITIES,
    AuditedRegistration,
    AuditedSession,
    AuditedTask,
    Inventory,
)
from supavisor_lint.run import Job, candidates_of, linked_project, room_for_trees
from supavisor_lint.sources.discovery import is_test_file

_LOGS_FAILURES = frozenset({"add_job", "scheduled_job"})
"""Registrars outside of queues that log what their tasks raise: APScheduler's executors do."""


@dataclass(frozen=True, slots=True)
class Audit:
    """An inventory; `failures` are the files asked for that could not be read or parsed, one line for each.

    `errors` are the faults of this tool that it has survived, a line each, `tracebacks` where they arose.
    """

    inventory: Inventory
    failures: tuple[str, ...]
    errors: tuple[str, ...] = ()
    tracebacks: tuple[str, ...] = ()


def take_inventory(job: Job, *, proposals: bool) -> Audit:
    """The background tasks that the files of a job define; with `proposals` also what the fixes would make of them."""
    with room_for_trees():
        project = linked_project(job.known, job.settings, job.overlay, job.root, watch=job.watch, all_tasks=True)
        candidates_of(job, project)
        desk = _Desk(project)
        homes = [path for path in job.asked if _tasks_in(project, path)]
        audited = [desk.audited(task) for path in job.watch("auditing", homes) for task in _tasks_in(project, path)]
        if proposals:
            audited = _with_proposals(audited, job, project)
    failures = tuple(_line(path, project) for path in job.asked if path in project.failures)
    order = {priority: number for number, priority in enumerate(PRIORITIES)}
    audited.sort(key=lambda task: (order[task.priority], task.path, task.line, task.function))
    unresolved = _unresolved(project, frozenset(job.asked))
    return Audit(
        Inventory(tuple(audited), unresolved, len(job.asked), len(failures)),
        failures,
        tuple(f"{error.path}: {error}" for error in project.errors),
        tuple(error.traceback for error in project.errors),
    )


def _tasks_in(project: Project, path: str) -> list[Task]:
    """The tasks that a file defines; what tests define are no tasks of the project, unless tests count."""
    if is_test_file(path) and not project.settings.check_tests:
        return []
    return project.tasks_in(path)


def _with_proposals(tasks: list[AuditedTask], job: Job, project: Project) -> list[AuditedTask]:
    extents = [Extent(task.path, task.first_line, task.first_line + len(task.code) - 1) for task in tasks]
    fixable = [any(finding.fix is not None for finding in task.findings) for task in tasks]
    found = proposals_for(job, project, [extent for extent, yes in zip(extents, fixable, strict=True) if yes])
    return [replace(task, proposal=found.get(extent)) for extent, task in zip(extents, tasks, strict=True)]


def _line(path: str, project: Project) -> str:
    failure = project.failures[path]
    line = getattr(failure, "line", None)
    return f"{path}{f':{line}' if line is not None else ''}: {failure.reason}; its tasks are not in the inventory"


def _unresolved(project: Project, asked: frozenset[str]) -> tuple[AuditedRegistration, ...]:
    """The registrations in the files asked for of which nobody knows what they register."""
    known = {r.node for r in project.table.registrations if not isinstance(r.target, Unknown)}
    found = (r for r in project.table.registrations if isinstance(r.target, Unknown) and r.node not in known)
    entries = {(r.file.path, r.node): r for r in found if r.file.path in asked}
    return tuple(
        AuditedRegistration(r.file.path, r.node.span.line, r.how, r.kind, _target(r.node)) for r in entries.values()
    )


def _target(node: Node) -> str:
    """How the function is written that a registrar is given; "" where it is nothing that has a name."""
    if not isinstance(node, Call) or not node.args:
        return ""
    given = node.args[0].value
    return dotted(given.func if isinstance(given, Call) else given)


def _registrations(found: Iterable[Registration]) -> tuple[AuditedRegistration, ...]:
    entries = (AuditedRegistration(r.file.path, r.node.span.line, r.how, r.kind) for r in found)
    return tuple(sorted(dict.fromkeys(entries), key=lambda entry: (entry.path, entry.line, entry.how)))


class _Desk:
    """Audits the tasks of one linked project, one by one."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._engine = Engine(project)
        self._files = AnalysedFiles(self._engine)
        self._outlines: Outlines | None = None

    def audited(self, task: Task) -> AuditedTask:
        """What the inventory says of one task."""
        outline = self._outline(task)
        file = self._files.of(task.function.file)
        findings = self._files.findings_of(task)
        registrations = _registrations(task.registrations)
        sessions = self._sessions(outline)
        priority, reasons = priority_of(_signs(task, outline, findings, len(registrations)))
        return AuditedTask(
            function=task.node.qualname,
            path=task.function.file.path,
            line=task.node.span.line,
            registrations=registrations,
            session=outline.pattern,
            helper=next((session.name for session in sessions if session.pattern == "helper"), None),
            sessions=sessions,
            phases=outline.phases,
            inner_handler=outline.inner_handler,
            failure_status=outline.failure_status,
            outer_handler=outline.outer_handler or task.guarded,
            start_log=outline.start_log,
            findings=findings,
            suppressed=self._files.suppressed_of(task),
            priority=priority,
            reasons=reasons,
            first_line=file.extent(task.node)[0],
            code=file.lines_of(task.node),
        )

    def _outline(self, task: Task) -> Outline:
        view = self._engine.view(task.function.file)
        if self._outlines is None:
            self._outlines = Outlines(view.follower.uses)
        return self._outlines.of_task(task, view.shape(task))

    def _sessions(self, outline: Outline) -> tuple[AuditedSession, ...]:
        return tuple(
            AuditedSession(o.file.path, o.node.span.line, o.pattern, name_of(self._project, o.session))
            for o in outline.origins
        )


def _signs(task: Task, outline: Outline, findings: Iterable[Finding], registrations: int) -> Signs:
    runs_again = {registration.kind in ("schedule", "queue") for registration in task.registrations}
    logged = bool(task.registrations) and all(r.queue or r.how in _LOGS_FAILURES for r in task.registrations)
    return Signs(
        severities=frozenset(finding.severity for finding in findings),
        silent=not (outline.failure_logged or task.guarded or logged),
        stale=bool(outline.shape.status_writes) and not outline.failure_status and not task.queued,
        once=runs_again != {True},
        registrations=registrations,
    )
