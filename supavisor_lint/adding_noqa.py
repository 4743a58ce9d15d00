"""`--add-noqa`: a comment for every finding that is left, so that only new ones are reported from then on.

All in memory first. A file is changed only if its code is the same, none of these findings is left, and no other one
has come or gone.
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from supavisor_lint.engine import Analysis, Engine
from supavisor_lint.findings import Finding
from supavisor_lint.fixing import Builder, Change, Fixed
from supavisor_lint.run import Job, check_job, collect, renamed, room_for_trees
from supavisor_lint.sources.noqa_writing import Unsuppressible, with_noqa
from supavisor_lint.sources.writing import encode_like

_NEVER = {
    "SUP900": "a file that cannot be read is not suppressed: mend it, or exclude it",
    "SUP901": "a `noqa` for nothing is not suppressed by another: --fix removes it",
}


@dataclass(frozen=True, slots=True)
class _Noted:
    """One file with its comments: the texts and what was found before, the findings that the comments are for."""

    path: str
    before: str
    after: str
    found: Analysis
    suppressed: tuple[Finding, ...]
    impossible: tuple[Unsuppressible, ...]


def add_noqa(job: Job) -> Fixed:
    """Suppress what is found in the files of a job, in memory; `fixed` are the findings that got a comment."""
    with room_for_trees():
        if not job.asked:
            return Fixed(check_job(job))
        build = Builder(job)
        build.read_candidates()
        engine = build({})
        noted = [one for path, text in sorted(build.texts.items()) if (one := _noted(engine, path, text)) is not None]
        failures = {one.path: why for one in noted if (why := build.refuse(one.path, one.after)) is not None}
        good = [one for one in noted if one.path not in failures]
        engine = build({one.path: one.after for one in good})
        faults = {one.path: why for one in good if (why := _fault(engine, one)) is not None}
        if faults:
            good = [one for one in good if one.path not in faults]
            engine = build({one.path: one.after for one in good})
        result = collect(job, engine)
        return Fixed(
            replace(result, warnings=(*result.warnings, *_remarks(noted, result.findings))),
            tuple(_change(build, one) for one in good if one.after != one.before),
            tuple(renamed(finding, job.shown_as) for one in good for finding in one.suppressed),
            failures | faults,
        )


def _noted(engine: Engine, path: str, text: str) -> _Noted | None:
    """A file with a comment for each of its findings; None if there is none that can have one."""
    found = engine.analyse_text(path, text)
    wanted = [finding for finding in found.findings if finding.code not in _NEVER]
    if not wanted:
        return None
    after, impossible = with_noqa(text, [(finding.span.line, finding.code) for finding in wanted])
    left = {(one.line, one.code) for one in impossible}
    suppressed = tuple(finding for finding in wanted if (finding.span.line, finding.code) not in left)
    return _Noted(path, text, after, found, suppressed, impossible)


def _fault(engine: Engine, one: _Noted) -> str | None:
    """Why the comments must not be written; None if all is well."""
    if _tree(one.before) != _tree(one.after):
        return "the code would be another"
    found = engine.analyse_text(one.path, one.after)
    before, after = _counts(_all(one.found)), _counts(_all(found))
    if before != after:
        codes = ", ".join(sorted({code for code, *_ in (before - after) + (after - before)}))
        return f"other findings would come or go: {codes}"
    left = _counts(found.findings) - (_counts(one.found.findings) - _counts(one.suppressed))
    return f"{min(left)[0]} would still be found" if left else None


def _tree(text: str) -> str | None:
    """The code without its layout; None where this Python cannot tell."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _all(analysis: Analysis) -> Iterable[Finding]:
    return (*analysis.findings, *analysis.silenced)


def _counts(findings: Iterable[Finding]) -> Counter[tuple[str, int, str]]:
    """How many findings there are of each code, line and message: no comment moves a line."""
    return Counter((finding.code, finding.span.line, finding.message) for finding in findings)


def _remarks(noted: Iterable[_Noted], left: Iterable[Finding]) -> Iterator[str]:
    """Why some of the findings have no comment."""
    for one in noted:
        for line, code, reason in one.impossible:
            yield f"{one.path}:{line}: no comment can suppress {code}: {reason}"
    for code, number in sorted(Counter(finding.code for finding in left).items()):
        if code in _NEVER:
            yield f"{number} × {code}: {_NEVER[code]}"


def _change(build: Builder, one: _Noted) -> Change:
    old = build.bytes[one.path]
    return Change(one.path, one.before, one.after, old, encode_like(one.after, old))
