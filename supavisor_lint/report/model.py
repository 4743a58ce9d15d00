"""What the renderers share: the counts of a run and the colours, as plain data and callables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from supavisor_lint.findings import Finding

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


@dataclass(frozen=True, slots=True)
class Report:
    """What a run has to report, whatever the format.

    `suppressed` are the findings under a noqa, `baselined` those that the baseline has; `sources` gives the text of
    every file with one of any kind, by the findings' paths; `problems` are one-line complaints about what could not be
    done; `counts` asks for the number per code.
    """

    findings: Sequence[Finding]
    summary: Summary
    sources: Mapping[str, str] = field(default_factory=dict)
    suppressed: Sequence[Finding] = ()
    problems: Sequence[str] = ()
    counts: bool = False
    baselined: Sequence[Finding] = ()


def plain(text: str, role: Role) -> str:
    """Give the text without any colour: the style for files and for tests."""
    return text


def unchanged(path: str) -> str:
    """Give the path relative to the root as it is: the display for files and for tests."""
    return path


@dataclass(frozen=True, slots=True)
class Look:
    """How a report is shown to people: its paths, colours, and whether its place takes all of Unicode.

    `unsafe` counts unsafe fixes as available.
    """

    display: Display = unchanged
    style: Style = plain
    utf8: bool = False
    unsafe: bool = False


def count(number: int, noun: str) -> str:
    """Give the number with its noun in the right form: `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
