"""How the commands end when something goes wrong: one clear line and the exit code, never a traceback."""

from __future__ import annotations

import re
import traceback
from typing import IO, Any

import click

from supavisor_lint.report.text import harmless

PROGRAM = "supavisor-lint"
VERBOSE = "supavisor_lint.verbose"
"""The key in click's `meta` under which a command says that tracebacks are wanted."""
_NO_COMMAND = re.compile(r"No such command '(.*?)'")
_NO_CHOICE = re.compile(r": '(.*?)' is not one of (.*)")


class Failure(click.ClickException):
    """The tool could not do its job: one clear line on stderr, exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line, by default to stderr."""
        click.echo(f"{PROGRAM}: error: {harmless(self.message)}", file=file, err=file is None)


def warn(text: str) -> None:
    """Print one line on stderr about what the report may be missing."""
    click.echo(f"{PROGRAM}: warning: {harmless(text)}", err=True)


def usage_failure(error: click.UsageError) -> Failure:
    """Give click's complaint about the arguments as one line, with the nearest right word or where to look it up."""
    from supavisor_lint.sources.checks import nearest

    text = error.format_message().strip().rstrip(".")
    command = error.ctx.command if error.ctx is not None else None
    hint = ""
    if isinstance(error, click.NoSuchOption):
        text = f"No such option '{error.option_name}'"
        hint = nearest(error.option_name, _options_of(command)) if command is not None else ""
    elif isinstance(command, click.Group) and (match := _NO_COMMAND.match(text)):
        text, hint = match[0], nearest(match[1], command.commands)
    elif isinstance(error, click.BadParameter) and (match := _NO_CHOICE.search(text)):
        hint = nearest(match[1], re.findall("'(.*?)'", match[2]))
    if not hint and error.ctx is not None:
        hint = f"; try {error.ctx.command_path} --help"
    return Failure(text[:1].lower() + text[1:].replace("'", '"') + hint)


def _options_of(command: click.Command) -> list[str]:
    return [*(option for param in command.params for option in param.opts if option.startswith("--")), "--help"]


class Group(click.Group):
    """A group whose commands never end in a traceback (but with `--verbose`), and in 130 on Ctrl-C."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the arguments of the group itself."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            if type(error).__name__ == "NoArgsIsHelpError":  # click 8.2 and later
                raise
            raise usage_failure(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(f"{PROGRAM}: interrupted", err=True)
            ctx.exit(130)
        except click.UsageError as error:
            raise usage_failure(error) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            raise Failure(f"{place}{error.strerror or error}") from error
        except Exception as error:
            if ctx.meta.get(VERBOSE):
                click.echo(traceback.format_exc(), err=True, nl=False)
            raise Failure(f"internal error: {type(error).__name__}: {error}") from error
