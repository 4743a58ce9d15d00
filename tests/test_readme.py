"""The README says what is true: rules, settings, options and output are checked, and written with `--write`.

python tests/test_readme.py --write
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest
from project_support import SESSION_MODULE, write

from supavisor_lint.cli import cli
from supavisor_lint.project.tasks import Task
from supavisor_lint.report import catalogue
from supavisor_lint.rules import RULES, FileView
from supavisor_lint.settings import Settings
from supavisor_lint.sources.config import KEYS, load_settings

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SHOWN = 2


def rules_table() -> str:
    """What `rules --output-format markdown` prints."""
    return "\n".join(catalogue.markdown(RULES))


def on_sample_project(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "supavisor_lint", command, "fixtures/scraper_backend"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        check=False,
    )


def sample_inventory() -> str:
    """The inventory of the sample project."""
    run = on_sample_project("audit")
    assert run.returncode == 0, run.stderr
    return f"```text\n{run.stdout.strip()}\n```"


def sample_output() -> str:
    """The first findings of the sample project, and the summary line."""
    run = on_sample_project("check")
    assert run.returncode == 1, run.stderr
    blocks = run.stdout.strip().split("\n\n")
    return "```text\n" + "\n\n".join(blocks[:SHOWN]) + "\n\n…\n" + run.stderr.strip() + "\n```"


def between(text: str, name: str) -> str:
    match = re.search(rf"<!-- {name}:begin -->\n(.*?)\n?<!-- {name}:end -->", text, re.DOTALL)
    assert match is not None, name
    return match[1]


def with_section(text: str, name: str, content: str) -> str:
    pattern = rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)"
    return re.sub(pattern, lambda m: f"{m[1]}{content}\n{m[2]}", text, flags=re.DOTALL)


def test_the_table_of_rules_is_the_generated_one() -> None:
    assert between(README.read_text("utf-8"), "rules") == rules_table()


def test_the_output_is_real() -> None:
    assert between(README.read_text("utf-8"), "output") == sample_output()


def test_the_inventory_is_real() -> None:
    assert between(README.read_text("utf-8"), "audit") == sample_inventory()


def test_every_setting_is_documented() -> None:
    text = README.read_text("utf-8")
    assert [key for key in KEYS if f"`{key}`" not in text] == []


def test_defaults_are_the_settings_own() -> None:
    rows = re.findall(r"^\| `([a-z.-]+)` \| `(.+?)` \|", README.read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 5
    for key, default in rows:
        value = getattr(Settings(), key.replace("-", "_"))
        shown = json.loads(default)
        assert (list(value) if isinstance(value, tuple) else value) == shown or not (value or shown), key


def test_no_command_and_no_option_is_invented() -> None:
    text = README.read_text("utf-8")
    runs = re.findall(r"\bsupavisor-lint ([a-z-]+)\b([^\n#|]*)", "\n".join(blocks_of(text, "sh")))
    assert {command for command, _ in runs} == set(cli.commands)
    for command, arguments in runs:
        options = {option for param in cli.commands[command].params for option in param.opts}
        assert set(re.findall(r"--[a-z-]+", arguments)) <= options, arguments
    described = set(re.findall(r"`(--[a-z-]+)`", text))
    assert described <= {
        option for command in cli.commands.values() for param in command.params for option in param.opts
    }


def test_every_option_of_check_is_documented() -> None:
    text = README.read_text("utf-8")
    options = {option for param in cli.commands["check"].params for option in param.opts if option.startswith("--")}
    assert {option for option in options if option not in text} <= {"--quiet", "--verbose"}
    assert "`-q`" in text and "`-v`" in text


def blocks_of(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, ["supavisor_lint/findings.py"]),
        (1, ["fixtures/scraper_backend"]),
        (0, ["fixtures/scraper_backend", "--exit-zero"]),
        (2, ["no/such/path"]),
    ],
)
def test_exit_codes_are_as_described(code: int, arguments: list[str]) -> None:
    assert f"{code} " in README.read_text("utf-8").partition("## Exit codes\n")[2].partition("\n## ")[0]
    run = subprocess.run(
        [sys.executable, "-m", "supavisor_lint", "check", *arguments], cwd=ROOT, capture_output=True, check=False
    )
    assert run.returncode == code


def test_the_settings_in_the_readme_are_valid(tmp_path: Path) -> None:
    tables = [block for block in blocks_of(README.read_text("utf-8"), "toml") if "[tool.supavisor-lint]" in block]
    assert tables
    for table in tables:
        (tmp_path / "pyproject.toml").write_text(table, "utf-8")
        assert load_settings(tmp_path) != Settings()


def test_the_failure_update_in_the_readme_is_what_a_fix_writes(tmp_path: Path) -> None:
    text = README.read_text("utf-8").partition("\n## Settings\n")[2]
    table = next(block for block in blocks_of(text, "toml") if "failure-update" in block)
    handler = blocks_of(text, "python")[0]
    task = (
        "async def {}({}):\n"
        "    log.info('start')\n"
        "    async with get_session() as session:\n"
        "        async with session.begin():\n"
        "            await session.execute(update(Job).values(status='processing'))\n"
        "        async with session.begin():\n"
        "            await session.execute(delete(Row))\n\n\n"
    )
    jobs = (
        "import logging\n\nfrom fastapi import BackgroundTasks\nfrom sqlalchemy import delete, update\n\n"
        "from app.session import get_session\n\nlog = logging.getLogger(__name__)\n\n\n"
        + task.format("send_invoice", "job_id")
        + task.format("send_reminder", "order")
        + "def start(tasks: BackgroundTasks):\n"
        "    tasks.add_task(send_invoice, 1)\n    tasks.add_task(send_reminder, 1)\n"
    )
    files = {
        "pyproject.toml": table,
        "app/session.py": SESSION_MODULE,
        "app/jobs/status.py": "async def mark_failed(session, job_id, error): ...\n",
        "app/jobs/invoice.py": jobs,
    }
    write(tmp_path, files)
    run = subprocess.run(
        [sys.executable, "-m", "supavisor_lint", "check", "--fix", "--unsafe-fixes", "app"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    fixed = (tmp_path / "app/jobs/invoice.py").read_text("utf-8")
    assert indent(handler, " " * 12) in fixed, fixed + run.stdout + run.stderr
    assert "asks for `job_id`, which is no parameter of `send_reminder`" in run.stdout


def test_the_guide_for_rules_speaks_of_what_is_there() -> None:
    """What it calls `view.…` and `task.…` exists."""
    guide = ROOT.joinpath("supavisor_lint", "rules", "README.md").read_text("utf-8")
    names = FileView.__dict__.keys() | {"ev", "file", "flow", "project", "settings"}
    assert set(re.findall(r"\bview\.([a-z_]+)", guide)) <= names
    assert set(re.findall(r"\btask\.([a-z_]+)", guide)) <= {*dir(Task), *Task.__slots__}
    assert all(
        ROOT.joinpath("supavisor_lint", path).is_file()
        for path in re.findall(r"`([a-z]+/[a-z_]+\.py)`", guide)
        if not path.startswith("tests")
    )


def test_the_hooks_are_those_that_there_are() -> None:
    offered = re.findall(r"(?m)^- id: (.*)", (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    commit = README.read_text("utf-8").partition("\n## Commit\n")[2].partition("\n## ")[0]
    assert sorted(set(re.findall(r"\bsupavisor-lint(?:-\w+)?(?=[`\n, ])", commit))) == sorted(offered)


def test_links_lead_to_sections() -> None:
    text = README.read_text("utf-8")
    sections = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"(?m)^##+ (.*)", text)}
    assert set(re.findall(r"\]\(#(.*?)\)", text)) <= sections


def test_the_two_commands_are_one_line_each() -> None:
    text = README.read_text("utf-8")
    for name in ("check", "test"):
        block = re.search(rf"<!-- command: {name} -->\n```sh\n(.*?)\n```", text, re.DOTALL)
        assert block is not None
        assert "\n" not in block[1]


if __name__ == "__main__" and "--write" in sys.argv:
    written = with_section(README.read_text("utf-8"), "rules", rules_table())
    written = with_section(written, "audit", sample_inventory())
    README.write_text(with_section(written, "output", sample_output()), "utf-8")
