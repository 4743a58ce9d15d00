"""`--interactive`: one fix at a time, with what it changes, and an answer that is asked for once."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Literal

import click

from supavisor_lint.cli.errors import Failure
from supavisor_lint.cli.output import click_style, diff_lines
from supavisor_lint.report.concise import finding_text, position
from supavisor_lint.report.diff import changed_lines, unified
from supavisor_lint.report.model import Display
from supavisor_lint.report.text import harmless

if TYPE_CHECKING:
    from supavisor_lint.findings import Finding, Fix

Answer = Literal["y", "n", "a", "q"]
_ANSWERS: dict[str, Answer] = {"y": "y", "yes": "y", "n": "n", "no": "n", "a": "a", "all": "a", "q": "q", "quit": "q"}
_ENCODING = ("utf-8", "surrogatepass")


class Questions:
    """Asks on stderr, and reads answers from stdin: yes, no, all (yes from here on), quit (no from here on).

    The loop asks again what has been answered: about a fix that was declined in every round, about everything when a
    file is taken out and the rest is done anew. The same fix of the same text gets the same answer. In a text that has
    changed since, a fix is known again by its lines, as often as it was declined.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self._rest: bool | None = None
        self._answered = False
        self._known: dict[tuple[str, str, Fix], bool] = {}
        self._declined: Counter[tuple[str, bytes]] = Counter()
        self._text = ("", "")
        self._still_declined: Counter[tuple[str, bytes]] = Counter()

    def __call__(self, path: str, text: str, finding: Finding) -> bool:
        """Whether the fix of a finding is to be applied to a text."""
        if finding.fix is None:
            return False
        if self._text != (path, text):
            self._text = (path, text)
            self._still_declined = Counter(self._declined)
        same = (path, text, finding.fix)
        if same not in self._known:
            self._known[same] = self._answer(path, text, finding, finding.fix)
        return self._known[same]

    def _answer(self, path: str, text: str, finding: Finding, fix: Fix) -> bool:
        before, after = text.encode(*_ENCODING), _applied(text, fix).encode(*_ENCODING)
        lines = (path, changed_lines(before, after))
        if self._still_declined[lines]:
            self._still_declined[lines] -= 1
            return False
        if self._rest is not None:
            return self._rest
        self._show(finding, fix, unified(path, before, after))
        answer = self._read()
        if answer in ("a", "q"):
            self._rest = answer == "a"
        if answer == "n":
            self._declined[lines] += 1
        return answer in ("y", "a")

    def _show(self, finding: Finding, fix: Fix, diff: bytes) -> None:
        where = position(self._display(finding.path), finding.span.line, finding.span.column, click_style)
        click.echo(f"{where}: {finding_text(finding)}", err=True)
        click.echo(f"fix ({fix.applicability}): {harmless(fix.title)}", err=True)
        for line in list(diff_lines(diff))[2:]:
            click.echo(line, err=True)

    def _read(self) -> Answer:
        while True:
            click.echo("Apply this fix? [y]es, [n]o, [a]ll from here on, [q]uit: ", err=True, nl=False)
            line = sys.stdin.readline() if sys.stdin is not None else ""
            if not line and not self._answered:
                click.echo(err=True)
                raise Failure("--interactive: stdin has no answer")
            if line and not sys.stdin.isatty():
                click.echo(line.strip(), err=True)  # a terminal has shown it already
            answer = _ANSWERS.get(line.strip().lower()) if line else "q"
            if answer is not None:
                self._answered = True
                return answer


def _applied(text: str, fix: Fix) -> str:
    from supavisor_lint.rewrites.source import applied  # with LibCST

    return applied(text, fix.edits)
