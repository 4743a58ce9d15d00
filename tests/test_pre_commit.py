"""The hooks under the real pre-commit, in real git repositories: what is stopped, what is fixed, what passes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project_support import write

PROJECT = Path(__file__).parent.parent
SESSIONS = """\
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

new_session = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


@asynccontextmanager
async def get_session():
    async with new_session() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise
"""
READS = "async def names(session):\n    return await session.scalars(QUERY)\n"
DIRECT = """\
from app.sessions import new_session


async def touch_rows(statement):
    async with new_session() as session:  # touches
        await session.execute(statement)
        await session.commit()
"""
HELPED = DIRECT.replace("new_session", "get_session")
FLAKE8_HOOK = """\
- id: flake8
  name: flake8
  entry: flake8
  language: python
  types: [python]
  require_serial: true
"""
SETUP = (
    "from setuptools import setup\nsetup(name='flake8-hook', version='1', install_requires=['flake8'], py_modules=[])\n"
)

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command in a repository, with nothing of the surrounding git's settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))}
    people = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env |= people | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "NO_COLOR": "1"}
    env["PRE_COMMIT_HOME"] = str(folder.parent / "pre-commit-home")
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def git(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "git", *args)


def commit(folder: Path, *paths: str) -> subprocess.CompletedProcess[str]:
    """Commit some files, as a person would: the hooks run."""
    assert git(folder, "add", *paths).returncode == 0
    return git(folder, "commit", "-m", "change")


def repository(folder: Path) -> None:
    """Make a repository of what is in a folder, and its first commit."""
    assert git(folder, "init", "-q", "-b", "main").returncode == 0
    done = commit(folder, ".")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", name="hooks")
def hooks_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the repositories of the hooks, `lint` (this project) and `flake8`."""
    base = tmp_path_factory.mktemp("hooks")
    caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "supavisor_lint", base / "lint" / "supavisor_lint", ignore=caches)
    for name in ("pyproject.toml", "README.md", ".pre-commit-hooks.yaml"):
        shutil.copy(PROJECT / name, base / "lint")
    write(base / "flake8", {".pre-commit-hooks.yaml": FLAKE8_HOOK, "setup.py": SETUP})
    for name in ("lint", "flake8"):
        repository(base / name)
    return base


def app(hooks: Path, hook: str, config: str = "", repo: str = "lint") -> Path:
    """A project with one hook installed, whose first commit holds the session module."""
    folder = hooks / f"app{len(list(hooks.iterdir()))}"
    head = git(hooks / repo, "rev-parse", "HEAD").stdout.strip()
    configuration = f"repos:\n- repo: {hooks / repo}\n  rev: {head}\n  hooks:\n  - id: {hook}\n{config}"
    write(
        folder,
        {
            ".pre-commit-config.yaml": configuration,
            "pyproject.toml": "[tool.supavisor-lint]\nextend-exclude = ['app/old']\n",
            "app/__init__.py": "",
            "app/sessions.py": SESSIONS,
        },
    )
    repository(folder)
    done = run(folder, sys.executable, "-m", "pre_commit", "install")
    assert done.returncode == 0, done.stderr
    return folder


def test_a_clean_commit_passes(hooks: Path) -> None:
    folder = app(hooks, "supavisor-lint")
    write(folder, {"app/counts.py": HELPED, "app/reads.py": READS})
    done = commit(folder, ".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stderr


def test_a_commit_with_a_finding_is_stopped_by_what_an_unchanged_file_defines(hooks: Path) -> None:
    folder = app(hooks, "supavisor-lint")
    write(folder, {"app/counts.py": DIRECT})
    done = commit(folder, "app/counts.py")
    assert done.returncode == 1
    assert "app/counts.py:5:16: SUP101 [error] " in done.stderr
    assert "app/sessions.py:5:15: the session factory is defined here" in done.stderr
    assert git(folder, "log", "--oneline").stdout.count("\n") == 1


def test_what_is_not_staged_does_not_stop_a_commit(hooks: Path) -> None:
    folder = app(hooks, "supavisor-lint")
    write(folder, {"app/counts.py": HELPED})
    git(folder, "add", ".")
    write(folder, {"app/counts.py": DIRECT})
    done = git(folder, "commit", "-m", "change")
    assert done.returncode == 0, done.stderr
    assert (folder / "app/counts.py").read_text("utf-8") == DIRECT


def test_what_the_settings_exclude_passes_although_it_is_named(hooks: Path) -> None:
    folder = app(hooks, "supavisor-lint")
    write(folder, {"app/old/counts.py": DIRECT})
    done = commit(folder, ".")
    assert done.returncode == 0, done.stderr


def test_the_fixing_hook_rewrites_and_fails_once(hooks: Path) -> None:
    folder = app(hooks, "supavisor-lint-fix")
    write(folder, {"app/counts.py": DIRECT, "app/old/counts.py": DIRECT})
    done = commit(folder, ".")
    assert done.returncode == 1
    assert "files were modified by this hook" in done.stderr
    assert (folder / "app/counts.py").read_text("utf-8") == HELPED
    assert (folder / "app/old/counts.py").read_text("utf-8") == DIRECT
    done = commit(folder, ".")
    assert done.returncode == 0, done.stderr


def test_the_hook_for_all_checks_files_that_have_not_changed(hooks: Path) -> None:
    folder = app(hooks, "supavisor-lint-all")
    write(folder, {"app/old/counts.py": DIRECT})
    assert commit(folder, ".").returncode == 0
    write(folder, {"pyproject.toml": "[tool.supavisor-lint]\n"})
    done = commit(folder, "pyproject.toml")
    assert done.returncode == 1
    assert "app/old/counts.py:5:16: SUP101 [error] " in done.stderr
    write(folder, {"notes.txt": "nothing"})
    git(folder, "checkout", "-q", "HEAD", "pyproject.toml")
    done = commit(folder, "notes.txt")
    assert "no files to check" in done.stderr and done.returncode == 0


def test_settings_that_cannot_be_used_are_told_and_stop_the_commit(hooks: Path) -> None:
    folder = app(hooks, "supavisor-lint")
    write(folder, {"pyproject.toml": "[tool.supavisor-lint]\nprofil = 'hazards'\n", "app/reads.py": READS})
    done = commit(folder, ".")
    assert done.returncode == 1
    assert 'did you mean "profile"?' in done.stderr


def test_the_plugin_under_the_hook_of_flake8(hooks: Path) -> None:
    folder = app(
        hooks, "flake8", f"    additional_dependencies: ['{hooks / 'lint'}']\n    args: [--select=SUP]\n", "flake8"
    )
    write(folder, {"app/counts.py": HELPED})
    done = commit(folder, ".")
    assert done.returncode == 0, done.stderr
    write(folder, {"app/counts.py": DIRECT})
    done = commit(folder, ".")
    assert done.returncode == 1
    assert "app/counts.py:5:16: SUP101 " in done.stderr
