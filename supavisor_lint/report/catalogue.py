"""The rules themselves: as a table, and one by one with their whole documentation."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from supavisor_lint.findings import Severity
from supavisor_lint.report.json_format import VERSION, dump
from supavisor_lint.report.model import Style, plain

_HEADING = re.compile(r"#{1,6} +(?P<title>.+?)[ #]*$")
_PREFIX = re.compile(r"SUP[0-9]{0,2}", re.ASCII)
_HEADINGS = frozenset({"what it finds", "why it matters", "example", "use instead", "fix safety"})


class RuleLike(Protocol):
    """What a rule has to tell about itself; `default` says whether it is on unless deselected."""

    @property
    def code(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def severity(self) -> Severity: ...  # noqa: D102
    @property
    def profile(self) -> str: ...  # noqa: D102
    @property
    def default(self) -> bool: ...  # noqa: D102
    @property
    def fix(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def doc(self) -> str: ...  # noqa: D102


def find_rule(text: str, rules: Sequence[RuleLike]) -> RuleLike | str:
    """Give the rule with this code or name, in any case, or else one line that says what may be meant."""
    wanted = text.strip().lower().replace("_", "-")
    words = {word.lower(): rule for rule in rules for word in (rule.code, rule.name)}
    if wanted in words:
        return words[wanted]
    near = difflib.get_close_matches(wanted, words, n=1, cutoff=0.5)
    hint = f"; did you mean {words[near[0]].code} ({words[near[0]].name})?" if near else ""
    return f"unknown rule {text!r}{hint}"


def with_prefix(text: str, rules: Sequence[RuleLike]) -> list[RuleLike]:
    """Give the rules whose codes begin with a text such as `SUP` or `SUP3`, in any case."""
    prefix = text.strip().upper()
    return [rule for rule in rules if _PREFIX.fullmatch(prefix) and rule.code.startswith(prefix)]


_FIXES = {"safe": "at best safe (--fix)", "unsafe": "at best unsafe (--fix --unsafe-fixes)"}


def explanation(rule: RuleLike, style: Style = plain) -> Iterator[str]:
    """Yield the lines of a rule's documentation: a header with its properties, then its Markdown text."""
    yield style(f"{rule.code} {rule.name}", "heading")
    yield ""
    yield f"Severity: {style(rule.severity, rule.severity)}"
    yield f"Profile: {rule.profile}"
    yield f"Default: {_default(rule)}"
    yield f"Fix: {_FIXES.get(rule.fix, rule.fix)}"
    yield ""
    fenced = False
    for line in rule.doc.strip().splitlines():
        fenced ^= line.lstrip().startswith("```")
        heading = not fenced and (_HEADING.match(line) or line.strip(" *:#").lower() in _HEADINGS)
        yield style(line, "heading") if heading else line


def _default(rule: RuleLike) -> str:
    return "on" if rule.default else "off (select it to have it)"


def _row(rule: RuleLike) -> tuple[str, ...]:
    default = "on" if rule.default else "off"
    return (rule.code, rule.name, rule.severity, rule.profile, default, rule.summary)


_HEADER = ("code", "name", "severity", "profile", "default", "summary")


def table(rules: Sequence[RuleLike], style: Style = plain) -> Iterator[str]:
    """Yield the rules as lines of aligned columns below a header."""
    rows = [_HEADER, *(_row(rule) for rule in rules)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(_HEADER))]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        if number == 0:
            yield style("  ".join(cells).rstrip(), "heading")
        else:
            cells[0] = style(cells[0], "code")
            yield "  ".join(cells).rstrip()


def markdown(rules: Sequence[RuleLike]) -> Iterator[str]:
    """Yield the rules as the lines of a Markdown table."""
    yield "| " + " | ".join(_HEADER) + " |"
    yield "|" + " --- |" * len(_HEADER)
    for rule in rules:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in _row(rule)) + " |"


def as_json(rules: Sequence[RuleLike], ascii_only: bool = True) -> str:
    """Give the rules as a JSON document with version 1.

    Each has the columns of the table as keys, with values for programs: `profile` is "template", "hazards", or "mixed"
    for a rule of whose findings only some are hazards; `default` is a boolean. `fix` is added, the best that a fix of
    the rule can be: "safe", "unsafe" or "none"; `planned_fix`, its first name, says the same.
    """
    return dump({"version": VERSION, "rules": [_entry(rule) for rule in rules]}, ascii_only)


def _entry(rule: RuleLike) -> dict[str, object]:
    profile = rule.profile if rule.profile in ("template", "hazards") else "mixed"
    row = dict(zip(_HEADER, _row(rule), strict=True))
    return row | {"profile": profile, "default": rule.default, "fix": rule.fix, "planned_fix": rule.fix}
