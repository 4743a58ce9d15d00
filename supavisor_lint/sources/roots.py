"""The root of a run: one for all the paths that it is given."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from supavisor_lint.sources.config import find_root


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
