"""The fixture projects: exactly the declared findings, in every profile, suppressed, and none in synchronous code."""

from __future__ import annotations

import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import synchronous_twin
from fixture_support import (
    FIXTURES,
    Comment,
    Edit,
    FixtureProject,
    check,
    comments_of,
    compiles,
    copied,
    differences,
    is_for_newer_python,
    projects,
    read,
    tokens,
)

from supavisor_lint.rules import RULES, Rule
from supavisor_lint.settings import Settings

PARTS = ("## What it finds", "## Why it matters", "## Example", "## Use instead", "## Fix safety")

SPEAKS_OF_ANY_CODE = {
    "SUP900": "a file that cannot be parsed is one in any style",
    "SUP901": "a suppression of what synchronous code does not do is unused there",
}
"""The rules that may report something in synchronous code, and why."""

STAYS = ("SUP900", "SUP901")
"""The codes that a noqa on their line cannot be asked about: no line to write it on, and a noqa as the fault itself."""

every_project = pytest.mark.parametrize("project", projects(), ids=lambda project: project.id)
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)


def agree(problems: list[str]) -> None:
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


# --------------------------------------------------------------------------------------------------------- findings


@every_project
def test_exactly_the_expected_findings(project: FixtureProject) -> None:
    agree(differences(project.expected, check(project.root, project.settings())))


@every_project
def test_hazards_are_the_marked_findings(project: FixtureProject) -> None:
    settings = replace(project.settings(), profile="hazards", select=None, extend_select=())
    expected = [item for item in project.expected if item.hazard]
    agree(differences(expected, check(project.root, settings)))


@every_project
def test_noqa_suppresses_every_finding(project: FixtureProject, tmp_path: Path) -> None:
    root = copied(project, tmp_path, noqa_edits)
    left = [item for item in project.expected if item.code in STAYS]
    agree(differences(left, check(root, project.settings())))


def noqa_edits(path: Path) -> Iterator[Edit]:
    """Replaces the expectations by a noqa for the same codes."""
    for comment in comments_of(path):
        codes = codes_of(comment)
        if codes:
            yield comment.line, comment.start, comment.end, f"# noqa: {', '.join(codes)}"


def codes_of(comment: Comment) -> list[str]:
    return list(dict.fromkeys(code for code, *_ in comment.items if code not in STAYS))


@every_project
def test_the_synchronous_twin_is_silent(project: FixtureProject, tmp_path: Path) -> None:
    root = copied(project, tmp_path, synchronous_twin.edits_of)
    for path in project.files:
        twin = root / path.relative_to(project.root)
        assert compiles(twin) or not compiles(path), f"the twin does not compile:\n{read(twin)[0]}"
    names = Settings()
    for profile in ("template", "hazards"):
        settings = replace(
            project.settings(),
            profile=profile,
            session_factories=names.session_factories,
            session_helpers=names.session_helpers,
            phase_helpers=(),
            helper=None,
        )
        found = [finding for finding in check(root, settings) if finding.code not in SPEAKS_OF_ANY_CODE]
        agree(differences([], found))


# --------------------------------------------------------------------------------------------------- the rules' side


@every_rule
def test_every_rule_has_a_folder_of_findings_and_more_silence(rule: Rule) -> None:
    folder = f"{rule.code}_{rule.name}".lower().replace("-", "_")
    own = [p for p in projects() if p.root.relative_to(FIXTURES).parts[:2] == ("rules", folder)]
    assert own, f"fixtures/rules/{folder} has no pyproject.toml"
    expected = [item for project in own for item in project.expected]
    assert any(item.code == rule.code for item in expected), f"no {rule.code} is expected in {folder}"
    loud = Counter((item.path, item.line) for item in expected)
    silent = sum(code_lines(path) for project in own for path in project.files) - len(loud)
    assert silent > len(expected), f"{folder}: {silent} silent lines against {len(expected)} findings"


def code_lines(path: Path) -> int:
    """How many lines of a file hold code."""
    no_code = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    try:
        return len({token.start[0] for token in tokens(read(path)[0]) if token.type not in no_code})
    except (tokenize.TokenError, SyntaxError):
        return 0


@every_rule
def test_every_rule_is_documented_in_five_parts(rule: Rule) -> None:
    titles = [line for line in rule.doc.splitlines() if line.startswith("## ")]
    assert tuple(titles) == PARTS
    sections = rule.doc.split("\n## ")
    assert all(section.partition("\n")[2].strip() for section in sections[1:]), "a part is empty"
    assert len(rule.doc.strip().splitlines()[0]) <= 120
    blocks = rule.doc.split("```")
    assert len(blocks) >= 5 and len(blocks) % 2 == 1, "example and advice hold one code block each"


# ------------------------------------------------------------------------------------------------- the files' side


@every_project
def test_every_file_compiles(project: FixtureProject) -> None:
    unparsable = {item.path for item in project.expected if item.code == "SUP900"}
    for path in project.files:
        if path.relative_to(project.root).as_posix() not in unparsable and not is_for_newer_python(path):
            assert compiles(path), path


@every_project
def test_no_file_knows_this_machine(project: FixtureProject) -> None:
    places = [str(FIXTURES.parent), f"{sys.prefix}/", f"{Path.home()}/", "/home/", "/Users/"]
    for path in [*project.files, project.root / "pyproject.toml"]:
        text = read(path)[0]
        assert not [place for place in places if place in text], path


@every_project
def test_nested_projects_are_left_to_themselves(project: FixtureProject) -> None:
    excluded = project.settings().extend_exclude
    for nested in project.nested:
        name = nested.root.relative_to(project.root).parts[0]
        assert any(pattern.strip("/") == name for pattern in excluded), f'add extend-exclude = ["{name}"]'
