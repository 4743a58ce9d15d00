"""One file's findings: run the rules over it, apply selection and suppressions. Pure: no I/O, never raises.

What a rule itself gets wrong becomes a SUP900 of the file, and an `InternalError` of the project: the other rules, and
the other files, are done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from supavisor_lint.baseline import Baseline
from supavisor_lint.facts.file import FileFacts, UnparsableFile
from supavisor_lint.findings import Finding, InternalError, Place, Span
from supavisor_lint.flow.follower import Follower
from supavisor_lint.flow.operations import SessionFlow
from supavisor_lint.project.broken import what_fails
from supavisor_lint.project.project import Failure, Project
from supavisor_lint.rules import RULES, FileView, Rule
from supavisor_lint.rules import unparsable_file as sup900
from supavisor_lint.rules import unused_suppression as sup901
from supavisor_lint.settings import Settings
from supavisor_lint.sources.discovery import is_test_file
from supavisor_lint.sources.ignores import compiled
from supavisor_lint.sources.reading import split_lines
from supavisor_lint.sources.suppressions import Suppressions


@dataclass(frozen=True, slots=True)
class Analysis:
    """One file's result: what is left to report, what a noqa suppressed, and what the baseline has."""

    findings: tuple[Finding, ...]
    suppressed: tuple[Finding, ...] = ()
    baselined: tuple[Finding, ...] = ()

    @property
    def silenced(self) -> tuple[Finding, ...]:
        """What is there, but neither reported nor rewritten."""
        return (*self.suppressed, *self.baselined)


class Selection:
    """Which rules are on: by profile, by default, by `select`, `extend-select` and `ignore`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.rules = tuple(rule for rule in RULES if self._is_on(rule))
        self.codes = frozenset(rule.code for rule in self.rules)

    def _is_on(self, rule: Rule) -> bool:
        settings = self._settings
        if _matches(rule.code, settings.ignore):
            return False
        if _matches(rule.code, settings.extend_select):
            return True
        if settings.select is not None:
            return _matches(rule.code, settings.select)
        if settings.profile == "hazards":
            return rule.profile != "template" and rule.default
        return rule.default

    def keeps(self, finding: Finding) -> bool:
        """Whether a finding of an enabled rule is reported in this profile."""
        if self._settings.profile != "hazards" or finding.hazard:
            return True
        asked = (*self._settings.extend_select, *(self._settings.select or ()))
        return _matches(finding.code, asked)

    def enables(self, text: str) -> bool:
        """Whether a code, or any code with this prefix, is on."""
        return any(code.startswith(text) for code in self.codes)


def _matches(code: str, prefixes: Iterable[str]) -> bool:
    return any(code.startswith(prefix) for prefix in prefixes)


_NOT_FOLLOWED = "too many paths: what happens to the sessions here was not followed"
_CALLS_NOT_FOLLOWED = "too many paths: what some functions called here do to the sessions was not followed"


class Engine:
    """Analyses the files of a linked project; what is in the baseline is told apart.

    One that `tells_all` finds more: what stands behind something that always fails, what another finding stands for.
    """

    def __init__(self, project: Project, baseline: Baseline | None = None, *, tells_all: bool = False) -> None:
        self.project = project
        self._baseline = baseline or Baseline()
        self.selection = Selection(project.settings)
        registrations, factories = project.table.registrations, project.names.factories
        self._follower = Follower(SessionFlow(project.evaluator), registrations, factories, tells_all=tells_all)
        self._views: dict[str, FileView] = {}
        self._unfinished: set[str] = set()

    @cached_property
    def telling_all(self) -> Engine:
        """The same that tells all."""
        return Engine(self.project, self._baseline, tells_all=True)

    def analyse(self, path: str) -> tuple[Finding, ...]:
        """The findings of one file before suppression, sorted. A file that cannot be read gives a SUP900."""
        facts = self.project.facts(path) if path not in self.project.failures else None
        failure = self.project.failures.get(path)
        if failure is not None:
            self._unfinished.add(path)
            return tuple(self._kept(path, [_unparsable(path, failure)]))
        if facts is None:
            return ()
        rules = [rule for rule in self.selection.rules if self._applies(rule, path)]
        broken: list[Finding] = []
        try:
            found = [finding for rule in rules for finding in self._detected(rule, facts, broken)]
        except RecursionError:
            self._unfinished.add(path)
            found = [_unparsable(path, UnparsableFile("the code is nested too deeply to be analysed"))]
        return tuple(sorted((*self._kept(path, found), *broken), key=lambda finding: finding.sort_key))

    def _detected(self, rule: Rule, facts: FileFacts, broken: list[Finding]) -> list[Finding]:
        """What a rule finds in a file; one that fails finds nothing, and `broken` gets a finding that says so."""
        try:
            return list(rule.detect(self.view(facts)))
        except RecursionError:
            raise
        except Exception as error:
            self._unfinished.add(facts.path)
            broken.append(_broken(self.project.note(facts.path, rule.code, error)))
            return []

    def knows_all_of(self, path: str) -> bool:
        """Whether a file that was analysed was so in whole: else it may have more findings than are known."""
        return path not in self._unfinished

    def view(self, facts: FileFacts) -> FileView:
        """A file as the rules see it; made once."""
        if facts.path not in self._views:
            self._views[facts.path] = FileView(self.project, self._follower, facts)
        return self._views[facts.path]

    def given_up(self) -> tuple[Place, ...]:
        """The functions analysed so far that have too many paths: not all that happens to their sessions is known."""
        in_all = ((f, file, _NOT_FOLLOWED) for f, file in self._follower.given_up.items())
        in_calls = ((f, file, _CALLS_NOT_FOLLOWED) for f, file in self._follower.cut_short.items())
        found = (*in_all, *in_calls)
        return tuple(sorted(Place(file.path, f.span.line, f.span.column, message) for f, file, message in found))

    def analyse_text(self, path: str, text: str) -> Analysis:
        """The findings of one file with suppressions and baseline applied, and what was suppressed for nothing."""
        analysis = suppress(self, path, text, self.analyse(path))
        new, known = self._baseline.split(path, text, analysis.findings)
        return replace(analysis, findings=new, baselined=known)

    def _applies(self, rule: Rule, path: str) -> bool:
        """Tests keep what discipline they like: only what cannot work is reported there."""
        return rule.profile != "template" or self.project.settings.check_tests or not is_test_file(path)

    def _kept(self, path: str, findings: Iterable[Finding]) -> list[Finding]:
        ignored = ignored_codes(path, self.project.settings)
        in_tests = is_test_file(path) and not self.project.settings.check_tests
        return [
            f
            for f in dict.fromkeys(findings)
            if f.code in self.selection.codes
            and self.selection.keeps(f)
            and not _matches(f.code, ignored)
            and (f.hazard or not in_tests)
        ]


def ignored_codes(path: str, settings: Settings) -> tuple[str, ...]:
    """The codes (or prefixes) that `per-file-ignores` takes away from a file."""
    return tuple(
        code
        for entry in settings.per_file_ignores
        if compiled((entry.pattern,)).excludes(path, is_directory=False)
        for code in entry.codes
    )


def suppress(engine: Engine, path: str, text: str, findings: Iterable[Finding]) -> Analysis:
    """Apply the noqa comments of a text to its findings, and add a SUP901 for each code that suppressed nothing."""
    found = list(findings)
    suppressions = Suppressions.read(split_lines(text))
    if not suppressions.comments:
        return Analysis(tuple(found))
    found += unused_suppressions(engine, path, suppressions, found)
    kept = [f for f in found if not suppressions.suppresses(f.span.line, f.code)]
    gone = [f for f in found if suppressions.suppresses(f.span.line, f.code)]
    return Analysis(tuple(sorted(kept, key=lambda f: f.sort_key)), tuple(gone))


def unused_suppressions(
    engine: Engine, path: str, suppressions: Suppressions, findings: Iterable[Finding]
) -> list[Finding]:
    """The SUP901 findings of one file; none where it could not be analysed in whole."""
    rule = sup901.RULE
    if rule.code not in engine.selection.codes or not engine.knows_all_of(path):
        return []
    reported = [(finding.span.line, finding.code) for finding in findings]
    found = [
        Finding(
            rule.code,
            rule.name,
            f"`noqa: {unused.code}` suppresses nothing here: remove it",
            rule.severity,
            "high",
            path,
            Span(unused.line, unused.column, unused.line, unused.end_column),
        )
        for unused in suppressions.unused(reported, engine.selection.enables)
    ]
    return engine._kept(path, found)


def _unparsable(path: str, failure: Failure) -> Finding:
    line = getattr(failure, "line", 1)
    column = getattr(failure, "column", 1)
    rule = sup900.RULE
    return Finding(
        rule.code,
        rule.name,
        f"this file {what_fails(failure)}: {failure.reason}",
        rule.severity,
        "high",
        path,
        Span(line, column, line, column + 1),
        hazard=True,
        no_fix_reason=rule.why_no_fix,
    )


def _broken(error: InternalError) -> Finding:
    """What is reported of a file in which a rule has failed, whatever rules are selected."""
    rule, reason = sup900.RULE, "the fault is in this tool: please report it"
    span = Span(1, 1, 1, 2)
    return Finding(rule.code, rule.name, str(error), rule.severity, "high", error.path, span, no_fix_reason=reason)
