"""The options for reports: which formats, where each goes, and what is said beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import click

from supavisor_lint.cli.given_path import GivenPath
from supavisor_lint.cli.option_groups import option_group
from supavisor_lint.cli.output import click_style, out, stdout_is_utf8, stdout_style, write_atomically
from supavisor_lint.report.formats import COUNTING, FORMATS
from supavisor_lint.report.model import Look, Report, plain

Place = Literal["stdout", "stderr", "nowhere"]


@dataclass(frozen=True, slots=True)
class Destination:
    """A format and the file that it is written to; None is stdout."""

    format: str
    file: Path | None = None


def _read_destinations(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[Destination]:
    """Read the values `FORMAT` and `FORMAT=FILE`."""
    read = []
    for value in values:
        name, equals, file = value.partition("=")
        if equals and not file:
            raise click.BadParameter(f'"{value}" names no file behind "=".', ctx, param)
        read.append(Destination(click.Choice(list(FORMATS)).convert(name, param, ctx), Path(file) if file else None))
    return read


def _with_file(destinations: Sequence[Destination], file: Path | None) -> tuple[Destination, ...]:
    """Give the file of `--output-file` to the one format without a file of its own."""
    if sum(one.file is None for one in destinations) > 1:
        raise click.UsageError("only one format can go to stdout: give the others a file, as FORMAT=FILE.")
    if file is not None and all(one.file is not None for one in destinations):
        raise click.UsageError("--output-file is left without a format: each has a file of its own.")
    placed = tuple(one if one.file is not None else replace(one, file=file) for one in destinations)
    files = [one.file.absolute() for one in placed if one.file is not None]
    if len(set(files)) < len(files):
        raise click.UsageError("two formats are to be written to the same file.")
    return placed


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What the command line asks for; `on_stdout` is asked for by name, not by default."""

    destinations: tuple[Destination, ...]
    on_stdout: bool
    counts: bool
    exit_zero: bool
    quiet: bool
    verbose: bool

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> ReportOptions:
        """Read the options of `report_options`; a UsageError says what contradicts itself."""
        named = given["output_format"]
        destinations = _with_file(named or [Destination("full")], given["output_file"])
        if given["statistics"] and all(one.format not in COUNTING for one in destinations):
            raise click.UsageError(f"--statistics needs one of the formats that show it: {', '.join(COUNTING)}.")
        asked = bool(named) or given["statistics"]
        return cls(
            destinations,
            asked and any(one.file is None for one in destinations),
            given["statistics"],
            given["exit_zero"],
            given["quiet"],
            given["verbose"],
        )

    def write(self, report: Report, look: Look, place: Place) -> None:
        """Make each format and bring it to its file; the one without a file goes to `place`."""
        for destination in self.destinations:
            make = FORMATS[destination.format]
            if destination.file is not None:
                write_atomically(destination.file, make(report, replace(look, style=plain, utf8=True)))
            elif place == "stderr":
                click.echo(make(report, replace(look, style=click_style)), err=True, nl=False)
            elif place == "stdout":
                out(make(report, replace(look, style=stdout_style(), utf8=stdout_is_utf8())))


report_options = option_group(
    click.option(
        "--output-format",
        multiple=True,
        callback=_read_destinations,
        shell_complete=lambda ctx, param, typed: [name for name in FORMATS if name.startswith(typed)],
        metavar="FORMAT[=FILE]",
        help=f"How findings are shown, {', '.join(FORMATS)} (default: full), and where; several can be given.",
    ),
    click.option("--output-file", type=GivenPath(), help="Write the findings here."),
    click.option("--statistics", is_flag=True, help="Add the number of findings per code."),
    click.option("--exit-zero", is_flag=True, help="Exit with 0 even when there are findings."),
    click.option("-q", "--quiet", is_flag=True, help="No summary."),
    click.option("-v", "--verbose", is_flag=True, help="Say more, and show tracebacks."),
)
"""The options for reports, as one decorator of a command."""
