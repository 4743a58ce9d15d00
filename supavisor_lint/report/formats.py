"""The formats of `check` by name: each makes one text of a report.

Those for CI servers are imported when they are asked for; their paths are relative to the top of the repository.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from supavisor_lint.report import concise, full, json_format, statistics
from supavisor_lint.report.model import Look, Report

Format = Callable[[Report, Look], str]
"""Takes a report and how it is to look; gives the whole text, each line with its end."""


def _full(report: Report, look: Look) -> str:
    return _text([*full.render(report.findings, report.sources, look.display, look.style), *_counts(report, look)])


def _concise(report: Report, look: Look) -> str:
    lines = list(concise.render(report.findings, look.display, look.style, look.unsafe))
    counts = _counts(report, look)
    return _text([*lines, "", *counts] if counts else lines)


def _json(report: Report, look: Look) -> str:
    counts = statistics.count_codes(report.findings) if report.counts else None
    return json_format.render(report.findings, report.summary, counts, not look.utf8) + "\n"


def _sarif(report: Report, look: Look) -> str:
    from supavisor_lint.report import sarif

    return sarif.render(report.with_paths(look.in_repository), look)


def _github(report: Report, look: Look) -> str:
    from supavisor_lint.report import github

    return github.render(report.with_paths(look.in_repository), look)


def _gitlab(report: Report, look: Look) -> str:
    from supavisor_lint.report import gitlab

    return gitlab.render(report.with_paths(look.in_repository), look)


def _junit(report: Report, look: Look) -> str:
    from supavisor_lint.report import junit

    return junit.render(report.with_paths(look.in_repository), look)


def _counts(report: Report, look: Look) -> list[str]:
    return list(statistics.render(statistics.count_codes(report.findings), look.style)) if report.counts else []


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


FORMATS: Mapping[str, Format] = {
    "full": _full,
    "concise": _concise,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "gitlab": _gitlab,
    "junit": _junit,
}
COUNTING = ("full", "concise", "json")
"""The formats that have a place for the number of findings per code."""
