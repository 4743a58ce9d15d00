"""What a shell completes beyond the choices that click knows by itself."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from supavisor_lint.sources.checks import KNOWN_CODES


def complete_codes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The codes that begin as the last of some codes does; the others, separated by commas, stay before it."""
    before, comma, last = incomplete.rpartition(",")
    given = {code.strip().upper() for code in before.split(",")}
    wanted = last.strip().upper()
    return [
        CompletionItem(f"{before}{comma}{code}")
        for code in KNOWN_CODES
        if code.startswith(wanted) and code not in given
    ]
