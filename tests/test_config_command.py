"""`supavisor-lint config`: what holds, where it comes from, and a table that says the same where it is pasted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_support import invoke
from project_support import SESSION_MODULE, write
from test_config import EVERYTHING

from supavisor_lint.settings import Settings
from supavisor_lint.sources.config import KEYS, load_settings

SPAWN = "import asyncio\n\ndef spawn(coroutine):\n    asyncio.create_task(coroutine)\n"
PROJECT = {
    "app/__init__.py": "",
    "app/session.py": SESSION_MODULE,
    "app/spawn.py": SPAWN,
    "app/use.py": "from app.session import get_session\n",
    "requirements.txt": "asyncpg==0.30.0\n",
    "pyproject.toml": "",
}


@pytest.fixture(name="root", autouse=True)
def root_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, PROJECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


def shown(settings: str, *args: str) -> list[str]:
    Path("pyproject.toml").write_text(settings, "utf-8")
    done = invoke("config", *args)
    said = done.stderr.splitlines()
    names_more_than_there_is = settings == EVERYTHING  # about which test_unmatched is
    assert (done.exit_code, [line for line in said if not names_more_than_there_is]) == (0, [])
    assert all(" warning: " in line and "matches nothing in the project" in line for line in said)
    return list(done.stdout.splitlines())


def entries(settings: str, *args: str) -> dict[str, dict[str, Any]]:
    document = json.loads("\n".join(shown(settings, "--output-format", "json", *args)))
    assert document["version"] == 1
    return {entry.pop("key"): entry for entry in document["settings"]}


@pytest.mark.parametrize("settings", ["", "[tool.supavisor-lint]\nprofile = 'hazards'\n", EVERYTHING])
def test_what_is_shown_says_the_same_where_it_is_pasted(root: Path, settings: str) -> None:
    lines = shown(settings)
    before = load_settings(root)
    write(root, {"pyproject.toml": "\n".join(lines)})
    pooler = before.pooler_in_force  # the profile's default for it is written out
    assert load_settings(root) == Settings(
        **{name: getattr(before, name) for name in Settings.__dataclass_fields__ if name != "pooler"}, pooler=pooler
    )


@pytest.mark.parametrize("settings", ["", EVERYTHING])
def test_one_line_for_each_key_in_the_order_of_the_documentation(settings: str) -> None:
    lines = [line.removeprefix("# ") for line in shown(settings)[2:] if line and not line.startswith(("#  ", "["))]
    keys = [line.replace(":", " ").split()[0] for line in lines]
    assert keys == [key.rpartition(".")[2] for key in KEYS]
    assert list(entries(settings)) == list(KEYS)


def test_where_each_value_comes_from() -> None:
    text = "[tool.supavisor-lint]\nignore = ['SUP1']\nextend-select = [\n  'SUP307'\n]\n"
    text += "template.failure-import = 'import x'\n\n[tool.supavisor-lint.per-file-ignores]\n'a.py' = ['SUP1']\n"
    lines = shown(text, "--profile", "hazards", "--extend-select", "SUP601")
    assert [
        line
        for line in lines
        if line.startswith(("profile", "ignore", "extend-s", "per-", "pooler", "import-", "fail"))
    ] == [
        'profile = "hazards"  # command line',
        'ignore = ["SUP1"]  # pyproject.toml:2',
        'extend-select = ["SUP307", "SUP601"]  # command line and pyproject.toml:3',
        'per-file-ignores = {"a.py" = ["SUP1"]}  # pyproject.toml:8',
        'import-style = "function"  # default',
        'pooler = "auto"  # profile',
        'failure-import = "import x"  # pyproject.toml:6',
    ]
    assert next(line for line in lines if "select:" in line).startswith("# select: ")
    json_entries = entries(text, "--select", "SUP3")
    assert [json_entries[key]["origin"] for key in ("select", "extend-select", "ignore", "pooler", "helper")] == [
        "command-line",
        "command-line",
        "file",
        "profile",
        "default",
    ]
    assert (json_entries["ignore"]["line"], json_entries["extend-select"]) == (
        2,
        {"value": [], "origin": "command-line", "line": None, "found": []},
    )


def test_what_is_found_where_nothing_is_set() -> None:
    lines = shown("")
    below = {
        lines[at - 1].removeprefix("# ").split()[0].strip(":"): line
        for at, line in enumerate(lines)
        if "found:" in line
    }
    assert below == {
        "src": '#   found: ["."]',
        "session-factories": "#   found: app.session.async_session_factory (app/session.py:6:1)",
        "session-helpers": "#   found: app.session.get_session (app/session.py:10:1)",
        "helper": "#   found: app.session.get_session (app/session.py:10:1)",
        "session-modules": "#   found: app.session (app/session.py)",
        "task-registrars": "#   found: app.spawn.spawn (app/spawn.py:3:1)",
        "asyncpg-version": "#   found: asyncpg 0.30.0 (requirements.txt)",
    }
    places = entries("")["session-helpers"]["found"]
    assert places == [{"name": "app.session.get_session", "path": "app/session.py", "line": 10, "column": 1}]


def test_nothing_is_found_for_what_is_set() -> None:
    text = "[tool.supavisor-lint]\nsrc = ['.']\nsession-helpers = []\nhelper = 'app.session.get_session'\n"
    assert {key for key, entry in entries(text).items() if entry["found"]} == {
        "session-factories",
        "session-modules",
        "task-registrars",
        "asyncpg-version",
    }


def test_faults_in_the_settings_are_a_line_each() -> None:
    Path("pyproject.toml").write_text("[tool.supavisor-lint]\nselct = ['SUP101']\npooler = 3\n", "utf-8")
    done = invoke("config")
    assert (done.exit_code, done.stdout) == (2, "")
    assert [line.partition("pyproject.toml:")[2][:2] for line in done.stderr.splitlines()] == ["2:", "3:"]
    assert invoke("config", "--isolated").exit_code == 0


@pytest.mark.parametrize("args", [["nowhere"], ["--select", "X1"], ["--config", "x", "--isolated"], ["--config", "x"]])
def test_bad_arguments_are_one_line(args: list[str]) -> None:
    done = invoke("config", *args)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_another_file_and_another_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, {"lint.toml": "\n[tool.supavisor-lint]\ncheck-tests = true\n"})
    assert "check-tests = true  # lint.toml:3" in shown("", "--config", "lint.toml")
    assert "check-tests = false  # default" in shown("", "--isolated")
    monkeypatch.chdir(root.parent)
    Path(root, "pyproject.toml").write_text("[tool.supavisor-lint]\ncheck-tests = true\n", "utf-8")
    lines = invoke("config", root.name).stdout.splitlines()
    assert f"check-tests = true  # {root.name}/pyproject.toml:2" in lines
    assert f"#   found: app.session ({root.name}/app/session.py)" in lines
