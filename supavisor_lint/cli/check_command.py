"""The command `check`: options to settings, one run, its reports and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from supavisor_lint.cli.adoption_options import AdoptionOptions, adoption_options
from supavisor_lint.cli.errors import VERBOSE, Failure, warn
from supavisor_lint.cli.fix_options import (
    FixOptions,
    failed_fixes,
    fix_options,
    fixed_lines,
    nothing_asked,
    text_for_stdout,
)
from supavisor_lint.cli.given_path import GivenPath
from supavisor_lint.cli.output import out_bytes
from supavisor_lint.cli.progress import Progress
from supavisor_lint.cli.report_options import Place, ReportOptions, report_options
from supavisor_lint.cli.reporting import (
    counts_line,
    display_from,
    fixed_line,
    path_in_repository,
    report_of,
    summary_line,
)
from supavisor_lint.cli.settings_options import SettingsOptions, settings_options
from supavisor_lint.cli.target import Target, is_stdin, target_of
from supavisor_lint.report.model import Display, Look
from supavisor_lint.report.text import harmless

if TYPE_CHECKING:
    from supavisor_lint.fixing import Fixed
    from supavisor_lint.run import Job, Result


@click.command(
    epilog="""\b
CODES are codes or their beginnings, separated by commas: SUP101,SUP3.

\b
Examples:
  supavisor-lint check app/tasks.py app/jobs
  supavisor-lint check --profile hazards --ignore SUP5
  supavisor-lint check --output-format full --output-format json=report.json
  supavisor-lint check --diff > fixes.patch
  supavisor-lint check --fix --unsafe-fixes app/tasks.py
  supavisor-lint check --baseline known.json

\b
Exit codes: 0 nothing (left) to report, 1 findings, 2 the tool could not do
its job, or a fix failed. --diff exits with 1 if there is something to change.""",
)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=GivenPath(allow_dash=True, readable=False))
@fix_options
@adoption_options
@settings_options
@report_options
@click.option("--stdin-filename", type=GivenPath(), help='The name of what "-" reads.')
@click.pass_context
def check(ctx: click.Context, /, paths: tuple[Path, ...], stdin_filename: Path | None, **given: Any) -> None:
    """Check files and folders (default: the current one; "-": stdin)."""
    reports = ReportOptions.of(given)
    ctx.meta[VERBOSE] = reports.verbose
    stdin = is_stdin(paths, stdin_filename)
    fixes = FixOptions.of(given)
    fixes.check(stdin=stdin, report_on_stdout=reports.on_stdout)
    adoption = AdoptionOptions.of(given)
    adoption.check(fixing=fixes.wanted, stdin=stdin, anonymous=stdin and stdin_filename is None)
    changes = SettingsOptions.of(given)
    target = target_of(paths, stdin_filename, changes.config)
    settings = changes.settings(target.root)
    display = display_from(target.root, target.is_anonymous)

    with Progress(wanted=not (reports.quiet or fixes.interactive)) as progress:
        job = adoption.known(target.job(settings, progress.watch))
        result, fixed = adoption.suppressed(job) if adoption.add_noqa else _run(target, fixes, job, display)
    result, kept = adoption.written(result)
    done, failed = _words(adoption, fixes)
    number = len(fixed.fixed) if fixed is not None and fixes.writes else 0
    problems = (*result.problems, *failed_fixes(fixed, display, failed))
    in_repository = path_in_repository(target.root, target.is_anonymous)
    look = Look(display, unsafe=fixes.unsafe, in_repository=in_repository)
    reports.write(report_of(result, number, problems, reports.counts), look, _place_of_report(target, fixes))
    _say_what_is_missing(problems, result.warnings)
    adoption.say_what_is_stale(job, result, display)
    if reports.verbose:
        for traceback in result.tracebacks:
            click.echo(traceback, err=True, nl=False)
        for place in result.given_up():
            click.echo(f"{harmless(place.path)}:{place.line}:{place.column}: {place.message}", err=True)
        profile = f"root: {harmless(str(target.root))}; profile: {settings.profile}"
        click.echo(f"{profile}; {counts_line(result)}", err=True)
    if not reports.quiet and (result.files or not result.problems):
        last = _last_lines(result, fixed, fixes, display, reports.verbose, done)
        hint = _hint_at_name(target, job, result, reports.verbose)
        for line in (*adoption.last_lines(result, kept), *last, *hint):
            click.echo(line, err=True)
    ctx.exit(_exit_code(result, fixed, problems, fixes, reports))


def _run(target: Target, fixes: FixOptions, job: Job, display: Display) -> tuple[Result, Fixed | None]:
    """Check, or fix: what there is to report, and what was fixed. A fixed text from stdin goes to stdout."""
    if not fixes.wanted:
        from supavisor_lint import run

        return run.check_job(job), None
    fixed = fixes.run(job, display)
    if target.data is not None and fixes.fix:
        out_bytes(text_for_stdout(fixed, target.data))
    return fixed.result, fixed


def _place_of_report(target: Target, fixes: FixOptions) -> Place:
    """Where a report without a file goes: a diff and a fixed text have stdout for themselves."""
    if fixes.diff:
        return "nowhere"
    return "stderr" if target.data is not None and fixes.fix else "stdout"


def _words(adoption: AdoptionOptions, fixes: FixOptions) -> tuple[str, str]:
    """What is said of findings that something was done about, and where it could not be done."""
    if adoption.add_noqa:
        return "noqa added to", "no noqa was added"
    return "fixed" if fixes.writes else "would fix", "fix failed"


def _say_what_is_missing(problems: Iterable[str], warnings: Iterable[str]) -> None:
    """Print, on stderr, what could not be done, and what the findings may be missing."""
    for problem in problems:
        Failure(problem).show()
    for warning in warnings:
        warn(warning)


def _last_lines(
    result: Result, fixed: Fixed | None, fixes: FixOptions, display: Display, verbose: bool, done: str
) -> Iterator[str]:
    """What was `done`, such as "fixed", and the summary."""
    if fixed is not None:
        yield from nothing_asked(fixed, fixes)
    if fixed is None or not fixed.fixed:
        yield summary_line(result, fixes)
    else:
        yield from fixed_lines(fixed.fixed, display, verbose, done)
        yield fixed_line(result, fixed.fixed, fixes, done)


def _hint_at_name(target: Target, job: Job, result: Result, verbose: bool) -> Iterator[str]:
    """What a text without a name cannot be told: where the rest of the project, if there is one, speaks of it.

    Editors pass the name. Beside findings it is for `--verbose`; an "all clear" without it says less than it seems to.
    """
    if target.is_anonymous and job.known and result.files and (verbose or not result.findings):
        yield "What other files say of this text (who registers it) is unknown: name it with --stdin-filename."


def _exit_code(
    result: Result, fixed: Fixed | None, problems: Sequence[str], fixes: FixOptions, reports: ReportOptions
) -> int:
    """2 the job could not be done, 1 findings are left (with `--diff`: or changes), else 0."""
    if problems:
        return 2
    left = result.findings or (fixes.diff and fixed is not None and fixed.changes)
    return 1 if left and not reports.exit_zero else 0
