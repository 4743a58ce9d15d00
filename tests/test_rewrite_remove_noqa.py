"""SUP901's rewrite: what flake8 reads in the other codes stays as it was, whatever the comment looks like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from test_noqa_differential import all_cases

from supavisor_lint.engine import Engine
from supavisor_lint.fixing import Fixed, fix
from supavisor_lint.rewrites import look_at
from supavisor_lint.rewrites.source import applied
from supavisor_lint.run import job_of_paths, linked_project
from supavisor_lint.settings import Settings
from supavisor_lint.sources.reading import decode, split_lines
from supavisor_lint.sources.suppressions import Suppressions

READ = "async_session_factory = async_sessionmaker()\n"
"""A file without anything of the kind cannot have findings: it is not read."""


def fixed_file(tmp_path: Path, line: str) -> Fixed:
    path = tmp_path / "a.py"
    path.write_bytes(f"{READ}{line}\n".encode())
    fixed = fix(
        job_of_paths([path], tmp_path, replace(Settings(), select=("SUP1", "SUP2", "SUP3", "SUP9"))), unsafe=False
    )
    assert dict(fixed.failures) == {}
    return fixed


def after(tmp_path: Path, line: str) -> str:
    text = next((c.after for c in fixed_file(tmp_path, line).changes), f"{READ}{line}\n")
    return text.removeprefix(READ).removesuffix("\n")


def reasons(tmp_path: Path, line: str) -> list[str | None]:
    return [f.no_fix_reason for f in fixed_file(tmp_path, line).result.findings]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("x = 1  # noqa: SUP101", "x = 1"),
        ("x = 1  # noqa:SUP101,", "x = 1"),
        ("x = 1\t# NoQA: sup101  ", "x = 1"),
        ("x = 1  # noqa: SUP101, E501", "x = 1  # noqa: E501"),
        ("x = 1  # noqa: E501,SUP101", "x = 1  # noqa: E501"),
        ("x = 1  # noqa: E501 SUP101 W1", "x = 1  # noqa: E501 W1"),
        ("x = 1  # noqa: SUP1, E501, SUP2 - why", "x = 1  # noqa: E501 - why"),
        ("x = 1  # noqa: SUP101, SUP2 SUP3", "x = 1"),
        ("x = 1  # noqa: SUP101 because of that", "x = 1  # because of that"),
        ("x = 1  # noqa: SUP101 - because", "x = 1  # because"),
        ("x = 1  # noqa: SUP101  # type: ignore", "x = 1  # type: ignore"),
        ("x = 1  # a note # noqa: SUP101", "x = 1  # a note"),
        ("x = 1  # noqa: SUP101 # noqa: SUP102", "x = 1"),
        ("x = 1  # noqa: E501 # noqa: SUP102", "x = 1  # noqa: E501"),
        ("def f():\n    # noqa: SUP101\n    return 1", "def f():\n    return 1"),
        ("x = 1  # noqa: SUP101, because1 reasons2", "x = 1  # noqa: because1 reasons2"),
    ],
)
def test_only_the_unused_codes_go(tmp_path: Path, line: str, wanted: str) -> None:
    assert after(tmp_path, line) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa",
        "x = 1  # noqa: E501",
        "x = 1  # noqa:  SUP101",
        "x = '# noqa: SUP101'",
        "# flake8: noqa: SUP101\nx = 1  # noqa: SUP101",
        "x = 1  # noqa: SUP101, SUP901",
    ],
)
def test_what_is_not_reported_stays(tmp_path: Path, line: str) -> None:
    assert after(tmp_path, line) == line
    assert reasons(tmp_path, line) == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            "x = 1  # noqa: SUP101 # noqa: E501",
            "the next `noqa` of the line, which is not read now, would come into force",
        ),
        ("x = 1  # noqa: SUP101 # noqa", "the next `noqa` of the line, which is not read now, would come into force"),
        ("x = 1  # noqa: SUP101 type: ignore", "what follows the code in the comment would be read as an instruction"),
        ("x = 1  # noqa: SUP101 noqa", "what follows the code in the comment would be read as an instruction"),
        (
            "x = 1  # noqa: SUP101 coding: latin-1",
            "what follows the code in the comment would be read as an instruction",
        ),
    ],
)
def test_what_would_mean_something_else_is_left_with_the_reason(tmp_path: Path, line: str, why: str) -> None:
    assert after(tmp_path, line) == line
    assert set(reasons(tmp_path, line)) == {why}


def test_a_comment_line_without_a_newline(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(READ.encode() + b"x = 1\r\n# noqa: SUP101")
    [change] = fix(job_of_paths([tmp_path / "a.py"], tmp_path, Settings()), unsafe=False).changes
    assert change.new == READ.encode() + b"x = 1\r\n"


def meaning(text: str, gone: set[tuple[int, int]]) -> list[tuple[tuple[str, ...] | None, bool]]:
    """The codes of each comment that flake8 reads or may come to read, without some of them."""
    found = []
    for comment in Suppressions.read(split_lines(text)).comments:
        codes = tuple(c.code for c in comment.code_texts if (c.line, c.column) not in gone)
        if codes or not comment.code_texts:
            found.append((codes or None, comment.effective))
    return found


def test_the_generated_files_of_the_differential_test(tmp_path: Path) -> None:
    """Nothing is left that could be fixed, and the other codes suppress what they did (as flake8 does: see there)."""
    cases = [case for case in all_cases() if b"noqa" in case.data]
    for case in cases:
        (tmp_path / f"{case.name}.py").write_bytes(case.data)
    settings = replace(Settings(), select=("SUP1", "SUP2", "SUP3", "SUP9"))
    job = job_of_paths(sorted(tmp_path.iterdir()), tmp_path, settings)
    engine = Engine(linked_project(job.known, settings, {}, tmp_path))
    fixed = left_over = 0
    for path in job.asked:
        text = decode((tmp_path / path).read_bytes())
        engine.project.look_at(path)
        findings = [f for f in look_at(engine, path, text).findings if f.code == "SUP901"]
        edits = dict.fromkeys(edit for f in findings if f.fix is not None for edit in f.fix.edits)
        gone = {f.span.start for f in findings if f.fix is not None}
        new = applied(text, edits)
        assert meaning(new, set()) == meaning(text, gone), path
        again = engine.analyse_text(path, text)
        assert len([f for f in again.findings if f.code == "SUP901"]) == len(findings)
        fixed += len(gone)
        left_over += len(findings) - len(gone)
    assert fixed > 500
    assert left_over < fixed / 4


def test_a_second_run_finds_nothing_to_fix(tmp_path: Path) -> None:
    for case in all_cases()[:150]:
        (tmp_path / f"{case.name}.py").write_bytes(case.data + b"\n" + READ.encode())
    settings = replace(Settings(), select=("SUP1", "SUP9"))
    first = fix(job_of_paths(sorted(tmp_path.iterdir()), tmp_path, settings), unsafe=False)
    assert dict(first.failures) == {}
    assert first.fixed
    assert [f for f in first.result.findings if f.fix is not None] == []
