"""Which finding is which: what stays the same of a finding when the code around it is edited.

A finding is known by its path, its code, its function and the statement that it stands in, not by its line. Among those
that have all this in common, the order in the file tells them apart.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from supavisor_lint.findings import Finding
from supavisor_lint.sources.logical_lines import LogicalLines

_LONGEST = 200


class Key(NamedTuple):
    """What findings have in common that cannot be told apart without their order; sorts by path first.

    `function` is the qualname, "" at module level; `statement` is in the normal form of `sources.logical_lines`,
    a long one shortened to its beginning and a digest.
    """

    path: str
    code: str
    function: str
    statement: str


class Identity(NamedTuple):
    """One finding of a run: its key, and which it is among those of that key (from 1, in the order of the file)."""

    key: Key
    occurrence: int

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits; no two findings of a run have the same."""
        return _digest("\0".join([*self.key, str(self.occurrence)]))


def identities(findings: Sequence[Finding], sources: Mapping[str, str]) -> list[Identity]:
    """The identity of each finding, in the order in which they come.

    `sources` gives the text of the files by the findings' paths; a path that is missing there has empty statements. The
    occurrences are counted among these findings: give all that were found, the suppressed ones too, and an identity
    does not depend on what is suppressed.
    """
    lines = {path: LogicalLines(sources.get(path, "")) for path in {finding.path for finding in findings}}
    keys = [_key(finding, lines[finding.path]) for finding in findings]
    order = sorted(range(len(findings)), key=lambda index: findings[index].sort_key)
    seen: Counter[Key] = Counter()
    found = [Identity(key, 0) for key in keys]
    for index in order:
        seen[keys[index]] += 1
        found[index] = Identity(keys[index], seen[keys[index]])
    return found


def _key(finding: Finding, lines: LogicalLines) -> Key:
    statement = lines.statement_at(finding.span.line, finding.span.column)
    return Key(finding.path, finding.code, finding.function or "", _shortened(statement))


def _shortened(statement: str) -> str:
    """A statement that fits a line of a file: of a long one the beginning, and a digest of all of it."""
    if len(statement) <= _LONGEST:
        return statement
    return f"{statement[:_LONGEST]}… {_digest(statement)[:16]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
