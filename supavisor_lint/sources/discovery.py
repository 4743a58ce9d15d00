"""From the paths of a command line to the Python files to look at."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from supavisor_lint.settings import Settings
from supavisor_lint.sources.checks import nearest, resembling
from supavisor_lint.sources.ignores import GitIgnores, Patterns, compiled, entered, ignores_of

_LEADS_OUTSIDE = "a symbolic link that leads outside the root"
_TEST_FOLDERS = frozenset({"tests"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to look at: its absolute path, and its path from the root (outside it: absolute), both POSIX."""

    absolute: str
    relative: str

    @property
    def path(self) -> Path:
        """The absolute path; made when asked for, because making it costs more than finding the file."""
        return Path(self.absolute)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found, sorted by `relative`, and one line for each path that could not be looked at.

    `named` holds the relative paths of the files that the caller named themselves, `excluded` those of the paths
    that were named and are excluded.
    """

    files: tuple[SourceFile, ...]
    problems: tuple[str, ...]
    named: frozenset[str] = frozenset()
    excluded: tuple[str, ...] = ()


def discover(paths: Sequence[Path], root: Path, settings: Settings) -> Discovery:
    """Every Python file among `paths` and below them, each once; the order of `paths` changes nothing.

    A folder gives its `.py` files, without what `exclude`, `extend-exclude` and the repository's ignore files
    leave out, and without virtual environments. A file that is named itself is taken whatever its suffix and
    though git ignores it, but not when it is excluded. Links are followed to targets inside the root. A file
    with several names is taken once, by its real one if that is among them.
    """
    search = _Search(root, settings)
    for path in sorted({search.located(path) for path in paths}):
        search.add(path)
    search.follow_links()
    return search.result()


def is_excluded(path: Path, root: Path, settings: Settings) -> bool:
    """Whether `exclude` or `extend-exclude` names the file or a folder above it, up to the root."""
    search = _Search(root, settings)
    located = search.located(path)
    return search.excludes(located, search.base_of_file(located), is_directory=False)


def is_test_file(relative: str) -> bool:
    """Whether a path (POSIX, relative to the root) is a test's: by a folder `tests`, or by name (design, section 5).

    Of an absolute path, which is outside the root, only the name counts.
    """
    *folders, name = relative.split("/")
    if name == "conftest.py" or (name.startswith("test_") and name.endswith(".py")):
        return True
    return not relative.startswith("/") and not _TEST_FOLDERS.isdisjoint(folders)


class _Folder(NamedTuple):
    """A folder to read: `path` is shown, `real` is free of links, and patterns are relative to `base`."""

    path: str
    real: str
    base: str
    real_base: str
    ignores: GitIgnores | None
    is_start: bool = False


class _Link(NamedTuple):
    """A symbolic link to a file or folder whose target must lie inside `real_base`."""

    path: str
    base: str
    real_base: str
    is_directory: bool
    is_named: bool = False


class _Search:
    """The state of one discovery. All paths in it are absolute POSIX strings."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self._root = _absolute(root)
        self._real_root = _real(self._root)
        self._patterns: Patterns = compiled((*settings.exclude, *settings.extend_exclude))
        self._files: dict[str, str] = {}  # real path -> shown path
        self._named: set[str] = set()  # real paths
        self._excluded: set[str] = set()
        self._problems: set[str] = set()
        self._visited: set[str] = set()
        self._links: list[_Link] = []

    def result(self) -> Discovery:
        files = (SourceFile(path, self._relative(path)) for path in self._files.values())
        named = frozenset(self._relative(path) for real, path in self._files.items() if real in self._named)
        return Discovery(
            tuple(sorted(files, key=lambda file: file.relative)),
            tuple(sorted(self._problems)),
            named,
            tuple(sorted(self._excluded)),
        )

    def located(self, path: Path) -> str:
        """The absolute path, below the root as it is written wherever it is below the root in truth."""
        absolute = _absolute(path)
        if _is_below(absolute, self._root):
            return absolute
        folder, _, name = absolute.rpartition("/")
        real = f"{_real(folder or '/').rstrip('/')}/{name}"
        for candidate in (real, _real(absolute)):
            if _is_below(candidate, self._real_root):
                return self._root + candidate[len(self._real_root) :]
        return absolute

    def base_of_file(self, path: str) -> str:
        """The folder that patterns for a named file are relative to."""
        return self._root if _is_below(path, self._root) else path.rpartition("/")[0] or "/"

    def excludes(self, path: str, base: str, *, is_directory: bool) -> bool:
        relative = _from(base, path)
        return bool(relative) and self._patterns.excludes(relative, is_directory)

    def add(self, path: str) -> None:
        """Take a path that the caller named."""
        try:
            mode = Path(path).stat().st_mode
        except (OSError, ValueError) as error:
            self._problem(path, error)
            return
        if stat.S_ISDIR(mode):
            self._add_folder(path)
        elif stat.S_ISREG(mode):
            self._add_file(path)
        else:
            self._problems.add(f"{self._relative(path)}: neither a file nor a folder")

    def follow_links(self) -> None:
        """Take the links met so far, folders first, in an order that depends on their names only."""
        files: list[_Link] = []
        while self._links:
            links, self._links = sorted(self._links), []
            files += [link for link in links if not link.is_directory]
            for link in links:
                if link.is_directory and self._is_allowed(link):
                    ignores = ignores_of(link.path, self._root)
                    self._walk(_Folder(link.path, _real(link.path), link.base, link.real_base, ignores))
        for link in sorted(files):
            if self._is_allowed(link):
                self._files.setdefault(_real(link.path), link.path)

    def _add_folder(self, path: str) -> None:
        base, real = self._root if _is_below(path, self._root) else path, _real(path)
        if self.excludes(path, base, is_directory=True):
            self._excluded.add(self._relative(path))
            return
        if _is_below(real, _real(base)):
            ignores = ignores_of(path, self._root)
            self._walk(_Folder(path, real, base, _real(base), ignores, is_start=True))
        else:
            self._problems.add(f"{self._relative(path)}: {_LEADS_OUTSIDE}")

    def _add_file(self, path: str) -> None:
        base, real = self.base_of_file(path), _real(path)
        if self.excludes(path, base, is_directory=False):
            self._excluded.add(self._relative(path))
            return
        self._named.add(real)
        if _from(base, path) == _from(_real(base), real):
            self._files.setdefault(real, path)
        else:
            self._links.append(_Link(path, base, _real(base), is_directory=False, is_named=True))

    def _is_allowed(self, link: _Link) -> bool:
        """Whether the link's target is inside, and is not itself excluded."""
        real = _real(link.path)
        if _is_below(real, link.real_base):
            return not self.excludes(real, link.real_base, is_directory=link.is_directory)
        if link.is_named:
            self._problems.add(f"{self._relative(link.path)}: {_LEADS_OUTSIDE}")
        return False

    def _walk(self, start: _Folder) -> None:
        pending = [start]
        while pending:
            folder = pending.pop()
            if folder.real not in self._visited:
                self._visited.add(folder.real)
                pending += self._read(folder)

    def _read(self, folder: _Folder) -> Iterator[_Folder]:
        """Take the files of one folder, and give the folders in it that are to be read."""
        try:
            with os.scandir(folder.path) as scan:
                entries = list(scan)
        except OSError as error:
            self._problem(folder.path, error)
            return
        names = {entry.name for entry in entries}
        if "pyvenv.cfg" in names and not folder.is_start:
            self._visited.discard(folder.real)  # it may still be named itself
            return
        if not folder.is_start and not names.isdisjoint((".git", ".gitignore")):
            ignores = entered(folder.path, folder.ignores, is_top=".git" in names)
            folder = folder._replace(ignores=ignores)
        yield from self._sorted_out(folder, entries)

    def _sorted_out(self, folder: _Folder, entries: list[os.DirEntry[str]]) -> Iterator[_Folder]:
        prefix, real_prefix = folder.path.rstrip("/") + "/", folder.real.rstrip("/") + "/"
        for entry in entries:
            name = entry.name
            is_directory = entry.is_dir(follow_symlinks=False)
            if not is_directory and not name.endswith(".py") and not entry.is_symlink():
                continue
            path = prefix + name
            if entry.is_symlink():
                self._meet_link(folder, entry, path)
            elif self._is_left_out(folder, path, name, is_directory):
                continue
            elif is_directory:
                yield folder._replace(path=path, real=real_prefix + name, is_start=False)
            elif entry.is_file(follow_symlinks=False):
                self._files.setdefault(real_prefix + name, path)

    def _meet_link(self, folder: _Folder, entry: os.DirEntry[str], path: str) -> None:
        is_directory = _leads_to_folder(entry)
        wanted = is_directory or (entry.name.endswith(".py") and Path(path).is_file())
        if wanted and not self._is_left_out(folder, path, entry.name, is_directory):
            self._links.append(_Link(path, folder.base, folder.real_base, is_directory))

    def _is_left_out(self, folder: _Folder, path: str, name: str, is_directory: bool) -> bool:
        """Whether a pattern or an ignore file names the entry itself; the folders above were asked before."""
        if self._patterns.verdict(_from(folder.base, path), name, is_directory):
            return True
        return folder.ignores is not None and folder.ignores.ignores(path, name, is_directory)

    def _relative(self, path: str) -> str:
        return _from(self._root, path) or "." if _is_below(path, self._root) else path

    def _problem(self, path: str, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        hint = self._nearest(path) if isinstance(error, FileNotFoundError) else ""
        self._problems.add(f"{self._relative(path)}: {reason}{hint}")

    def _nearest(self, path: str) -> str:
        """`; did you mean "..."?` for a missing path whose name resembles that of a neighbour."""
        folder, _, name = path.rpartition("/")
        try:
            neighbours = [entry for entry in os.listdir(folder or "/") if entry != name]  # noqa: PTH208 (no objects needed)
        except OSError:
            return ""
        stem = PurePosixPath(name).stem  # by the endings, all Python files resemble each other
        similar = [entry for entry in neighbours if resembling(stem, [PurePosixPath(entry).stem], 1)]
        shown = self._relative(folder or "/")
        return nearest(name, similar, "" if shown == "." else f"{shown}/")


def _absolute(path: Path) -> str:
    return Path(os.path.abspath(path)).as_posix()  # noqa: PTH100 - resolve() would follow links


def _real(path: str) -> str:
    return Path(os.path.realpath(path)).as_posix()


def _is_below(path: str, base: str) -> bool:
    """Whether `path` is `base` or inside it."""
    return path == base or path.startswith(base.rstrip("/") + "/")


def _from(base: str, path: str) -> str:
    """The part of `path` below `base`, "" for `base` itself."""
    return path[len(base.rstrip("/")) + 1 :]


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
