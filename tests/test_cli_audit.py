"""The command `audit`: formats, files, streams, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from cli_support import invoke, project_fixture, spawn  # noqa: F401

SCHEMA = json.loads(Path(__file__).with_name("schemas").joinpath("audit.schema.json").read_text("utf-8"))
TASK = "async def sync_with_own_session():\n    session = async_session_factory()\n    await session.execute(1)\n"


@pytest.fixture(name="root")
def root_fixture(project: Path) -> Path:
    (project / "app" / "jobs.py").write_text(TASK, "utf-8")
    return project


def test_the_table_is_the_default(root: Path) -> None:
    done = invoke("audit")
    assert done.exit_code == 0
    assert "sync_with_own_session  app/jobs.py:1" in done.stdout
    assert "factory" in done.stdout
    assert done.stderr == ""


def test_paths_in_the_table_are_those_of_the_current_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "app")
    assert "sync_with_own_session  jobs.py:1" in invoke("audit").stdout


def test_json_is_the_contract_with_paths_from_the_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "app")
    document = json.loads(invoke("audit", ".", "--output-format", "json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert [(task["path"], task["session"]) for task in document["tasks"]] == [("app/jobs.py", "factory")]


@pytest.mark.parametrize(
    ("name", "begins"), [("markdown", "## Background"), ("html", "<!doctype html>"), ("table", "priority")]
)
def test_a_file_takes_the_report_and_stdout_stays_empty(root: Path, name: str, begins: str) -> None:
    done = invoke("audit", "--output-format", name, "--output-file", "report.txt", color=True)
    assert (done.exit_code, done.stdout) == (0, "")
    text = (root / "report.txt").read_text("utf-8")
    assert text.startswith(begins)
    assert "\x1b" not in text


def test_the_page_proposes_the_fix_and_writes_nothing_else(root: Path) -> None:
    before = (root / "app" / "jobs.py").read_text("utf-8")
    (root / "app" / "session.py").write_text(
        "from contextlib import asynccontextmanager\n"
        "from sqlalchemy.ext.asyncio import async_sessionmaker\n\n"
        "async_session_factory = async_sessionmaker()\n\n\n"
        "@asynccontextmanager\n"
        "async def get_session():\n"
        "    async with async_session_factory() as session:\n"
        "        yield session\n"
        "        await session.commit()\n",
        "utf-8",
    )
    (root / "app" / "jobs.py").write_text(f"from app.session import async_session_factory\n\n\n{before}", "utf-8")
    text = (root / "app" / "jobs.py").read_text("utf-8")
    page = invoke("audit", "--output-format", "html").stdout
    assert "+        async with get_session() as session:" in page
    assert (root / "app" / "jobs.py").read_text("utf-8") == text


def test_a_file_that_cannot_be_parsed_is_one_line_on_stderr(root: Path) -> None:
    (root / "app" / "broken.py").write_text("import asyncio\nasyncio.create_task(work(\n", "utf-8")
    done = invoke("audit", "--output-format", "json")
    assert done.exit_code == 0
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("supavisor-lint: warning: app/broken.py:")
    summary = json.loads(done.stdout)["summary"]
    assert (summary["failed"], summary["tasks"]) == (1, 1)


def test_nothing_to_list_is_said_on_stderr(project: Path) -> None:
    done = invoke("audit")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "No background tasks found.\n"


def test_what_goes_into_a_file_is_said_on_stderr(root: Path) -> None:
    number = len(json.loads(invoke("audit", "--output-format", "json").stdout)["tasks"])
    done = invoke("audit", "--output-format", "html", "--output-file", "a.html")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"wrote a.html: {number} background task{'s' if number > 1 else ''}, 0 compliant\n"
    (root / "app" / "empty.py").write_text("", "utf-8")
    assert invoke("audit", "app/empty.py", "--output-file", "a.txt").stderr == "wrote a.txt: no background tasks\n"


@pytest.mark.parametrize("args", [(), ("--output-file", "a.txt"), ("app/empty.py",)])
def test_quiet_says_nothing_but_the_inventory(root: Path, args: tuple[str, ...]) -> None:
    (root / "app" / "empty.py").write_text("", "utf-8")
    assert invoke("audit", "--quiet", *args).stderr == ""


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("nowhere.py",), "supavisor-lint: error: nowhere.py: "),
        (("--output-format", "htm"), 'supavisor-lint: error: invalid value for "--output-format": "htm" is not one of'),
        (("--isolated", "--config", "x.toml"), "supavisor-lint: error: --isolated and --config exclude each other"),
        (("--output-file", "nowhere/x"), "supavisor-lint: error: cannot write nowhere/x: "),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(root: Path, args: tuple[str, ...], line: str) -> None:
    done = invoke("audit", *args)
    assert done.exit_code == 2
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1


def test_settings_that_cannot_be_used_end_it(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.supavisor-lint]\ntask-name = ['x']\n", "utf-8")
    done = invoke("audit")
    assert done.exit_code == 2
    assert "task-names" in done.stderr
    assert invoke("audit", "--isolated").exit_code == 0


def test_the_settings_of_the_project_decide_what_is_a_task(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.supavisor-lint]\ntask-names = ['t']\n", "utf-8")
    document = json.loads(invoke("audit", "--output-format", "json").stdout)
    assert [task["function"] for task in document["tasks"]] == ["t", "t"]


def test_the_help_tells_the_rule_of_priority_and_fits(root: Path) -> None:
    text = invoke("audit", "--help").stdout
    assert "From 5 points on the priority is high" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_pipe_takes_any_encoding(root: Path) -> None:
    (root / "app" / "jobs.py").write_text(TASK.replace("sync_", "größe_"), "utf-8")
    for name in ("table", "markdown", "json", "html"):
        done = spawn("audit", "--output-format", name, PYTHONIOENCODING="ascii")
        assert (done.returncode, done.stderr) == (0, b"")
        done.stdout.decode("ascii")
