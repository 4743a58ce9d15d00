"""One file on its way through the rounds of fixing: its text as it is now, what is found in it, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from supavisor_lint.engine import Analysis, Engine
from supavisor_lint.facts.file import FileFacts
from supavisor_lint.findings import Edit, Finding
from supavisor_lint.rewrites import fixable, guards, look_at
from supavisor_lint.rewrites.source import Moves, applied, overlap


@dataclass(slots=True, eq=False)
class Work:
    """A file that is being rewritten.

    `original` and `facts` are the file as it was, `first` its findings then, suppressed ones included. `text` is what
    has become of it, `now` what `engine` has found in that. `applied` are the findings whose fixes made the text of the
    last one, `moves` where its places are in this one, `fixed` those that are gone for good; `revealed` are findings
    that were hidden before. `fault` says why the file cannot be rewritten. What stands in the functions `left` is not
    to be fixed.
    """

    path: str
    original: str
    facts: FileFacts
    first: tuple[Finding, ...]
    text: str
    now: Analysis
    engine: Engine
    fixed: list[Finding] = field(default_factory=list)
    applied: list[Finding] = field(default_factory=list)
    moves: Moves | None = None
    revealed: frozenset[guards.Key] = frozenset()
    noqas_removed: int = 0
    fault: str | None = None
    left: frozenset[str] = frozenset()

    def anew(self, left: frozenset[str]) -> Work:
        """The same file once more, for another try; only for one that nothing has been done to."""
        return replace(self, fixed=[], applied=[], left=left)

    @property
    def is_changed(self) -> bool:
        """Whether the file is another one than it was."""
        return self.text != self.original

    def wanted(self, *, unsafe: bool) -> list[Finding]:
        """The findings whose fixes are still to be applied."""
        return [f for f in fixable(self.now.findings, unsafe=unsafe) if f.function not in self.left]

    def change(self, edits: list[Edit], applied_: list[Finding]) -> None:
        """Make some edits, if there are any, which are the fixes of some findings."""
        self.applied = applied_
        self.noqas_removed += sum(1 for finding in applied_ if finding.code == "SUP901")
        self.moves = Moves(self.text, edits)
        try:
            self.text = applied(self.text, edits)
        except ValueError as error:
            self.fault = f"the rewrite contradicts itself: {error}"

    def look_again(self, engine: Engine) -> None:
        """Analyse the text that there is now, with the project as it is now; `fault` says what is wrong with it."""
        before, known = self.now, self.engine
        self.now, self.engine = look_at(engine, self.path, self.text), engine
        revealed = self._revealed(before, known)
        if self.is_changed:
            self.fault = self._fault_of_text(engine) or guards.still_there(
                before.findings, self.now.findings, self.applied, revealed
            )
        self.fixed += self.applied
        self.applied, self.moves = [], None

    def _revealed(self, before: Analysis, known: Engine) -> frozenset[guards.Key]:
        """What the last edits have brought to light; `known` is the engine that had found what was there `before`."""
        moves = self.moves or Moves(self.text, [])
        revealed = guards.came_to_light(
            all_of(before),
            all_of(self.now),
            self.applied,
            moves,
            lambda: known.telling_all.analyse(self.path),
            lambda: self.engine.telling_all.analyse(self.path),
        )
        self.revealed = frozenset((code, moves.place(place)) for code, place in self.revealed) | revealed
        return revealed

    def _fault_of_text(self, engine: Engine) -> str | None:
        facts = engine.project.facts(self.path)
        if facts is None:
            return "the rewritten code does not parse"
        return guards.fault_of_text(self.path, self.original, self.text, self.noqas_removed) or guards.fault_of_names(
            self.facts, facts
        )

    def fault_of_findings(self) -> str | None:
        """In what the findings are worse than before; None if they are not."""
        return guards.fault_of_findings(self.first, all_of(self.now), self.revealed)

    def functions_at_fault(self) -> frozenset[str]:
        """The functions that are worse than before, if the findings are what is wrong with the rewritten file."""
        return frozenset(
            guards.functions_at_fault(self.first, all_of(self.now), self.revealed) if self.is_changed else ()
        )

    def new_findings(self) -> list[Finding]:
        """The findings that were not there before."""
        return [finding for finding in all_of(self.now) if finding not in self.first]


def open_work(engine: Engine, path: str, text: str) -> Work | None:
    """A file as it is; None where it cannot be parsed."""
    facts = engine.project.facts(path)
    if facts is None:
        return None
    now = look_at(engine, path, text)
    return Work(path, text, facts, all_of(now), text, now, engine)


def all_of(analysis: Analysis) -> tuple[Finding, ...]:
    """All findings of a file, those included that are suppressed or in the baseline."""
    return (*analysis.findings, *analysis.silenced)


def chosen_fixes(wanted: list[Finding], approve: Callable[[Finding], bool]) -> tuple[list[Edit], list[Finding]]:
    """The edits of the fixes that can be made at once, and their findings; `approve` is asked about each fix."""
    edits: list[Edit] = []
    findings: list[Finding] = []
    fixes = set()
    for finding in wanted:
        fix = finding.fix
        if fix is None or (fix not in fixes and (overlap(fix.edits, edits) or not approve(finding))):
            continue
        if fix not in fixes:
            fixes.add(fix)
            edits += fix.edits
        findings.append(finding)
    return edits, findings
