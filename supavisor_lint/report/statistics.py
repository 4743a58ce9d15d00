"""How many findings each code has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from supavisor_lint.findings import Finding
from supavisor_lint.report.model import Style, plain


@dataclass(frozen=True, slots=True)
class CodeCount:
    """A code, its name, and how many findings have it."""

    code: str
    name: str
    count: int


def count_codes(findings: Iterable[Finding]) -> list[CodeCount]:
    """Give the counts of all codes that occur, the most frequent first, then by code."""
    counts = Counter((finding.code, finding.name) for finding in findings)
    entries = [CodeCount(code, name, number) for (code, name), number in counts.items()]
    return sorted(entries, key=lambda entry: (-entry.count, entry.code))


def render(counts: Iterable[CodeCount], style: Style = plain) -> Iterator[str]:
    """Yield one line per code, `count  code  name`, the counts right-aligned; no line ends."""
    entries = list(counts)
    width = max((len(str(entry.count)) for entry in entries), default=0)
    for entry in entries:
        yield f"{entry.count:>{width}}  {style(entry.code, 'code')}  {entry.name}"
