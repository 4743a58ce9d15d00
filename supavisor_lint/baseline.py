"""The baseline: old findings that a project knows of, and how many of each; only new ones are reported.

A finding is known again by its path, code, function and statement (`report.identity`): moving lines about changes
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath

from supavisor_lint.findings import Finding
from supavisor_lint.report.identity import Key, identities
from supavisor_lint.settings import Profile

UNREADABLE = "SUP900"
"""The code of what no baseline takes: a file that nobody can read would never be looked at again."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run has looked at, so that it can say what is gone.

    `paths` are the files that it has read to the end, `failed` those that it could not; `codes` are the rules that
    were on; `whole` when it was the whole project, so that a file in neither set is no longer checked.
    """

    paths: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    profile: Profile = "template"
    whole: bool = False


@dataclass(frozen=True)
class Baseline:
    """How many findings of each key are known. `profile` is the one that they were looked for in."""

    counts: Mapping[Key, int] = field(default_factory=dict)
    profile: Profile = "template"

    @cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(key.path for key in self.counts)

    def split(
        self, path: str, text: str, findings: Sequence[Finding]
    ) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        """The findings of one file that are new, and those that are known: of each key the first ones of the file."""
        if path not in self._paths:
            return tuple(findings), ()
        new: list[Finding] = []
        known: list[Finding] = []
        for finding, identity in zip(findings, identities(findings, {path: text}), strict=True):
            is_known = _can_be_listed(finding) and identity.occurrence <= self.counts.get(identity.key, 0)
            (known if is_known else new).append(finding)
        return tuple(new), tuple(known)

    def stale(self, found: Mapping[Key, int], scope: Scope) -> dict[Key, int]:
        """How many findings of each key are gone, as far as a run with this scope can tell; `found` are those there."""
        return {
            key: number - found.get(key, 0)
            for key, number in sorted(self.counts.items())
            if number > found.get(key, 0) and self._is_covered(key, scope)
        }

    def updated(self, found: Mapping[Key, int], scope: Scope) -> Baseline:
        """The baseline after a run: what was found, and what stood there of what the run has not looked at."""
        counts = dict(found)
        for key, number in self.counts.items():
            if not self._is_covered(key, scope):
                counts[key] = max(number, counts.get(key, 0))
        only_hazards = scope.profile == "hazards" and (self.profile == "hazards" or not self.counts)
        return Baseline(counts, "hazards" if only_hazards else "template")

    def _is_covered(self, key: Key, scope: Scope) -> bool:
        """Whether a run would have found what the key stands for."""
        if key.code not in scope.codes or (scope.profile == "hazards" and self.profile == "template"):
            return False
        return key.path in scope.paths or (scope.whole and key.path not in scope.failed)


def listed(findings: Sequence[Finding], sources: Mapping[str, str]) -> Counter[Key]:
    """How many of some findings each key has, of those that a baseline takes; `sources` as in `identities`."""
    taken = [finding for finding in findings if _can_be_listed(finding)]
    return Counter(identity.key for identity in identities(taken, sources))


def divided(findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings that no baseline takes, and the others."""
    found = tuple(findings)
    return tuple(f for f in found if not _can_be_listed(f)), tuple(f for f in found if _can_be_listed(f))


def _can_be_listed(finding: Finding) -> bool:
    """Whether a baseline takes a finding: it can be read, and its path is the same on every machine."""
    return finding.code != UNREADABLE and not PurePath(finding.path).is_absolute()
