"""The root of a run: one for all the paths that it is given; and the folder that its settings belong into."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from supavisor_lint.sources import toml

TABLE = "supavisor-lint"
SETTINGS_FILE = "pyproject.toml"
_PROJECT_FILES = (SETTINGS_FILE, "setup.cfg", "setup.py")


def root_of(paths: Iterable[Path], config: Path | None = None) -> Path:
    """Give the root of the paths' common folder, or the folder of `config` if that lies above it.

    Missing paths do not count, unless all are missing.
    """
    given = list(paths)
    found = [path for path in given if os.path.exists(path)] or given  # noqa: PTH110 (never raises)
    folders = []
    for path in found:
        folder = Path(os.path.abspath(path))  # noqa: PTH100 (keeps symlinks)
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        folders.append(folder)
    start = Path.cwd()
    with contextlib.suppress(ValueError):  # none, or on several drives
        start = Path(os.path.commonpath(folders))
    if config is not None:
        above = Path(os.path.abspath(config)).parent  # noqa: PTH100
        if start.is_relative_to(above):
            return above
    return find_root(start)


def find_root(start: Path) -> Path:
    """The root for a file or folder, absolute: the nearest folder at or above it that is one.

    The first choice is a folder whose pyproject.toml has a `[tool.supavisor-lint]` table, then one with a
    `.git`, then one with a pyproject.toml, setup.cfg or setup.py; last the current folder if `start` is below it, else
    the folder of `start` itself.
    Never raises: a broken pyproject.toml that mentions the table counts, and `load_settings` says what is wrong.
    """
    start = Path(os.path.abspath(start))  # noqa: PTH100 - resolve() would follow links
    folder = start if os.path.isdir(start) else start.parent  # noqa: PTH112 - it never raises
    folders = (folder, *folder.parents)
    for is_root in (_has_table, _has_git, _has_project_file):
        for candidate in folders:
            if is_root(candidate):
                return candidate
    here = Path.cwd()
    return here if folder.is_relative_to(here) else folder


def home_of_settings(start: Path) -> Path:
    """The folder, absolute, whose pyproject.toml the settings for a file or folder belong into.

    The nearest one at or above it whose pyproject.toml has them already, else the nearest that has a pyproject.toml and
    is not above its repository, else the root.
    """
    root = find_root(start)
    if _has_table(root):
        return root
    start = Path(os.path.abspath(start))  # noqa: PTH100 - as in find_root
    for folder in (start, *start.parents):
        if exists(folder / SETTINGS_FILE):
            return folder
        if folder == root or _has_git(folder):
            break
    return root


def _has_table(folder: Path) -> bool:
    try:
        data = (folder / SETTINGS_FILE).read_bytes()
    except OSError:
        return False
    if TABLE.encode() not in data:
        return False
    try:
        tool = toml.parse(data.decode()).get("tool")
    except ValueError:
        return True
    return isinstance(tool, dict) and TABLE in tool


def _has_git(folder: Path) -> bool:
    return exists(folder / ".git")


def _has_project_file(folder: Path) -> bool:
    return any(exists(folder / name) for name in _PROJECT_FILES)


def exists(path: Path) -> bool:
    """Whether a path leads to something; never raises."""
    try:
        return path.exists()
    except OSError:  # a folder that may not be searched
        return False
