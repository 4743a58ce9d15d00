"""The loop that fixes: analyse, apply what does not overlap, analyse again, until nothing is left to apply.

Everything happens in memory. What does not pass the guards leaves its file as it was, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from supavisor_lint.engine import Analysis, Engine
from supavisor_lint.facts.file import FileFacts
from supavisor_lint.findings import Edit, Finding
from supavisor_lint.rewrites import fixable, guards, with_fixes
from supavisor_lint.rewrites.idle_imports import without_idle_names
from supavisor_lint.rewrites.source import applied, overlap

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

    `texts` are the rewritten files; `engine` knows the project with them; `fixed` are the findings that were fixed,
    with their fixes; `failures` say why a file was left as it was.
    """

    engine: Engine
    texts: Mapping[str, str]
    fixed: tuple[Finding, ...]
    failures: Mapping[str, str]


@dataclass(slots=True)
class _File:
    """One file on its way through the rounds. `first` are its findings before anything was changed."""

    path: str
    original: str
    facts: FileFacts
    first: tuple[Finding, ...]
    text: str
    now: tuple[Finding, ...] = ()
    fixed: list[Finding] = field(default_factory=list)
    applied: list[Finding] = field(default_factory=list)
    last: tuple[Finding, ...] = ()
    noqas_removed: int = 0
    fault: str | None = None


class Fixer:
    """Fixes some files of one project; `unsafe` applies unsafe fixes as well."""

    def __init__(
        self, build: Build, unsafe: bool, approve: Approve | None = None, refuse: Refuse = lambda path, text: None
    ) -> None:
        self._build = build
        self._unsafe = unsafe
        self._approve = approve
        self._refuse = refuse

    def run(self, texts: Mapping[str, str]) -> Outcome:
        """Fix the files with these texts. A file whose rewrite fails a guard is left out, and the rest done again."""
        failures: dict[str, str] = {}
        while True:
            files, engine = self._rounds({path: text for path, text in texts.items() if path not in failures})
            faults = {file.path: file.fault for file in files if file.fault is not None}
            if not faults:
                changed = {file.path: file.text for file in files if file.text != file.original}
                fixed = tuple(finding for file in files for finding in file.fixed)
                return Outcome(engine, changed, fixed, failures)
            failures |= faults

    def _rounds(self, texts: Mapping[str, str]) -> tuple[list[_File], Engine]:
        engine = self._build({})
        files = [file for path, text in sorted(texts.items()) if (file := _opened(engine, path, text)) is not None]
        active = files
        for _ in range(MAX_ROUNDS):
            active = [file for file in active if self._apply(file)]
            for file in active:
                file.fault = file.fault or self._refuse(file.path, file.text)
            active = [file for file in active if file.fault is None]
            if not active:
                break
            engine = self._built(files)
            for file in active:
                _look_again(engine, file)
            active = [file for file in active if file.fault is None]
        for file in active:
            if self._wanted(file):
                file.fault = f"the rewrites have not come to rest after {MAX_ROUNDS} rounds"
        engine = self._tidied(engine, files)
        for file in files:
            if file.text != file.original:
                file.fault = file.fault or guards.fault_of_findings(file.first, file.last, file.fixed)
        return files, engine

    def _built(self, files: Iterable[_File]) -> Engine:
        return self._build({f.path: f.text for f in files if f.text != f.original and f.fault is None})

    def _tidied(self, engine: Engine, files: list[_File]) -> Engine:
        """Take out of the imports what only rewritten code has used; gives the engine that knows the files then."""
        tidied = []
        for file in files:
            if file.text != file.original and file.fault is None:
                edits = without_idle_names(engine, file.path, file.original, file.text)
                if edits:
                    file.text, file.applied = applied(file.text, edits), []
                    tidied.append(file)
        if not tidied:
            return engine
        engine = self._built(files)
        for file in tidied:
            _look_again(engine, file)
        return engine

    def _wanted(self, file: _File) -> list[Finding]:
        return fixable(file.now, unsafe=self._unsafe)

    def _apply(self, file: _File) -> bool:
        """Apply the fixes of one round to one file; whether there was any."""
        chosen: list[Edit] = []
        fixes = set()
        file.applied = []
        for finding in self._wanted(file):
            fix = finding.fix
            if fix is None or (fix not in fixes and overlap(fix.edits, chosen)):
                continue
            if self._approve is not None and fix not in fixes and not self._approve(file.path, file.text, finding):
                continue
            if fix not in fixes:
                fixes.add(fix)
                chosen += fix.edits
            file.applied.append(finding)
        if chosen:
            try:
                file.text = applied(file.text, chosen)
            except ValueError as error:
                file.fault = f"the rewrite contradicts itself: {error}"
            file.noqas_removed += sum(1 for finding in file.applied if finding.code == "SUP901")
        return bool(chosen)


def _opened(engine: Engine, path: str, text: str) -> _File | None:
    facts = engine.project.facts(path)
    if facts is None:
        return None
    analysis = engine.analyse_text(path, text)
    findings = with_fixes(engine, path, text, analysis)
    return _File(path, text, facts, _all(analysis), text, findings)


def _look_again(engine: Engine, file: _File) -> None:
    """Analyse a file after a round; its `fault` says what is wrong with the rewrite."""
    facts = engine.project.facts(file.path)
    if facts is None:
        file.fault = "the rewritten code does not parse"
        return
    analysis = engine.analyse_text(file.path, file.text)
    file.fault = (
        guards.fault_of_text(file.path, file.original, file.text, file.noqas_removed)
        or guards.fault_of_names(file.facts, facts)
        or guards.still_there(file.now, analysis.findings, file.applied)
    )
    file.last = _all(analysis)
    file.fixed += file.applied
    file.now = with_fixes(engine, file.path, file.text, analysis)


def _all(analysis: Analysis) -> tuple[Finding, ...]:
    return (*analysis.findings, *analysis.suppressed)
