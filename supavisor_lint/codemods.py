"""The rewrites as LibCST codemods: the same engine, and the same bytes, as `supavisor-lint check --fix`.

    python -m libcst.tool codemod -x supavisor_lint.codemods.UseSessionHelper --no-format app

The tool hands out the files to several processes, which write while others still read. So the project is read, and
everything is decided, once before that, where LibCST collects what it calls full-repo metadata; a file's own turn only
looks up what becomes of it. A file that comes without that (stdin, or a codemod that another program runs) is fixed by
itself, as `check --fix -` does, with the knowledge of the project around it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, cast

import libcst as cst
from libcst.codemod import CodemodCommand

from supavisor_lint.findings import Finding
from supavisor_lint.fixing import Fixed, fix
from supavisor_lint.report.concise import finding_text
from supavisor_lint.run import Job, job_of_paths, job_of_stdin
from supavisor_lint.settings import Settings
from supavisor_lint.sources.config import SettingsError, load_settings
from supavisor_lint.sources.roots import root_of


class FixFailed(Exception):  # noqa: N818 - it is named for what it says
    """A rewrite did not stand the checks: its file is left as it was."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """What becomes of one file, given by the digest of its bytes: its new ones, what is left, why a fix failed."""

    digest: bytes
    after: bytes | None = None
    left: tuple[str, ...] = ()
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class _Decision:
    """Decides for all files at once; to LibCST's FullRepoManager it is a provider of metadata.

    `codes` are the rules whose findings are rewritten; None: those that the project's settings enable.
    """

    codes: tuple[str, ...] | None
    unsafe: bool

    def gen_cache(self, root: Path, paths: Sequence[str], *options: object, **more: object) -> Mapping[str, _Turn]:
        """What becomes of the files (absolute paths); called once, in the process that starts the others."""
        if not paths:
            return {}
        job = self._job(sorted(paths))
        return _turns(job, fix(job, unsafe=self.unsafe))

    def _job(self, paths: Sequence[str]) -> Job:
        """One file is taken as if it were named; of many, those that a check of their folder would find."""
        root = root_of(map(Path, paths))
        settings = self.settings(root)
        if len(paths) == 1:
            return job_of_paths([Path(paths[0])], root, settings)
        job = job_of_paths([Path(os.path.commonpath(paths))], root, settings)
        wanted = {Path(path).as_posix() for path in paths}
        return replace(job, asked=tuple(path for path in job.asked if job.known[path] in wanted))

    def of_text(self, data: bytes, filename: Path | None) -> _Turn:
        """What becomes of one text, as if it stood in the file."""
        root = root_of([filename] if filename is not None else [])
        job = job_of_stdin(data, filename, root, self.settings(root))
        return next(iter(_turns(job, fix(job, unsafe=self.unsafe)).values()), _Turn(_digest(data)))

    def settings(self, root: Path) -> Settings:
        """The project's settings, for these rules only; ends the program where they cannot be used."""
        try:
            settings = load_settings(root)
        except SettingsError as error:
            raise SystemExit("\n".join(f"supavisor-lint: error: {line}" for line in error.lines)) from error
        return settings if self.codes is None else replace(settings, select=self.codes, extend_select=())


def _turns(job: Job, fixed: Fixed) -> dict[str, _Turn]:
    """The files of a job that have a say, by absolute path."""
    left: dict[str, list[str]] = {}
    for finding in fixed.result.findings:
        left.setdefault(finding.path, []).append(_remark(finding))
    changes = {change.path: change for change in fixed.changes}
    turns = {}
    for path in job.asked:
        shown, change = job.shown_as.get(path, path), changes.get(path)
        if change is not None or shown in left or shown in fixed.failures:
            old = change.old if change is not None else b""
            turns[job.known.get(path, path)] = _Turn(
                _digest(old),
                change.new if change is not None else None,
                tuple(left.get(shown, ())),
                fixed.failures.get(shown),
            )
    return turns


def _remark(finding: Finding) -> str:
    """What is said of a finding that is left: where and what it is, and why it is not rewritten."""
    why = f"unsafe fix: {finding.fix.title}" if finding.fix is not None else finding.no_fix_reason or "no rewrite"
    return f"{finding.span.line}:{finding.span.column}: {finding_text(finding)} - {why}"


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


class _Codemod(CodemodCommand):
    """A codemod that applies what its `DECISION` says."""

    DECISION: ClassVar[_Decision]

    def transform_module(self, tree: cst.Module) -> cst.Module:
        """The file as it is to be; a warning for each finding left. Raises FixFailed."""
        filename = Path(self.context.filename) if self.context.filename else None
        data = _bytes_of(tree, filename)
        turn = self._turn(data, filename)
        for remark in turn.left:
            self.warn(remark)
        if turn.failure is not None and turn.after is not None:
            self.warn(f"fix failed: {turn.failure}")
        elif turn.failure is not None:
            raise FixFailed(f"fix failed: {turn.failure}")
        if turn.after is None:
            return _module(tree, data)
        if turn.digest != _digest(data):
            raise FixFailed("fix failed: it has changed on disk meanwhile")
        return _module(cst.parse_module(turn.after), turn.after)

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        """The same, for callers that go past the entrance."""
        return self.transform_module(tree)

    def _turn(self, data: bytes, filename: Path | None) -> _Turn:
        manager = self.context.metadata_manager
        if manager is None or filename is None:
            return self.DECISION.of_text(data, filename)
        known = cast("Mapping[object, _Turn]", manager.get_cache_for_path(str(filename)))
        return known.get(self.DECISION, _Turn(_digest(data)))


def _bytes_of(tree: cst.Module, filename: Path | None) -> bytes:
    """The bytes that a tree was made of, also where it does not hold all of them."""
    if filename is not None and filename.is_file():
        data = filename.read_bytes()
        if data == tree.bytes or cst.parse_module(data).code == tree.code:
            return data
    return tree.bytes


def _module(tree: cst.Module, data: bytes) -> cst.Module:
    """A module that is written as these bytes; LibCST's own leaves out some form feeds and carriage returns."""
    if tree.bytes == data:
        return tree
    verbatim = type("Verbatim", (cst.Module,), {"bytes": data, "code": data.decode(tree.encoding)})
    return cast(cst.Module, verbatim(**{field.name: getattr(tree, field.name) for field in fields(tree)}))


class UseSessionHelper(_Codemod):
    """Sessions from the session helper: the safe fixes of SUP101, SUP102 and SUP103."""

    DESCRIPTION = "Open sessions with the project's session helper instead of the factory, AsyncSession or a getter."
    DECISION = _Decision(("SUP101", "SUP102", "SUP103"), unsafe=False)
    METADATA_DEPENDENCIES = cast(Any, (DECISION,))


class WrapPhases(_Codemod):
    """A transaction for each phase: the safe fixes of SUP301, SUP303, SUP304 and SUP406."""

    DESCRIPTION = "Give each phase of a background task its own `async with session.begin():`."
    DECISION = _Decision(("SUP301", "SUP303", "SUP304", "SUP406"), unsafe=False)
    METADATA_DEPENDENCIES = cast(Any, (DECISION,))


class StandardTemplate(_Codemod):
    """The standard template: every rule that the project's settings enable, unsafe fixes included."""

    DESCRIPTION = "Rewrite background tasks to the standard template, with unsafe fixes: read the diff."
    DECISION = _Decision(None, unsafe=True)
    METADATA_DEPENDENCIES = cast(Any, (DECISION,))
