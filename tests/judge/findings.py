"""Asks the rules about many programs at once: text in, findings by line out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from supavisor_lint.rules import RULES
from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings

from .prelude import SESSION, SUPPORT

CODES = ("SUP103", "SUP302", "SUP303", "SUP306", "SUP308", "SUP309", "SUP406")
"""The rules whose truth SQLAlchemy can tell."""

MISSING = tuple(code for code in CODES if code not in {rule.code for rule in RULES})
"""Those of them that the catalogue does not have (yet)."""


GIVEN_UP = "too many paths"
"""Stands for the code at a function that the rules have not followed."""


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A finding in a program, without what a comparison does not need; `related` are lines of the same program."""

    line: int
    code: str
    confidence: str = "high"
    hazard: bool = True
    related: tuple[int, ...] = ()
    message: str = ""


Ask = Callable[[Sequence[str]], list[tuple[Found, ...]]]
"""What gives the findings of some programs."""


def ask_rules(texts: Sequence[str]) -> list[tuple[Found, ...]]:
    """The findings of each program; all programs are modules of one project."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "judged"
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "session.py").write_text(SESSION)
        (package / "support.py").write_text(SUPPORT)
        paths = [f"judged/program_{number}.py" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            (Path(folder) / path).write_text(text)
        result = check_paths([Path(folder)], Path(folder), Settings(profile="hazards", select=(*CODES, "SUP900")))
    found: dict[str, list[Found]] = {path: [] for path in paths}
    for finding in result.findings:
        assert finding.code != "SUP900" and finding.path in found, finding
        related = tuple(place.line for place in finding.related if place.path == finding.path)
        found[finding.path].append(
            Found(finding.span.line, finding.code, finding.confidence, finding.hazard, related, finding.message)
        )
    for place in result.given_up():
        found[place.path].append(Found(place.line, GIVEN_UP, hazard=False))
    return [tuple(sorted(found[path])) for path in paths]
