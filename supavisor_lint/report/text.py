"""Foreign text made fit for a terminal: control characters shown, not obeyed; widths counted in cells."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

_ENDS = re.compile(r"\r\n|\r|\n")
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_TAB = 8
_ELLIPSIS = "..."
_SLACK = 4
"""At most this many code points per cell are looked at, so that a line of a megabyte costs nothing."""


def split_lines(source: str) -> list[str]:
    """Give the lines of a Python source without their ends; only CR, LF and CRLF end a line in Python."""
    return _ENDS.split(source.removeprefix("\ufeff"))


def harmless(text: str) -> str:
    """Give the text with every control, format and surrogate character as an escape (`\\x1b`, `\\u202e`)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if " " <= char <= "~" or unicodedata.category(char) not in _HARMFUL:
        return char
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def _cell(char: str) -> tuple[str, int]:
    """Give a character of a source line as it is shown, and how many cells it takes."""
    if " " <= char <= "~":
        return char, 1
    if char == "\t":
        return char, _TAB
    shown = _shown(char)
    if len(shown) > 1:
        return shown, len(shown)
    if unicodedata.category(char) in {"Mn", "Me"}:
        return shown, 0
    return shown, 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _cells(text: str) -> int:
    return sum(_cell(char)[1] for char in text)


def _first_shown(line: str, start: int, end: int, width: int) -> int:
    """Give the index at which the crop of too long a line begins: 0 if the span is near the beginning."""
    if end <= width * _SLACK and _cells(line[:end]) <= width - len(_ELLIPSIS):
        return 0
    first, room = start, width // 3
    while first > max(0, start - width * _SLACK):
        room -= _cell(line[first - 1])[1]
        if room < 0:
            break
        first -= 1
    return first


def underline(line: str, start: int, end: int, width: int) -> tuple[str, str]:
    """Show a line of source with a stretch of it underlined.

    In: the line without its end, the stretch as 0-based indices (clipped to the line, at least one caret),
    and the width to stay in. Out: the line as shown, cropped round the stretch if it is too long, and the
    line of carets that goes below it: tabs are copied, wide characters take two cells, so that it aligns.
    """
    start = min(max(start, 0), len(line))
    end = min(max(end, start), len(line))
    whole = len(line) <= width * _SLACK and _cells(line) <= width
    first = 0 if whole else _first_shown(line, start, end, width)
    room = width if whole else width - len(_ELLIPSIS) - (len(_ELLIPSIS) if first else 0)
    shown: list[str] = []
    marks: list[str] = []
    last = first
    while last < len(line) and last - first <= width * _SLACK:
        text, cells = _cell(line[last])
        if cells > room and last > start:
            break
        room -= cells
        shown.append(text)
        if last < end:
            marks.append("\t" if text == "\t" else ("^" if last >= start else " ") * cells)
        last += 1
    carets = "".join(marks)
    if "^" not in carets:
        carets += "^"
    before = _ELLIPSIS if first else ""
    after = _ELLIPSIS if last < len(line) else ""
    return before + "".join(shown) + after, " " * len(before) + carets


def width_of(text: str) -> int:
    """Give the number of cells that a harmless text takes."""
    return _cells(text)


def fitted(text: str, width: int, keep: Literal["start", "end"] = "start") -> str:
    """Give a harmless text in at most `width` cells; of too long a one the start or the end stays, marked by `…`."""
    if _cells(text) <= width:
        return text
    kept: list[str] = []
    room = width - 1
    for char in text if keep == "start" else reversed(text):
        room -= _cell(char)[1]
        if room < 0:
            break
        kept.append(char)
    return "".join([*kept, "…"] if keep == "start" else ["…", *reversed(kept)])
