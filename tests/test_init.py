"""`supavisor-lint init`: what it shows, what it asks, and what becomes of pyproject.toml."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import invoke, spawn
from project_support import SESSION_MODULE, write
from test_survey import PROJECT, SECOND_HELPER, TASKS, UNSEEN

TABLE = """[tool.supavisor-lint]
# 3 registered tasks are named so; nothing seen registers four_job
task-names = ["*_job"]
"""
FULL = {**PROJECT, "app/unseen.py": UNSEEN}
NEXT = "pyproject.toml written. Next: supavisor-lint check --statistics\n"
NOTHING = "pyproject.toml says all that is needed: nothing to change.\n"


@pytest.fixture(name="root", autouse=True)
def root_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


def settings(text: str) -> Path:
    path = Path("pyproject.toml")
    path.write_bytes(text.encode())
    return path


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


# What is left alone


def test_a_project_without_sessions_gets_no_file(root: Path) -> None:
    write(root, {"app.py": "x = 1\n"})
    done = invoke("init")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith("Nothing in 1 Python file opens an async SQLAlchemy session")
    assert list(files()) == ["app.py"]


@pytest.mark.parametrize("before", [None, "", "[project]\nname = 'x'\n"])
def test_no_default_is_written(root: Path, before: str | None) -> None:
    write(root, PROJECT if before is None else {**PROJECT, "pyproject.toml": before})
    there = files()
    done = invoke("init", "--yes")
    assert (done.exit_code, done.stderr.splitlines()) == (
        0,
        ["Definitions say all that is needed: nothing to set. Next: supavisor-lint check --statistics"],
    )
    assert "get_session  app/session.py:10  commits" in done.stdout
    assert files() == there


def test_settings_that_say_enough_are_left_as_they_are(root: Path) -> None:
    write(root, PROJECT)
    for text in ("[tool.supavisor-lint]\n", "[tool.supavisor-lint]\nprofile = 'hazards'\n", "tool.supavisor-lint = {}"):
        path = settings(text)
        for args in ([], ["--yes"], ["--diff"]):
            done = invoke("init", *args)
            assert (done.exit_code, done.stderr.splitlines()[-1]) == (0, NOTHING.strip())
            assert path.read_text() == text


@pytest.mark.parametrize("option", ["--diff", "--dry-run"])
def test_a_dry_run_is_a_patch_and_writes_nothing(root: Path, option: str) -> None:
    write(root, FULL)
    settings("[project]\nname = 'x'\n")
    before = files()
    done = invoke("init", option)
    assert done.exit_code == 1
    assert done.stdout.startswith("--- a/pyproject.toml\n+++ b/pyproject.toml\n@@ -1,2 +1,6 @@\n")
    assert "Session helpers (1)\n  get_session  app/session.py:10  commits\n" in done.stderr
    assert files() == before
    assert applied(done.stdout_bytes) == f"[project]\nname = 'x'\n\n{TABLE}"


def test_the_patch_of_a_new_file_can_be_applied(root: Path) -> None:
    write(root, FULL)
    done = invoke("init", "--diff")
    assert not Path("pyproject.toml").exists()
    assert done.stdout.startswith("--- /dev/null\n+++ b/pyproject.toml\n@@ -0,0 +1,3 @@\n")
    assert applied(done.stdout_bytes) == TABLE


def applied(patch: bytes) -> str:
    subprocess.run(["git", "init", "-q", "."], check=True)
    subprocess.run(["git", "apply", "-"], input=patch, check=True)
    return Path("pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[tool\n", "pyproject.toml:1:6: is not TOML: "),
        ("[tool.supavisor-lint]\nprofil = 'x'\n", 'pyproject.toml:2: unknown key "profil"'),
        ("[[tool.supavisor-lint]]\n", "pyproject.toml:1: [tool.supavisor-lint] must be a table"),
        ("[tool.supavisor_lint]\n", "pyproject.toml:1: unknown table [tool.supavisor_lint]"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(root: Path, text: str, line: str) -> None:
    write(root, FULL)
    path = settings(text)
    done = invoke("init", "--yes")
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert line in done.stderr and path.read_text() == text


def test_an_inline_table_is_left_and_the_lines_are_shown(root: Path) -> None:
    write(root, FULL)
    path = settings("[tool]\nsupavisor-lint = {profile = 'template'}\n")
    done = invoke("init", "--yes")
    assert done.exit_code == 2
    assert done.stdout.endswith(
        "\n[tool.supavisor-lint]\n# 3 registered tasks are named so; nothing seen registers four_job\n"
        'task-names = ["*_job"]\n'
    )
    assert done.stderr == (
        "supavisor-lint: error: pyproject.toml: line 2: `tool.supavisor-lint` is an inline table, "
        "which takes no lines; add the lines above yourself\n"
    )
    assert path.read_text() == "[tool]\nsupavisor-lint = {profile = 'template'}\n"


def test_what_is_set_is_never_changed(root: Path) -> None:
    write(root, FULL)
    text = "[tool.supavisor-lint]\ntask-names = ['*_work']\n"
    path = settings(text)
    done = invoke("init", "--yes")
    assert (done.exit_code, path.read_text()) == (0, text)
    assert done.stderr.splitlines() == [
        'note: line 2: `task-names` could be ["*_work", "*_job"]: '
        "3 registered tasks are named so; nothing seen registers four_job",
        NOTHING.strip(),
    ]


def test_a_file_that_cannot_be_written_is_one_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, FULL)
    settings("")
    outside = root.parent / f"{root.name}-outside.toml"
    Path("pyproject.toml").rename(outside)
    Path("pyproject.toml").symlink_to(outside)
    done = invoke("init")
    assert done.exit_code == 2
    assert done.stderr == f"supavisor-lint: error: cannot write pyproject.toml: it is a link to a file outside {root}\n"
    assert outside.read_bytes() == b""


def test_a_file_that_was_made_meanwhile_is_not_replaced(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from supavisor_lint.survey import plan

    write(root, FULL)
    real = plan.write_whole

    def late(target: Path, *args: object) -> None:
        target.write_text("mine")
        real(target, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(plan, "write_whole", late)
    done = invoke("init")
    assert (done.exit_code, done.stderr) == (
        2,
        "supavisor-lint: error: cannot write pyproject.toml: it has been made meanwhile\n",
    )
    assert Path("pyproject.toml").read_text() == "mine"
    assert [path.name for path in Path().iterdir()].count("pyproject.toml") == len(list(Path().glob("*.t*")))


# What is written


@pytest.mark.parametrize(
    "before", ["", "# only a comment", "\ufeff[project]\r\nname = 'x' # no line end", "a = [\n1,\n]\n\n"]
)
def test_a_table_is_added_and_everything_else_stays(root: Path, before: str) -> None:
    write(root, FULL)
    path = settings(before)
    path.chmod(0o640)
    done = invoke("init")
    assert (done.exit_code, done.stderr) == (0, NEXT)
    after = path.read_bytes()
    assert after.startswith(before.encode())
    assert after.decode().removeprefix(before).replace("\r\n", "\n").strip("\n") + "\n" == TABLE
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(root.glob(".supavisor*")) == []
    assert (invoke("init").stderr, path.read_bytes()) == (NOTHING, after)


@pytest.mark.parametrize(
    "project",
    [
        FULL,
        {"app/session.py": SESSION_MODULE.replace("@asynccontextmanager", "")},
        {"app/session.py": (SESSION_MODULE + SECOND_HELPER).replace("get_session", "own_session"),
         "app/tasks.py": TASKS.replace("get_session", "other_session")},
        {**PROJECT, "app/use.py": "from app.tasks import one_job\nfrom company import enqueue\nenqueue(one_job)\n"},
    ],
)  # fmt: skip
def test_a_check_works_with_what_is_written(root: Path, project: dict[str, str]) -> None:
    write(root, project)
    assert spawn("init").returncode == 0
    done = spawn("check")
    assert done.returncode in (0, 1)
    assert b"warning" not in done.stderr and b"error" not in done.stderr
    assert spawn("init").stderr.decode() == NOTHING


def test_the_helper_is_named_as_it_is_imported(root: Path) -> None:
    module = (SESSION_MODULE + SECOND_HELPER).replace("get_session", "own_session")
    tasks = TASKS.replace("app.session", "app").replace("get_session", "other_session")
    write(
        root,
        {"app/__init__.py": "from app.session import other_session\n", "app/session.py": module, "app/tasks.py": tasks},
    )
    assert '\n+helper = "app.other_session"\n' in invoke("init").stdout
    assert "from app import other_session\n" in invoke("new-task", "work").stdout


def test_the_file_is_that_of_the_folder(root: Path) -> None:
    (root / ".git").mkdir()
    write(root, {f"backend/{name}": text for name, text in FULL.items()})
    write(root, {"backend/pyproject.toml": "[project]\n"})
    assert invoke("init", "backend/app").stderr == NEXT.replace("pyproject", "backend/pyproject")
    assert Path("backend/pyproject.toml").read_text() == f"[project]\n\n{TABLE}"
    assert not Path("pyproject.toml").exists()
    write(root, {"backend/app/pyproject.toml": "[tool.other]\n"})
    assert invoke("init", "backend/app").stderr == NOTHING.replace("pyproject", "backend/pyproject")


def test_large_groups_are_cut_unless_everything_is_asked_for(root: Path) -> None:
    jobs = "\n".join(f"async def f{n}_with_own_session(): ..." for n in range(12))
    write(root, {**PROJECT, "app/jobs.py": jobs})
    lines = invoke("init", "--diff").stderr.splitlines()
    assert "Background tasks (15): 12 by name, 3 asyncio.create_task" in lines
    assert "  ... and 7 more (--verbose shows all)" in lines
    assert sum("f11_with_own_session" in line for line in lines) == 0
    assert sum("f11_with_own_session" in line for line in invoke("init", "--diff", "-v").stderr.splitlines()) == 1


def test_odd_names_of_files_break_no_comment(root: Path) -> None:
    user = "from company.db import get_db\n\nasync def f():\n    async with get_db() as db:\n        db.add(1)\n"
    write(root, {**PROJECT, "app/a\nb\x1b.py": user})
    assert invoke("init").exit_code == 0
    assert "# another package defines company.db.get_db (app/a\\nb\\x1b.py:4)\n" in Path("pyproject.toml").read_text()
    assert invoke("init").stderr == NOTHING


# What is asked


def test_without_a_terminal_a_table_is_only_changed_on_request(root: Path) -> None:
    write(root, FULL)
    path = settings("[tool.supavisor-lint]\nprofile = 'hazards' # mine\n")
    before = path.read_bytes()
    done = spawn("init", stdin=b"y\n")
    assert (done.returncode, path.read_bytes()) == (2, before)
    assert done.stderr.decode() == (
        "supavisor-lint: error: pyproject.toml has a [tool.supavisor-lint] table already: "
        "--yes adds these lines, --diff only shows them\n"
    )
    assert b'+task-names = ["*_job"]\n' in done.stdout
    assert spawn("init", "-y").returncode == 0
    assert path.read_bytes() == before + TABLE.partition("\n")[2].encode()


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals like these")
@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"Yes\n", 0), (b"n\n", 1), (b"\n", 1), (b"\x04", 1)])
def test_on_a_terminal_it_asks(root: Path, answer: bytes, code: int) -> None:
    import pty

    write(root, FULL)
    path = settings("[tool.supavisor-lint]\nprofile = 'hazards'\n")
    terminal, inner = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "supavisor_lint", "init"],
            stdin=inner,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stderr is not None
            asked = b""
            while not asked.endswith(b"]o: "):
                assert select.select([process.stderr], [], [], 60)[0], asked
                asked += os.read(process.stderr.fileno(), 1000)
            os.write(terminal, answer)
            out, err = process.communicate(timeout=60)
    finally:
        os.close(terminal)
        os.close(inner)
    assert asked == b"Add these lines to pyproject.toml? [y]es, [n]o: "
    assert process.returncode == code
    assert (b"task-names" in path.read_bytes()) is (code == 0)
    assert err.decode().strip() == (NEXT.strip() if code == 0 else "pyproject.toml left as it was.")
    assert b"task-names" in out
