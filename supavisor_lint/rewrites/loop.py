"""The loop that fixes: analyse, apply what does not overlap, analyse again, until nothing is left to apply.

Everything happens in memory. What does not pass the guards leaves its file as it was, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from supavisor_lint.engine import Analysis, Engine
from supavisor_lint.findings import Finding
from supavisor_lint.rewrites.idle_imports import without_idle_names
from supavisor_lint.rewrites.work import Work, chosen_fixes, open_work
from supavisor_lint.sources.watching import Watch, unwatched

MAX_ROUNDS = 10

Build: TypeAlias = Callable[[Mapping[str, str]], Engine]
"""Gives an engine over the project with some files' texts replaced."""

Approve: TypeAlias = Callable[[str, str, Finding], bool]
"""Asks whether a finding's fix is to be applied; in: path, the text as it is now, the finding with its fix."""

Refuse: TypeAlias = Callable[[str, str], str | None]
"""Says why a file (path) could not hold a rewritten text; None if it could."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a fixing run has done, in memory.

    `texts` are the rewritten files; `engine` knows the project with them; `analyses` are what it says of the files, by
    path; `fixed` are the findings that were fixed, with their fixes; `failures` say why a file was left as it was, or
    some of its functions.
    """

    engine: Engine
    texts: Mapping[str, str]
    analyses: Mapping[str, Analysis]
    fixed: tuple[Finding, ...]
    failures: Mapping[str, str]


class Fixer:
    """Fixes some files of one project; `unsafe` applies unsafe fixes as well."""

    def __init__(
        self,
        build: Build,
        unsafe: bool,
        approve: Approve | None = None,
        refuse: Refuse = lambda path, text: None,
        watch: Watch = unwatched,
    ) -> None:
        self._build = build
        self._unsafe = unsafe
        self._approve = approve or (lambda path, text, finding: True)
        self._refuse = refuse
        self._watch = watch

    def run(self, texts: Mapping[str, str]) -> Outcome:
        """Fix the files with these texts. Where a rewrite fails a guard it is left out, and the rest done again.

        That is what is at fault of the file, if it can be told: some functions; else all of it.
        """
        failures: dict[str, str] = {}
        partly: dict[str, str] = {}
        left: dict[str, frozenset[str]] = {}
        first = self._build({})
        paths = self._watch("looking for fixes", sorted(texts))
        opened = [work for path in paths if (work := open_work(first, path, texts[path])) is not None]
        while True:
            files = [work.anew(left.get(work.path, frozenset())) for work in opened]
            engine = self._rounds(first, files, [file for file in files if file.path not in failures])
            faulty = {file: file.fault for file in files if file.fault is not None}
            if not faulty:
                return Outcome(
                    engine,
                    {file.path: file.text for file in files if file.is_changed},
                    {file.path: file.now for file in files},
                    tuple(finding for file in files for finding in file.fixed),
                    {**_told(partly, files), **failures},
                )
            for file, fault in faulty.items():
                functions = file.functions_at_fault() - file.left
                if functions:
                    left[file.path] = file.left | functions
                    partly[file.path] = fault
                else:
                    failures[file.path] = fault

    def _rounds(self, engine: Engine, files: Sequence[Work], free: Sequence[Work]) -> Engine:
        """Fix the `free` ones of some files, until they are at rest; gives the engine that knows them then.

        What has been done to one file may matter to others: once all are at rest they are all looked at again. If
        there is a fault, the rest need not be finished.
        """
        active, rounds = free, 0
        while True:
            changed = [file for file in active if self._apply(file)]
            if changed:
                rounds += 1
                engine = self._built(files)
            elif any(file.fault is not None for file in files):
                return engine
            else:
                engine = self._tidied(engine, files)
                changed = [file for file in files if file.engine is not engine]
                if not changed:
                    _compare(files)
                    return engine
            _each(changed, partial(Work.look_again, engine=engine))
            active = [file for file in free if file in changed and file.fault is None]
            if rounds == MAX_ROUNDS:
                active = self._stopped(active)

    def _stopped(self, active: Iterable[Work]) -> list[Work]:
        """No more rounds: those that would go on are faulty."""
        for file in active:
            if file.wanted(unsafe=self._unsafe):
                file.fault = f"the rewrites have not come to rest after {MAX_ROUNDS} rounds"
        return []

    def _apply(self, file: Work) -> bool:
        """Apply the fixes of one round to one file; whether there was any, and nothing is wrong with it."""
        wanted = file.wanted(unsafe=self._unsafe)
        edits, findings = chosen_fixes(wanted, lambda finding: self._approve(file.path, file.text, finding))
        if not edits:
            return False
        file.change(edits, findings)
        file.fault = file.fault or self._refuse(file.path, file.text)
        return file.fault is None

    def _built(self, files: Iterable[Work]) -> Engine:
        return self._build({file.path: file.text for file in files if file.is_changed and file.fault is None})

    def _tidied(self, engine: Engine, files: Sequence[Work]) -> Engine:
        """Take out of the imports what only rewritten code has used; gives the engine that knows the files then."""
        rewritten = [file for file in files if file.is_changed]
        before = [file.text for file in rewritten]
        _each(rewritten, lambda file: file.change(without_idle_names(engine, file.path, file.original, file.text), []))
        return engine if before == [file.text for file in rewritten] else self._built(files)


def _told(partly: Mapping[str, str], files: Iterable[Work]) -> dict[str, str]:
    """The reasons why functions of some files were left, with what became of the rest of the file."""
    changed = {file.path for file in files if file.is_changed}
    rest = "; the other fixes in this file were made"
    return {path: reason + (rest if path in changed else "") for path, reason in partly.items()}


def _each(files: Iterable[Work], step: Callable[[Work], None]) -> None:
    """Do something with each file; where this tool itself fails, that is a fault of this one file's rewrite."""
    for file in files:
        try:
            step(file)
        except Exception as error:  # noqa: PERF203 - one file's fault is not the others'
            file.fault = f"internal error: {type(error).__name__}: {error}"


def _compare(files: Sequence[Work]) -> None:
    """Find the files that have more findings of some rule than before: a rewrite is at fault, theirs or another's.

    Another one is at fault if such a finding names it, else all that were rewritten may be.
    """
    rewritten = [file for file in files if file.is_changed]
    for file in files:
        fault = file.fault_of_findings()
        if fault is not None and file.is_changed:
            file.fault = f"the rewritten code {fault}"
        elif fault is not None:
            named = {place.path for finding in file.new_findings() for place in finding.related}
            for guilty in [other for other in rewritten if other.path in named] or rewritten:
                guilty.fault = guilty.fault or f"`{file.path}`, with the code rewritten here, {fault}"
