"""Gives logical lines the looks of real files: comments everywhere, blank lines, tabs, CRLF, a missing last newline."""

from __future__ import annotations

from collections.abc import Sequence

from judge.writer import Pick

_COMMENTS = (
    "# TODO",
    "# why?",
    "#: see above",
    "# noqa: E501",
    "#no space",
    "# a comment: a colon",
    "# é, ü and →",
)


def laid_out(lines: Sequence[str], pick: Pick) -> str:
    """A file of these logical lines (four spaces for each level; a newline in one belongs to it)."""
    unit = ("    ", "    ", "    ", "    ", "\t", "  ")[pick(6)]
    comments = (0, 15, 60)[pick(3)]
    blank = (0, 10)[pick(2)]
    made: list[str] = []
    number = 0
    for line in lines:
        number += 1
        text = line.lstrip(" ")
        indent = unit * ((len(line) - len(text)) // 4)
        if not text:
            made.append("")
            continue
        inside = bool(indent)
        if inside and pick(100) < comments // 3:
            made.append(f"{indent}# above {number}")
        if inside and pick(100) < blank and "\n" not in text:
            made.append("")
        at_end = not text.startswith(('"""', "# supavisor")) and pick(100) < comments
        made.append(indent + text + (f"  {_COMMENTS[pick(len(_COMMENTS))]} {number}" if at_end else ""))
    text = "\n".join(made)
    if unit == "\t":
        text = text.replace("\n        ", "\n\t\t")
    if pick(10) == 9:
        text = text.replace("\n", "\r\n")
    return text if pick(10) == 9 else text + ("\r\n" if "\r\n" in text else "\n")
