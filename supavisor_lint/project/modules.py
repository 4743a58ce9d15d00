"""Which file is a module: dotted names to paths, for flat, `src/` and multi-package layouts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import PurePosixPath


class ModuleIndex:
    """The Python files of a project (relative POSIX paths) and the rules by which imports find them.

    Import roots are the ones that the settings name (`src`); else, for each importing file, its ancestor folders
    that are no packages themselves, with the `src` folders in them; then all other folders called `src`, if they agree.
    """

    def __init__(self, paths: Iterable[str], src: tuple[str, ...] | None) -> None:
        self._paths = frozenset(paths)
        self._folders = frozenset(str(parent) for path in self._paths for parent in PurePosixPath(path).parents)
        self._src = None if src is None else tuple(_normal(folder) for folder in src)
        self._extra = sorted(folder for folder in self._folders if PurePosixPath(folder).name == "src")
        self._roots = lru_cache(maxsize=None)(self._find_roots)
        self.resolve = lru_cache(maxsize=None)(self._resolve)

    def __contains__(self, path: str) -> bool:
        return path in self._paths

    def _resolve(self, importer: str, module: str, level: int) -> str | None:
        """The path of the module that `importer` (a path) names; a namespace package gives its folder's path.

        `level` counts leading dots. None when no file or folder of the project fits.
        """
        parts = [part for part in module.split(".") if part]
        if level:
            base = PurePosixPath(importer).parent
            for _ in range(level - 1):
                base = base.parent
            return self._find(str(base), parts)
        near, far = self._roots(str(PurePosixPath(importer).parent))
        found_near = [found for root in near if (found := self._find(root, parts)) is not None]
        found_far = {found for root in far if (found := self._find(root, parts)) is not None}
        files = [found for found in found_near if found in self._paths]
        if files or len(found_far) != 1:
            return next(iter(files or found_near), None)
        other = found_far.pop()  # Python takes a namespace package only where no root has a module of that name
        return found_near[0] if found_near and other not in self._paths else other

    def submodule(self, package: str, name: str) -> str | None:
        """The path of the module `name` inside a package (path of its `__init__.py`, or of its folder)."""
        folder = PurePosixPath(package)
        if folder.name == "__init__.py":
            folder = folder.parent
        elif package in self._paths:
            return None
        return self._find(str(folder), [name])

    def dotted_names(self, path: str) -> Iterator[str]:
        """Every dotted name under which a file may be imported, longest first."""
        pure = PurePosixPath(path)
        parts = list(pure.parent.parts) + ([] if pure.name == "__init__.py" else [pure.stem])
        for start in range(len(parts)):
            yield ".".join(parts[start:])

    def _find(self, root: str, parts: list[str]) -> str | None:
        base = "/".join([*([] if root == "." else [root]), *parts])
        if base + ".py" in self._paths:
            return base + ".py"
        init = f"{base}/__init__.py" if base else "__init__.py"
        if init in self._paths:
            return init
        return base if base in self._folders and parts else None

    def _find_roots(self, folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The roots for the files of a folder: its own, near ones first, and those of other parts of the tree."""
        if self._src is not None:
            return self._src, ()
        ancestors = ["."] if folder == "." else [folder, *(str(parent) for parent in PurePosixPath(folder).parents)]
        roots: list[str] = []
        for ancestor in ancestors:
            if ancestor == "." or f"{ancestor}/__init__.py" not in self._paths:
                roots.append(ancestor)
            inner = "src" if ancestor == "." else f"{ancestor}/src"
            if inner in self._folders:
                roots.append(inner)
        return tuple(dict.fromkeys(roots)), tuple(self._extra)


def _normal(folder: str) -> str:
    return str(PurePosixPath(folder))
