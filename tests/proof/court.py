"""Many tasks at once: write, fix, try, and make small what differs."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Sequence

from judge.reduce import reduced

from .compare import Difference
from .on_sqlite import SqliteStage
from .rewriting import Rewritten, rewritten
from .stage import Stage
from .tasks import kind_of, task_text
from .trial import tried

Rewrite = Callable[[Sequence[str]], list[Rewritten]]
"""What rewrites some texts."""


def judged_batch(
    seed: int, first: int, count: int, most_runs: int, again: bool = True
) -> tuple[Counter[str], list[str]]:
    """Try some tasks of a seed: the counts, and a report of each difference.

    `again`: what was fixed is fixed a second time, and that must change nothing.
    """
    counts: Counter[str] = Counter()
    reports: list[str] = []
    stage = SqliteStage()
    try:
        texts = [task_text(seed, number) for number in range(first, first + count)]
        for number, one in enumerate(rewritten(texts, again=again), first):
            counts[f"programs ({kind_of(number)})"] += 1
            counts.update(f"declined {code}: {reason}" for code, reason in set(one.declined))
            kind = None
            if one.fault is not None:
                kind = f"text: {one.fault}"
                reports.append(f"== task {number} of seed {seed}: {kind}\n{changes(one)}")
            elif one.changed:
                counts[f"rewritten ({kind_of(number)})"] += 1
                counts.update(f"fixed {code}" for code in one.codes)
                trial = tried(stage, one.before, one.after, most_runs)
                counts["runs of each text"] += trial.runs
                if trial.difference is not None:
                    kind = trial.difference.kind
                    reports.append(f"== task {number} of seed {seed}: {report(stage, one, trial.difference)}")
            if kind is not None:
                counts[f"DIFFERENCE {kind}"] += 1
    finally:
        stage.close()
    return counts, reports


def difference(stage: Stage, one: Rewritten, most_runs: int = 150) -> Difference | None:
    """The first difference between both texts of a task."""
    return tried(stage, one.before, one.after, most_runs).difference if one.changed else None


def report(stage: Stage, one: Rewritten, found: Difference, rewrite: Rewrite = rewritten) -> str:
    """A difference for reading: the smallest task that shows one of its kind, and what becomes of it."""

    def is_still_wrong(text: str) -> bool:
        try:
            again = difference(stage, rewrite([text])[0])
        except (SyntaxError, AssertionError, KeyError, TypeError):
            return False
        return again is not None and again.kind == found.kind

    if is_still_wrong(one.before):
        small = rewrite([reduced(one.before, is_still_wrong)])[0]
        found = difference(stage, small) or found
        one = small
    return f"{found}\n{changes(one)}"


def changes(one: Rewritten) -> str:
    """Both texts of a task, as one diff that shows all of it."""
    before, after = one.before.splitlines(), one.after.splitlines()
    lines = difflib.unified_diff(before, after, "before", "after", lineterm="", n=1000)
    return "\n".join([f"fixed: {', '.join(one.codes)}", *list(lines)[2:]])


def shown(seed: int, number: int) -> str:
    """What becomes of the task with a number."""
    one = rewritten([task_text(seed, number)])[0]
    left = "\n".join(f"left {code}: {reason}" for code, reason in one.declined)
    return f"== task {number} of seed {seed}\n{changes(one)}\n{left}"
