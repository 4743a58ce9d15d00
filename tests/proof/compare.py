"""What differs between two runs of a task with the same answers and the same faults."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .notes import Run

_LOAD_BY_KEY = re.compile(r"SELECT [^()]*\sWHERE (\w+)\.id = \S+$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference: its kind, the input and the faults that show it, and both sides."""

    kind: str
    flags: tuple[bool, ...]
    faults: tuple[tuple[int, str], ...]
    before: str
    after: str

    def __str__(self) -> str:
        asked = ", ".join("yes" if flag else "no" for flag in self.flags) or "none"
        failed = ", ".join(f"{error} at step {step}" for step, error in self.faults) or "none"
        return f"{self.kind}: answers {asked}; faults {failed}\n    before: {self.before}\n    after:  {self.after}"


def differs(before: Run, after: Run, faults: int = 0) -> tuple[str, str, str] | None:
    """Kind, before and after of the first difference; None if there is none. `faults`: how many steps were to fail.

    A run in which a session was used as it could only fail may be cured from there on; so may one that ended because
    the session refused to go on before a rollback, which nothing in it could give any more (design, section 7).
    What has expired is loaded again when it is used, and what has not is at hand: a commit by hand that fails inside a
    `begin()` block leaves its session with objects that say what was lost, where the block's own commit expires them;
    a rollback expires nothing where nothing is open, because a block that has only read is over, or everything where
    an empty block is; the end of a phase expires what an expiring session has read in it. Such a load changes nothing:
    the run has to end in the same way. Only a fault that strikes later strikes elsewhere.
    """
    refused = before.escaped.startswith("PendingRollbackError")
    cured = len(before.trace) if before.doomed is None and refused else before.doomed
    for number, (old, new) in enumerate(zip(before.trace, after.trace, strict=False)):
        if cured is not None and number >= cured:
            break
        if old != new and (_is_load(before, number, old) or _is_load(before, number, new)):
            return _ends_differ(before, after) if sum(at <= number for at in before.struck) == faults else None
        if old != new:
            return f"{old[0]} becomes {new[0]}" if old[0] != new[0] else f"another {old[0]}", str(old), str(new)
    if after.left_out > before.left_out:
        return "a connection is left checked out", str(before.left_out), str(after.left_out)
    if cured is not None:
        return None
    if len(before.trace) != len(after.trace) and not _only_loads_more(before, after):
        longer = before.trace if len(before.trace) > len(after.trace) else after.trace
        extra = str(longer[min(len(before.trace), len(after.trace))])
        return ("less is done", extra, "-") if longer is before.trace else ("more is done", "-", extra)
    return _ends_differ(before, after)


def _is_load(before: Run, number: int, step: tuple[object, ...]) -> bool:
    """Whether a step only loads a row by its key, behind a commit that has failed, or a rollback by the task itself."""
    rolled_back = before.rolled_back is not None and before.rolled_back <= number
    return _loads_by_key(step) and (rolled_back or ("commit fails",) in before.trace[:number])


def _loads_by_key(step: tuple[object, ...]) -> bool:
    return step[0] == "sql" and _LOAD_BY_KEY.match(str(step[1])) is not None


def _only_loads_more(before: Run, after: Run) -> bool:
    """Whether the rewritten task does the same, and then loads rows by key that its blocks' commits have expired."""
    more = after.trace[len(before.trace) :]
    return bool(more) and all(map(_loads_by_key, more))


def _ends_differ(before: Run, after: Run) -> tuple[str, str, str] | None:
    """The first difference in how two runs end."""
    for kind in ("escaped", "rows", "result", "flags"):
        old, new = getattr(before, kind), getattr(after, kind)
        if old != new:
            return f"other {kind}", str(old), str(new)
    return None
