"""The command line and flake8 say the same about every fixture project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
from fixture_support import FixtureProject, compiles, projects

Line = tuple[str, int, int, str, str]
"""Path, line and column from 1, code, first line of the message."""

SCRIPT = shutil.which("supavisor-lint", path=str(Path(sys.executable).parent))
CLI = [SCRIPT] if SCRIPT else [sys.executable, "-m", "supavisor_lint"]
FLAKE8 = [sys.executable, "-m", "flake8", "--isolated", "--select", "SUP", "--max-line-length", "200"]
_FLAKE8_LINE = re.compile(r"(?P<path>.+?):(?P<line>\d+):(?P<column>\d+): (?P<code>\S+) (?P<message>.*)")

every_project = pytest.mark.parametrize("project", projects(), ids=lambda project: project.id)


def is_shared_out(project: FixtureProject) -> bool:
    """Whether flake8 in two processes is asked about a project as well: the ones that need many files' facts."""
    return len(project.files) > 1 and not re.match(r"rules/sup[3-9]", project.id)


def run(command: Sequence[str], root: Path) -> str:
    done = subprocess.run(
        command, cwd=root, capture_output=True, check=False, env=os.environ | {"PYTHONUTF8": "1"}, encoding="utf-8"
    )
    assert done.returncode in (0, 1), f"{' '.join(command)} in {root}\n{done.stdout}{done.stderr}"
    assert not done.stderr, done.stderr
    return done.stdout


def of_cli(project: FixtureProject) -> list[Line]:
    report = json.loads(run([*CLI, "check", "--quiet", "--output-format", "json"], project.root))
    assert report["version"] == 1
    assert report["summary"]["findings"] == len(report["findings"])
    lines = [
        (f["path"], f["line"], f["column"], f["code"], f["message"].partition("\n")[0]) for f in report["findings"]
    ]
    return comparable(project, lines)


def stumbling_blocks(project: FixtureProject) -> list[str]:
    """The files that end flake8 itself in a traceback: null bytes are no SyntaxError in older versions of Python."""
    try:
        compile("\0", "null", "exec")
    except SyntaxError:
        return []
    except ValueError:
        return [path.name for path in project.files if b"\0" in path.read_bytes()]
    raise AssertionError("no Python accepts a null byte")


def of_flake8(project: FixtureProject, jobs: int) -> list[Line]:
    lines: list[Line] = []
    left_out = [f"--extend-exclude={','.join(names)}"] if (names := stumbling_blocks(project)) else []
    for text in run([*FLAKE8, f"-j{jobs}", *left_out, "."], project.root).splitlines():
        match = _FLAKE8_LINE.fullmatch(text)
        assert match, text
        path = Path(match["path"]).as_posix()
        lines.append((path, int(match["line"]), int(match["column"]), match["code"], match["message"]))
    return comparable(project, lines)


def comparable(project: FixtureProject, lines: Sequence[Line]) -> list[Line]:
    """The lines of the project's own files that flake8 hands to its plugins: it reports unparsable ones itself."""
    own = {path.relative_to(project.root).as_posix(): path for path in project.files}
    return sorted(line for line in lines if line[0] in own and compiles(own[line[0]]))


@cache
def answers() -> dict[FixtureProject, tuple[list[Line], list[Line], list[Line] | None]]:
    """For each project: what the command line, flake8, and flake8 in two processes say. Two projects at a time."""

    def ask(project: FixtureProject) -> tuple[list[Line], list[Line], list[Line] | None]:
        shared = of_flake8(project, 2) if is_shared_out(project) else None
        return of_cli(project), of_flake8(project, 1), shared

    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(projects(), pool.map(ask, projects()), strict=True))


@every_project
def test_flake8_says_what_the_command_line_says(project: FixtureProject) -> None:
    by_cli, by_flake8, _ = answers()[project]
    assert by_flake8 == by_cli


@every_project
def test_flake8_in_two_processes_says_the_same(project: FixtureProject) -> None:
    _, alone, shared = answers()[project]
    assert shared is None or shared == alone


def test_some_project_is_shared_out_and_has_findings() -> None:
    assert any(shared for _, _, shared in answers().values())
