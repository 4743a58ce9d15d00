"""What the project's imports call its modules, and from which folders they start."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from supavisor_lint.project.project import Project
from supavisor_lint.sources.reading import UnreadableFile

_IMPORT = re.compile(
    rb"""^[ \t]*(?:
        from[ \t]+ (?P<package>[\w.]+) [ \t]+import\b [ \t]* (?: \( (?P<several>[^)]*) | (?P<names>[^\n(\#]*) )
        | import[ \t]+ (?P<module>[\w.]+)
    )""",
    re.MULTILINE | re.VERBOSE,
)
_COMMENT = re.compile(rb"#[^\n]*")


class ImportNames:
    """Read from the absolute imports of all files, by their bytes: what leads to a file of the project is one."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._names: dict[str, Counter[str]] = {}
        self._roots: Counter[str] = Counter()
        for path in project.paths:
            for dotted in self._imported(path):
                self._count(path, dotted)

    def _imported(self, path: str) -> Iterator[str]:
        """The absolute names of modules that a file imports, or imports from."""
        try:
            data = self._project.bytes_of(path)
        except UnreadableFile:
            return
        for match in _IMPORT.finditer(data):
            if match["module"] is not None:
                yield match["module"].decode(errors="replace")
            elif not match["package"].startswith(b"."):
                names = _COMMENT.sub(b"", match["several"] or match["names"] or b"")
                yield from self._imported_from(path, match["package"].decode(errors="replace"), names)

    def _imported_from(self, path: str, module: str, names: bytes) -> Iterator[str]:
        package = self._project.module(path, module, 0)
        listed = [name.split()[0].decode(errors="replace") for name in names.split(b",") if name.split()]
        inner = [name for name in listed if package is not None and self._project.submodule(package, name) is not None]
        yield from (f"{module}.{name}" for name in inner)
        if len(inner) < len(listed) or not listed:
            yield module

    def _count(self, importer: str, dotted: str) -> None:
        path = self._project.module(importer, dotted, 0)
        if path is not None and path.endswith(".py"):
            self._names.setdefault(path, Counter())[dotted] += 1
            self._roots[_root(path, dotted)] += 1

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders (relative, POSIX) that imports start from, the most used first."""
        return tuple(root for root, _ in sorted(self._roots.items(), key=lambda item: (-item[1], item[0])))

    def of(self, path: str) -> str:
        """The dotted name of a module: as most imports spell it, else as they would."""
        spelled = self._names.get(path)
        if spelled:
            return min(spelled, key=lambda name: (-spelled[name], name))
        names = [name for name in self._project.dotted_names(path) if self._project.module(path, name, 0) == path]
        by_root = {_root(path, name): name for name in names}
        wanted = (*self.roots, self._above_packages(path))
        known = next((by_root[root] for root in wanted if root in by_root), None)
        return known or (names[0] if names else PurePosixPath(path).stem)

    def _above_packages(self, path: str) -> str | None:
        """The nearest folder above a file's package that is none itself; None for a file in no package."""
        folder = PurePosixPath(path).parent
        if f"{folder}/__init__.py" not in self._project.paths:
            return "src" if path.startswith("src/") else None
        while str(folder) != "." and f"{folder}/__init__.py" in self._project.paths:
            folder = folder.parent
        return str(folder)


def _root(path: str, dotted: str) -> str:
    """The folder from which a dotted name leads to a file."""
    parts = PurePosixPath(path).with_suffix("").parts
    own = len(dotted.split(".")) + (parts[-1] == "__init__")
    return "/".join(parts[: len(parts) - own]) or "."
