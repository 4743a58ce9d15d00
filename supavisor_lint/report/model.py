"""What the renderers share: the counts of a run and the colours, as plain data and callables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from supavisor_lint.findings import Finding, Severity

Role = Literal["path", "code", "error", "warning", "info", "caret", "dim", "heading"]

Style = Callable[[str, Role], str]
"""Takes a text and the part it plays; gives the text as it is to be shown, with or without colour codes."""

Display = Callable[[str], str]
"""Takes a finding's path (relative to the root, POSIX); gives the path as the reader wants to see it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts that close a report: files looked at, analysed to the end, not readable, and findings."""

    files: int
    analysed: int
    failed: int
    findings: int
    fixed: int
    suppressed: int
    baselined: int = 0


class RuleLike(Protocol):
    """What a rule has to tell about itself; `default` says whether it is on unless deselected."""

    @property
    def code(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def severity(self) -> Severity: ...  # noqa: D102
    @property
    def profile(self) -> str: ...  # noqa: D102
    @property
    def default(self) -> bool: ...  # noqa: D102
    @property
    def fix(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def doc(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Report:
    """What a run has to report, whatever the format.

    `suppressed` are the findings under a noqa, `baselined` those that the baseline has; `sources` gives the text of
    every file with one of any kind, by the findings' paths; `problems` are one-line complaints about what could not be
    done; `counts` asks for the number per code; `rules` are all rules that there are, by code.
    """

    findings: Sequence[Finding]
    summary: Summary
    sources: Mapping[str, str] = field(default_factory=dict)
    suppressed: Sequence[Finding] = ()
    problems: Sequence[str] = ()
    counts: bool = False
    baselined: Sequence[Finding] = ()
    rules: Sequence[RuleLike] = ()

    @property
    def everything(self) -> tuple[Finding, ...]:
        """All that was found: the findings first, then the suppressed ones, then those that the baseline has."""
        return (*self.findings, *self.suppressed, *self.baselined)

    def with_paths(self, display: Display) -> Report:
        """Give the same report with every path as `display` has it."""

        def shown(finding: Finding) -> Finding:
            related = tuple(replace(place, path=display(place.path)) for place in finding.related)
            return replace(finding, path=display(finding.path), related=related)

        return replace(
            self,
            findings=[shown(finding) for finding in self.findings],
            suppressed=[shown(finding) for finding in self.suppressed],
            baselined=[shown(finding) for finding in self.baselined],
            sources={display(path): text for path, text in self.sources.items()},
        )


def plain(text: str, role: Role) -> str:
    """Give the text without any colour: the style for files and for tests."""
    return text


def unchanged(path: str) -> str:
    """Give the path relative to the root as it is: the display for files and for tests."""
    return path


@dataclass(frozen=True, slots=True)
class Look:
    """How a report is shown: its paths, colours, and whether its place takes all of Unicode.

    `display` gives paths as people want them, `in_repository` as CI servers do: relative to the top of the repository,
    which may lie above the root. `unsafe` counts unsafe fixes as available.
    """

    display: Display = unchanged
    style: Style = plain
    utf8: bool = False
    unsafe: bool = False
    in_repository: Display = unchanged


def count(number: int, noun: str) -> str:
    """Give the number with its noun in the right form: `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
