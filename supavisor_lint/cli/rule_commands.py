"""The commands `explain` and `rules`: what the tool looks for, and why."""

from __future__ import annotations

import click

from supavisor_lint.cli.errors import Failure
from supavisor_lint.cli.output import click_style, out, stdout_is_utf8, text_of
from supavisor_lint.report import catalogue


@click.command()
@click.argument("codes", metavar="CODE...", nargs=-1, required=True)
def explain(codes: tuple[str, ...]) -> None:
    """Print the documentation of rules, by code or name; the beginning of a code lists its rules."""
    from supavisor_lint.rules import RULES

    lines: list[str] = []
    for code in (part for text in codes for part in text.split(",") if part.strip()):
        listed = catalogue.with_prefix(code, RULES)
        rule = catalogue.find_rule(code, RULES)
        if isinstance(rule, str) and not listed:
            raise Failure(rule)
        lines += [""] if lines else []
        lines += (
            catalogue.table(listed, click_style) if isinstance(rule, str) else catalogue.explanation(rule, click_style)
        )
    out(text_of(lines))


@click.command()
@click.option(
    "--output-format",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How the rules are shown.",
)
def rules(output_format: str) -> None:
    """List all rules."""
    from supavisor_lint.rules import RULES

    if output_format == "json":
        out(catalogue.as_json(RULES, not stdout_is_utf8()) + "\n")
    else:
        out(text_of(catalogue.markdown(RULES) if output_format == "markdown" else catalogue.table(RULES, click_style)))
