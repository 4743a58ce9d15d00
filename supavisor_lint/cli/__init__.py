"""The command line: options to settings, findings to stdout, everything else to stderr, a truthful exit code.

Whatever reads code (and with it LibCST) is imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import contextlib
import sys
from typing import NoReturn

import click

from supavisor_lint import __version__
from supavisor_lint.cli.audit_command import audit
from supavisor_lint.cli.check_command import check
from supavisor_lint.cli.config_command import config
from supavisor_lint.cli.errors import PROGRAM, Group
from supavisor_lint.cli.init_command import init
from supavisor_lint.cli.new_task_command import new_task
from supavisor_lint.cli.output import wants_colour
from supavisor_lint.cli.rule_commands import explain, rules


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="""\b
Examples:
  supavisor-lint check                      the project you are in
  supavisor-lint check app/ --statistics
  supavisor-lint explain SUP101
  supavisor-lint check - --stdin-filename app/tasks.py < app/tasks.py

\b
Settings: [tool.supavisor-lint] in pyproject.toml.""",
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Find, and explain, how background tasks misuse async SQLAlchemy sessions."""
    ctx.color = wants_colour()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


for _command in (check, audit, explain, rules, config, init, new_task):
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the console script: arguments from the command line; leaves with the exit code 0, 1, 2 or 130."""
    cli.main(prog_name=PROGRAM)
    raise AssertionError("click leaves by SystemExit")
