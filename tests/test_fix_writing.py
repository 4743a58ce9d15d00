"""What is written: only the edits, byte by byte; nothing where it must not be; and whole files, also after a kill."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import invoke
from fix_support import BROKEN, MENDED, app_fixture  # noqa: F401
from project_support import SESSION_MODULE, write

from supavisor_lint import fixing
from supavisor_lint.run import job_of_paths
from supavisor_lint.settings import Settings
from supavisor_lint.sources.writing import UnwritableFile, replace_file

KILLS = 30
FILES = 10


@pytest.mark.parametrize(
    ("before", "encoding"),
    [
        (BROKEN, "utf-8"),
        (BROKEN.replace("\n", "\r\n"), "utf-8-sig"),
        (BROKEN.replace("    ", "\t").rstrip("\n"), "utf-8"),
        ("# -*- coding: latin-1 -*-\n# \xe9\n" + BROKEN, "latin-1"),
        ("x = '''a\r\nb\n'''\n" + BROKEN + "\n\x0c\n   ", "utf-8"),
        (BROKEN.replace("\n", "\r"), "utf-8"),
    ],
)
def test_all_other_bytes_stay(app: Path, before: str, encoding: str) -> None:
    work = app / "app" / "work.py"
    work.write_bytes(before.encode(encoding))
    work.chmod(0o640)
    assert invoke("check", "--fix", "app/work.py").exit_code == 0
    assert work.read_bytes() == before.replace("with get", "async with get").encode(encoding)
    assert work.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in work.parent.iterdir() if path.suffix != ".py"] == []


def test_a_file_that_changes_meanwhile_is_left(app: Path) -> None:
    (app / "app" / "more.py").write_text(BROKEN, "utf-8")
    job = job_of_paths([app], app, Settings())
    fixed = fixing.fix(job, unsafe=False)
    assert len(fixed.fixed) == 2
    (app / "app" / "work.py").write_text(BROKEN + "\nnew = 1\n", "utf-8")
    fixed = fixing.write(job, fixed)
    assert dict(fixed.failures) == {"app/work.py": "it has changed on disk meanwhile"}
    assert (app / "app" / "work.py").read_text("utf-8") == BROKEN + "\nnew = 1\n"
    assert (app / "app" / "more.py").read_text("utf-8") == MENDED
    assert [f.path for f in fixed.fixed] == ["app/more.py"]
    assert [f.path for f in fixed.result.findings] == ["app/stuck.py", "app/work.py"]


@pytest.mark.skipif(os.name == "nt", reason="permissions and links of POSIX")
def test_a_protected_file_is_left_and_the_others_are_fixed(app: Path) -> None:
    (app / "app" / "more.py").write_text(BROKEN, "utf-8")
    (app / "app" / "work.py").chmod(0o444)
    result = invoke("check", "--fix")
    assert result.exit_code == 2
    assert "supavisor-lint: error: app/work.py: fix failed: it is write-protected\n" in result.stderr
    assert "Fixed 1 finding in 1 file, 2 left." in result.stderr
    assert (app / "app" / "work.py").read_text("utf-8") == BROKEN
    assert (app / "app" / "more.py").read_text("utf-8") == MENDED


@pytest.mark.skipif(os.name == "nt", reason="permissions and links of POSIX")
def test_a_link_is_followed_inside_the_root_only(app: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    real = app / "real.txt"
    real.write_text(BROKEN, "utf-8")
    (app / "app" / "link.py").symlink_to(real)
    (app / "app" / "work.py").unlink()
    assert invoke("check", "--fix").exit_code == 1
    assert (app / "app" / "link.py").is_symlink()
    assert real.read_text("utf-8") == MENDED
    outside = tmp_path_factory.mktemp("outside") / "x.py"
    outside.write_bytes(b"old")
    (app / "out.py").symlink_to(outside)
    with pytest.raises(UnwritableFile, match="a link to a file outside"):
        replace_file(app / "out.py", b"old", b"new", app)
    assert outside.read_bytes() == b"old"


def test_what_a_kill_leaves_behind_is_never_checked(app: Path) -> None:
    before = invoke("check").stderr
    (app / "app" / ".supavisor-lint-abc123.tmp").write_text("with (", "utf-8")
    assert invoke("check").stderr == before


DRIVER = """
import os, random, signal, sys, time
from pathlib import Path
from supavisor_lint import fixing
from supavisor_lint.cli import cli

root, seed = Path(sys.argv[1]), sys.argv[2]
broken = (root / "broken.txt").read_bytes()
files = sorted((root / "app").glob("w*.py"))
rng = random.Random(seed)
os.chdir(root)


def child(ready):
    fix = fixing.fix
    def timed(*args, **kwargs):
        fixed = fix(*args, **kwargs)
        os.write(ready, b"x")
        return fixed
    fixing.fix = timed
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    try:
        cli.main(["check", "--fix"], standalone_mode=False)
    finally:
        os._exit(0)


def run(delay):
    for file in files:
        file.write_bytes(broken)
    told, ready = os.pipe()
    pid = os.fork()
    if not pid:
        child(ready)
    os.close(ready)
    os.read(told, 1)
    start = time.monotonic()
    if delay is not None:
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(told)
    return time.monotonic() - start


whole = run(None)
for number in range(int(sys.argv[3])):
    run(rng.uniform(0, whole))
    states = {broken: "old", broken.replace(b"with get", b"async with get"): "new"}
    print(*(states.get(file.read_bytes(), "torn") for file in files), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_kill_at_any_moment_leaves_whole_files(tmp_path: Path) -> None:
    write(
        tmp_path, {"pyproject.toml": "[tool.supavisor-lint]\n", "app/__init__.py": "", "app/session.py": SESSION_MODULE}
    )
    filler = "".join(f"# a line to make the file longer, number {number}\n" for number in range(200))
    (tmp_path / "broken.txt").write_text(BROKEN + filler, "utf-8")
    for number in range(FILES):
        (tmp_path / "app" / f"w{number:02}.py").write_text(BROKEN, "utf-8")
    (tmp_path / "driver.txt").write_text(DRIVER, "utf-8")
    done = subprocess.run(
        [sys.executable, "driver.txt", str(tmp_path), str(random.randrange(10**6)), str(KILLS)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    runs = [line.split() for line in done.stdout.splitlines()]
    assert len(runs) == KILLS
    assert {state for states in runs for state in states} <= {"old", "new"}
    assert any(len(set(states)) == 2 for states in runs), "no kill came while files were written"
    last = subprocess.run(
        [sys.executable, "-m", "supavisor_lint", "check", "--fix"], cwd=tmp_path, capture_output=True, check=False
    )
    assert last.returncode == 0, last.stderr
    assert b"error" not in last.stderr
