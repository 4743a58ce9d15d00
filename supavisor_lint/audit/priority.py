"""Which task is to be mended first?

Points are given for
- findings: 3 when one is an error, else 1 when one is a warning;
- a failure that nothing logs, neither the task nor what starts it: 2;
- a status that the task writes and no handler of it sets to failed: 1;
- a task that nobody starts again, no scheduler and no queue: 1;
- more than one registration: 1.

From 5 points on the priority is high, from 3 on medium, below low. A task
without findings is always low: there is nothing to mend.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from supavisor_lint.findings import Severity
from supavisor_lint.report.audit_model import Priority

_HIGH, _MEDIUM = 5, 3


@dataclass(frozen=True, slots=True)
class Signs:
    """What the priority of a task is made of.

    `severities` are those of its findings; `silent`: nothing logs its failure; `stale`: its failure leaves the old
    status; `once`: nobody starts it again; `registrations` counts them.
    """

    severities: frozenset[Severity]
    silent: bool
    stale: bool
    once: bool
    registrations: int


def priority_of(signs: Signs) -> tuple[Priority, tuple[str, ...]]:
    """The priority, and the reasons for it, the weightiest first."""
    reasons = list(_reasons(signs))
    points = sum(weight for weight, _ in reasons)
    texts = tuple(text for _, text in reasons)
    if not signs.severities:
        return "low", texts
    return "high" if points >= _HIGH else "medium" if points >= _MEDIUM else "low", texts


def _reasons(signs: Signs) -> Iterable[tuple[int, str]]:
    if "error" in signs.severities:
        yield 3, "a finding is an error"
    elif "warning" in signs.severities:
        yield 1, "a finding is a warning"
    if signs.silent:
        yield 2, "nothing logs its failure"
    if signs.stale:
        yield 1, "no handler sets its status to failed"
    if signs.once:
        yield 1, "nobody starts it again"
    if signs.registrations > 1:
        yield 1, f"{signs.registrations} registrations"
