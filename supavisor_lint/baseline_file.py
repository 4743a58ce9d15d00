"""The file of a baseline: JSON with one finding a line, sorted, so that git merges it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from supavisor_lint.baseline import Baseline
from supavisor_lint.report.identity import Key
from supavisor_lint.report.json_format import one_line

VERSION = 1
_TEXTS = Key._fields
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: |$)", re.MULTILINE)
_ENTRY = re.compile(r"^\s*(\{.*\}),?\s*$", re.MULTILINE)


class BadBaseline(Exception):  # noqa: N818 - it is named for what the file is
    """A text that is no baseline; `reason` says why, and what to do, in one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MergeConflict(BadBaseline):
    """A baseline in which git has left both sides of a conflict."""


def render(baseline: Baseline) -> str:
    """The text of the file."""
    entries = ",\n".join(f"    {one_line(_entry(key, number))}" for key, number in sorted(baseline.counts.items()))
    findings = f"[\n{entries}\n  ]" if entries else "[]"
    return f'{{\n  "version": {VERSION},\n  "profile": "{baseline.profile}",\n  "findings": {findings}\n}}\n'


def _entry(key: Key, number: int) -> dict[str, Any]:
    return {**key._asdict(), "count": number}


def parse(text: str) -> Baseline:
    """The baseline in a text; raises BadBaseline."""
    if _CONFLICT.search(text):
        raise MergeConflict("has merge conflicts; run the same command with --write-baseline, which solves them")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise BadBaseline(f"is no baseline: no JSON ({where})") from error
    if not isinstance(document, dict) or not isinstance(document.get("findings"), list) or "version" not in document:
        raise BadBaseline('is no baseline: a "version" and "findings" are missing')
    if document["version"] != VERSION:
        version = json.dumps(document["version"])
        raise BadBaseline(
            f"has version {version}, and this supavisor-lint reads {VERSION}; delete it and write it anew"
        )
    profile = document.get("profile", "template")
    if profile not in ("template", "hazards"):
        raise BadBaseline('is no baseline: "profile" is neither "template" nor "hazards"')
    return Baseline(_counts(enumerate(document["findings"], start=1)), profile)


def recovered(text: str) -> Baseline:
    """All that both sides of a merge conflict say; raises BadBaseline."""
    lines = [json.loads(match[1]) for match in _ENTRY.finditer(text) if _is_json(match[1])]
    return Baseline(_counts(enumerate(lines, start=1)))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _counts(entries: Iterable[tuple[int, object]]) -> dict[Key, int]:
    counts: dict[Key, int] = {}
    for key, number in _read(entries):
        counts[key] = max(number, counts.get(key, 0))
    return counts


def _read(entries: Iterable[tuple[int, object]]) -> Iterator[tuple[Key, int]]:
    for place, entry in entries:
        if not isinstance(entry, dict):
            raise BadBaseline(f"is no baseline: finding {place} is no object")
        missing = next((name for name in _TEXTS if not isinstance(entry.get(name), str)), None)
        if missing is not None:
            raise BadBaseline(f'is no baseline: finding {place} has no text for "{missing}"')
        number = entry.get("count")
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise BadBaseline(f'is no baseline: the "count" of finding {place} is no number above 0')
        yield Key(*(entry[name] for name in _TEXTS)), number
