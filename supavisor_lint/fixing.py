"""Fixing many files: the loop of `rewrites/` over a project, and what of it is written to disk."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from supavisor_lint.engine import Engine
from supavisor_lint.facts.file import FileFacts
from supavisor_lint.findings import Finding
from supavisor_lint.rewrites.loop import Approve, Fixer, Outcome
from supavisor_lint.run import Job, Result, collect, linked_project, room_for_trees
from supavisor_lint.sources.reading import UndecodableFile, UnreadableFile, decode, read_source
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
    """What a fixing run comes to, before anything is written.

    `result` is what a check of the rewritten project says; `fixed` are the findings that are gone, with their fixes;
    `failures` say, by path, why a file is left as it was.
    """

    result: Result
    changes: tuple[Change, ...]
    fixed: tuple[Finding, ...]
    failures: Mapping[str, str]


class _Builder:
    """Builds engines over a job's project with some texts replaced; what has not changed is parsed once."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._parsed: dict[str, FileFacts] = {}
        self.bytes: dict[str, bytes] = {}
        self.texts: dict[str, str] = {}

    def read(self) -> None:
        """Read the files that were asked for, as far as they are Python."""
        for path in self._job.asked:
            with suppress(UndecodableFile, UnreadableFile):  # the check reports it
                data = self._job.overlay[path] if path in self._job.overlay else read_source(self._job.known[path])
                self.texts[path] = decode(data)
                self.bytes[path] = data

    def __call__(self, texts: Mapping[str, str]) -> Engine:
        changed = {path: encode_like(text, self.bytes[path]) for path, text in texts.items()}
        overlay = dict(self._job.overlay) | changed
        project = linked_project(self._job.known, self._job.settings, overlay, self._job.root, self._parsed)
        for path in project.parsed_paths:
            facts = project.facts(path)
            if facts is not None and path not in overlay:
                self._parsed[path] = facts
        return Engine(project)


def fix(job: Job, *, unsafe: bool, approve: Approve | None = None) -> Fixed:
    """Fix the files of a job in memory. `approve` is asked before each fix, if it is given."""
    with room_for_trees():
        build = _Builder(job)
        build.read()
        outcome = Fixer(build, unsafe, approve).run(build.texts)
        return Fixed(collect(job, outcome.engine), _changes(build, outcome), outcome.fixed, outcome.failures)


def _changes(build: _Builder, outcome: Outcome) -> tuple[Change, ...]:
    return tuple(
        Change(path, build.texts[path], text, build.bytes[path], encode_like(text, build.bytes[path]))
        for path, text in sorted(outcome.texts.items())
    )


def write(job: Job, fixed: Fixed) -> Fixed:
    """Write the changes. A file that cannot be written is left as it was, and said to be, with the reason."""
    failures = dict(fixed.failures)
    written = []
    for change in fixed.changes:
        reason = _write(job, change)
        if reason is None:
            written.append(change)
        else:
            failures[change.path] = reason
    return replace(fixed, changes=tuple(written), failures=failures)


def _write(job: Job, change: Change) -> str | None:
    """Why a change could not be written; None if it was."""
    try:
        replace_file(Path(job.known[change.path]), change.old, change.new, job.root)
    except UnwritableFile as failure:
        return failure.reason
    return None
