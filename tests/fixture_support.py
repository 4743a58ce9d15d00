"""The fixture projects: where they are, what they expect, and copies of them with other text.

Every folder below fixtures/ with a pyproject.toml is one project, checked by itself. A finding is declared at the end
of the line on which it is reported, after whatever comment stands there already:

    session = factory()  # expect: SUP101
    session = factory()  # expect: SUP101@15, SUP302!

`@15` asks for the column (from 1), `!` says that the finding stays in the profile "hazards". A line without such a
comment expects nothing. `# needs python 3.12` on a file's first line says that older interpreters cannot compile it.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from supavisor_lint.findings import Finding
from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings
from supavisor_lint.sources.config import load_settings
from supavisor_lint.sources.reading import split_lines

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"

_EXPECT = re.compile(r"#\s*expect\s*:\s*(?P<codes>.*?)\s*$")
_ITEM = re.compile(r"(?P<code>SUP[0-9]{3})(?:@(?P<column>[0-9]+))?(?P<hazard>!)?")
_NEEDS = re.compile(r"#\s*needs python 3\.(?P<minor>[0-9]+)\s*$")

Edit = tuple[int, int, int, str]
"""Line from 1, first and last column from 0 (in code points), new text."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A finding that a comment declares."""

    path: str
    line: int
    code: str
    column: int | None
    hazard: bool

    def __str__(self) -> str:
        column = "" if self.column is None else f":{self.column}"
        return f"{self.path}:{self.line}{column} {self.code}"


@dataclass(frozen=True, slots=True)
class Comment:
    """An `# expect:` comment: its place, and what it declares."""

    line: int
    start: int
    end: int
    items: tuple[tuple[str, int | None, bool], ...]


@dataclass(frozen=True, slots=True)
class FixtureProject:
    """One folder with a pyproject.toml."""

    root: Path

    @property
    def id(self) -> str:
        """How tests call it."""
        return self.root.relative_to(FIXTURES).as_posix()

    @property
    def files(self) -> list[Path]:
        """Its Python files, sorted; those of projects inside it are not its own."""
        return sorted(path for path in self.root.rglob("*.py") if _project_of(path) == self.root)

    @property
    def expected(self) -> list[Expected]:
        """What its comments declare."""
        return [
            Expected(path.relative_to(self.root).as_posix(), comment.line, *item)
            for path in self.files
            for comment in comments_of(path)
            for item in comment.items
        ]

    @property
    def nested(self) -> list[FixtureProject]:
        """The projects inside it."""
        return [project for project in projects() if self.root in project.root.parents]

    def settings(self) -> Settings:
        """What its pyproject.toml says."""
        return load_settings(self.root, None, False)


@cache
def projects() -> tuple[FixtureProject, ...]:
    """All fixture projects, sorted."""
    return tuple(FixtureProject(path.parent) for path in sorted(FIXTURES.rglob("pyproject.toml")))


def check(root: Path, settings: Settings) -> tuple[Finding, ...]:
    """The tool's findings for a project."""
    result = check_paths([root], root, settings)
    assert not result.problems, result.problems
    return result.findings


def differences(expected: Iterable[Expected], found: Iterable[Finding]) -> list[str]:
    """What is missing and what is too much, sorted by place; nothing when both agree."""
    left = sorted(found, key=lambda finding: finding.sort_key)
    wrong: list[tuple[str, int, str]] = []
    for item in sorted(expected, key=lambda one: one.column is None):  # those that name a column choose first
        match = next((finding for finding in left if _fits(item, finding)), None)
        if match is None:
            wrong.append((item.path, item.line, f"missing     {item}"))
        else:
            left.remove(match)
    for finding in left:
        place = f"{finding.path}:{finding.span.line}:{finding.span.column}"
        wrong.append((finding.path, finding.span.line, f"unexpected  {place} {finding.code} {finding.message}"))
    return [text for *_, text in sorted(wrong)]


def _fits(expected: Expected, finding: Finding) -> bool:
    return (expected.path, expected.line, expected.code) == (finding.path, finding.span.line, finding.code) and (
        expected.column in (None, finding.span.column)
    )


# ------------------------------------------------------------------------------------------------- reading comments


def comments_of(path: Path) -> list[Comment]:
    """The `# expect:` comments of a file; one that cannot be understood is an error."""
    text, _ = read(path)
    found: list[Comment] = []
    for line, column, comment in _comment_tokens(text):
        match = _EXPECT.search(comment)
        if match is not None:
            items = [_ITEM.fullmatch(item.strip()) for item in match["codes"].split(",")]
            assert all(items), f"{path}:{line}: cannot read {comment!r}"
            found.append(
                Comment(
                    line,
                    column + match.start(),
                    column + len(comment),
                    tuple(
                        (m["code"], int(m["column"]) if m["column"] else None, bool(m["hazard"])) for m in items if m
                    ),
                )
            )
    return found


def _item(match: re.Match[str]) -> tuple[str, int | None, bool]:
    return match["code"], int(match["column"]) if match["column"] else None, bool(match["hazard"])


def _comment_tokens(text: str) -> Iterator[tuple[int, int, str]]:
    try:
        found = [(*t.start, t.string) for t in tokens(text) if t.type == tokenize.COMMENT]
    except (tokenize.TokenError, SyntaxError):  # a file that nothing can parse: what looks like a comment is one
        lines = enumerate((line.rstrip("\r\n") for line in split_lines(text)), start=1)
        found = [(number, line.index("#"), line[line.index("#") :]) for number, line in lines if "#" in line]
    yield from found


def tokens(text: str) -> list[tokenize.TokenInfo]:
    """The tokens of a text."""
    return list(tokenize.generate_tokens(io.StringIO(text, newline="").readline))


def read(path: Path) -> tuple[str, str]:
    """A file's text and encoding; bytes that the encoding does not have are kept as they are."""
    data = path.read_bytes()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding), encoding
    except (SyntaxError, UnicodeDecodeError):
        return data.decode("latin-1"), "latin-1"


def compiles(path: Path) -> bool:
    """Whether this interpreter accepts a file."""
    try:
        compile(path.read_bytes(), path.name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def is_for_newer_python(path: Path) -> bool:
    """Whether the file's first line says that this interpreter is too old for it."""
    match = _NEEDS.match(read(path)[0].partition("\n")[0].rstrip("\r"))
    return match is not None and sys.version_info < (3, int(match["minor"]))


def _project_of(path: Path) -> Path:
    return next(folder for folder in path.parents if (folder / "pyproject.toml").is_file())


# ------------------------------------------------------------------------------------------------------------ copies


def copied(project: FixtureProject, folder: Path, edits_of: Callable[[Path], Iterable[Edit]]) -> Path:
    """A copy of a project in which each file has been edited; `edits_of` is asked with the original's path."""
    root = folder / "project"
    shutil.copytree(project.root, root)
    for path in project.files:
        edits = sorted(edits_of(path), reverse=True)
        if edits:
            text, encoding = read(path)
            lines = split_lines(text)
            for line, start, end, new in edits:
                old = lines[line - 1]
                lines[line - 1] = old[:start] + new + old[end:]
            (root / path.relative_to(project.root)).write_bytes("".join(lines).encode(encoding))
    return root
