"""Which asyncpg a project has: by what its requirement and lock files say, nearest first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from supavisor_lint.project.requirements import limit_of, only_driver, upper_bound
from supavisor_lint.run import check_paths
from supavisor_lint.settings import Settings
from supavisor_lint.sources.requirement_files import requirement_files

ANY = (10**6,)
ENGINE = """
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(
    "postgresql+asyncpg://app@pgbouncer:6432/app",
    connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0},
)
"""
UV_LOCK = '[[package]]\nname = "asyncpg-stubs"\nversion = "0.1.0"\n\n[[package]]\nname = "asyncpg"\nversion = "{}"\n'
PIPFILE_LOCK = '{{"default": {{"asyncpg": {{"version": "=={}"}}}}}}'
PROJECT = '[project]\nname = "a"\ndependencies = ["asyncpg{}"]\n'
POETRY = '[tool.poetry.dependencies]\nasyncpg = "{}"\n'
GROUPS = '[project]\nname = "a"\n[dependency-groups]\ndb = ["asyncpg{}", {{include-group = "x"}}]\n'


@pytest.mark.parametrize(
    ("versions", "below"),
    [
        ("==0.30.0", (0, 30, 0, 1)),
        ("==0.29.*", (0, 30)),
        (">=0.29,<0.31", (0, 31)),
        ("<=0.30.0", (0, 30, 0, 1)),
        ("~=0.29.0", (0, 30)),
        ("~=0.29", (1,)),
        ("^0.29.0", (0, 30)),
        ("^1.2", (2,)),
        ("~0.29.1", (0, 30)),
        (">=0.29", ANY),
        (">0.29", ANY),
        ("!=0.30.0", ANY),
        ("*", ANY),
        ("", ANY),
    ],
)
def test_upper_bounds(versions: str, below: tuple[int, ...]) -> None:
    assert upper_bound(versions) == below


def reported(root: Path, files: dict[str, str], **settings: object) -> list[str]:
    for name, text in {"app/engine.py": ENGINE, **files}.items():
        root.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        root.joinpath(name).write_text(text, "utf-8")
    return [f.message for f in check_paths([root], root, replace(Settings(), **settings)).findings]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text", "old", "new"),
    [
        ("requirements.txt", "asyncpg=={}\n", "0.30.0", "0.31.0"),
        (
            "requirements.txt",
            "# asyncpg==0.1\nAsyncPG[gssauth] == {} ; python_version > '3.9'  # pinned\n",
            "0.30.0",
            "0.32",
        ),
        ("requirements/base.txt", "asyncpg{}\n", "<0.31", "<0.32"),
        ("requirements-prod.txt", "-r base.txt\nasyncpg{}\n", "~=0.30.0", ">=0.30"),
        ("pyproject.toml", PROJECT, "<0.31", ">=0.29"),
        ("pyproject.toml", POETRY, "^0.30", "*"),
        ("pyproject.toml", GROUPS, "==0.28.0", ""),
        ("uv.lock", UV_LOCK, "0.30.0", "0.31.0"),
        ("poetry.lock", UV_LOCK, "0.29.0", "0.32.0"),
        ("pdm.lock", UV_LOCK, "0.30.0", "1.0.0"),
        ("Pipfile.lock", PIPFILE_LOCK, "0.30.0", "0.31.0"),
    ],
)
def test_each_file_is_understood(tmp_path: Path, name: str, text: str, old: str, new: str) -> None:
    assert reported(tmp_path, {name: text.format(new)}) == []
    (message,) = reported(tmp_path, {name: text.format(old)})
    assert "prepared_statement_name_func" in message and name in message


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"requirements.txt": "sqlalchemy\nasyncpg-stubs==0.1\n"},
        {"pyproject.toml": "not toml ["},
        {"pyproject.toml": "[project]\ndependencies = 3\n"},
        {"Pipfile.lock": "[]"},
        {"uv.lock": 'name = "asyncpg"\n'},
        {"other/requirements.txt": "asyncpg==0.30.0\n"},
        {"app/engine.txt": "asyncpg==0.30.0\n"},
    ],
)
def test_unknown_counts_as_current(tmp_path: Path, files: dict[str, str]) -> None:
    assert reported(tmp_path, files) == []


def test_the_nearest_file_and_in_a_folder_the_lock_decide(tmp_path: Path) -> None:
    far, near = {"requirements.txt": "asyncpg==0.30.0\n"}, {"app/pyproject.toml": PROJECT.format(">=0.29")}
    assert len(reported(tmp_path, far)) == 1
    assert reported(tmp_path, near) == []
    assert len(reported(tmp_path, {"app/uv.lock": UV_LOCK.format("0.30.0")})) == 1


def test_the_setting_decides_over_all_files(tmp_path: Path) -> None:
    files = {"requirements.txt": "asyncpg==0.30.0\n"}
    assert reported(tmp_path, files, asyncpg_version="0.31.0") == []
    assert len(reported(tmp_path, {}, asyncpg_version="0.30.0")) == 1


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("asyncpg\n", "asyncpg"),
        ("psycopg[binary]==3.2\nsqlalchemy\n", "psycopg"),
        ("asyncpg\npsycopg\n", None),
        ("asyncpg\naiosqlite\n", None),
        ("psycopg2\n", None),
        ("", None),
    ],
)
def test_one_async_driver_is_a_sign(text: str, driver: str | None) -> None:
    assert only_driver([[("requirements.txt", text)]]) == driver


def test_development_requirements_are_no_sign() -> None:
    main, development = ("requirements.txt", "asyncpg\n"), ("requirements-dev.txt", "aiosqlite\n")
    assert only_driver([[main, development]]) == "asyncpg"
    group = ("pyproject.toml", '[project]\ndependencies = ["asyncpg"]\n[dependency-groups]\ntest = ["aiosqlite"]\n')
    assert only_driver([[group]]) == "asyncpg"


def test_files_are_read_only_when_a_rule_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from supavisor_lint import run

    asked: list[str] = []

    def counted(root: Path, path: str) -> list[list[tuple[str, str]]]:
        asked.append(path)
        return list(requirement_files(root, path))

    monkeypatch.setattr(run, "requirement_files", counted)
    (tmp_path / "plain.py").write_text(
        "import sqlalchemy.ext.asyncio as sa\n\nasync_sessionmaker = sa.async_sessionmaker\n"
    )
    assert check_paths([tmp_path], tmp_path, Settings()).findings == ()
    assert asked == []
    reported(tmp_path, {"app/second.py": ENGINE, "requirements.txt": "asyncpg==0.30.0\n"})
    assert len(asked) == 1, "once for a folder"


def test_outside_of_the_root_nothing_is_known(tmp_path: Path) -> None:
    assert list(requirement_files(tmp_path, "/elsewhere/app/engine.py")) == []
    assert limit_of("asyncpg", []) is None
