"""A file in which the fixes of one function fail a guard: the other functions are fixed all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import invoke

from tests.project_support import SESSION_MODULE, write
from tests.template_support import MODELS

READ = """
from app.models import Job
from app.session import async_session_factory


async def status() -> str:
    async with async_session_factory() as session:
        job = await session.get_one(Job, 1)
    return job.status
"""
OTHER = """

async def other() -> str:
    async with async_session_factory() as session:
        return (await session.get_one(Job, 1)).status
"""
REASON = "app/read.py: fix failed: the rewritten code has more findings of SUP309 than before, in `status`"


def project(root: Path, read: str) -> Path:
    """A project with one module that reads behind the end of its session."""
    toml = "[tool.supavisor-lint]\n"
    write(
        root, {"pyproject.toml": toml, "app/models.py": MODELS, "app/session.py": SESSION_MODULE, "app/read.py": read}
    )
    return root / "app" / "read.py"


def test_only_the_function_at_fault_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project(tmp_path, READ + OTHER)
    monkeypatch.chdir(tmp_path)
    result = invoke("check", "--fix", "--unsafe-fixes", "app/read.py")
    assert f"{REASON}; the other fixes in this file were made\n" in result.stderr
    assert result.exit_code == 2
    fixed = OTHER.replace("async_session_factory()", "get_session()")
    imported = READ.replace("import async_session_factory", "import async_session_factory, get_session")
    assert file.read_text("utf-8") == imported + fixed


def test_a_function_at_fault_with_nothing_else_to_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project(tmp_path, READ)
    monkeypatch.chdir(tmp_path)
    result = invoke("check", "--fix", "--unsafe-fixes", "app/read.py")
    assert f"{REASON}\n" in result.stderr
    assert result.exit_code == 2
    assert file.read_text("utf-8") == READ


def test_the_codemod_says_so_and_fixes_the_rest(tmp_path: Path) -> None:
    file = project(tmp_path, READ + OTHER)
    name = "supavisor_lint.codemods.StandardTemplate"
    tool = [sys.executable, "-m", "libcst.tool", "codemod", "-x", name, "--no-format", "-j", "1", "app/read.py"]
    done = subprocess.run(tool, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False)
    assert "fix failed: the rewritten code has more findings of SUP309 than before, in `status`" in done.stderr
    assert file.read_text("utf-8").count("async with get_session()") == 1
