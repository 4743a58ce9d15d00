"""Which files a run looks at: real trees, real symbolic links, and git itself as the judge."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from supavisor_lint.settings import Settings
from supavisor_lint.sources.discovery import discover, is_excluded, is_test_file

PLAIN = Settings()
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def make(root: Path, *files: str) -> Path:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def found(root: Path, *paths: str, settings: Settings = PLAIN) -> list[str]:
    result = discover([root / path for path in paths or (".",)], root, settings)
    assert result.problems == ()
    return [file.relative for file in result.files]


# --- silence ------------------------------------------------------------------------------------------------


def test_an_empty_tree_has_no_files_and_no_problems(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_other_files_than_python_are_left_alone(tmp_path: Path) -> None:
    make(tmp_path, "a.pyi", "b.pyc", "c.txt", "script", "d.py.orig", "e.PY~")
    (tmp_path / "folder.py").mkdir()
    assert found(tmp_path) == []


def test_default_excludes_and_environments_are_left_alone(tmp_path: Path) -> None:
    folders = (".git", ".venv", "venv", "node_modules", "__pycache__", "a/build", "dist", "x/site-packages/y")
    make(
        tmp_path,
        *(f"{folder}/m.py" for folder in folders),
        "env/pyvenv.cfg",
        "env/m.py",
        "env/lib/m.py",
        "keep.py",
    )
    assert found(tmp_path) == ["keep.py"]


# --- what is found ------------------------------------------------------------------------------------------


def test_files_are_sorted_relative_and_posix(tmp_path: Path) -> None:
    make(tmp_path, "b.py", "a/z.py", "a.py", ".hidden/h.py", "a/b/c.py")
    assert found(tmp_path) == [".hidden/h.py", "a.py", "a/b/c.py", "a/z.py", "b.py"]
    files = discover([tmp_path], tmp_path, PLAIN).files
    assert all(file.path == tmp_path / file.relative for file in files)


def test_a_named_file_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    make(tmp_path, "script", "a.pyi", "b.txt")
    assert found(tmp_path, "script", "a.pyi") == ["a.pyi", "script"]


def test_named_paths_are_still_excluded(tmp_path: Path) -> None:
    make(tmp_path, "build/a.py", "src/build/deep/b.py", "src/c.py")
    assert found(tmp_path, "build/a.py", "build", "src/build/deep", "src/build/deep/b.py", "src/c.py") == ["src/c.py"]


def test_order_and_repetition_of_paths_change_nothing(tmp_path: Path) -> None:
    make(tmp_path, "a/b/x.py", "a/y.py", "c/z.py", "ignored/deep/i.py")
    write(tmp_path / ".gitignore", "ignored/")
    (tmp_path / "link").symlink_to("a")
    paths = ["a", "a/b/x.py", ".", "link/y.py", "ignored/deep"]
    expected = ["a/b/x.py", "a/y.py", "c/z.py", "ignored/deep/i.py"]
    for order in itertools.permutations(paths):
        assert found(tmp_path, *order, *order) == expected


def test_an_environment_that_is_named_itself_is_looked_at(tmp_path: Path) -> None:
    make(tmp_path, "env/pyvenv.cfg", "env/m.py", "a.py")
    assert found(tmp_path, "env") == ["env/m.py"]
    assert found(tmp_path, ".", "env") == found(tmp_path, "env", ".") == ["a.py", "env/m.py"]


def test_relative_paths_start_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "src/a.py")
    monkeypatch.chdir(tmp_path / "src")
    assert [file.relative for file in discover([Path()], tmp_path, PLAIN).files] == ["src/a.py"]
    assert [file.relative for file in discover([Path("../src/a.py")], Path(".."), PLAIN).files] == ["src/a.py"]


def test_a_file_outside_the_root_keeps_its_absolute_path(tmp_path: Path) -> None:
    make(tmp_path, "root/a.py", "build/b.py", "build/.venv/c.py")
    result = discover([tmp_path / "build"], tmp_path / "root", PLAIN)
    assert [file.relative for file in result.files] == [(tmp_path / "build/b.py").as_posix()]


def test_missing_paths_are_problems_and_the_rest_goes_on(tmp_path: Path) -> None:
    make(tmp_path, "a.py")
    result = discover([tmp_path / "nope.py", tmp_path / "a.py"], tmp_path, PLAIN)
    assert [file.relative for file in result.files] == ["a.py"]
    assert result.problems == ("nope.py: No such file or directory",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert found(tmp_path) == []
    assert discover([tmp_path / "pipe.py"], tmp_path, PLAIN).problems == ("pipe.py: neither a file nor a folder",)


def test_an_unreadable_folder_is_a_problem_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a.py", "closed/b.py")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = discover([tmp_path], tmp_path, PLAIN)
    assert [file.relative for file in result.files] == ["a.py"]
    assert result.problems == ("closed: Permission denied",)


# --- exclude ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ((), ["a.py", "gen/x.py", "src/a.py", "src/gen/x.py", "src/gen/y_pb2.py"]),
        (("gen",), ["a.py", "src/a.py"]),
        (("gen/",), ["a.py", "src/a.py"]),
        (("/gen",), ["a.py", "src/a.py", "src/gen/x.py", "src/gen/y_pb2.py"]),
        (("src/gen",), ["a.py", "gen/x.py", "src/a.py"]),
        (("*_pb2.py",), ["a.py", "gen/x.py", "src/a.py", "src/gen/x.py"]),
        (("a.py",), ["gen/x.py", "src/gen/x.py", "src/gen/y_pb2.py"]),
        (("a.py/",), ["a.py", "gen/x.py", "src/a.py", "src/gen/x.py", "src/gen/y_pb2.py"]),
        (("src/**/x.py",), ["a.py", "gen/x.py", "src/a.py", "src/gen/y_pb2.py"]),
        (("*.py", "!a.py"), ["a.py", "src/a.py"]),
        (("src", "!src/a.py"), ["a.py", "gen/x.py"]),
        (
            ("src\\gen", "[z-a]", "trailing\\"),
            ["a.py", "gen/x.py", "src/a.py", "src/gen/x.py", "src/gen/y_pb2.py"],
        ),
    ],
)
def test_exclude_patterns(tmp_path: Path, patterns: tuple[str, ...], left: list[str]) -> None:
    every = ["a.py", "gen/x.py", "src/a.py", "src/gen/x.py", "src/gen/y_pb2.py"]
    make(tmp_path, *every)
    settings = replace(PLAIN, extend_exclude=patterns)
    assert found(tmp_path, settings=settings) == left
    assert found(tmp_path, *every, settings=settings) == left
    assert [name for name in every if not is_excluded(tmp_path / name, tmp_path, settings)] == left


def test_exclude_is_relative_to_the_root_not_to_folders_above_it(tmp_path: Path) -> None:
    root = make(tmp_path / "build" / "dist", "a.py")
    assert found(root) == ["a.py"]
    assert not is_excluded(root / "a.py", root, PLAIN)


# --- git's ignore files -------------------------------------------------------------------------------------


def test_a_named_file_is_taken_though_git_ignores_it(tmp_path: Path) -> None:
    make(tmp_path, "gen/a.py", "b.py")
    write(tmp_path / ".gitignore", "gen/", "b.py")
    assert found(tmp_path) == []
    assert found(tmp_path, "gen/a.py", "b.py") == ["b.py", "gen/a.py"]


def test_ignore_files_above_the_root_count_up_to_the_repository(tmp_path: Path) -> None:
    make(tmp_path, "repo/.git/HEAD", "repo/pkg/a.py", "repo/pkg/b.py", "repo/pkg/c.py")
    write(tmp_path / ".gitignore", "*.py")
    write(tmp_path / "repo/.gitignore", "/pkg/a.py")
    write(tmp_path / "repo/.git/info/exclude", "b.py")
    assert found(tmp_path / "repo/pkg") == ["c.py"]


def test_a_nested_repository_starts_afresh(tmp_path: Path) -> None:
    make(tmp_path, ".git/HEAD", "sub/.git/HEAD", "sub/a.py", "sub/b.py", "a.py")
    write(tmp_path / ".gitignore", "a.py")
    write(tmp_path / "sub/.git/info/exclude", "b.py")
    assert found(tmp_path) == ["sub/a.py"]


@needs_git
def test_a_worktrees_exclude_file_is_the_repositorys(tmp_path: Path) -> None:
    repo, tree = tmp_path / "repo", tmp_path / "tree"
    git(tmp_path, "init", "-q", str(repo))
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    git(repo, *identity, "commit", "-q", "--allow-empty", "-m", "empty")
    git(repo, "worktree", "add", "-q", str(tree))
    write(repo / ".git/info/exclude", "a.py")
    make(tree, "a.py", "b.py")
    assert found(tree) == ["b.py"]


PATTERNS = (
    "a.py", "/a.py", "*.py", "!a.py", "!*.py", "x/", "/x", "!x/", "x/*", "x/**", "**/y",
    "x/**/a.py", "**", "*", "/*", "!/x", "!x/a.py", "x/y", "x/y/", "!x/y/a.py", "?.py", "[ab].py",
    "[!a].py", "[^a].py", "[a-c].p?", "\\!a.py", "\\#a.py", "#a.py", "a\\.py", "a.py ", "b c.py",
    "b\\ c.py", "é.py", "*/a.py", "x/*/a.py", "**/x/**", "x**", "a*", "*a*", "y", "!y", ".py", "/",
    "", "x//y", "a.py/", "foo\\", "[z-a].py", "[[]x", "[b-]*.py", "[]-]x", "x/[xy]/a.py",
)  # fmt: skip
FOLDERS = ("", "x/", "y/", "x/y/", "x/y/x/", "é/", "z/x/")
# No single "é": git's `?` and brackets match bytes, ours match characters.
NAMES = ("a.py", "b.py", "!a.py", "#a.py", "b c.py", "éé.py", ".py", "x.py", "-x.py")
TREES = 60


def git(cwd: Path, *arguments: str, stdin: str = "") -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    run = subprocess.run(
        ["git", *arguments], cwd=cwd, input=stdin.encode(), capture_output=True, env=environment, check=False
    )
    assert run.returncode in (0, 1), run.stderr
    return run.stdout.decode()


def not_ignored_by_git(root: Path, files: Iterable[str]) -> list[str]:
    names = "\0".join(files)
    ignored = git(root, "check-ignore", "-z", "--no-index", "--stdin", stdin=names).split("\0")
    return sorted(set(names.split("\0")) - set(ignored))


@needs_git
def test_ignore_files_mean_what_git_says(tmp_path: Path) -> None:
    rng = random.Random(4711)
    single: list[list[tuple[str, tuple[str, ...]]]] = [[(".gitignore", (pattern,))] for pattern in PATTERNS]
    mixed = [
        [(f"{folder}.gitignore", tuple(rng.choices(PATTERNS, k=rng.randint(1, 4)))) for folder in ("", "x/", "x/y/")]
        + [(".git/info/exclude", tuple(rng.choices(PATTERNS, k=2)))]
        for _ in range(TREES)
    ]
    git(tmp_path, "init", "-q", ".")
    files = [folder + name for folder in FOLDERS for name in NAMES]
    make(tmp_path, *files)
    settings = replace(PLAIN, exclude=(".git",))
    decided = set()
    for ignore_files in [*single, *mixed]:
        for name, lines in ignore_files:
            write(tmp_path / name, *lines)
        expected = not_ignored_by_git(tmp_path, files)
        assert found(tmp_path, settings=settings) == expected, ignore_files
        decided.add(len(expected))
        for name, _ in ignore_files:
            (tmp_path / name).unlink()
    assert len(decided) > 15, "the trees decide nothing"


# --- symbolic links -----------------------------------------------------------------------------------------


def test_links_inside_the_root_are_followed_once(tmp_path: Path) -> None:
    make(tmp_path, "src/a.py", "other/b.py")
    (tmp_path / "src/other").symlink_to("../other")
    (tmp_path / "src/c.py").symlink_to("../other/b.py")
    assert found(tmp_path) == ["other/b.py", "src/a.py"]
    assert found(tmp_path, "src") == ["src/a.py", "src/other/b.py"]


def test_a_link_is_taken_by_its_name_where_its_target_is_not_looked_at(tmp_path: Path) -> None:
    make(tmp_path, "real.txt", "src/z.txt")
    (tmp_path / "src/b.py").symlink_to("../real.txt")
    (tmp_path / "src/a.py").symlink_to("../real.txt")
    assert found(tmp_path, "src") == ["src/a.py"]


def test_loops_end_and_no_folder_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a/b/x.py")
    (tmp_path / "a/b/up").symlink_to("..")
    (tmp_path / "a/self").symlink_to("self")
    (tmp_path / "top").symlink_to(tmp_path)
    (tmp_path / "a/broken.py").symlink_to("nowhere.py")
    read: list[str] = []
    scandir = os.scandir

    def recorded(path: str) -> object:
        read.append(os.path.realpath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", recorded)
    assert found(tmp_path) == ["a/b/x.py"]
    assert len(read) == len(set(read)) == 3


def test_links_out_of_the_root_are_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "root/a.py", "outside/b.py")
    root = tmp_path / "root"
    (root / "folder").symlink_to("../outside")
    (root / "file.py").symlink_to("../outside/b.py")
    assert found(root) == ["a.py"]
    problems = discover([root / "folder", root / "file.py", root / "folder/b.py"], root, PLAIN).problems
    assert [problem.split(":")[0] for problem in problems] == ["file.py", "folder/b.py", "folder"]


def test_links_lead_into_nothing_that_is_excluded(tmp_path: Path) -> None:
    make(tmp_path, ".venv/lib/m.py", "src/a.py")
    (tmp_path / "src/lib").symlink_to("../.venv/lib")
    (tmp_path / "src/m.py").symlink_to("../.venv/lib/m.py")
    assert found(tmp_path) == ["src/a.py"]


def test_a_root_reached_by_a_link_is_still_the_root(tmp_path: Path) -> None:
    make(tmp_path, "real/pkg/a.py", "real/build/b.py")
    (tmp_path / "alias").symlink_to("real")
    for root, other in (("alias", "real"), ("real", "alias")):
        files = discover([tmp_path / other, tmp_path / other / "pkg/a.py"], tmp_path / root, PLAIN).files
        assert [(file.relative, file.path) for file in files] == [("pkg/a.py", tmp_path / root / "pkg/a.py")]
        assert is_excluded(tmp_path / other / "build/b.py", tmp_path / root, PLAIN)


# --- tests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["tests/a.py", "a/tests/b/c.py", "test_a.py", "a/test_b.py", "a/conftest.py"])
def test_test_files(path: str) -> None:
    assert is_test_file(path)


@pytest.mark.parametrize(
    "path",
    ["a.py", "testing/a.py", "contest.py", "latest_a.py", "test_data.txt", "mytests/a.py", "/home/test/a.py"],
)
def test_files_that_are_no_tests(path: str) -> None:
    assert not is_test_file(path)
