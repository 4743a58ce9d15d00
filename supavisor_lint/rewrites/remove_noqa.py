"""SUP901: codes that suppress nothing are taken out of a `noqa`; what else the comment says stays.

Where a comment stands and what its codes are is read by `sources.suppressions` only, before and after.
"""

from __future__ import annotations

import re

from supavisor_lint.findings import Edit, Finding, Fix, Span
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.source import Source, applied
from supavisor_lint.sources.reading import split_lines
from supavisor_lint.sources.suppressions import CodeText, NoqaComment, Suppressions

_TITLE = "Remove what the `noqa` suppresses in vain"
_BLANK = " \t"
_SEPARATORS = ", \t\f"
_DASHES = " \t\f,;:.-–—"
_DIRECTIVE = re.compile(
    r"(?:type|pragma|pylint|fmt|isort|yapf|mypy|pyright|pyre|ruff|flake8|nosec|noqa|nopycln|region|endregion"
    r"|supavisor-lint)\b|.*coding[:=]",
    re.IGNORECASE,
)
"""What would be obeyed, by some tool or by Python, if it stood at the beginning of a comment."""

_Left = list[tuple[tuple[str, ...] | None, bool]]


def propose(context: Context, finding: Finding) -> Fix:
    """One fix for all unused codes of the lines that flake8 reads as one. Safe: comments do nothing."""
    source = context.source
    before = Suppressions.read(source.lines)
    unused = {f.span.start for f in context.findings if f.code == "SUP901"}
    gone = {
        code for c in _read_together(before, finding) for code in c.code_texts if (code.line, code.column) in unused
    }
    number = finding.span.line
    old = new = source.line(number)
    for comment in reversed([c for c in before.comments if c.in_comment and c.line == number]):
        new = _without_codes(new, comment, gone)
    edit = _edit(source, number, old, new)
    after = Suppressions.read(split_lines(applied(source.text, [edit])))
    if [codes for codes, _ in _left(after, set())] != [codes for codes, _ in _left(before, gone)]:
        raise NoFix("the comment has an unusual form: the rest of it would mean something else")
    if _left(after, set()) != _left(before, gone):
        raise NoFix("the next `noqa` of the line, which is not read now, would come into force")
    return context.fix("safe", _TITLE, [edit])


def _read_together(suppressions: Suppressions, finding: Finding) -> list[NoqaComment]:
    """The comments of the lines that flake8 reads together with the one that the finding is about."""
    place = finding.span.start
    for comment in suppressions.comments:
        if any((code.line, code.column) == place for code in comment.code_texts):
            lines = (comment.start_line, comment.end_line)
            return [c for c in suppressions.comments if c.in_comment and (c.start_line, c.end_line) == lines]
    raise NoFix("the comment has an unusual form")


def _left(suppressions: Suppressions, gone: set[CodeText]) -> _Left:
    """What the comments say without some of their codes, in order: the codes, and whether flake8 reads them."""
    left: _Left = []
    for comment in suppressions.comments:
        codes = tuple(code.code for code in comment.code_texts if code not in gone)
        if codes or not comment.code_texts:
            left.append((codes or None, comment.effective))
    return left


def _without_codes(line: str, comment: NoqaComment, gone: set[CodeText]) -> str:
    """A line without some codes of one of its comments; what stands before that comment is as it was."""
    codes = comment.code_texts
    if not gone.intersection(codes):
        return line
    start, first, last = comment.column - 1, codes[0].column - 1, codes[-1].end_column - 1
    if gone.issuperset(codes):
        return _without_comment(line[:start], line[last:])
    kept = ""
    for code, following in zip(codes, (*codes[1:], None), strict=True):
        if code not in gone:
            kept += line[code.column - 1 : following.column - 1 if following else last]
    return line[:first] + (kept.rstrip(_SEPARATORS) if codes[-1] in gone else kept) + line[last:]


def _without_comment(before: str, behind: str) -> str:
    """A line without a `noqa` that has no code left: the explanation behind it becomes a comment of its own."""
    rest = behind.lstrip(_SEPARATORS)
    if rest.startswith("#"):
        return before + rest
    explanation = rest.lstrip(_DASHES)
    if not explanation.strip():
        return before.rstrip(_BLANK)
    if _DIRECTIVE.match(explanation):
        raise NoFix("what follows the code in the comment would be read as an instruction")
    return f"{before}# {explanation}"


def _edit(source: Source, number: int, old: str, new: str) -> Edit:
    """The change of one line: from where it differs; a line that would be empty goes altogether."""
    if not new.strip() and number < len(source.lines):
        return Edit(Span(number, 1, number + 1, 1), "")
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    return Edit(Span(number, start + 1, number, len(old) + 1), new[start:])
