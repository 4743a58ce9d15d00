"""What must hold before a rewritten text may take the place of the old one (design, section 7)."""

from __future__ import annotations

import builtins
import re
import warnings
from collections import Counter
from collections.abc import Iterable

from supavisor_lint.facts.file import FileFacts, UnparsableFile, scope_of
from supavisor_lint.facts.layout import read_layout
from supavisor_lint.findings import Finding

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


_STANDS_FOR = {
    "SUP302": frozenset({"SUP301"}),
    "SUP308": frozenset({"SUP301"}),
    "SUP406": frozenset({"SUP301", "SUP308"}),
}
"""One fault gives one finding: what a finding of the first rule stands for is reported when that one is gone."""


def fault_of_findings(before: Iterable[Finding], after: Iterable[Finding], fixed: Iterable[Finding] = ()) -> str | None:
    """In what the findings of a file are worse than before: a rule has more of them. None if they are not.

    What the fixed findings stood for is nothing new.
    """
    old, new = _counts(before), _counts(after)
    known = _stood_for(fixed)
    more = sorted(code for code, number in new.items() if number > old[code] and code not in known)
    return f"has more findings of {', '.join(more)} than before" if more else None


def _stood_for(fixed: Iterable[Finding]) -> set[str]:
    return {code for finding in fixed for code in _STANDS_FOR.get(finding.code, ())}


def still_there(before: Iterable[Finding], after: Iterable[Finding], fixed: Iterable[Finding]) -> str | None:
    """Why a round of fixes has failed: a finding that was to be fixed is still there."""
    fixed = list(fixed)
    old, new, wanted, known = _counts(before), _counts(after), _counts(fixed), _stood_for(fixed)
    left = sorted(code for code, number in wanted.items() if new[code] > old[code] - number and code not in known)
    return f"{', '.join(left)} would still be found in the rewritten code" if left else None


def _counts(findings: Iterable[Finding]) -> Counter[str]:
    return Counter(finding.code for finding in findings)
