"""`supavisor-lint new-task`: what it prints is free of findings, and runs."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import invoke
from project_support import SESSION_MODULE, write

PROJECT = {
    "app/__init__.py": "",
    "app/session.py": SESSION_MODULE,
    "app/marks.py": "def mark_failed(batch_id, region, error): ...\n",
    "pyproject.toml": "[tool.supavisor-lint]\n",
}
UPDATE = """
[tool.supavisor-lint.template]
failure-update = "await {session}.execute(mark_failed({batch_id}, {region}, str({error})))"
failure-import = "from app.marks import mark_failed"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def findings(root: Path, text: str) -> list[str]:
    """What the check says about a new task, with all rules about tasks on."""
    (root / "app/tasks.py").write_text(text)
    for arguments in ([], ["--extend-select", "SUP2,SUP3,SUP4,SUP6"]):
        done = invoke("check", "app/tasks.py", "--output-format", "concise", *arguments)
        if done.exit_code:
            return [*done.stdout.splitlines(), done.stderr]
    return []


@pytest.mark.parametrize("name", ["9lives", "no-name", "a.b", "", "class", "text", "get_session", "a b"])
def test_a_name_that_will_not_do_is_one_line_and_2(tmp_path: Path, name: str) -> None:
    write(tmp_path, PROJECT)
    done = invoke("new-task", name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("more", ["", 'import-style = "module"\n', UPDATE])
def test_the_template_is_free_of_findings(tmp_path: Path, more: str) -> None:
    write(tmp_path, {**PROJECT, "pyproject.toml": PROJECT["pyproject.toml"] + more})
    done = invoke("new-task", "process_batch")
    assert (done.exit_code, done.stderr) == (0, "")
    assert findings(tmp_path, done.stdout) == []
    broken, number = re.subn(r'logger.exception\((\s*"process_batch: failed outside)', r"str(\1", done.stdout)
    assert number == 1
    assert findings(tmp_path, broken) != []  # the check looks at it as at a task


@pytest.mark.parametrize("name", ["x", "process_batch", "import_the_orders_of_a_day"])
@pytest.mark.parametrize("more", ["", 'import-style = "module"\n', UPDATE])
def test_formatters_leave_it_as_it_is(tmp_path: Path, name: str, more: str) -> None:
    write(tmp_path, {**PROJECT, "pyproject.toml": PROJECT["pyproject.toml"] + more})
    text = invoke("new-task", name).stdout
    assert max(len(line) for line in text.splitlines()) <= 88
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--target-version", "py310", "-"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True)
    formatted = [line for line in done.stdout.decode().splitlines() if line]  # an empty one more below an import
    assert formatted == [line for line in text.splitlines() if line]


def test_what_stands_in_for_the_projects_own_table_says_so(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    lines = invoke("new-task", "work").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if "UPDATE jobs" in line)
    assert "stand-in" in lines[at - 1] and "statuses" in lines[at - 1]


def test_the_helper_of_the_settings(tmp_path: Path) -> None:
    settings = PROJECT["pyproject.toml"] + 'helper = "app.session.own_session"\n'
    other = SESSION_MODULE + "\nown_session = get_session\n"
    write(tmp_path, {**PROJECT, "pyproject.toml": settings, "app/session.py": other})
    done = invoke("new-task", "work")
    assert "        from app.session import own_session\n\n        async with own_session() as session:" in done.stdout


def test_the_failure_update_of_the_settings(tmp_path: Path) -> None:
    write(tmp_path, {**PROJECT, "pyproject.toml": PROJECT["pyproject.toml"] + UPDATE})
    text = invoke("new-task", "work").stdout
    assert "async def work(batch_id: int, region: str) -> None:\n" in text
    assert "            except Exception as error:\n" in text
    assert (
        "                    from app.marks import mark_failed\n                    await session.rollback()\n" in text
    )
    assert "                        await session.execute(mark_failed(batch_id, region, str(error)))\n" in text


def test_an_unusable_failure_update_is_one_line_and_2(tmp_path: Path) -> None:
    write(tmp_path, {**PROJECT, "pyproject.toml": PROJECT["pyproject.toml"] + UPDATE.replace("{session}", "{}")})
    done = invoke("new-task", "work")
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


@pytest.mark.parametrize("exclude", ["", 'exclude = ["*.py"]\n'])
def test_without_a_helper_the_import_is_a_placeholder(tmp_path: Path, exclude: str) -> None:
    write(tmp_path, {"pyproject.toml": PROJECT["pyproject.toml"] + exclude})
    done = invoke("new-task", "work")
    assert done.exit_code == 0
    assert "from app.session import get_session" in done.stdout
    assert "is a placeholder" in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_template_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, PROJECT)
    (tmp_path / "a_new_task_of_this_test.py").write_text(invoke("new-task", "work").stdout)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.import_module("a_new_task_of_this_test").work.__doc__
