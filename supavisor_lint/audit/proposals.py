"""What the fixes would make of a task, safe and unsafe ones: the file's rewrite, cut down to the task's own lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from typing import NamedTuple

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.fixing import Change, Fixed, fix
from supavisor_lint.project.project import Project
from supavisor_lint.report.audit_model import Proposal
from supavisor_lint.report.diff import unified
from supavisor_lint.rewrites.source import Source
from supavisor_lint.run import Job
from supavisor_lint.sources.reading import split_lines


class Extent(NamedTuple):
    """The lines of a task's definition, the first and the last from 1; `path` is relative and POSIX."""

    path: str
    first: int
    last: int


class _Step(NamedTuple):
    """Lines `start` to `end` (0-based, the end exclusive) of the old text become some lines."""

    start: int
    end: int
    lines: tuple[str, ...]


def proposals_for(job: Job, project: Project, extents: Iterable[Extent]) -> dict[Extent, Proposal]:
    """The proposals for some tasks of a linked project that have a finding with a fix; nothing is written."""
    wanted = sorted(extents)
    paths = tuple(dict.fromkeys(extent.path for extent in wanted))
    fixed = fix(replace(job, asked=paths, named=frozenset(), whole=False), unsafe=True)
    return {extent: proposal for path in paths for extent, proposal in _in_file(fixed, project, path, wanted)}


def _in_file(fixed: Fixed, project: Project, path: str, wanted: list[Extent]) -> Iterator[tuple[Extent, Proposal]]:
    change = next((change for change in fixed.changes if change.path == path), None)
    facts = project.facts(path)
    here = [extent for extent in wanted if extent.path == path]
    if change is None or facts is None:
        reason = fixed.failures.get(path, "the fixes of the file change nothing")
        yield from ((extent, Proposal("", f"fix failed: {reason}")) for extent in here)
        return
    before = split_lines(change.before)
    steps = list(_steps(before, split_lines(change.after)))
    shared = [step for step in steps if not _is_in_function(step, facts, change)]
    for extent in here:
        own = [step for step in steps if _touches(step, extent.first, extent.last)]
        if own:
            yield extent, Proposal(_diff(path, before, [*shared, *own]))
        else:
            yield extent, Proposal("", "the fixes change other code of the file only")


def _steps(before: list[str], after: list[str]) -> Iterator[_Step]:
    for kind, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield _Step(start, end, tuple(after[new_start:new_end]))


def _is_in_function(step: _Step, facts: FileFacts, change: Change) -> bool:
    """Whether a step changes a function: what is outside of all of them (imports, a logger) goes with each task."""
    source = Source(change.before, facts.layout)
    return any(_touches(step, *source.extent([function])) for function in facts.functions)


def _touches(step: _Step, first: int, last: int) -> bool:
    """Whether a step changes one of some lines (from 1), or puts lines between or directly behind them."""
    if step.start == step.end:
        return first <= step.start <= last
    return step.start < last and first - 1 < step.end


def _diff(path: str, before: list[str], steps: Iterable[_Step]) -> str:
    after: list[str] = []
    done = 0
    for step in sorted(set(steps)):
        after += [*before[done : step.start], *step.lines]
        done = step.end
    old, new = ("".join(lines).encode("utf-8", "surrogatepass") for lines in (before, [*after, *before[done:]]))
    return unified(path, old, new).decode("utf-8", "replace")
