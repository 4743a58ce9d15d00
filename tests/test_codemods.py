"""The codemods, run by LibCST's own tool: the same bytes as the command line's, in several processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project_support import SESSION_MODULE, write

WORK = """
from app.session import get_session


async def work():
    with get_session() as session:  # entered
        await session.commit()


def plain():
    with get_session() as session:
        session.commit()
"""
TASK = """
from app.session import async_session_factory


async def import_with_own_session(job):
    session = async_session_factory()
    try:
        await session.execute(job)
        await session.commit()
    finally:
        await session.close()
"""


def project(root: Path) -> Path:
    """Enough files for several processes, odd bytes in some of them."""
    names = [f"app/w{number}.py" for number in range(12)]
    write(root, {"pyproject.toml": "[tool.supavisor-lint]\nextend-exclude = ['skipped']\n", "app/__init__.py": ""})
    write(root, {"app/session.py": SESSION_MODULE, "skipped/work.py": WORK, **dict.fromkeys(names, WORK)})
    write(root, {f"app/t{number}.py": TASK for number in range(3)})
    (root / "app" / "w1.py").write_bytes(b"\xef\xbb\xbf" + WORK.replace("\n", "\r\n").encode())
    (root / "app" / "w2.py").write_bytes(("# coding: latin-1\n# \xe9" + WORK).encode("latin-1").rstrip(b"\n"))
    (root / "app" / "w3.py").write_bytes(b"\x0c" + WORK.encode())
    (root / "app" / "untouched_cr.py").write_bytes(b"x = 1\ry = 2\r")
    (root / "app" / "untouched_ff.py").write_bytes(b"\x0cx = 1\n\x0c\ny = 2\n")
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.py"))}


def run(root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *args], cwd=root, capture_output=True, text=True, encoding="utf-8", check=False
    )


def codemod(root: Path, name: str, *args: str) -> subprocess.CompletedProcess[str]:
    return run(root, "libcst.tool", "codemod", "-x", f"supavisor_lint.codemods.{name}", "--no-format", *args)


@pytest.mark.parametrize(
    ("name", "select"),
    [
        ("StandardTemplate", ["--unsafe-fixes"]),
        ("UseSessionHelper", ["--select", "SUP101,SUP102,SUP103"]),
        ("WrapPhases", ["--select", "SUP301,SUP303,SUP304,SUP406"]),
    ],
)
def test_the_bytes_are_those_of_the_command_line(tmp_path: Path, name: str, select: list[str]) -> None:
    one = project(tmp_path / "one")
    other = Path(shutil.copytree(one, tmp_path / "other"))
    before = contents(one)
    by_cli = run(one, "supavisor_lint", "check", "--fix", *select, "app")
    assert by_cli.returncode in (0, 1), by_cli.stderr
    by_tool = codemod(other, name, "app")
    assert by_tool.returncode == 0, by_tool.stderr
    assert contents(other) == contents(one)
    if name == "StandardTemplate":
        assert sum(1 for path, data in contents(other).items() if data != before[path]) >= 12
        assert "WARNING: 11:10: SUP104 " in by_tool.stderr
        assert by_tool.stderr.count("`async with` needs an `async def` around it") == 12


def test_a_single_file_and_a_text_from_stdin(tmp_path: Path) -> None:
    root = project(tmp_path)
    result = codemod(root, "StandardTemplate", "app/w0.py")
    assert result.returncode == 0, result.stderr
    assert b"    async with get_session()" in (root / "app" / "w0.py").read_bytes()
    assert b"    async with get_session()" not in (root / "app" / "w4.py").read_bytes()


def test_settings_that_cannot_be_used_are_one_line(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "pyproject.toml").write_text("[tool.supavisor-lint]\nprofil = 'x'\n", "utf-8")
    result = codemod(root, "WrapPhases", "app")
    assert result.returncode == 1
    assert "supavisor-lint: error: " in result.stderr
    assert "Traceback" not in result.stderr
