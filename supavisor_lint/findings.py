"""What the analysis says: findings and the places that explain them. Plain frozen data, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "info"]
Confidence = Literal["high", "medium", "low"]
Applicability = Literal["safe", "unsafe"]


class Span(NamedTuple):
    """A stretch of source text: lines and columns count from 1, columns in code points, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def start(self) -> tuple[int, int]:
        """Line and column of the first character."""
        return self.line, self.column

    @property
    def end(self) -> tuple[int, int]:
        """Line and column behind the last character."""
        return self.end_line, self.end_column


class Edit(NamedTuple):
    """One change of a text: what stands at `span` becomes `content`; an empty span is a place to insert at."""

    span: Span
    content: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A rewrite that makes a finding go away: edits of its file, in source order, none over another.

    Safe: on every path that worked before, the program does the same to the database, and lets the same exceptions out.
    """

    applicability: Applicability
    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place that explains a finding: a definition, a registration, a callee's line. `path` is relative and POSIX."""

    path: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault at one place.

    `path` is relative to the root, POSIX; `function` is the qualname of the enclosing function
    (`outer.<locals>.inner`), or None at module level; `hazard` says whether the finding is one that goes wrong at
    run time whatever style the project has (profile "hazards"). Before a rewrite has looked at it, a finding of a rule
    that has one has neither `fix` nor `no_fix_reason`. `behind` says that the fix of another finding
    comes first, and whether it is safe: the same run looks at this one again.
    """

    code: str
    name: str
    message: str
    severity: Severity
    confidence: Confidence
    path: str
    span: Span
    function: str | None = None
    related: tuple[Place, ...] = ()
    hazard: bool = False
    no_fix_reason: str | None = None
    fix: Fix | None = None
    behind: Applicability | None = None

    @property
    def sort_key(self) -> tuple[str, Span, str, str]:
        """The order of every report: path, position, code, message."""
        return (self.path, self.span, self.code, self.message)


@dataclass(frozen=True, slots=True)
class InternalError:
    """A fault of this tool, met while one file was looked at: `doing` says at what, `traceback` is for its makers."""

    path: str
    doing: str
    text: str
    traceback: str

    def __str__(self) -> str:
        return f"internal error in {self.doing}: {self.text}"
