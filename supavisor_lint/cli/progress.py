"""A progress bar for people who wait: on stderr, only on a terminal, only for long runs, and gone at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

PATIENCE = 0.7
"""How many seconds a run may take before there is a bar."""
_ERASE = "\x1b[1A\x1b[2K"
"""Up to the line that the bar has left, and away with it."""


class Progress:
    """Shows how far each step of a run has come; `watch` is what the run is given."""

    def __init__(self, *, wanted: bool = True) -> None:
        self._shown = wanted and _is_watched()
        self._begin = time.monotonic() + PATIENCE
        self._bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def watch(self, step: str, paths: Sequence[str]) -> Iterator[str]:
        """Give the paths of a step one by one, and show how many are done."""
        for done, path in enumerate(paths):
            self._show(step, done, len(paths))
            yield path
        self._end()

    def _show(self, step: str, done: int, total: int) -> None:
        if not self._shown or time.monotonic() < self._begin:
            return
        if self._bar is None:
            self._bar = click.progressbar(length=total, label=step, file=sys.stderr, show_eta=False, show_pos=True)
            self._bar.__enter__()
        self._bar.update(done - self._bar.pos)

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
            sys.stderr.write(_ERASE)
            sys.stderr.flush()


def _is_watched() -> bool:
    """Whether somebody looks at stderr who can see a line being drawn again."""
    if sys.stderr is None or not sys.stderr.isatty():
        return False
    return os.environ.get("TERM") != "dumb" and os.environ.get("CI", "").lower() in {"", "0", "false"}
