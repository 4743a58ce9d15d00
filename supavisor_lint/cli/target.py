"""What a command is to look at: paths, or a text from standard input; and the root of the project it belongs to."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from supavisor_lint.cli.errors import Failure

if TYPE_CHECKING:
    from supavisor_lint.run import Job
    from supavisor_lint.settings import Settings
    from supavisor_lint.sources.watching import Watch

_STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class Target:
    """The paths, or (`data` is not None) the bytes from standard input and the name that they were given."""

    root: Path
    paths: tuple[Path, ...]
    data: bytes | None = None
    filename: Path | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether it is a text without a name."""
        return self.data is not None and self.filename is None

    def job(self, settings: Settings, watch: Watch) -> Job:
        """Give the files to look at, with what is known of the project."""
        from supavisor_lint import run

        if self.data is not None:
            job = run.job_of_stdin(self.data, self.filename, self.root, settings)
        else:
            job = run.job_of_paths(self.paths, self.root, settings)
        return replace(job, watch=watch)


def is_stdin(paths: tuple[Path, ...], stdin_filename: Path | None) -> bool:
    """Say whether the text comes from standard input; a UsageError says what contradicts itself."""
    stdin = _STDIN in paths
    if stdin and len(paths) > 1:
        raise click.UsageError('"-" cannot be combined with other paths.')
    if stdin_filename is not None and not stdin:
        raise click.UsageError('--stdin-filename needs "-" as the path.')
    return stdin


def target_of(paths: tuple[Path, ...], stdin_filename: Path | None, config: Path | None) -> Target:
    """Give what the arguments name: by default the current folder. It reads standard input for `-`."""
    from supavisor_lint.sources.roots import root_of

    if is_stdin(paths, stdin_filename):
        root = root_of([stdin_filename] if stdin_filename else [], config)
        return Target(root, paths, _standard_input(), stdin_filename)
    paths = paths or (Path(),)
    return Target(root_of(paths, config), paths)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise Failure("stdin is closed")
    return sys.stdin.buffer.read()
