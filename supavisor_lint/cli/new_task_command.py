"""The command `new-task`: the standard template for a project, on stdout."""

from __future__ import annotations

from pathlib import Path

import click

from supavisor_lint.cli.errors import Failure, warn
from supavisor_lint.cli.given_path import GivenPath
from supavisor_lint.cli.output import out
from supavisor_lint.cli.settings_options import settings_errors


@click.command(
    "new-task",
    epilog="""\b
Example:
  supavisor-lint new-task process_batch > app/tasks/process_batch.py""",
)
@click.argument("name", metavar="NAME")
@click.option("--config", type=GivenPath(), help="Read the settings from this file.")
@click.option("--isolated", is_flag=True, help="Read no settings file.")
def new_task(name: str, config: Path | None, isolated: bool) -> None:
    """Print a background task by the standard template.

    It imports this project's own session helper: the setting `helper`, else the only one that there is.
    """
    from supavisor_lint.new_task import task_for_project
    from supavisor_lint.rewrites.base import NoFix
    from supavisor_lint.rewrites.new_task import fault_of_name
    from supavisor_lint.sources.config import load_settings
    from supavisor_lint.sources.roots import find_root

    fault = fault_of_name(name)
    if fault is not None:
        raise Failure(f'"{name}" {fault}')
    root = config.absolute().parent if config is not None else find_root(Path.cwd())
    with settings_errors():
        settings = load_settings(root, config, isolated)
    try:
        task = task_for_project(name, root, settings)
    except NoFix as none:
        raise Failure(none.reason) from none
    for remark in task.remarks:
        warn(remark)
    out(task.text)
