"""Entries of the settings that match nothing: one line each, and never for what may be right.

It is an error where something of the project is called almost so, else a warning.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import invoke
from test_cost import SESSIONS, write

_HELPER = "app.session.get_session"
_MEANT = '; did you mean "{}"?'
_TEMPLATE = "[tool.supavisor-lint.template]\n"
FILES = {
    "__init__": "from .deep import *\n",
    "session": SESSIONS,
    "deep": "def later(fn): ...\n\n\nclass Box:\n    def later(self, fn): ...\n",
    "user": "from company.db import get_db\nimport rq\nrq.go(get_db)\n",
    "late": "from .generated import session\nsession.new_session\n",
}


@pytest.fixture(name="root")
def root_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, **FILES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(root: Path, setting: str, *args: str) -> list[str]:
    return said_by(root, setting, "check", "--quiet", *args)


def said_by(root: Path, setting: str, *args: str, stdin: str | None = None) -> list[str]:
    (root / "pyproject.toml").write_text(f"[tool.supavisor-lint]\n{setting}\n", "utf-8")
    done = invoke(*args, stdin=stdin)
    assert done.exit_code == (2 if "error: " in done.stderr else 0), done.stdout
    return list(done.stderr.splitlines())


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "session-modules = ['app.session', 'app/session.py', 'session', 'nowhere']",
        "session-factories = ['app.session.async_session_factory', 'nowhere', 'company.db.get_db']",
        "session-helpers = ['app.session.get_session', 'nowhere']",
        "helper = 'app.session.get_session'",
        "phase-helpers = ['app.later', 'app.deep.Box.later']",
        "task-registrars = ['app.deep.later', {name = 'rq.go'}, 'app.Box.later', 'nowhere']",
        "src = ['.', 'app']",
        "session-helpers = ['app.generated.session.new_session']",
        f"{_TEMPLATE}failure-update = 'later()'\nfailure-import = 'from app.deep import later'",
        f"{_TEMPLATE}failure-update = 'later()'\nfailure-import = \"import app.deep, rq\\nfrom rq import *\"",
        f"{_TEMPLATE}failure-update = 'later()'\nfailure-import = 'from celery.app import later'",
        f"{_TEMPLATE}failure-update = 'later()'\nfailure-import = 'from app import user'",
    ],
)
def test_what_matches_or_may_match_is_not_spoken_of(root: Path, setting: str) -> None:
    assert said(root, setting) == []


@pytest.mark.parametrize(
    ("setting", "entry", "hint"),
    [
        ("session-modules = ['app.sesion']", "app.sesion", '; did you mean "app.session"?'),
        ("session-modules = ['app/sesion.py']", "app/sesion.py", '; did you mean "app/session.py"?'),
        ("session-modules = ['./app/session.py']", "./app/session.py", '; did you mean "app/session.py"?'),
        ("session-modules = ['sesion']", "sesion", '; did you mean "session"?'),
        (
            "session-modules = ['company.backend.database.user']",
            "company.backend.database.user",
            _MEANT.format("app.user"),
        ),
        ("session-modules = ['app.database']", "app.database", ""),
        ("session-modules = ['db/session.py.txt']", "db/session.py.txt", _MEANT.format("app/session.py")),
        (
            "session-factories = ['app.session.async_sesion_factory']",
            "app.session.async_sesion_factory",
            _MEANT.format("app.session.async_session_factory"),
        ),
        ("session-helpers = ['app.sesion.get_session']", "app.sesion.get_session", _MEANT.format(_HELPER)),
        ("helper = 'app.session.gets_session'", "app.session.gets_session", _MEANT.format(_HELPER)),
        ("helper = 'app.sesion.gets_session'", "app.sesion.gets_session", _MEANT.format(_HELPER)),
        ("helper = 'app.session.open'", "app.session.open", ""),
        ("phase-helpers = ['app.phases.phase']", "app.phases.phase", ""),
        ("task-registrars = [{name = 'celeri.task'}]", "celeri.task", ""),
        ("src = ['source']", "source", ""),
    ],
)
def test_what_matches_nothing_is_one_line(root: Path, setting: str, entry: str, hint: str) -> None:
    key = setting.partition(" ")[0]
    kind = "error" if hint and not entry.startswith("company.") else "warning"
    line = f'supavisor-lint: {kind}: "{key}" in the settings: "{entry}" matches nothing in the project{hint}'
    assert said(root, setting) == said(root, setting, ".", "app/user.py") == said(root, setting, str(root)) == [line]


@pytest.mark.parametrize("paths", [["app"], ["app/user.py"], ["-"], ["-", "--stdin-filename", "app/user.py"]])
@pytest.mark.parametrize("setting", ["session-modules = ['app.sesion']", "helper = 'app.session.open'"])
def test_it_is_said_of_a_part_of_the_project_as_well(root: Path, setting: str, paths: list[str]) -> None:
    command = ["check", "--quiet", *paths]
    lines = said_by(root, setting, *command, stdin="x = 1\n" if "-" in paths else None)
    assert len(lines) == 1 and "matches nothing in the project" in lines[0]


def test_what_a_failure_update_imports_is_a_name_of_the_project(root: Path) -> None:
    wrong = f"{_TEMPLATE}failure-update = 'latr()'\nfailure-import = 'from app.deep import latr'"
    assert said(root, wrong) == [
        'supavisor-lint: error: "template.failure-import" in the settings: "app.deep.latr" matches nothing in the '
        'project; did you mean "app.deep.later"?'
    ]


def test_findings_are_shown_beside_the_mistyped_entry_and_the_exit_code_is_2(root: Path) -> None:
    (root / "pyproject.toml").write_text(
        "[tool.supavisor-lint]\nsession-helpers = ['app.session.get_sesion']\n", "utf-8"
    )
    (root / "app" / "late.py").write_text("async def f():\n    async_session_factory()\n", "utf-8")
    done = invoke("check", "app/late.py", "--output-format", "concise")
    assert done.exit_code == 2
    assert ":2:5: SUP105 " in done.stdout


def test_a_project_without_python_says_nothing_about_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(tmp_path, "session-modules = ['app.sesion']")[1:] == []


@pytest.mark.parametrize("command", [["new-task", "work"], ["config"], ["config", "--output-format", "json"]])
@pytest.mark.parametrize("setting", ["", f"helper = '{_HELPER}'", "session-modules = ['app.session', 'nowhere']"])
def test_the_other_commands_do_not_speak_of_what_matches(root: Path, setting: str, command: list[str]) -> None:
    assert said_by(root, setting, *command) == []


@pytest.mark.parametrize("command", [["new-task", "work"], ["config"], ["config", "--output-format", "json"]])
@pytest.mark.parametrize(
    "setting", ["helper = 'app.sesion.get_session'", "session-modules = ['app.sesion', 'new_task.py']"]
)
def test_the_other_commands_warn_as_the_check_does(root: Path, setting: str, command: list[str]) -> None:
    warnings = [line.replace(": error: ", ": warning: ") for line in said(root, setting)]
    assert len(warnings) == setting.count(",") + 1
    assert [line for line in said_by(root, setting, *command) if "placeholder" not in line] == warnings


def test_a_new_task_does_not_import_a_helper_that_is_not_there(root: Path) -> None:
    lines = said_by(root, "helper = 'app.sesion.get_session'", "new-task", "work")
    reason = "the setting `helper` names `app.sesion.get_session`, but the project has no module `app.sesion`"
    assert lines[-1].endswith(f"is a placeholder: {reason}")


@pytest.mark.parametrize("command", ["config", "init"])
def test_a_project_without_python_says_nothing_about_the_settings_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not [line for line in said_by(tmp_path, "helper = 'app.session.get_session'", command) if "matches" in line]
