"""Files that cannot be read or parsed, and that other files need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from supavisor_lint.facts.file import UnparsableFile
from supavisor_lint.project.project import Failure, Project
from supavisor_lint.sources.reading import UndecodableFile, UnreadableFile


def what_fails(failure: Failure) -> str:
    """`cannot be read` or `cannot be parsed`."""
    return f"cannot be {'parsed' if isinstance(failure, UnparsableFile | UndecodableFile) else 'read'}"


def warnings_of_missing_names(project: Project) -> Iterator[str]:
    """One line for each broken file that some other file seems to import.

    Which names it defines nobody knows, so an import statement that holds the module's own name is taken for one.
    """
    for path, failure in sorted(project.failures.items()):
        name = _module_name(path).encode("utf-8", "surrogateescape")
        pattern = _import_of(name)
        if any(name in data and pattern.search(data) for data in _others(project, path)):
            yield f"{path} {what_fails(failure)} ({failure.reason}): names defined in it are unknown"


def _module_name(path: str) -> str:
    pure = PurePosixPath(path)
    return pure.parent.name if pure.name == "__init__.py" else pure.stem


def _import_of(name: bytes) -> re.Pattern[bytes]:
    word = re.escape(name)
    return re.compile(
        rb"^[ \t]*(?:(?:from|import)\b[^\n#]*|from[ \t]+[\w.]+[ \t]+import[ \t]*\([^)]*)\b%s\b" % word, re.MULTILINE
    )


def _others(project: Project, path: str) -> Iterable[bytes]:
    for other in project.paths:
        if other != path:
            try:
                yield project.bytes_of(other)
            except UnreadableFile:
                continue
