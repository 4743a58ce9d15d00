"""Faults that no rewrite can mend without knowing what the code is for: each says what has to be decided, and where."""

from __future__ import annotations

from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Call
from supavisor_lint.findings import Finding, Fix
from supavisor_lint.rewrites.base import Context, NoFix


def shared_session(context: Context, finding: Finding) -> Fix:
    """SUP204."""
    raise NoFix(
        "each of the concurrent coroutines has to open a session of its own; what they share in one transaction now "
        "would fall into several"
    )


def swallowed_error(context: Context, finding: Finding) -> Fix:
    """SUP306."""
    raise NoFix(
        f"whether {_swallower(context, finding)} is to raise again, to move around the block, or to guard a "
        "`begin_nested()` decides what an error takes with it"
    )


def lost_write(context: Context, finding: Finding) -> Fix:
    """SUP308."""
    raise NoFix(
        f"whether the write of line {finding.span.line} is to be committed, or thrown away as it is now (a dry run), "
        "only its author knows: a commit would save it for the first time"
    )


def expired_read(context: Context, finding: Finding) -> Fix:
    """SUP309."""
    because = ", ".join(str(place.line) for place in finding.related if place.path == finding.path)
    where = f" before line {because}" if because else ""
    raise NoFix(
        f"whether the value as it was is wanted (copy it{where}) or the one of now (load the object again) decides "
        "what is read"
    )


def _swallower(context: Context, finding: Finding) -> str:
    """What keeps the error to itself: a handler or a `suppress()`, here or in the function that is called here."""
    try:
        call = context.node(finding, Call)
    except NoFix:
        return "the handler"
    return "the `suppress()`" if last_name(call.func) == "suppress" else f"`{last_name(call.func)}()`"
