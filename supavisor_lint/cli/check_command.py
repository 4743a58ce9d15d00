"""The command `check`: options to settings, one run, its report and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from supavisor_lint.cli.errors import VERBOSE, Failure, warn
from supavisor_lint.cli.fix_options import FixOptions, fix_options, fixed_lines, show_failures, text_for_stdout
from supavisor_lint.cli.output import click_style, out, out_bytes, stdout_is_utf8, write_atomically
from supavisor_lint.cli.reporting import Format, counts_line, display_from, fixed_line, report, summary_line
from supavisor_lint.cli.settings_options import settings_of
from supavisor_lint.report.model import Display, plain
from supavisor_lint.report.text import harmless

if TYPE_CHECKING:
    from supavisor_lint.fixing import Fixed
    from supavisor_lint.run import Result

_STDIN = Path("-")


@click.command(
    epilog="""\b
CODES are codes or their beginnings, separated by commas: SUP101,SUP3.

\b
Examples:
  supavisor-lint check app/tasks.py app/jobs
  supavisor-lint check --profile hazards --ignore SUP5
  supavisor-lint check --output-format json --output-file report.json
  supavisor-lint check --diff > fixes.patch
  supavisor-lint check --fix --unsafe-fixes app/tasks.py

\b
Exit codes: 0 nothing (left) to report, 1 findings, 2 the tool could not do
its job, or a fix failed. --diff exits with 1 if there is something to change.""",
)
@click.argument(
    "paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path, allow_dash=True, readable=False)
)
@fix_options
@click.option("--profile", type=click.Choice(["template", "hazards"]), help="Which rules apply.")
@click.option("--select", multiple=True, metavar="CODES", help="Report these only.")
@click.option("--ignore", multiple=True, metavar="CODES", help="Do not report these.")
@click.option("--extend-select", multiple=True, metavar="CODES", help="Report these too.")
@click.option(
    "--output-format",
    type=click.Choice(["full", "concise", "json"]),
    default="full",
    show_default=True,
    help="How findings are shown.",
)
@click.option("--output-file", type=click.Path(path_type=Path), help="Write the findings here.")
@click.option("--statistics", "counts", is_flag=True, help="Add the number of findings per code.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even when there are findings.")
@click.option("--stdin-filename", type=click.Path(path_type=Path), help='The name of what "-" reads.')
@click.option("--config", type=click.Path(path_type=Path), help="Read the settings from this file.")
@click.option("--isolated", is_flag=True, help="Read no settings file.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@click.option("-v", "--verbose", is_flag=True, help="Say more, and show tracebacks.")
@click.pass_context
def check(
    ctx: click.Context,
    paths: tuple[Path, ...],
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    interactive: bool,
    profile: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    extend_select: tuple[str, ...],
    output_format: str,
    output_file: Path | None,
    counts: bool,
    exit_zero: bool,
    stdin_filename: Path | None,
    config: Path | None,
    isolated: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Check files and folders (default: the current one; "-": stdin)."""
    ctx.meta[VERBOSE] = verbose
    from supavisor_lint import run

    stdin = _STDIN in paths
    if stdin and len(paths) > 1:
        raise click.UsageError('"-" cannot be combined with other paths.')
    if stdin_filename is not None and not stdin:
        raise click.UsageError('--stdin-filename needs "-" as the path.')
    if isolated and config is not None:
        raise click.UsageError("--isolated and --config exclude each other.")
    fixes = FixOptions(fix, unsafe_fixes, diff, interactive)
    wants_report = counts or ctx.get_parameter_source("output_format") is ParameterSource.COMMANDLINE
    fixes.check(stdin=stdin, report_on_stdout=wants_report and output_file is None)
    if not stdin:
        paths = paths or (Path(),)
    root = _root(paths, stdin_filename, stdin, config)
    settings = settings_of(root, config, isolated, profile, select, ignore, extend_select)
    data = _standard_input() if stdin else b""
    display = display_from(root, stdin and stdin_filename is None)
    fixed = None
    if fixes.wanted:
        job = (
            run.job_of_stdin(data, stdin_filename, root, settings) if stdin else run.job_of_paths(paths, root, settings)
        )
        fixed = fixes.run(job, display)
        result = fixed.result
        if stdin and fix:
            out_bytes(text_for_stdout(fixed, data))
    elif stdin:
        result = run.check_stdin(data, stdin_filename, root, settings)
    else:
        result = run.check_paths(paths, root, settings)
    number = len(fixed.fixed) if fixed is not None and not diff else 0
    how = Format(output_format, counts, display, unsafe_fixes)
    if output_file is not None:
        write_atomically(output_file, report(result, number, how, plain, True))
    elif stdin and fix:
        click.echo(report(result, number, how, click_style, False), err=True, nl=False)
    elif not diff:
        out(report(result, number, how, click_style, stdout_is_utf8()))
    for problem in result.problems:
        Failure(problem).show()
    for warning in result.warnings:
        warn(warning)
    if fixed is not None:
        show_failures(fixed, display)
    if verbose:
        for place in result.given_up:
            click.echo(f"{harmless(place.path)}:{place.line}:{place.column}: {place.message}", err=True)
        click.echo(f"root: {harmless(str(root))}; profile: {settings.profile}; {counts_line(result)}", err=True)
    if not quiet and (result.files or not result.problems):
        for line in _last_lines(result, fixed, fixes, display, verbose):
            click.echo(line, err=True)
    failed = result.problems or (fixed is not None and fixed.failures)
    left = result.findings or (diff and fixed is not None and fixed.changes)
    ctx.exit(2 if failed else 1 if left and not exit_zero else 0)


def _root(paths: tuple[Path, ...], stdin_filename: Path | None, stdin: bool, config: Path | None) -> Path:
    from supavisor_lint.sources.roots import root_of

    if stdin:
        return root_of([stdin_filename] if stdin_filename else [], config)
    return root_of(paths, config)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise Failure("stdin is closed")
    return sys.stdin.buffer.read()


def _last_lines(
    result: Result, fixed: Fixed | None, fixes: FixOptions, display: Display, verbose: bool
) -> Iterator[str]:
    """What was fixed, and the summary."""
    if fixed is None or not fixed.fixed:
        yield summary_line(result, fixes)
    else:
        yield from fixed_lines(fixed.fixed, display, verbose, written=not fixes.diff)
        yield fixed_line(result, fixed.fixed, fixes)
