"""The commands `explain` and `rules`: what the tool looks for, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from supavisor_lint.cli.completion import complete_codes
from supavisor_lint.cli.errors import Failure
from supavisor_lint.cli.output import click_style, out, stdout_is_utf8, stdout_width, text_of
from supavisor_lint.report import catalogue

_NARROW, _READABLE = 20, 100  # longer lines are hard to read, however wide the terminal is
Function = TypeVar("Function", bound=Callable[..., Any])


def _format_option(what: str, *names: str) -> Callable[[Function], Function]:
    """The option `--output-format` of both commands; the first name is the default."""
    return click.option(
        "--output-format", type=click.Choice(names), default=names[0], show_default=True, help=f"How {what} shown."
    )


@click.command(
    epilog="""\b
Examples:
  supavisor-lint explain SUP101
  supavisor-lint explain direct-session-factory SUP3
  supavisor-lint explain SUP --output-format markdown > rules.md""",
)
@click.argument("codes", metavar="CODE...", nargs=-1, required=True, shell_complete=complete_codes)
@_format_option("the documentation is", "text", "markdown", "json")
def explain(codes: tuple[str, ...], output_format: str) -> None:
    """Print the documentation of rules, by code or name.

    The beginning of a code stands for all rules that begin so: as text they are listed, in the other formats each is
    explained.
    """
    from supavisor_lint.rules import RULES

    groups = catalogue.asked_for(codes, RULES)
    if isinstance(groups, str):
        raise Failure(groups)
    rules = list(dict.fromkeys(rule for group in groups for rule in group))
    if output_format == "json":
        out(catalogue.explanations_json(rules, not stdout_is_utf8()) + "\n")
    elif output_format == "markdown":
        out(text_of(catalogue.explanations_markdown(rules)))
    else:
        width = max(_NARROW, min(stdout_width(catalogue.WIDTH), _READABLE))
        out(text_of(catalogue.explanations(groups, click_style, width, stdout_width(catalogue.ENDLESS))))


@click.command(
    epilog="""\b
Examples:
  supavisor-lint rules
  supavisor-lint rules --output-format json""",
)
@_format_option("the rules are", "text", "json", "markdown")
def rules(output_format: str) -> None:
    """List all rules, each on one line where that fits the terminal."""
    from supavisor_lint.rules import RULES

    if output_format == "json":
        out(catalogue.as_json(RULES, not stdout_is_utf8()) + "\n")
    elif output_format == "markdown":
        out(text_of(catalogue.markdown(RULES)))
    else:
        out(text_of(catalogue.table(RULES, click_style, stdout_width(catalogue.ENDLESS))))
