"""The rules themselves: as a table, and one by one with their whole documentation."""

from __future__ import annotations

import difflib
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from supavisor_lint.report.json_format import VERSION, dump
from supavisor_lint.report.model import RuleLike, Style, plain
from supavisor_lint.report.prose import HEADING, flowed
from supavisor_lint.sources.checks import likely_code

_PREFIX = re.compile(r"SUP[0-9]{0,2}", re.ASCII)
_NUMBERED = re.compile(r"sup[0-9]+", re.ASCII)
WIDTH = 80
"""Columns of a text for people, where nothing tells better."""
ENDLESS = sys.maxsize
"""Columns of what is read line by line, by other programs say."""


def find_rule(text: str, rules: Sequence[RuleLike]) -> RuleLike | str:
    """Give the rule with this code or name, in any case, or else one line that says what may be meant."""
    wanted = text.strip().lower().replace("_", "-")
    words = {word.lower(): rule for rule in rules for word in (rule.code, rule.name)}
    if wanted in words:
        return words[wanted]
    if _NUMBERED.fullmatch(wanted):
        near = likely_code(wanted.upper(), (rule.code for rule in rules))
    else:
        near = next(iter(difflib.get_close_matches(wanted, words, n=1, cutoff=0.5)), None)
    meant = words[near.lower()] if near else None
    return f"unknown rule {text!r}" + (f"; did you mean {meant.code} ({meant.name})?" if meant else "")


def with_prefix(text: str, rules: Sequence[RuleLike]) -> list[RuleLike]:
    """Give the rules whose codes begin with a text such as `SUP` or `SUP3`, in any case."""
    prefix = text.strip().upper()
    return [rule for rule in rules if _PREFIX.fullmatch(prefix) and rule.code.startswith(prefix)]


def asked_for(texts: Iterable[str], rules: Sequence[RuleLike]) -> list[tuple[RuleLike, ...]] | str:
    """Give what each of some texts asks for, nothing twice: one rule, by code or name, or all that begin so.

    Each text may hold several, separated by commas. One line that says what may be meant instead, where there is none.
    """
    found: dict[tuple[RuleLike, ...], None] = {}
    for text in (part for given in texts for part in given.split(",") if part.strip()):
        rule = find_rule(text, rules)
        listed = with_prefix(text, rules)
        if isinstance(rule, str) and not listed:
            return rule
        found[tuple(listed) if isinstance(rule, str) else (rule,)] = None
    return list(found)


_FIXES = {"safe": "at best safe (--fix)", "unsafe": "at best unsafe (--fix --unsafe-fixes)"}


def explanation(rule: RuleLike, style: Style = plain, width: int = WIDTH) -> Iterator[str]:
    """Yield the lines of a rule's documentation: a header with its properties, then its text, `width` columns wide."""
    yield style(f"{rule.code} {rule.name}", "heading")
    yield ""
    yield f"Severity: {style(rule.severity, rule.severity)}"
    yield f"Profile: {rule.profile}"
    yield f"Default: {_default(rule)}"
    yield f"Fix: {_FIXES.get(rule.fix, rule.fix)}"
    yield ""
    yield from flowed(rule.doc, width, style)


def _default(rule: RuleLike) -> str:
    return "on" if rule.default else "off (select it to have it)"


def explanations(
    groups: Iterable[Sequence[RuleLike]], style: Style = plain, width: int = WIDTH, table_width: int = ENDLESS
) -> Iterator[str]:
    """Yield, for each group, the table of its rules, or the whole documentation of its only one."""
    for number, group in enumerate(groups):
        if number:
            yield ""
        yield from explanation(group[0], style, width) if len(group) == 1 else table(group, style, table_width)


def explanations_markdown(rules: Sequence[RuleLike]) -> Iterator[str]:
    """Yield the documentation of rules as the lines of one Markdown page, each below a heading of its own."""
    for number, rule in enumerate(rules):
        if number:
            yield ""
        yield f"# {rule.code}: {rule.name}"
        yield ""
        yield f"- severity: {rule.severity}"
        yield f"- profile: {rule.profile}"
        yield f"- default: {_default(rule)}"
        yield f"- fix: {_FIXES.get(rule.fix, rule.fix)}"
        yield ""
        yield from rule.doc.strip().splitlines()


def explanations_json(rules: Sequence[RuleLike], ascii_only: bool = True) -> str:
    """Give the documentation of rules as a JSON document with version 1.

    Each rule has the keys of `as_json`, and `documentation`: the Markdown text of its five parts, by the keys
    `what_it_finds`, `why_it_matters`, `example`, `use_instead` and `fix_safety`.
    """
    entries = [_entry(rule) | {"documentation": documentation_parts(rule.doc)} for rule in rules]
    return dump({"version": VERSION, "rules": entries}, ascii_only)


def documentation_parts(doc: str) -> dict[str, str]:
    """Give the parts of a rule's documentation by their headings as keys; without the summary before the first one."""
    parts: dict[str, list[str]] = {}
    fenced = False
    for line in doc.strip().splitlines():
        fenced ^= line.lstrip().startswith("```")
        match = None if fenced else HEADING.match(line)
        if match is not None:
            parts[match["title"].lower().replace(" ", "_")] = []
        elif parts:
            list(parts.values())[-1].append(line)
    return {key: "\n".join(lines).strip() for key, lines in parts.items()}


def _row(rule: RuleLike) -> tuple[str, ...]:
    default = "on" if rule.default else "off"
    return (rule.code, rule.name, rule.severity, rule.profile, default, rule.fix, rule.summary)


_HEADER = ("code", "name", "severity", "profile", "default", "fix", "summary")


def table(rules: Sequence[RuleLike], style: Style = plain, width: int = ENDLESS) -> Iterator[str]:
    """Yield the rules as lines of aligned columns below a header.

    Where they are wider than `width` columns, the summaries stand below, flowed, and "mixed" stands for longer words.
    """
    rows = [_row(rule) for rule in rules]
    lines = list(_aligned([_HEADER, *rows], style))
    if max(len(line) for line in _aligned([_HEADER, *rows])) <= width:
        yield from lines
        return
    short = [(*row[:3], _profile_for_programs(row[3]), *row[4:-1]) for row in rows]
    header, *lines = _aligned([_HEADER[:-1], *short], style)
    yield header
    for line, row in zip(lines, rows, strict=True):
        yield line
        yield from textwrap.wrap(row[-1], width, initial_indent=_BELOW, subsequent_indent=_BELOW)


_BELOW = " " * len("SUP101  ")


def _aligned(rows: Sequence[Sequence[str]], style: Style = plain) -> Iterator[str]:
    """The rows of a table, the first of them its header."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
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
    for a rule of whose findings only some are hazards; `default` is a boolean. `fix` is the best that a fix of the rule
    can be: "safe", "unsafe" or "none"; `planned_fix`, its first name, says the same.
    """
    return dump({"version": VERSION, "rules": [_entry(rule) for rule in rules]}, ascii_only)


def _entry(rule: RuleLike) -> dict[str, object]:
    row = dict(zip(_HEADER, _row(rule), strict=True))
    profile = _profile_for_programs(rule.profile)
    return row | {"profile": profile, "default": rule.default, "planned_fix": rule.fix}


def _profile_for_programs(profile: str) -> str:
    """A rule's profile in one word; "mixed" where only some of its findings are hazards."""
    return profile if profile in ("template", "hazards") else "mixed"
