"""What a run says: its findings as a report, and the last line for people."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from supavisor_lint.report.model import Display, Report, Summary, count
from supavisor_lint.report.text import harmless

if TYPE_CHECKING:
    from supavisor_lint.cli.fix_options import FixOptions
    from supavisor_lint.findings import Finding
    from supavisor_lint.run import Result

_CHECKED_OUT = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def display_from(root: Path, anonymous: bool) -> Display:
    """Give the way paths are shown: from the current folder if it is inside the root or the file below it."""
    here = Path.cwd()

    @cache
    def show(path: str) -> str:
        if anonymous and path == "stdin":
            return path
        place = root / path
        if place.is_relative_to(here) or here.is_relative_to(root):
            return os.path.relpath(place, here)
        return str(place)

    return show


def path_in_repository(root: Path, anonymous: bool) -> Display:
    """Give the way paths are shown to CI servers: from the top of the repository that `root` is in, if they are below.

    Without a `.git` it is the folder in which GitHub or GitLab says that it has checked the repository out, or `root`.
    """

    @cache
    def top() -> Path:
        from supavisor_lint.sources.ignores import git_top

        given = (Path(os.environ[name]) for name in _CHECKED_OUT if os.environ.get(name))
        return git_top(root) or next(given, root)

    @cache
    def show(path: str) -> str:
        if anonymous and path == "stdin":
            return path
        place = root / path
        return place.relative_to(top()).as_posix() if place.is_relative_to(top()) else path

    return show


def report_of(result: Result, fixed: int, problems: Sequence[str], counts: bool) -> Report:
    """Give what there is to report of a run; `fixed` findings are gone already."""
    from supavisor_lint.rules import RULES

    summary = Summary(
        files=result.files,
        analysed=result.analysed,
        failed=result.failed,
        findings=len(result.findings),
        fixed=fixed,
        suppressed=len(result.suppressed),
        baselined=len(result.baselined),
    )
    return Report(
        result.findings, summary, result.sources, result.suppressed, problems, counts, result.baselined, RULES
    )


def counts_line(result: Result) -> str:
    """Give the counts of a run, for `--verbose`."""
    return (
        f"{count(result.files, 'file')}, {result.analysed} analysed, {result.failed} failed, "
        f"{count(len(result.findings), 'finding')}, {len(result.suppressed)} suppressed, "
        f"{len(result.baselined)} in the baseline"
    )


def summary_line(result: Result, fixes: FixOptions) -> str:
    """Give the last line for people: what was found, in how many files, and what stays out of sight."""
    files = count(result.files, "file")
    if result.findings:
        places = len({finding.path for finding in result.findings})
        where = f"{places} of {files}" if places < result.files else files
        line = f"Found {count(len(result.findings), 'finding')} in {where}."
    elif result.files == 0:
        line = f"No Python files to check: {_why_nothing(result.excluded)}."
    elif result.failed or result.problems:
        line = f"No findings in {files}, but not everything could be checked."
    else:
        line = f"All clear: {files} checked."
    return line + _out_of_sight(result) + _hint(result, fixes)


def fixed_line(result: Result, fixed: Collection[Finding], fixes: FixOptions, done: str) -> str:
    """Give the last line of a run that has changed something, or has shown what it would; what is `done`, is said."""
    places = count(len({finding.path for finding in fixed}), "file")
    line = f"{done.capitalize()} {count(len(fixed), 'finding')} in {places}, {len(result.findings)} left."
    return line + _out_of_sight(result) + _hint(result, fixes)


def _hint(result: Result, fixes: FixOptions) -> str:
    """What options for fixing that were not given could do about the findings."""
    now = Counter(finding.fix.applicability for finding in result.findings if finding.fix is not None)
    behind = Counter(finding.behind for finding in result.findings if finding.behind is not None)
    applied = fixes.wanted and not fixes.interactive  # there some were declined
    if now["safe"] and not applied:
        unsafe = _unsafe_as_well(now["unsafe"], behind["unsafe"])
        return f" {now['safe']} fixable with --fix{_following(behind['safe'])}{unsafe}."
    if now["unsafe"] and not (applied and fixes.unsafe):
        more = "more " if fixes.wanted else ""
        return f" {now['unsafe']} {more}fixable with --fix --unsafe-fixes{_following(behind['unsafe'])}."
    return ""


def _unsafe_as_well(now: int, behind: int) -> str:
    """What unsafe fixes could do beside the safe ones."""
    if now:
        return f", {now} more with --fix --unsafe-fixes{_following(behind)}"
    return f", {count(behind, 'other')} may follow with --fix --unsafe-fixes" if behind else ""


def _following(behind: int) -> str:
    """How many findings have no fix now, but may get one in the same run when those of others are done."""
    return f" ({count(behind, 'other')} may follow)" if behind else ""


def _out_of_sight(result: Result) -> str:
    line = f" {count(result.failed, 'file')} could not be analysed." if result.failed else ""
    line += f" {count(len(result.suppressed), 'finding')} suppressed." if result.suppressed else ""
    return line + (f" {count(len(result.baselined), 'finding')} in the baseline." if result.baselined else "")


def _why_nothing(excluded: tuple[str, ...]) -> str:
    """Give the reason for which no file was checked."""
    if not excluded:
        return "there are none here, or all are excluded or ignored by git"
    first, more = harmless(excluded[0]), len(excluded) - 1
    if not more:
        return f"{first} is excluded by the settings"
    return f"{first} and {count(more, 'other path')} are excluded by the settings"
