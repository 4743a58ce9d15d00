"""The options for a repository with old findings: a baseline that is read or written, and `noqa` comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from supavisor_lint.cli.errors import Failure, warn
from supavisor_lint.cli.given_path import GivenPath
from supavisor_lint.cli.option_groups import option_group
from supavisor_lint.cli.output import write_atomically
from supavisor_lint.report.model import Display, count
from supavisor_lint.report.text import harmless

if TYPE_CHECKING:
    from supavisor_lint.baseline import Baseline
    from supavisor_lint.fixing import Fixed
    from supavisor_lint.report.identity import Key
    from supavisor_lint.run import Job, Result

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class AdoptionOptions:
    """What the command line asks for: `write` puts what is found into `baseline`, which otherwise hides it.

    `add_noqa` puts a comment on the line of each finding that is left.
    """

    baseline: Path | None
    write: bool
    add_noqa: bool

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> AdoptionOptions:
        """Read the options of `adoption_options`; a UsageError says what contradicts itself."""
        if given["write_baseline"] and given["baseline"] is None:
            raise click.UsageError("--write-baseline needs --baseline FILE, the file to write.")
        if given["write_baseline"] and given["add_noqa"]:
            raise click.UsageError("--write-baseline and --add-noqa exclude each other.")
        return cls(given["baseline"], given["write_baseline"], given["add_noqa"])

    def check(self, *, fixing: bool, stdin: bool, anonymous: bool) -> None:
        """Refuse what contradicts other options. `stdin`: the code comes from there, `anonymous` without a name."""
        if self.add_noqa and fixing:
            raise click.UsageError("--add-noqa is for what is left: fix first, in a run of its own.")
        if self.add_noqa and stdin:
            raise click.UsageError('--add-noqa cannot be combined with "-": it writes to files.')
        if self.write and fixing:
            raise click.UsageError("--write-baseline writes down what is left: fix first, in a run of its own.")
        if self.write and anonymous:
            raise click.UsageError('--write-baseline needs a name for "-": give it by --stdin-filename.')

    def known(self, job: Job) -> Job:
        """Give the job with what the baseline knows; a run that writes it is to find everything."""
        if self.baseline is None:
            return job
        if self.write:
            _read_to_replace(self.baseline)  # what cannot be replaced is to be said before the work is done
            return job
        return replace(job, baseline=_read(self.baseline))

    def written(self, result: Result) -> tuple[Result, int]:
        """Write the baseline, if that is asked for.

        Gives the result that a check with it has, and how many findings the file had and keeps unseen.
        """
        if self.baseline is None or not self.write:
            return result, 0
        if result.problems:
            return replace(result, problems=(*result.problems, f"{self.baseline} was not written")), 0
        from supavisor_lint.baseline import divided, listed
        from supavisor_lint.baseline_file import render

        old = _read_to_replace(self.baseline)
        found = listed(result.findings, result.sources)
        new = old.updated(found, result.scope)
        write_atomically(self.baseline, render(new))
        left, known = divided(result.findings)
        return replace(result, findings=left, baselined=known), sum(new.counts.values()) - sum(found.values())

    def suppressed(self, job: Job) -> tuple[Result, Fixed]:
        """Add the comments to the files, and say what is left then."""
        from supavisor_lint import adding_noqa, fixing

        fixed = fixing.write(job, adding_noqa.add_noqa(job))
        return fixed.result, fixed

    def say_what_is_stale(self, job: Job, result: Result, display: Display) -> None:
        """Warn, in one line, of findings that the baseline has and that are gone."""
        if self.baseline is None or self.write or result.problems:
            return
        from supavisor_lint.baseline import listed

        stale = job.baseline.stale(listed(result.baselined, result.sources), result.scope)
        if stale:
            number = sum(stale.values())
            gone = f"{count(number, 'finding')} that {'is' if number == 1 else 'are'} gone"
            places = ", ".join(_places(stale, display))
            warn(f"{self.baseline} lists {gone} ({places}): shrink it with --write-baseline")

    def last_lines(self, result: Result, kept: int) -> Iterator[str]:
        """Say what was written, and how many findings were `kept` (see `written`)."""
        if self.baseline is not None and self.write and not result.problems:
            places = len({finding.path for finding in result.baselined})
            number = f"{count(len(result.baselined), 'finding')} in {count(places, 'file')}"
            line = f"wrote {harmless(str(self.baseline))}: {number if places else 'no findings'}"
            yield f"{line}, kept {kept} that this run did not look for" if kept else line


def _places(stale: Mapping[Key, int], display: Display) -> Iterator[str]:
    """Name the first findings that are gone, and how many more there are."""
    for key, number in list(stale.items())[:_SHOWN]:
        yield f"{display(key.path)}: " + (f"{number} × {key.code}" if number > 1 else key.code)
    more = sum(list(stale.values())[_SHOWN:])
    if more:
        yield f"and {more} more"


def _read(path: Path) -> Baseline:
    """Read a baseline that must be there."""
    from supavisor_lint.baseline_file import BadBaseline, parse

    text = _text_of(path)
    if text is None:
        raise Failure(f"{path}: there is no such baseline; write it with --write-baseline")
    try:
        return parse(text)
    except BadBaseline as error:
        raise Failure(f"{path}: {error.reason}") from error


def _read_to_replace(path: Path) -> Baseline:
    """Read the baseline that a new one is to replace, if there is any; nothing else is overwritten."""
    from supavisor_lint.baseline import Baseline
    from supavisor_lint.baseline_file import BadBaseline, MergeConflict, parse, recovered

    text = _text_of(path)
    if text is None or not text.strip():
        return Baseline()
    try:
        try:
            return parse(text)
        except MergeConflict:
            return recovered(text)
    except BadBaseline as error:
        raise Failure(f"{path}: {error.reason}; it was not overwritten") from error


def _text_of(path: Path) -> str | None:
    """Give what a file holds; None if there is none."""
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise Failure(f"{path}: is no baseline: no UTF-8") from error
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}") from error


adoption_options = option_group(
    click.option(
        "--baseline",
        type=GivenPath(),
        metavar="FILE",
        help="Report only what is not in this file.",
    ),
    click.option("--write-baseline", is_flag=True, help="Write what is found into that file."),
    click.option("--add-noqa", is_flag=True, help="Put a noqa comment on what is found."),
)
"""The options for old findings, as one decorator of a command."""
