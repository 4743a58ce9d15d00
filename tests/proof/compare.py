"""What differs between two runs of a task with the same answers and the same faults."""

from __future__ import annotations

from dataclasses import dataclass

from .notes import Run


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
    A commit by hand that fails inside a `begin()` block leaves its session with objects that say what was lost; the
    block's own commit expires them, and they are loaded again. Such a load changes nothing but the number of steps
    (where a second fault strikes): the run has to end in the same way.
    """
    refused = before.escaped.startswith("PendingRollbackError")
    cured = len(before.trace) if before.doomed is None and refused else before.doomed
    for number, (old, new) in enumerate(zip(before.trace, after.trace, strict=False)):
        if cured is not None and number >= cured:
            break
        if old != new and _is_loaded_again(before, number, new):
            return _ends_differ(before, after) if faults < 2 else None
        if old != new:
            return f"{old[0]} becomes {new[0]}" if old[0] != new[0] else f"another {old[0]}", str(old), str(new)
    if after.left_out > before.left_out:
        return "a connection is left checked out", str(before.left_out), str(after.left_out)
    if cured is not None:
        return None
    if len(before.trace) != len(after.trace):
        longer = before.trace if len(before.trace) > len(after.trace) else after.trace
        extra = str(longer[min(len(before.trace), len(after.trace))])
        return ("less is done", extra, "-") if longer is before.trace else ("more is done", "-", extra)
    return _ends_differ(before, after)


def _is_loaded_again(before: Run, number: int, new: tuple[object, ...]) -> bool:
    """Whether a step only loads something again, behind a commit that has failed."""
    return new[0] == "sql" and str(new[1]).startswith("SELECT") and ("commit fails",) in before.trace[:number]


def _ends_differ(before: Run, after: Run) -> tuple[str, str, str] | None:
    """The first difference in how two runs end."""
    for kind in ("escaped", "rows", "result", "flags"):
        old, new = getattr(before, kind), getattr(after, kind)
        if old != new:
            return f"other {kind}", str(old), str(new)
    return None
