"""What the renderers share: the counts of a run and the colours, as plain data and callables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Role = Literal["path", "code", "error", "warning", "info", "caret", "dim", "heading"]

Style = Callable[[str, Role], str]
"""Takes a text and the part it plays; gives the text as it is to be shown, with or without colour codes."""

Display = Callable[[str], str]
"""Takes a finding's path (relative to the root, POSIX); gives the path as the reader wants to see it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts that close a report: files looked at, analysed to the end, not readable, and findings."""

    files: int
    analysed: int
    failed: int
    findings: int
    fixed: int
    suppressed: int


def plain(text: str, role: Role) -> str:
    """Give the text without any colour: the style for files and for tests."""
    return text


def unchanged(path: str) -> str:
    """Give the path relative to the root as it is: the display for files and for tests."""
    return path


def count(number: int, noun: str) -> str:
    """Give the number with its noun in the right form: `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
