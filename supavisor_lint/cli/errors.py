"""How the commands end when something goes wrong: one clear line and the exit code, never a traceback."""

from __future__ import annotations

import traceback
from typing import IO, Any

import click

from supavisor_lint.report.text import harmless

PROGRAM = "supavisor-lint"
VERBOSE = "supavisor_lint.verbose"
"""The key in click's `meta` under which a command says that tracebacks are wanted."""


class Failure(click.ClickException):
    """The tool could not do its job: one clear line on stderr, exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line, by default to stderr."""
        click.echo(f"{PROGRAM}: error: {harmless(self.message)}", file=file, err=file is None)


def warn(text: str) -> None:
    """Print one line on stderr about what the report may be missing."""
    click.echo(f"{PROGRAM}: warning: {harmless(text)}", err=True)


class Group(click.Group):
    """A group whose commands never end in a traceback (but with `--verbose`), and in 130 on Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(f"{PROGRAM}: interrupted", err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            raise Failure(f"{place}{error.strerror or error}") from error
        except Exception as error:
            if ctx.meta.get(VERBOSE):
                click.echo(traceback.format_exc(), err=True, nl=False)
            raise Failure(f"internal error: {type(error).__name__}: {error}") from error
