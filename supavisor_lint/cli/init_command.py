"""The command `init`: what is found in a repository, and the settings that tell the rest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from supavisor_lint.cli.errors import VERBOSE, Failure
from supavisor_lint.cli.given_path import GivenPath
from supavisor_lint.cli.output import click_style, diff_lines, out, out_bytes, text_of
from supavisor_lint.cli.reporting import display_from
from supavisor_lint.cli.settings_options import settings_errors
from supavisor_lint.report.text import harmless

if TYPE_CHECKING:
    from supavisor_lint.survey.model import Survey
    from supavisor_lint.survey.plan import Plan


@click.command(
    epilog="""\b
Examples:
  supavisor-lint init
  supavisor-lint init backend --diff
  supavisor-lint init --yes

\b
Exit codes: 0 written, or nothing to change, 1 something to change that was
not written (--diff, or the answer no), 2 the tool could not do its job.""",
)
@click.argument("path", required=False, type=GivenPath(exists=True))
@click.option("--diff", "--dry-run", "diff", is_flag=True, help="Show the change on stdout, and write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Add to a table that is there without asking.")
@click.option("-v", "--verbose", is_flag=True, help="Show everything that is found, and tracebacks.")
@click.pass_context
def init(ctx: click.Context, path: Path | None, diff: bool, yes: bool, verbose: bool) -> None:
    """Show what is found in a project, and set what it does not tell.

    Factories, helpers, session modules and background tasks are found by their definitions. What these do not tell is
    written into the table [tool.supavisor-lint] of the nearest pyproject.toml, with the reasons; everything else in the
    file stays as it is. A table that is there is only added to, and only after the answer yes.
    """
    ctx.meta[VERBOSE] = verbose
    from supavisor_lint.sources.config import read_settings
    from supavisor_lint.sources.roots import home_of_settings
    from supavisor_lint.survey import survey_and_advice
    from supavisor_lint.survey.plan import plan_of

    root = home_of_settings(path or Path())
    with settings_errors():
        file = read_settings(root)
    found, advice = survey_and_advice(root, file.settings)
    plan = plan_of(root, file, advice)
    _show(found, plan, root, verbose, err=diff)
    name = display_from(root, False)(plan.path.name)
    if plan.refusal is not None:
        out(plan.table + "\n")
        raise Failure(f"{name}: {plan.refusal}; add the lines above yourself")
    if not plan.changes:
        click.echo(_nothing_to_change(found, name, file.has_table), err=True)
        return
    if diff:
        out_bytes(_diff(plan))
        ctx.exit(1)
    for line in diff_lines(_diff(plan)):
        click.echo(line)
    if not plan.is_new_table and not yes:
        _require_yes(ctx, name)
    _write(plan, root, name)
    click.echo(f"{name} written. Next: supavisor-lint check --statistics", err=True)


def _show(found: Survey, plan: Plan, root: Path, every: bool, err: bool) -> None:
    from supavisor_lint.survey.text import shown

    text = text_of(shown(found, display_from(root, False), click_style, every))
    if err:
        click.echo(text, err=True, nl=False)
    else:
        out(text)
    for note in plan.notes:
        click.echo(f"note: {harmless(note)}", err=True)


def _nothing_to_change(found: Survey, name: str, has_table: bool) -> str:
    from supavisor_lint.survey.text import counted

    if found.is_empty and not has_table:
        return (
            f"Nothing in {counted(found)} opens an async SQLAlchemy session or runs in the background: nothing to set."
        )
    if not has_table:
        return "Definitions say all that is needed: nothing to set. Next: supavisor-lint check --statistics"
    return f"{name} says all that is needed: nothing to change."


def _diff(plan: Plan) -> bytes:
    """The change as a patch for the folder of the file; a file that is made comes from /dev/null, as git has it."""
    from supavisor_lint.report.diff import unified

    diff = unified(plan.path.name, plan.before or b"", plan.after)
    return diff if plan.before is not None else b"--- /dev/null\n" + diff.partition(b"\n")[2]


def _require_yes(ctx: click.Context, name: str) -> None:
    """Ask whether to write; without an answer yes the command ends here."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise Failure(
            f"{name} has a [tool.supavisor-lint] table already: --yes adds these lines, --diff only shows them"
        )
    click.echo(f"Add these lines to {name}? [y]es, [n]o: ", err=True, nl=False)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        click.echo(f"{name} left as it was.", err=True)
        ctx.exit(1)


def _write(plan: Plan, root: Path, name: str) -> None:
    from supavisor_lint.sources.writing import UnwritableFile

    try:
        plan.write(root)
    except UnwritableFile as error:
        raise Failure(f"cannot write {name}: {error.reason}") from error
