"""What must hold before a rewritten text may take the place of the old one (design, section 7)."""

from __future__ import annotations

import builtins
import re
import warnings
from collections import Counter
from collections.abc import Callable, Container, Iterable
from typing import TypeAlias

from supavisor_lint.facts.file import FileFacts, UnparsableFile, scope_of
from supavisor_lint.facts.layout import read_layout
from supavisor_lint.findings import Finding
from supavisor_lint.rewrites.source import Moves

Key: TypeAlias = tuple[str, tuple[int, int]]
"""A rule's code, and the line and column where a finding of it begins (both from 1)."""

AllTold: TypeAlias = Callable[[], Iterable[Finding]]
"""Gives all findings of a text, those included that others stand for."""

_ALWAYS_FAILS = frozenset({"SUP104", "SUP105"})
_OF_SESSIONS = ("SUP2", "SUP3", "SUP4")
_NOQA = re.compile(r"#.*\bnoqa\b", re.IGNORECASE)
_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__name__", "__doc__", "__path__", "__spec__", "__class__"}


def fault_of_text(path: str, before: str, after: str, noqas_removed: int) -> str | None:
    """Why a text is not fit to be written: it does not parse or compile, or a comment is gone."""
    try:
        old, new = read_layout(before), read_layout(after)
    except UnparsableFile as failure:
        return f"the rewritten code does not parse ({failure.reason})"
    if compiles(path, before) and not compiles(path, after):
        return "the rewritten code does not compile"
    gone = Counter(old.comments) - Counter(new.comments)
    lost = [comment for comment in gone.elements() if _NOQA.search(comment) is None]
    if lost or sum(gone.values()) > noqas_removed:
        return f"a comment would be lost: {next(iter(lost or gone))}"
    return None


def compiles(path: str, text: str) -> bool:
    """Whether the running Python compiles a text (nothing is run)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True


def fault_of_names(before: FileFacts, after: FileFacts) -> str | None:
    """Why the names of a rewritten file are not in order: one is read that nothing binds any more, or never did."""
    unbound = unbound_names(after) - unbound_names(before)
    return f"nothing would bind `{min(unbound)}`" if unbound else None


def unbound_names(file: FileFacts) -> set[str]:
    """The names that a file reads somewhere where no scope binds them."""
    found: set[str] = set()
    for name, reads in file.names.items():
        if name not in _BUILTINS and any(_is_unbound(file, name, read) for read in reads):
            found.add(name)
    return found


def _is_unbound(file: FileFacts, name: str, read: object) -> bool:
    scope = scope_of(read)  # type: ignore[arg-type]
    return scope.lookup(name) is None and not scope.sees_star_import()


def came_to_light(
    before: Iterable[Finding],
    after: Iterable[Finding],
    fixed: Iterable[Finding],
    moves: Moves,
    all_before: AllTold,
    all_after: AllTold,
) -> frozenset[Key]:
    """The findings of a rewritten text that were there before, only hidden.

    A rule may have more findings than before for two reasons, and only one is a fault of the rewrite. One fault gives
    one finding, and behind what always fails nothing is looked at: when that is mended, what it stood for, and what
    stands behind it, comes to light. So both texts are asked again (only where a rule has more findings than it
    should), by engines that let nothing stand for anything and go on behind failures as if there were none. What is
    found of the same rule at the same place in both has come to light, if the rule has no more findings when all are
    told either. And where a line could only fail because it did not open the session that it meant to (SUP104, SUP105),
    nothing was known of a session at all: what is found of it and its task (SUP2, SUP3, SUP4) in that function when no
    more than that is mended has come to light as well. All else is the rewrite's own.
    """
    fixed = list(fixed)
    old, found, done = list(before), list(after), _counts(fixed)
    more = _counts(found) - (_counts(old) - done)
    new = {key_of(finding): finding for finding in found if finding.code in more}
    arrived = new.keys() - {key_of(finding, moves) for finding in old}
    opened = {key for key in arrived if _opens_at_last(new[key], fixed)}
    if arrived == opened:
        return frozenset(opened)
    all_old = list(all_before())
    worse = _counts(all_after()) - (_counts(all_old) - done)
    hidden = {key_of(finding, moves) for finding in all_old if finding.code not in worse}
    return frozenset(opened | (arrived & hidden))


def _opens_at_last(finding: Finding, fixed: Iterable[Finding]) -> bool:
    """Whether a finding is about the session of a function where the fixes have only made it open that never did."""
    mended = {one.code for one in fixed if one.function is not None and _is_in(one.function, finding.function)}
    return finding.code.startswith(_OF_SESSIONS) and bool(mended) and mended <= _ALWAYS_FAILS


def _is_in(function: str, around: str | None) -> bool:
    return around is not None and (function == around or function.startswith(f"{around}."))


def key_of(finding: Finding, moves: Moves | None = None) -> Key:
    """By what a finding is known: its rule, and where it begins (behind the edits of `moves`)."""
    start = finding.span.start
    return finding.code, moves.place(start) if moves is not None else start


def fault_of_findings(before: Iterable[Finding], after: Iterable[Finding], revealed: Container[Key]) -> str | None:
    """In what the findings of a file are worse than before: a rule has more of them. None if they are not.

    What has only come to light (`revealed`) is not counted.
    """
    old, new = list(before), [finding for finding in after if key_of(finding) not in revealed]
    more = sorted(_counts(new) - _counts(old))
    where = ", ".join(f"`{function}`" for function in functions_at_fault(old, new, revealed))
    return f"has more findings of {', '.join(more)} than before{f', in {where}' if where else ''}" if more else None


def functions_at_fault(before: Iterable[Finding], after: Iterable[Finding], revealed: Container[Key]) -> list[str]:
    """The functions that are worse, of the rules of which a text has more findings: the fixes there are at fault."""
    old, new = list(before), [finding for finding in after if key_of(finding) not in revealed]
    codes = _counts(new) - _counts(old)
    worse = Counter((f.code, f.function) for f in new if f.code in codes)
    worse -= Counter((f.code, f.function) for f in old if f.code in codes)
    return sorted({function for _, function in worse if function is not None})


def still_there(
    before: Iterable[Finding], after: Iterable[Finding], fixed: Iterable[Finding], revealed: Container[Key]
) -> str | None:
    """Why a round of fixes has failed: a finding that was to be fixed is still there."""
    fixed = list(fixed)
    old, new, wanted = _counts(before), _counts(f for f in after if key_of(f) not in revealed), _counts(fixed)
    left = sorted(code for code, number in wanted.items() if new[code] > old[code] - number)
    return f"{', '.join(left)} would still be found in the rewritten code" if left else None


def _counts(findings: Iterable[Finding]) -> Counter[str]:
    return Counter(finding.code for finding in findings)
