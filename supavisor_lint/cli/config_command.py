"""The command `config`: the settings in force, and where each comes from."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from supavisor_lint.cli.errors import warn
from supavisor_lint.cli.given_path import GivenPath
from supavisor_lint.cli.output import click_style, out, stdout_is_utf8, text_of
from supavisor_lint.cli.reporting import display_from
from supavisor_lint.cli.settings_options import SettingsOptions, settings_errors, settings_options
from supavisor_lint.report.model import count

if TYPE_CHECKING:
    from supavisor_lint.settings import Settings


@click.command(
    epilog="""\b
Examples:
  supavisor-lint config
  supavisor-lint config --profile hazards --select SUP3
  supavisor-lint config --output-format json""",
)
@click.argument("path", required=False, type=GivenPath(exists=True))
@settings_options
@click.option(
    "--output-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the settings are shown.",
)
def config(path: Path | None, output_format: str, **given: Any) -> None:
    """Show the settings in force, and where each comes from.

    PATH is the file or folder that they are for (default: the current folder). As text it is a table that can be pasted
    into pyproject.toml. Behind each key stands where its value comes from, below it what is found by definition where
    nothing is set.
    """
    from supavisor_lint.sources.roots import root_of
    from supavisor_lint.survey import survey, text
    from supavisor_lint.survey.force import settings_in_force

    options = SettingsOptions.of(given)
    root = root_of([path or Path()], options.config)
    file = options.file(root)
    with settings_errors():
        settings = options.changed(file.settings)
    found = survey(root, settings)
    in_force = settings_in_force(file, settings, options.keys, found)
    name = _from_here(file.path) if file.path is not None else None
    if output_format == "json":
        out(text.settings_json(in_force, str(root), name, not stdout_is_utf8()) + "\n")
    else:
        out(click_style(text.heading_of_settings(str(root), name if file.has_table else None), "dim") + "\n")
        rules = _rules_of_profile(settings)
        out(text_of(text.settings_toml(in_force, rules, name, display_from(root, False), click_style)))
    for remark in found.remarks:
        warn(remark)


def _from_here(path: Path) -> str:
    """A path as the reader sees it: relative where it is below the current folder or beside it."""
    try:
        return min(os.path.relpath(path), str(path), key=len)
    except ValueError:  # another drive
        return str(path)


def _rules_of_profile(settings: Settings) -> str:
    """Which rules are on by the profile alone."""
    from supavisor_lint.engine import Selection
    from supavisor_lint.rules import RULES

    on = len(Selection(replace(settings, ignore=(), extend_select=())).rules)
    return f'{on} of {count(len(RULES), "rule")}, by the profile "{settings.profile}" (see supavisor-lint rules)'
