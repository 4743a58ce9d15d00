"""Names by which a project calls its background tasks, where some are registered by nothing that can be seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from supavisor_lint.facts.file import FileFacts, enclosing_function
from supavisor_lint.facts.statements import FunctionDef, Module
from supavisor_lint.project.tasks import counts_as_work
from supavisor_lint.project.values import Manager, Session
from supavisor_lint.survey.definitions import Surveyor

_ENOUGH = 3
_SOURCES = ("factory", "class", "helper", "getter")


@dataclass(frozen=True, slots=True)
class TaskName:
    """A pattern: `registered` tasks have such names, and so have the functions `unseen` (names), which nobody calls."""

    pattern: str
    registered: int
    unseen: tuple[str, ...]


def task_names(surveyor: Surveyor) -> list[TaskName]:
    """The patterns that bring tasks in that nothing registers, and nothing that is none.

    At least three registered tasks are named so; every other coroutine function of that name opens a session of its
    own, and is mentioned nowhere but where it is defined: something outside the code must start it, if anything does.
    """
    registered = {task.node.name for task in surveyor.tasks if task.registrations}
    counts = {pattern: sum(fnmatchcase(name, pattern) for name in registered) for pattern in _patterns(registered)}
    found: list[TaskName] = []
    covered: set[str] = set()
    for pattern in sorted(counts, key=lambda one: (-counts[one], one)):
        if counts[pattern] < _ENOUGH:
            break
        matching = list(_functions(surveyor, pattern))
        unseen = {function.name for _, function in matching}
        if unseen - covered and all(_is_unseen(surveyor, *one) for one in matching):
            found.append(TaskName(pattern, counts[pattern], tuple(sorted(unseen))))
            covered |= unseen
    return found


def _patterns(names: Iterable[str]) -> set[str]:
    """`*_job` and `process_*`, of all names that have more than one word."""
    words = [name.strip("_").split("_") for name in names]
    return {pattern for parts in words if len(parts) > 1 for pattern in (f"*_{parts[-1]}", f"{parts[0]}_*")}


def _functions(surveyor: Surveyor, pattern: str) -> Iterator[tuple[FileFacts, FunctionDef]]:
    """The functions of that name that could be tasks, and are none yet."""
    defined = re.compile(rb"\basync\s+def\s+%s\s*\(" % pattern.replace("*", r"\w*").encode())
    for file in surveyor.files_with(defined):
        for function in file.functions:
            is_task = surveyor.project.task_of(function) is not None
            if fnmatchcase(function.name, pattern) and counts_as_work(function) and not is_task:
                yield file, function


def _is_unseen(surveyor: Surveyor, file: FileFacts, function: FunctionDef) -> bool:
    if not isinstance(function.parent, Module) or function.decorators:
        return False
    return _opens_session(surveyor, file, function) and not _mentions(surveyor, function)


def _opens_session(surveyor: Surveyor, file: FileFacts, function: FunctionDef) -> bool:
    values = (
        value
        for call in file.calls
        if enclosing_function(call) is function
        for value in surveyor.project.evaluator.values(file, call)
    )
    return any(isinstance(v, Manager) or (isinstance(v, Session) and v.source in _SOURCES) for v in values)


def _mentions(surveyor: Surveyor, function: FunctionDef) -> bool:
    """Whether any file of the project has the name anywhere but behind `def`."""
    word = re.compile(rb"(?<!def )\b%s\b" % re.escape(function.name.encode()))
    project = surveyor.project
    return any(word.search(project.bytes_of(path)) for path in project.mentioning(function.name))
