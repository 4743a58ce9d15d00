"""What the tests of the command line share: a stand-in for `run`, a small project, two ways to start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from supavisor_lint import run
from supavisor_lint.cli import cli
from supavisor_lint.findings import Finding, Place, Span
from supavisor_lint.settings import Settings

SNIPPET = "async def t():\n    session = async_session_factory()\n"
CLEAN = "async def t():\n    return 1\n"
FOUND = Finding(
    code="SUP101",
    name="direct-session-factory",
    message="session factory called directly",
    severity="error",
    confidence="high",
    path="app/tasks.py",
    span=Span(2, 15, 2, 38),
    function="t",
    related=(Place("app/db.py", 1, 1, "defined here"),),
)
ONE = run.Result(
    findings=(FOUND,),
    files=2,
    analysed=2,
    failed=0,
    suppressed=(),
    problems=(),
    sources={"app/tasks.py": SNIPPET},
)
NONE = replace(ONE, findings=(), sources={})


class Fake:
    """Stands in for `run`: answers with a result, and keeps what it was asked."""

    def __init__(self, result: run.Result) -> None:
        self.result = result
        self.error: BaseException | None = None
        self.paths: Sequence[Path] = ()
        self.data = b""
        self.filename: Path | None = None
        self.root = Path()
        self.settings = Settings()

    def job_of_paths(self, paths: Sequence[Path], root: Path, settings: Settings) -> run.Job:
        self.paths, self.root, self.settings = paths, root, settings
        return run.Job(root, settings, {}, ())

    def job_of_stdin(self, data: bytes, filename: Path | None, root: Path, settings: Settings) -> run.Job:
        self.data, self.filename = data, filename
        return self.job_of_paths((), root, settings)

    def check_job(self, job: run.Job) -> run.Result:
        if self.error is not None:
            raise self.error
        return self.result


@pytest.fixture(name="project")
def project_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / "app").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.supavisor-lint]\nextend-select = ['SUP205']\n", "utf-8")
    (root / "app" / "tasks.py").write_text(SNIPPET, "utf-8")
    (root / "app" / "clean.py").write_text(CLEAN, "utf-8")
    monkeypatch.chdir(root)
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture(name="fake")
def fake_fixture(project: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake(ONE)
    for name in ("job_of_paths", "job_of_stdin", "check_job"):
        monkeypatch.setattr(run, name, getattr(fake, name))
    return fake


def invoke(*args: str, stdin: bytes | str | None = None, color: bool = False) -> Any:
    separate: Any = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}  # click 8.1
    return CliRunner(**separate).invoke(cli, args, input=stdin, prog_name="supavisor-lint", color=color)


def spawn(*args: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "supavisor_lint", *args],
        input=stdin,
        capture_output=True,
        env=os.environ | env,
        check=False,
    )
