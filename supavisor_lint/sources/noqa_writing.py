"""`noqa` comments put into a text, exactly where flake8 and `sources.suppressions` read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from supavisor_lint.sources.reading import split_lines
from supavisor_lint.sources.suppressions import NoqaComment, Suppressions, joined_lines

_BLANK = " \t\f"


class Unsuppressible(NamedTuple):
    """A code that no comment can suppress on a line (from 1), and why."""

    line: int
    code: str
    reason: str


def with_noqa(text: str, reported: Iterable[tuple[int, str]]) -> tuple[str, tuple[Unsuppressible, ...]]:
    """A text with a comment for each code that is reported on a line (from 1), and what no comment can suppress.

    A list of codes that is there already gets the new ones at its end; else a comment goes behind everything else on
    the last of the lines that flake8 reads as one. Line ends, and blanks before them, stay as they are.
    """
    lines = split_lines(text)
    joined = joined_lines(lines)
    if joined is None:
        reason = "this version of Python cannot read the file"
        return text, tuple(Unsuppressible(line, code, reason) for line, code in sorted(set(reported)))
    wanted: dict[tuple[int, int], set[tuple[int, str]]] = {}
    for line, code in reported:
        wanted.setdefault(joined.get(line, (line, line)), set()).add((line, code))
    comments = {comment.start_line: comment for comment in Suppressions.read(lines).comments if comment.effective}
    impossible: list[Unsuppressible] = []
    for (start, end), places in sorted(wanted.items()):
        comment = comments.get(start)
        codes = ", ".join(sorted({code for _, code in places}))
        if comment is None:
            lines[end - 1] = _with_comment(lines[end - 1], codes)
        elif comment.in_comment and comment.codes is not None:
            lines[comment.line - 1] = _with_codes(lines[comment.line - 1], comment, codes)
        else:
            reason = f"flake8 reads the `# noqa` in the string of line {comment.line} instead"
            impossible += [Unsuppressible(line, code, reason) for line, code in sorted(places)]
    return "".join(lines), tuple(impossible)


def _with_comment(line: str, codes: str) -> str:
    code = line.rstrip("\r\n").rstrip(_BLANK)
    return f"{code}{'  ' if code else ''}# noqa: {codes}{line[len(code) :]}"


def _with_codes(line: str, comment: NoqaComment, codes: str) -> str:
    end = comment.end_column - 1
    return f"{line[:end]}, {codes}{line[end:]}"
