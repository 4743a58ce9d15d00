"""The flake8 plugin: the command line's findings inside flake8, which reads `noqa` and selects by itself."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flake8.exceptions import ExecutionError

from supavisor_lint import __version__
from supavisor_lint.report.concise import finding_text
from supavisor_lint.report.text import harmless

if TYPE_CHECKING:
    from supavisor_lint.run import Checker
    from supavisor_lint.settings import Settings

Line = tuple[int, int, str, type[Any]]
_FAILED = "SUP900"


class Plugin:
    """What flake8 makes of each file: it gives tree, name and lines, and collects what `run` yields."""

    name = "supavisor-lint"
    version = __version__

    def __init__(self, tree: ast.AST, filename: str, lines: Sequence[str]) -> None:
        """Take the file: `lines` with their ends; `filename` as flake8 shows it (`stdin` for "-")."""
        self._filename = filename
        self._lines = lines

    def run(self) -> Iterator[Line]:
        """Yield (line, 0-based column, `CODE message`, the class) for each finding.

        An analysis that fails becomes a SUP900 on the first line, because an exception would abort flake8's whole run.
        That is right only for settings that cannot be used: flake8 ends with one clear report and the exit code 1,
        in one process or in many.
        """
        try:
            found = list(_findings(self._filename, "".join(self._lines)))
        except ExecutionError:
            raise
        except Exception as error:
            found = [(1, 0, f"{_FAILED} internal error: {harmless(f'{type(error).__name__}: {error}')}")]
        for line, column, text in found:
            yield line, column, text, type(self)


def _findings(filename: str, text: str) -> Iterator[tuple[int, int, str]]:
    from supavisor_lint.sources.discovery import is_excluded

    path = Path(os.path.abspath(filename))  # noqa: PTH100 (keeps symlinks)
    root = _root(path.parent)
    checker, settings = _checker(root)
    if is_excluded(path, root, settings):
        return
    for finding in checker.check(path, text):
        yield finding.span.line, finding.span.column - 1, finding_text(finding)


@cache
def _root(folder: Path) -> Path:
    """Give the root of the files in a folder; a folder that does not exist counts as its parent."""
    from supavisor_lint.sources.roots import find_root

    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return find_root(folder)


@cache
def _checker(root: Path) -> tuple[Checker, Settings]:
    """Give the root's checker and settings, once per process; raises flake8's own ExecutionError for bad settings."""
    from supavisor_lint.run import Checker
    from supavisor_lint.sources.config import SettingsError, load_settings

    try:
        settings = load_settings(root, None, False)
        return Checker(root, settings), settings
    except SettingsError as error:
        raise ExecutionError("\n".join(f"supavisor-lint: error: {harmless(line)}" for line in error.lines)) from error
