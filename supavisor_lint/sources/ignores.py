"""Patterns in the language of `.gitignore`, and the `.gitignore` files of a tree.

Source of every fact: gitignore(5). The last pattern that matches decides, a deeper file outranks a higher
one, and nothing below an ignored directory comes back: so entries are asked for one by one on the way down.
Names and simple globs are matched here; `pathspec`, which costs an import, translates the rest. Unlike
git, a `?` or a bracket stands for a character, not a byte; patterns with classes (`[[:alpha:]]`) are skipped.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_GLOB = re.compile(r"[*?\[]")
_CHARACTER_CLASS = re.compile(r"\[.*\[:[a-z]+:\]")
_ONLY_PATHSPEC = re.compile(r"\\|\*\*|\[\^|\[[^\]]*$")


class _Rule(NamedTuple):
    """One pattern: `matches` gets the entry's name when `by_name`, else its path from the pattern's folder.

    `name` is set where the pattern is one bare name, `suffix` where it is `*` and plain text.
    """

    ignores: bool
    directories_only: bool
    by_name: bool
    matches: Callable[[str], object]
    name: str | None = None
    suffix: str | None = None


class Patterns:
    """A list of gitignore patterns, all relative to one folder."""

    __slots__ = ("_directory_names", "_directory_suffixes", "_names", "_rules", "_suffixes")

    def __init__(self, lines: Iterable[str]) -> None:
        rules = [rule for rule in map(_parse, lines) if rule is not None]
        is_ordered = not all(rule.ignores for rule in rules)  # a negation makes the order of the rules count
        at_once = [] if is_ordered else rules
        of_files = [rule for rule in at_once if not rule.directories_only]
        self._names = {rule.name for rule in of_files if rule.name}
        self._directory_names = {rule.name for rule in at_once if rule.name}
        self._suffixes = tuple(rule.suffix for rule in of_files if rule.suffix)
        self._directory_suffixes = tuple(rule.suffix for rule in at_once if rule.suffix)
        self._rules = [rule for rule in reversed(rules) if is_ordered or not (rule.name or rule.suffix)]

    def verdict(self, path: str, name: str, is_directory: bool) -> bool | None:
        """Whether the entry is ignored (True), brought back (False) or not mentioned (None).

        `path` is POSIX, relative to the patterns' folder, and ends with `name`.
        """
        if name in (self._directory_names if is_directory else self._names):
            return True
        if name.endswith(self._directory_suffixes if is_directory else self._suffixes):
            return True
        for rule in self._rules:
            if (is_directory or not rule.directories_only) and rule.matches(name if rule.by_name else path):
                return rule.ignores
        return None

    def excludes(self, path: str, is_directory: bool) -> bool:
        """Whether the entry or any folder on the way to it is ignored; `path` is relative and POSIX."""
        parts = path.split("/")
        last = len(parts) - 1
        return any(
            self.verdict("/".join(parts[: index + 1]), part, is_directory or index < last)
            for index, part in enumerate(parts)
        )


@lru_cache(maxsize=32)
def compiled(lines: tuple[str, ...]) -> Patterns:
    """The patterns of a setting, compiled once."""
    return Patterns(lines)


def _parse(line: str) -> _Rule | None:
    """The rule that a line of a `.gitignore` states; None for blanks, comments and what can match nothing."""
    if line.startswith("#"):
        return None
    if "\\" not in line:
        line = line.rstrip(" ")
    ignores = not line.startswith("!")
    body = line if ignores else line[1:]
    directories_only = body.endswith("/")
    body = body[:-1] if directories_only else body
    if not body or _CHARACTER_CLASS.search(body):
        return None
    return _rule(body, ignores, directories_only)


def _rule(body: str, ignores: bool, directories_only: bool) -> _Rule | None:
    if _ONLY_PATHSPEC.search(body) or ("/" in body and _GLOB.search(body)):
        return _rule_of_pathspec(body, ignores, directories_only)
    if "/" in body:
        return _Rule(ignores, directories_only, False, body.removeprefix("/").__eq__)
    if _GLOB.search(body):
        suffix = body[1:] if body[0] == "*" and not _GLOB.search(body, 1) else None
        matches = re.compile(fnmatch.translate(body)).match
        return _Rule(ignores, directories_only, True, matches, suffix=suffix)
    return _Rule(ignores, directories_only, True, body.__eq__, name=body)


def _rule_of_pathspec(body: str, ignores: bool, directories_only: bool) -> _Rule | None:
    from pathspec import GitIgnoreSpec

    try:
        (pattern,) = GitIgnoreSpec.from_lines([body]).patterns
    except (ValueError, re.error):
        return None  # such as a trailing backslash or the range z-a, which match nothing in git either
    regex: re.Pattern[str] | None = getattr(pattern, "regex", None)
    if regex is None:
        return None
    found = regex.match

    def matches(path: str) -> bool:
        """Whether the entry itself matches; pathspec marks a match of a folder above it with `ps_d`."""
        match = found(path)
        return match is not None and match.groupdict().get("ps_d") is None

    return _Rule(ignores, directories_only, False, matches)


class GitIgnores:
    """The ignore files that bear on one folder: its own patterns, and those of the folders above it.

    `base` is the absolute POSIX path that the own patterns are relative to.
    """

    __slots__ = ("_above", "_patterns", "_prefix_length")

    def __init__(self, base: str, patterns: Patterns, above: GitIgnores | None) -> None:
        self._prefix_length = len(base.rstrip("/")) + 1
        self._patterns = patterns
        self._above = above

    def ignores(self, path: str, name: str, is_directory: bool) -> bool:
        """Whether git ignores the entry at `path` (absolute, POSIX), when it ignores no folder above it."""
        level: GitIgnores | None = self
        while level is not None:
            verdict = level._patterns.verdict(path[level._prefix_length :], name, is_directory)
            if verdict is not None:
                return verdict
            level = level._above
        return False


def ignores_of(directory: str, root: str) -> GitIgnores | None:
    """The ignore files for `directory`, from the top of its git repository (without one: from `root`) down.

    Both paths are absolute and POSIX.
    """
    start = Path(directory)
    top = git_top(start) or (Path(root) if Path(root) in (start, *start.parents) else start)
    ignores = None
    for folder in reversed([start, *start.parents]):
        if folder == top or top in folder.parents:
            ignores = entered(folder.as_posix(), ignores, is_top=folder == top)
    return ignores


def entered(directory: str, above: GitIgnores | None, *, is_top: bool) -> GitIgnores | None:
    """The ignore files for `directory`, when `above` holds for the folder that contains it.

    At the top of a repository nothing above counts, but `.git/info/exclude` does.
    """
    if is_top:
        above = _level(directory, _info_exclude(Path(directory, ".git")), None)
    return _level(directory, Path(directory, ".gitignore"), above)


def git_top(directory: Path) -> Path | None:
    """The nearest folder, `directory` or above it, that holds a `.git`."""
    folders = (directory, *directory.parents)
    return next((folder for folder in folders if os.path.lexists(folder / ".git")), None)


def _level(base: str, file: Path | None, above: GitIgnores | None) -> GitIgnores | None:
    lines = _lines_of(file) if file else []
    return GitIgnores(base, Patterns(lines), above) if lines else above


def _lines_of(file: Path) -> list[str]:
    try:
        text = file.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except OSError:
        return []
    return [line.removesuffix("\r") for line in text.split("\n")]


def _info_exclude(git: Path) -> Path | None:
    """The repository's own ignore file; a worktree's `.git` is a file that points at it in two steps."""
    if git.is_dir():
        return git / "info" / "exclude"
    pointer = _first_line(git).removeprefix("gitdir:").strip()
    if not pointer:
        return None
    folder = git.parent / pointer
    return folder / (_first_line(folder / "commondir") or ".") / "info" / "exclude"


def _first_line(file: Path) -> str:
    return next(iter(_lines_of(file)), "")
