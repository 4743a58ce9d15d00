"""Suppression comments, read exactly as flake8 reads them.

Source of every fact here: flake8's own `defaults.py`, `violation.py` and `processor.py`. From 6.0 to 7.5 its
two patterns, its matching of codes and its joining of lines have the same effect:

- `# noqa` stands anywhere in the line, in any case, with exactly one space after the `#`; flake8 does not ask
  whether it is in a comment or in a string.
- `# noqa: A1,B2 C3` lists codes. They are prefixes, and case-sensitive: `# noqa: sup101` suppresses nothing.
- What is no list of codes with digits is a blanket: `# noqa : SUP101`, `# noqa:  SUP101` and `# noqa: SUP`.
- Only the first `# noqa` of a line counts, where a "line" joins the physical lines of a multi-line string and
  of backslash continuations. Brackets do not join.
- A line that starts with `# flake8: noqa` suppresses the whole file, whatever follows it. There are no codes
  for a file.
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from supavisor_lint.sources.reading import TOKENIZE_ERRORS, with_newline

_INLINE = re.compile(r"# noqa(?::\s?(?P<codes>(?:[A-Z]+[0-9]+[,\s]*)+))?", re.IGNORECASE)
_WHOLE_FILE = re.compile(r"\s*# flake8[:=]\s*noqa", re.IGNORECASE)
_CODE_IN_LIST = re.compile(r"[^,\s]+")
_OWN_CODE = re.compile(r"SUP[0-9]{1,3}", re.IGNORECASE)


class CodeText(NamedTuple):
    """One code as it is written in a noqa comment; columns are 1-based code points, the end is exclusive."""

    code: str
    line: int
    column: int
    end_column: int


UnusedCode = CodeText


@dataclass(frozen=True, slots=True)
class NoqaComment:
    """One `# noqa` or `# flake8: noqa`.

    Lines and columns count from 1, columns in code points; `end_column` is exclusive, the end of the last
    code. `codes` is None for a blanket. It covers the lines `start_line` to `end_line`, both included.
    `effective` is False for all but the first noqa of those lines: flake8 does not read the others.
    `in_comment` is False where the text stands in a string, which flake8 obeys too, or where no token tells.
    """

    line: int
    column: int
    end_column: int
    codes: tuple[str, ...] | None
    start_line: int
    end_line: int
    file_level: bool = False
    effective: bool = True
    in_comment: bool = True
    code_texts: tuple[CodeText, ...] = ()

    def suppresses(self, code: str) -> bool:
        """Whether this comment, where it is effective, suppresses `code` on the lines that it covers."""
        return self.codes is None or code.startswith(self.codes)


class Suppressions:
    """The noqa comments of one file: what they suppress, and which of their codes suppress nothing."""

    __slots__ = ("_by_line", "_whole_file", "comments")

    def __init__(self, comments: tuple[NoqaComment, ...] = ()) -> None:
        self.comments = comments
        self._whole_file = any(comment.file_level for comment in comments)
        self._by_line = {
            line: comment
            for comment in comments
            if comment.effective and not comment.file_level
            for line in range(comment.start_line, comment.end_line + 1)
        }

    @classmethod
    def read(cls, lines: Sequence[str]) -> Suppressions:
        r"""Read the noqa comments of a file, given as its lines with their ends (`\n`, `\r\n`, `\r`), no BOM.

        Never raises: what cannot be tokenized is read by physical lines, as flake8 does. A file that does not
        contain the word costs one search.
        """
        if "noqa" not in "".join(lines).lower():
            return cls()
        normal = [with_newline(line) for line in lines]
        whole_file = _whole_file_comment(normal)
        return cls((whole_file,) if whole_file else tuple(_inline_comments(normal)))

    def suppresses(self, line: int, code: str) -> bool:
        """Whether flake8 would not report `code` on `line` (1-based)."""
        if self._whole_file:
            return True
        comment = self._by_line.get(line)
        return comment is not None and comment.suppresses(code)

    def unused(self, reported: Iterable[tuple[int, str]], enabled: Callable[[str], bool]) -> list[UnusedCode]:
        """The SUP codes in comments that suppress none of `reported`, in the order of the file.

        `reported` holds every (line, code) found before suppression; `enabled` says of a code or a prefix, in
        upper case, whether this run looks for any rule of it. A code in lower case suppresses nothing: it is
        unused. Never unused are blankets, texts in strings, and anything in a file suppressed as a whole.
        """
        if self._whole_file:
            return []
        pairs = list(reported)
        return [
            text
            for comment in self.comments
            if comment.in_comment
            for text in comment.code_texts
            if _OWN_CODE.fullmatch(text.code)
            and enabled(text.code.upper())
            and not (comment.effective and _is_used(text.code, comment, pairs))
        ]


def joined_lines(lines: Sequence[str]) -> dict[int, tuple[int, int]] | None:
    """The first and the last of the lines that flake8 reads as one, for each line of them; a lone line has no entry.

    Lines count from 1. None where the text cannot be cut into tokens.
    """
    layout = _Layout({}, {})
    try:
        layout.read([with_newline(line) for line in lines])
    except TOKENIZE_ERRORS:
        return None
    return layout.joined


def _is_used(code: str, comment: NoqaComment, pairs: list[tuple[int, str]]) -> bool:
    return any(comment.start_line <= line <= comment.end_line and reported.startswith(code) for line, reported in pairs)


def _whole_file_comment(lines: Sequence[str]) -> NoqaComment | None:
    for number, line in enumerate(lines, start=1):
        match = _WHOLE_FILE.match(line)
        if match:
            column = line.index("#") + 1
            return NoqaComment(number, column, match.end() + 1, None, 1, len(lines), file_level=True)
    return None


def _inline_comments(lines: Sequence[str]) -> Iterator[NoqaComment]:
    hits = [number for number, line in enumerate(lines, start=1) if _INLINE.search(line)]
    if not hits:
        return
    layout = _Layout.of(lines)
    for start, end in sorted({layout.joined.get(hit, (hit, hit)) for hit in hits}):
        yield from _comments_of_range(lines, start, end, layout)


def _comments_of_range(lines: Sequence[str], start: int, end: int, layout: _Layout) -> Iterator[NoqaComment]:
    """Every noqa of the lines `start` to `end`, which flake8 searches as one text."""
    text = "".join(lines[start - 1 : end])
    for index, match in enumerate(_INLINE.finditer(text)):
        codes = _code_texts(text, start, match)
        line, column = _position(text, start, match.start())
        last = codes[-1] if codes and codes[-1].line == line else None
        yield NoqaComment(
            line=line,
            column=column,
            end_column=last.end_column if last else column + len("# noqa"),
            codes=tuple(code.code for code in codes) or None,
            start_line=start,
            end_line=end,
            effective=index == 0,
            in_comment=layout.is_comment(line, column),
            code_texts=codes,
        )


def _code_texts(text: str, first_line: int, match: re.Match[str]) -> tuple[CodeText, ...]:
    if match["codes"] is None:
        return ()
    offset = match.start("codes")
    texts = []
    for code in _CODE_IN_LIST.finditer(match["codes"]):
        line, column = _position(text, first_line, offset + code.start())
        texts.append(CodeText(code.group(), line, column, column + len(code.group())))
    return tuple(texts)


def _position(text: str, first_line: int, offset: int) -> tuple[int, int]:
    r"""The 1-based line and column of `offset` in `text`, whose first line is `first_line`."""
    line = first_line + text.count("\n", 0, offset)
    return line, offset - text.rfind("\n", 0, offset)


class _Layout(NamedTuple):
    """What the tokens say of a file: which lines flake8 joins, and in which column of a line a comment is.

    Lines and columns count from 1. Both are empty where the file cannot be tokenized: each line stands alone.
    """

    joined: dict[int, tuple[int, int]]
    comment_columns: dict[int, int]

    @classmethod
    def of(cls, lines: Sequence[str]) -> _Layout:
        """Read the layout from the tokens, as flake8's `FileProcessor._noqa_line_mapping` does."""
        layout = cls({}, {})
        try:
            layout.read(lines)
        except TOKENIZE_ERRORS:
            return cls({}, {})
        return layout

    def read(self, lines: Sequence[str]) -> None:
        """Add what the tokens say; raises one of TOKENIZE_ERRORS."""
        start = end = 0
        for token in tokenize.generate_tokens(iter(lines).__next__):
            if token.type in (tokenize.ENDMARKER, tokenize.DEDENT):
                continue
            if token.type == tokenize.COMMENT:
                self.comment_columns[token.start[0]] = token.start[1] + 1
            start = min(start, token.start[0]) if start else token.start[0]
            end = max(end, token.end[0])
            if token.type in (tokenize.NL, tokenize.NEWLINE):
                if start < end:
                    self.joined.update(dict.fromkeys(range(start, end + 1), (start, end)))
                start = end = 0

    def is_comment(self, line: int, column: int) -> bool:
        """Whether that place is inside a comment."""
        return self.comment_columns.get(line, column + 1) <= column
