"""The command `check`: options to settings, one run, its report and the exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from supavisor_lint.cli.errors import VERBOSE, Failure, warn
from supavisor_lint.cli.output import click_style, out, stdout_is_utf8, text_of, write_atomically
from supavisor_lint.report import concise, full, json_format, statistics
from supavisor_lint.report.model import Display, Style, Summary, count, plain
from supavisor_lint.report.text import harmless

if TYPE_CHECKING:
    from supavisor_lint.run import Result
    from supavisor_lint.settings import Settings

_STDIN = Path("-")


@click.command(
    epilog="""\b
CODES are codes or their beginnings, separated by commas: SUP101,SUP3.

\b
Examples:
  supavisor-lint check app/tasks.py app/jobs
  supavisor-lint check --profile hazards --ignore SUP5
  supavisor-lint check --output-format json --output-file report.json

\b
Exit codes: 0 nothing found, 1 findings, 2 the tool could not do its job.""",
)
@click.argument(
    "paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path, allow_dash=True, readable=False)
)
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
    if stdin:
        root = _root([stdin_filename] if stdin_filename else [], config)
    else:
        paths = paths or (Path(),)
        root = _root(paths, config)
    settings = _settings(root, config, isolated, profile, select, ignore, extend_select)
    if stdin:
        if sys.stdin is None:
            raise Failure("stdin is closed")
        result = run.check_stdin(sys.stdin.buffer.read(), stdin_filename, root, settings)
    else:
        result = run.check_paths(paths, root, settings)
    display = _display(root, stdin and stdin_filename is None)
    if output_file is None:
        out(_report(result, output_format, counts, display, click_style, stdout_is_utf8()))
    else:
        write_atomically(output_file, _report(result, output_format, counts, display, plain, True))
    for problem in result.problems:
        Failure(problem).show()
    for warning in result.warnings:
        warn(warning)
    if verbose:
        for place in result.given_up:
            click.echo(f"{harmless(place.path)}:{place.line}:{place.column}: {place.message}", err=True)
        click.echo(f"root: {harmless(str(root))}; profile: {settings.profile}; {_counts(result)}", err=True)
    if not quiet and (result.files or not result.problems):
        click.echo(_summary_line(result), err=True)
    ctx.exit(2 if result.problems else 1 if result.findings and not exit_zero else 0)


def _root(paths: Iterable[Path], config: Path | None) -> Path:
    """Give the root of the paths' common folder, or the folder of `--config` if that lies above it.

    Missing paths do not count, unless all are missing.
    """
    from supavisor_lint.sources.config import find_root

    given = list(paths)
    found = [path for path in given if os.path.exists(path)] or given  # noqa: PTH110 (never raises)
    folders = []
    for path in found:
        folder = Path(os.path.abspath(path))  # noqa: PTH100 (keeps symlinks)
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        folders.append(folder)
    start = Path.cwd()
    with contextlib.suppress(ValueError):  # none, or on several drives
        start = Path(os.path.commonpath(folders))
    if config is not None:
        above = Path(os.path.abspath(config)).parent  # noqa: PTH100
        if start.is_relative_to(above):
            return above
    return find_root(start)


def _settings(
    root: Path,
    config: Path | None,
    isolated: bool,
    profile: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    extend_select: tuple[str, ...],
) -> Settings:
    """Give the settings of the root, changed by what the command line says."""
    from supavisor_lint.sources.config import SettingsError, load_settings, parse_codes

    def codes(values: tuple[str, ...], option: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(code for value in values for code in parse_codes(value, option)))

    changes: dict[str, Any] = {}
    try:
        settings = load_settings(root, config, isolated)
        if profile is not None:
            changes["profile"] = profile
        if select:
            changes |= {"select": codes(select, "--select"), "extend_select": ()}
            if not changes["select"]:
                raise Failure("--select: names no code")
        if ignore:
            changes["ignore"] = codes(ignore, "--ignore")
        if extend_select:
            more = codes(extend_select, "--extend-select")
            changes["extend_select"] = more if select else (*settings.extend_select, *more)
    except SettingsError as error:
        *others, last = error.lines
        for line in others:
            Failure(line).show()
        raise Failure(last) from error
    return replace(settings, **changes)


def _display(root: Path, anonymous: bool) -> Display:
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


def _report(result: Result, output_format: str, counts: bool, display: Display, style: Style, utf8: bool) -> str:
    """Give the whole report in the format, with the counts per code if they are wanted."""
    numbers = statistics.count_codes(result.findings) if counts else None
    if output_format == "json":
        summary = Summary(
            files=result.files,
            analysed=result.analysed,
            failed=result.failed,
            findings=len(result.findings),
            fixed=0,
            suppressed=result.suppressed,
        )
        return json_format.render(result.findings, summary, numbers, not utf8) + "\n"
    if output_format == "concise":
        lines = list(concise.render(result.findings, display, style))
    else:
        lines = list(full.render(result.findings, result.sources, display, style))
    if numbers:
        lines += [*([""] if output_format == "concise" else []), *statistics.render(numbers, style)]
    return text_of(lines)


def _counts(result: Result) -> str:
    return (
        f"{count(result.files, 'file')}, {result.analysed} analysed, {result.failed} failed, "
        f"{count(len(result.findings), 'finding')}, {result.suppressed} suppressed"
    )


def _why_nothing(excluded: tuple[str, ...]) -> str:
    """Give the reason for which no file was checked."""
    if not excluded:
        return "there are none here, or all are excluded or ignored by git"
    first, more = harmless(excluded[0]), len(excluded) - 1
    if not more:
        return f"{first} is excluded by the settings"
    return f"{first} and {count(more, 'other path')} are excluded by the settings"


def _summary_line(result: Result) -> str:
    """Give the last line for people: what was found, in how many files, and what stays out of sight."""
    files = count(result.files, "file")
    if result.findings:
        places = len({finding.path for finding in result.findings})
        line = f"Found {count(len(result.findings), 'finding')} in {places} of {files}."
    elif result.files == 0:
        line = f"No Python files to check: {_why_nothing(result.excluded)}."
    elif result.failed or result.problems:
        line = f"No findings in {files}, but not everything could be checked."
    else:
        line = f"All clear: {files} checked."
    if result.failed:
        line += f" {count(result.failed, 'file')} could not be analysed."
    if result.suppressed:
        line += f" {count(result.suppressed, 'finding')} suppressed."
    return line
