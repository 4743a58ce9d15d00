"""The command `audit`: the inventory of the background tasks, in the format asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from supavisor_lint import __version__
from supavisor_lint.audit.priority import __doc__ as _priority
from supavisor_lint.cli.errors import VERBOSE, Failure, warn
from supavisor_lint.cli.given_path import GivenPath
from supavisor_lint.cli.output import click_style, out, stdout_is_utf8, stdout_width, text_of, write_atomically
from supavisor_lint.cli.progress import Progress
from supavisor_lint.cli.reporting import display_from
from supavisor_lint.cli.settings_options import SettingsOptions, settings_options
from supavisor_lint.cli.target import target_of
from supavisor_lint.report.model import Display, Style, plain
from supavisor_lint.report.text import harmless

if TYPE_CHECKING:
    from supavisor_lint.report.audit_model import Inventory

_WIDTH = 120
"""The width of a table that goes to no terminal."""


@click.command(
    short_help="List the background tasks, and what to mend first.",
    epilog="""\b
Examples:
  supavisor-lint audit
  supavisor-lint audit app/jobs --output-format markdown
  supavisor-lint audit --output-format html --output-file audit.html

\b
Columns: how the session is had (helper, getter, factory, parameter: somebody
else's, callee: in the functions called, none: none to be seen); the phases
that are committed; the handlers (inner: round the phases, status: records the
failure, outer: round the session); whether the task logs before anything can
fail; the findings of `check`.

\b
"""
    + (_priority or "").strip().replace("\n\n", "\n\n\b\n")
    + """

\b
Exit codes: 0 the inventory is complete, or lacks files that cannot be parsed
(one line each on stderr); 2 the tool could not do its job.""",
)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=GivenPath(readable=False))
@click.option(
    "--output-format",
    type=click.Choice(["table", "markdown", "json", "html"]),
    default="table",
    show_default=True,
    help="How the tasks are shown.",
)
@click.option("--output-file", type=GivenPath(), help="Write them here.")
@settings_options
@click.option("-q", "--quiet", is_flag=True, help="Only what went wrong beside the inventory.")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
@click.pass_context
def audit(
    ctx: click.Context,
    /,
    paths: tuple[Path, ...],
    output_format: str,
    output_file: Path | None,
    quiet: bool,
    verbose: bool,
    **given: Any,
) -> None:
    """List the background tasks: how each gets its session, and what to mend first.

    PATH: files and folders (default: the current one) whose tasks are listed; where they are registered is looked for
    in the whole project.
    """
    ctx.meta[VERBOSE] = verbose
    changes = SettingsOptions.of(given)
    from supavisor_lint.audit.inventory import take_inventory

    target = target_of(paths, None, changes.config)
    settings = changes.settings(target.root)
    with Progress(wanted=not quiet) as progress:
        job = target.job(settings, progress.watch)
        taken = take_inventory(job, proposals=output_format == "html")
    display = display_from(target.root, target.is_anonymous)
    if output_file is not None:
        write_atomically(output_file, _report(taken.inventory, output_format, display, plain, _WIDTH, True))
    else:
        width = stdout_width(_WIDTH)
        out(_report(taken.inventory, output_format, display, click_style, width, stdout_is_utf8()))
    for failure in taken.failures:
        warn(failure)
    problems = (*job.problems, *taken.errors)
    for problem in problems:
        Failure(problem).show()
    if verbose:
        for text in taken.tracebacks:
            click.echo(text, err=True, nl=False)
    if not quiet:
        for line in _last_lines(taken.inventory, output_file, complete=not problems):
            click.echo(line, err=True)
    ctx.exit(2 if problems else 0)


def _last_lines(inventory: Inventory, written: Path | None, *, complete: bool) -> Iterator[str]:
    """Say what was written, and that there is nothing to list; the figures of a table on stdout are its own."""
    from supavisor_lint.report.audit_words import summary

    if written is not None:
        yield f"wrote {harmless(str(written))}: {(summary(inventory) or ['no background tasks'])[0]}"
    elif not inventory.tasks and complete:
        yield "No background tasks found."


def _report(inventory: Inventory, name: str, display: Display, style: Style, width: int, utf8: bool) -> str:
    from supavisor_lint.report import audit_html, audit_json, audit_markdown, audit_table

    if name == "json":
        return audit_json.render(inventory, not utf8) + "\n"
    if name == "html":
        return audit_html.render(inventory, (_priority or "").strip(), __version__)
    if name == "markdown":
        return text_of(audit_markdown.render(inventory))
    return text_of(audit_table.render(inventory, lambda path, line: f"{display(path)}:{line}", style, width))
