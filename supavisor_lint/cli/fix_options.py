"""The options for fixing: what they mean together, and one run with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from supavisor_lint.cli.option_groups import option_group
from supavisor_lint.cli.output import out_bytes
from supavisor_lint.report.diff import unified
from supavisor_lint.report.model import Display
from supavisor_lint.report.text import harmless

if TYPE_CHECKING:
    from supavisor_lint.findings import Finding
    from supavisor_lint.fixing import Fixed
    from supavisor_lint.run import Job


@dataclass(frozen=True, slots=True)
class FixOptions:
    """What the command line asks for: `fix` writes, `diff` only shows, `interactive` asks first and writes."""

    fix: bool
    unsafe: bool
    diff: bool
    interactive: bool

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> FixOptions:
        """Read the options of `fix_options`."""
        return cls(given["fix"], given["unsafe_fixes"], given["diff"], given["interactive"])

    @property
    def wanted(self) -> bool:
        """Whether anything is to be fixed, be it only on paper."""
        return self.fix or self.diff or self.interactive

    @property
    def writes(self) -> bool:
        """Whether what is fixed stays so."""
        return self.fix or self.interactive

    def check(self, *, stdin: bool, report_on_stdout: bool) -> None:
        """Refuse what contradicts itself. `report_on_stdout`: a report is asked for that only stdout could take."""
        if self.diff and (self.fix or self.interactive):
            other = "--fix" if self.fix else "--interactive"
            raise click.UsageError(f"{other} and --diff exclude each other: --diff writes nothing.")
        if self.interactive and stdin:
            raise click.UsageError('--interactive cannot be combined with "-": stdin holds the code.')
        if self.diff and report_on_stdout:
            raise click.UsageError("--diff takes stdout for itself: a report beside it needs --output-file.")

    def run(self, job: Job, display: Display) -> Fixed:
        """Fix a job's files, and write them; with `--diff` and on stdin what is written goes to stdout."""
        from supavisor_lint import fixing

        approve = None
        if self.interactive:
            from supavisor_lint.cli.interactive import Questions

            approve = Questions(display)
        fixed = fixing.fix(job, unsafe=self.unsafe, approve=approve)
        if self.diff:
            for change in fixed.changes:
                out_bytes(unified(job.shown_as.get(change.path, change.path), change.old, change.new))
        elif not job.overlay:
            fixed = fixing.write(job, fixed)
        return fixed


def text_for_stdout(fixed: Fixed, data: bytes) -> bytes:
    """What becomes of the text that came from stdin: itself, if nothing in it was fixed."""
    return next((change.new for change in fixed.changes), data)


def nothing_asked(fixed: Fixed, fixes: FixOptions) -> Iterator[str]:
    """One line where `--interactive` had no fix to ask about, though there are findings."""
    on_offer = [f.fix.applicability for f in fixed.result.findings if f.fix is not None]
    was_asked = fixed.fixed or fixed.failures or "safe" in on_offer or (fixes.unsafe and on_offer)
    if fixes.interactive and fixed.result.findings and not was_asked:
        more = "; with --unsafe-fixes it asks about the unsafe ones too" if on_offer else ""
        yield f"--interactive: there is no {'safe fix' if on_offer else 'fix'} to ask about{more}."


def failed_fixes(fixed: Fixed | None, display: Display, what: str) -> tuple[str, ...]:
    """Give one line for each file that was to be changed and could not be; `what` has failed."""
    failures = sorted(fixed.failures.items()) if fixed is not None else ()
    return tuple(f"{display(path)}: {what}: {reason}" for path, reason in failures)


def fixed_lines(fixed: Iterable[Finding], display: Display, verbose: bool, done: str) -> Iterator[str]:
    """What was `done`, such as "fixed": one line for each file, or for each finding (its line is the one it had)."""
    by_path: dict[str, list[Finding]] = {}
    for finding in fixed:
        by_path.setdefault(finding.path, []).append(finding)
    for path, findings in sorted(by_path.items()):
        if verbose:
            for finding in findings:
                yield f"{done} {_one(finding, display)}"
        else:
            numbers = sorted(Counter(finding.code for finding in findings).items())
            yield f"{done} {harmless(display(path))}: " + ", ".join(f"{number} × {code}" for code, number in numbers)


def _one(finding: Finding, display: Display) -> str:
    title = f" ({finding.fix.title}, {finding.fix.applicability})" if finding.fix is not None else ""
    place = f"{harmless(display(finding.path))}:{finding.span.line}:{finding.span.column}"
    return f"{place}: {finding.code} {harmless(finding.message)}{harmless(title)}"


fix_options = option_group(
    click.option("--fix", is_flag=True, help="Apply the safe fixes."),
    click.option("--unsafe-fixes", is_flag=True, help="With --fix, --diff and --interactive: the others too."),
    click.option("--diff", is_flag=True, help="Show what --fix would change; write nothing."),
    click.option("--interactive", is_flag=True, help="Ask before each safe fix, then apply it."),
)
"""The options for fixing, as one decorator of a command."""
