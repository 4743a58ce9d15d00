"""The files in which a project says which packages it needs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
_NAMED = (*LOCKS, "pyproject.toml", "requirements.txt")
_FOLDER = "requirements"


def requirement_files(root: Path, path: str) -> Iterator[list[tuple[str, str]]]:
    """For each folder from that of a file up to the root: the relative paths and texts of its requirement files.

    `path` is relative to the root and POSIX; of a file outside the root nothing is known. In a folder the lock files
    come first, requirements.txt before other requirement files. What cannot be read is left out.
    """
    if os.path.isabs(path):  # noqa: PTH117 - a string that is POSIX on every system
        return
    folder = path.rpartition("/")[0]
    while True:
        found = [read for name in _names(root / folder) if (read := _read(root, f"{folder}/{name}".lstrip("/")))]
        if found:
            yield found
        if not folder:
            return
        folder = folder.rpartition("/")[0]


def _names(folder: Path) -> list[str]:
    names = _listed(folder)
    texts = sorted(name for name in names if _is_requirements(name) and name not in _NAMED)
    inner = (f"{_FOLDER}/{name}" for name in sorted(_listed(folder / _FOLDER)) if name.endswith(".txt"))
    return [*(name for name in _NAMED if name in names), *texts, *(inner if _FOLDER in names else ())]


def _is_requirements(name: str) -> bool:
    return name.startswith("requirements") and name.endswith(".txt")


def _listed(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - names only
    except OSError:
        return frozenset()


def _read(root: Path, relative: str) -> tuple[str, str] | None:
    try:
        return relative, (root / relative).read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
