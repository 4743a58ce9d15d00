"""SUP901: codes that suppress nothing are taken out of a `noqa`; what else the comment says stays.

Where a comment stands and what its codes are is read by `sources.suppressions` only, before and after.
"""

from __future__ import annotations

import re

from supavisor_lint.findings import Edit, Finding, Fix, Span
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.source import Source, applied
from supavisor_lint.sources.suppressions import CodeText, NoqaComment, Suppressions

_TITLE = "Remove what the `noqa` suppresses in vain"
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
    before = Suppressions.read(context.source.lines)
    comments = _read_together(before, finding)
    unused = {(f.span.line, f.span.column) for f in context.findings if f.code == "SUP901"}
    gone = {code for comment in comments for code in comment.code_texts if (code.line, code.column) in unused}
    edits = [edit for comment in comments for edit in _edits(context.source, comment, gone)]
    after = Suppressions.read(Source(applied(context.source.text, edits)).lines)
    wanted = _without(before, gone)
    if [codes for codes, _ in _without(after, set())] != [codes for codes, _ in wanted]:
        raise NoFix("the comment has an unusual form: the rest of it would mean something else")
    if _without(after, set()) != wanted:
        raise NoFix("the next `noqa` of the line, which is not read now, would come into force")
    return context.fix("safe", _TITLE, edits)


def _read_together(suppressions: Suppressions, finding: Finding) -> list[NoqaComment]:
    """The comments of the lines that flake8 reads together with the one that the finding is about."""
    place = finding.span.start
    for comment in suppressions.comments:
        if any((code.line, code.column) == place for code in comment.code_texts):
            lines = (comment.start_line, comment.end_line)
            return [c for c in suppressions.comments if c.in_comment and (c.start_line, c.end_line) == lines]
    raise NoFix("the comment has an unusual form")


def _without(suppressions: Suppressions, gone: set[CodeText]) -> _Left:
    """What the comments say without some of their codes, in order: the codes, and whether flake8 reads them."""
    left: _Left = []
    for comment in suppressions.comments:
        codes = tuple(code.code for code in comment.code_texts if code not in gone)
        if codes or not comment.code_texts:
            left.append((codes or None, comment.effective))
    return left


def _edits(source: Source, comment: NoqaComment, gone: set[CodeText]) -> list[Edit]:
    codes = comment.code_texts
    if not gone.intersection(codes):
        return []
    if gone.issuperset(codes):
        return [_whole(source, comment)]
    line = source.line(codes[0].line)
    text = ""
    for code, following in zip(codes, (*codes[1:], None), strict=True):
        if code not in gone:
            text += line[code.column - 1 : following.column - 1 if following else code.end_column - 1]
    kept = text if codes[-1] not in gone else text.rstrip(_SEPARATORS)
    return [Edit(Span(codes[0].line, codes[0].column, codes[-1].line, codes[-1].end_column), kept)]


def _whole(source: Source, comment: NoqaComment) -> Edit:
    """A comment without its `noqa`: the explanation stays; where there is none, the comment and its line go."""
    line = source.line(comment.line)
    start, rest = comment.column - 1, line[comment.end_column - 1 :].lstrip(_SEPARATORS)
    if rest.startswith("#"):  # the next comment moves up
        return Edit(Span(comment.line, comment.column, comment.line, len(line) - len(rest) + 1), "")
    explanation = rest.lstrip(_DASHES)
    if explanation.strip():
        if _DIRECTIVE.match(explanation):
            raise NoFix("what follows the code in the comment would be read as an instruction")
        return Edit(Span(comment.line, comment.column, comment.line, len(line) - len(explanation) + 1), "# ")
    before = line[:start].rstrip(" \t")
    if not before and comment.line < len(source.lines):
        return Edit(Span(comment.line, 1, comment.line + 1, 1), "")
    return Edit(Span(comment.line, len(before) + 1, comment.line, len(line) + 1), "")
