"""Fixing many files: the loop of `rewrites/` over a project, and what of it is written to disk."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from supavisor_lint.engine import Engine
from supavisor_lint.facts.file import FileFacts
from supavisor_lint.findings import Finding
from supavisor_lint.rewrites.loop import Approve, Fixer, Outcome
from supavisor_lint.run import (
    Job,
    Result,
    candidates_of,
    check_job,
    collect,
    linked_project,
    reader,
    renamed,
    room_for_trees,
)
from supavisor_lint.sources.reading import UndecodableFile, UnreadableFile, decode
from supavisor_lint.sources.writing import UnwritableFile, encode_like, replace_file


@dataclass(frozen=True, slots=True)
class Change:
    """One file (`path` relative to the root) before and after its rewrites, as text and as bytes."""

    path: str
    before: str
    after: str
    old: bytes
    new: bytes


@dataclass(frozen=True, slots=True)
class Fixed:
    """What a fixing run comes to.

    `result` is what a check of the rewritten project says; `fixed` are the findings that are gone, with their fixes;
    `failures` say, by path, why a file is left as it was. The paths of `changes` are those of the job, the others those
    of reports.
    """

    result: Result
    changes: tuple[Change, ...] = ()
    fixed: tuple[Finding, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)


class Builder:
    """Builds engines over a job's project with some texts replaced; what has not changed is read and parsed once."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._parsed: dict[str, FileFacts] = {}
        self._read = cache(reader(job.known))  # all rounds see the files as they were
        self.bytes: dict[str, bytes] = {}
        self.texts: dict[str, str] = {}

    def read_candidates(self) -> None:
        """Read the files asked for that can have findings, as far as they are Python."""
        for path in candidates_of(self._job, self({}).project):
            with suppress(UndecodableFile, UnreadableFile):  # the check reports it
                data = self._job.overlay[path] if path in self._job.overlay else self._read(path)
                self.texts[path] = decode(data)
                self.bytes[path] = data

    def __call__(self, texts: Mapping[str, str]) -> Engine:
        """An engine that knows these texts (by path) instead of the files; raises UnwritableFile (see `refuse`)."""
        changed = {path: encode_like(text, self.bytes[path]) for path, text in texts.items()}
        overlay = dict(self._job.overlay) | changed
        job = self._job
        project = linked_project(job.known, job.settings, overlay, job.root, self._parsed, self._read, job.watch)
        for path in project.parsed_paths:
            facts = project.facts(path)
            if facts is not None and path not in overlay:
                self._parsed[path] = facts
        return Engine(project, job.baseline)

    def refuse(self, path: str, text: str) -> str | None:
        """Why a file cannot hold a text in its encoding; None if it can."""
        try:
            encode_like(text, self.bytes[path])
        except UnwritableFile as failure:
            return failure.reason
        return None


def fix(job: Job, *, unsafe: bool, approve: Approve | None = None) -> Fixed:
    """Fix the files of a job in memory. `approve` is asked before each fix, if it is given."""
    with room_for_trees():
        if not job.asked:
            return Fixed(check_job(job))
        build = Builder(job)
        build.read_candidates()
        outcome = Fixer(build, unsafe, approve, build.refuse, job.watch).run(build.texts)
        return Fixed(
            collect(job, outcome.engine, outcome.analyses),
            _changes(build, outcome),
            tuple(renamed(finding, job.shown_as) for finding in outcome.fixed),
            {job.shown_as.get(path, path): reason for path, reason in outcome.failures.items()},
        )


def _changes(build: Builder, outcome: Outcome) -> tuple[Change, ...]:
    return tuple(
        Change(path, build.texts[path], text, build.bytes[path], encode_like(text, build.bytes[path]))
        for path, text in sorted(outcome.texts.items())
    )


def write(job: Job, fixed: Fixed) -> Fixed:
    """Write the changes. A file that cannot be written is left as it is, and said to be, with the reason.

    Then the result is that of a check of what is on the disk.
    """
    reasons = {change.path: reason for change in fixed.changes if (reason := _write(job, change)) is not None}
    if not reasons:
        return fixed
    with room_for_trees():
        result = check_job(job)
    return Fixed(
        result,
        tuple(change for change in fixed.changes if change.path not in reasons),
        tuple(finding for finding in fixed.fixed if finding.path not in reasons),
        {**fixed.failures, **reasons},
    )


def _write(job: Job, change: Change) -> str | None:
    """Why a change could not be written; None if it was."""
    try:
        replace_file(Path(job.known[change.path]), change.old, change.new, job.root)
    except UnwritableFile as failure:
        return failure.reason
    return None
