"""Settings: found at the right root, read into plain data, and refused with one clear line."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from supavisor_lint.settings import PerFileIgnore, Registrar, Settings, Template
from supavisor_lint.sources.checks import KNOWN_CODES
from supavisor_lint.sources.config import KEYS, SettingsError, load_settings, parse_codes
from supavisor_lint.sources.roots import find_root

EVERYTHING = """
[project]
name = "x"

[tool.supavisor-lint]
profile = "hazards"
select = ["SUP1", "SUP302", "SUP"]
ignore = []
extend-select = ["SUP307"]
exclude = ["gen"]
extend-exclude = ["*_pb2.py", "/old"]
src = [".", "src", "./lib/"]
session-factories = ["app.db.Session", "make"]
session-helpers = ["app.db.get_session"]
helper = "app.db.get_session"
phase-helpers = ["app.db.phase"]
session-modules = ["app.db"]
task-names = ["*_task"]
task-registrars = [
    "app.run.later",
    {name = "run_db", argument = "fn", session = 0},
    {name = "go", argument = 2},
]
import-style = "module"
pooler = "auto"
asyncpg-version = "0.30.0"
check-tests = true

[tool.supavisor-lint.per-file-ignores]
"scripts/*" = ["SUP4"]
"a.py" = []

[tool.supavisor-lint.template]
failure-update = "await fail({session}, {error})"
failure-import = "from app import fail"
"""


def write(root: Path, text: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    path = root / "pyproject.toml"
    path.write_bytes(text.encode())
    return path


def refusal(root: Path, text: str) -> str:
    path = write(root, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(root)
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    assert "\n" not in message
    return message.removeprefix(f"{path}:")


# --- silence ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "[project]\nname = 'x'\n", "[tool.ruff]\nunknown = 1\n", "[tool.supavisor-lint]\n", "[tool]\n"],
)
def test_nothing_said_means_the_defaults(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    assert load_settings(tmp_path) == Settings()


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == Settings()


def test_isolated_reads_no_file(tmp_path: Path) -> None:
    write(tmp_path, "broken = = toml")
    assert load_settings(tmp_path, isolated=True) == Settings()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_key_is_read(tmp_path: Path, newline: str) -> None:
    write(tmp_path, EVERYTHING.replace("\n", newline))
    assert load_settings(tmp_path) == Settings(
        profile="hazards",
        select=("SUP1", "SUP302", "SUP"),
        ignore=(),
        extend_select=("SUP307",),
        per_file_ignores=(PerFileIgnore("scripts/*", ("SUP4",)), PerFileIgnore("a.py", ())),
        exclude=("gen",),
        extend_exclude=("*_pb2.py", "/old"),
        src=(".", "src", "lib"),
        session_factories=("app.db.Session", "make"),
        session_helpers=("app.db.get_session",),
        helper="app.db.get_session",
        phase_helpers=("app.db.phase",),
        session_modules=("app.db",),
        task_names=("*_task",),
        task_registrars=(Registrar("app.run.later"), Registrar("run_db", "fn", 0), Registrar("go", 2)),
        import_style="module",
        pooler="auto",
        asyncpg_version="0.30.0",
        check_tests=True,
        template=Template("await fail({session}, {error})", "from app import fail"),
    )


def test_keys_and_settings_have_the_same_names() -> None:
    own = {name.replace("-", "_") for name in KEYS if "." not in name}
    of_template = {name.partition(".")[2].replace("-", "_") for name in KEYS if name.startswith("template.")}
    assert own | {"template"} == {field.name for field in fields(Settings)}
    assert of_template == {field.name for field in fields(Template)}
    assert all(name in EVERYTHING for name in KEYS if "." not in name)


# --- what is refused ----------------------------------------------------------------------------------------

OWN = "[tool.supavisor-lint]\n"
REFUSED = [
    ("select = []", "names no code"),
    ("profil = 'x'", '2: unknown key "profil" in [tool.supavisor-lint]; did you mean "profile"?'),
    ("session_helpers = []", 'unknown key "session_helpers" in [tool.supavisor-lint]; did you mean "ses'),
    ("wholly-other = 1", '2: unknown key "wholly-other" in [tool.supavisor-lint]'),
    ("profile = 'hazard'", '"hazard" is none of "template", "hazards"; did you mean "hazards"?'),
    ("profile = ['hazards']", '"profile" in [tool.supavisor-lint]: must be a string, not a list'),
    ("pooler = true", "must be a string, not a boolean"),
    ("pooler = 'transactional'", 'did you mean "transaction"?'),
    ("import-style = 'top'", '"top" is none of "function", "module"'),
    ("check-tests = 'yes'", "must be true or false, not a string"),
    ("check-tests = 1", "must be true or false, not an integer"),
    ("select = 'SUP101'", "must be a list, not a string"),
    ("select = ['SUP101', 'E5', 3]", 'item 2: "E5" is not a code: codes are SUP and up to three digits; item 3: must'),
    ("select = [101]", "item 1: must be a string, not an integer"),
    ("select = ['SUP101', 'E501']", 'item 2: "E501" is not a code: codes are SUP and up to three digits'),
    ("select = ['sup101']", 'is not a code: codes are SUP and up to three digits; write "SUP101"'),
    ("select = ['SUP1011']", "is not a code"),
    ("select = ['SUP١']", "is not a code"),
    ("ignore = ['SUP409']", '"SUP409" is the code of no rule; did you mean "SUP40'),
    ("ignore = ['SUP409']", '"SUP409" is the code of no rule; did you mean "SUP408"?'),
    ("extend-select = ['SUP7']", '"SUP7" is the code of no rule'),
    ("exclude = [1.5]", "item 1: must be a string, not a float"),
    ("exclude = ['']", "item 1: must not be empty"),
    ("src = ['..']", '".." is outside the root; name a folder inside'),
    ("src = ['a/../../b']", "is outside the root"),
    ("src = ['/']", "is outside the root"),
    ("helper = 'get_session'", 'names no module; write it as "package.module.get_session"'),
    ("helper = 'app.db:get_session'", 'is not a Python name; write it as "package.module.name" or "name"'),
    ("session-factories = ['a b']", '"a b" is not a Python name'),
    ("phase-helpers = [2020-01-01]", "must be a string, not a date or time"),
    ("task-registrars = ['a-b']", '"a-b" is not a Python name'),
    ("task-registrars = [3]", "must be a dotted name or a table {name, argument, session}, not an"),
    ("task-registrars = [{argument = 1}]", 'the table has no "name"; add the dotted name of the function'),
    ("task-registrars = [{name = 'f', arguments = 1}]", 'no key of a registrar; did you mean "argument"?'),
    ("task-registrars = [{name = 'f', argument = -1}]", '"argument" must be a position from 0 or the name'),
    ("task-registrars = [{name = 'f', session = true}]", '"session" must be a position from 0 or the name'),
    ("asyncpg-version = 0.3", "must be a string, not a float"),
    ("asyncpg-version = 'latest'", '"latest" is not a version; write it as "0.30.0"'),
    ("per-file-ignores = ['a']", "must be a table, not a list"),
    ("per-file-ignores = {'a.py' = 'SUP1'}", 'at "a.py": must be a list, not a string'),
    ("per-file-ignores = {'a.py' = ['X']}", 'at "a.py": item 1: "X" is not a code'),
    ("template = 'x'", '"template" in [tool.supavisor-lint]: must be a table'),
    ("[tool.supavisor-lint.template]\nfailure-updates = 'x'", '3: unknown key "failure-updates"'),
    ("[tool.supavisor-lint.template]\nfailure-import = 1", "failure-import"),
    ("[tool.supavisor-lint.template]\nfailure-import = 'no import'", 'is no import; write it as "from '),
    ("[tool.supavisor-lint.template]\nfailure-update = 'await mark(('", "is no statement of Python: `await mark((`"),
    ("[tool.supavisor-lint.template]\nfailure-update = 'mark({session.id})'", "`{session.id}` is no name; braces"),
    ("[tool.supavisor-lint.template]\nfailure-update = 'mark({)'", "braces of the code itself are written twice"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_a_bad_value_is_refused(tmp_path: Path, line: str, message: str) -> None:
    refused = refusal(tmp_path, OWN + line + "\n")
    assert message in refused
    assert refused.startswith(("2: ", "3: "))


def test_a_code_is_not_taken_for_one_of_another_family(tmp_path: Path) -> None:
    assert "did you mean" not in refusal(tmp_path, OWN + "ignore = ['SUP199']\n")


def test_the_line_is_the_keys(tmp_path: Path) -> None:
    text = "[tool.other]\npooler = 1\n\n[ tool . 'supavisor-lint' ] # here\nprofile = 'hazards'\n\"pooler\" = 1"
    assert refusal(tmp_path, text).startswith('6: "pooler" in')
    assert refusal(tmp_path, "\ufeff" + text.replace("\n", "\r\n")).startswith('6: "pooler" in')
    assert refusal(tmp_path, "tool.supavisor-lint.pooler = 1\n").startswith('1: "pooler" in')
    inline = "[tool]\n\nsupavisor-lint = {template = {failure-update = 1}}\n"
    assert refusal(tmp_path, inline).startswith('3: "failure-update" in')
    quoted = "[tool.x]\ny = '''\n[tool.supavisor-lint]\npooler = 1\n'''\n[tool.supavisor-lint]\npooler = 1\n"
    assert refusal(tmp_path, quoted).startswith('7: "pooler" in')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.supavisor-lint\n", "1:21: is not TOML: "),
        ("a = 1\nb = = 2\n", "2:5: is not TOML: Invalid value"),
        ("a = 1\na = 2\n", "is not TOML: Cannot overwrite a value"),
        ("a = '''\n", "is not TOML: "),
        ("tool = 3\n", '1: "tool" must be a table'),
        ("[tool]\nsupavisor-lint = 3\n", "2: [tool.supavisor-lint] must be a table"),
        (
            "[tool.supavisor_lint]\n",
            "1: unknown table [tool.supavisor_lint]; did you mean [tool.supavisor-lint",
        ),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, text)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"a = 1\n# \xe9\n")
    with pytest.raises(SettingsError, match=r"pyproject\.toml:2: is not UTF-8"):
        load_settings(tmp_path)


# --- an explicit file ---------------------------------------------------------------------------------------


def test_an_explicit_file_is_read_instead(tmp_path: Path) -> None:
    write(tmp_path, "[tool.supavisor-lint]\npooler = 'none'\n")
    other = tmp_path / "other.toml"
    other.write_text("[tool.supavisor-lint]\npooler = 'auto'\nsrc = ['src']\n", encoding="utf-8")
    assert load_settings(tmp_path, other) == Settings(pooler="auto", src=("src",))


def test_an_explicit_file_must_exist_and_have_the_table(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    for reason in ("cannot be read: No such file or directory", "has no [tool.supavisor-lint] table"):
        with pytest.raises(SettingsError, match=re.escape(f"{path}: {reason}")):
            load_settings(tmp_path, path)
        path.write_text("[project]\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path, tmp_path)
    with pytest.raises(SettingsError, match="exclude each other"):
        load_settings(tmp_path, path, isolated=True)


# --- the root -----------------------------------------------------------------------------------------------


def test_the_root_is_the_nearest_table_then_git_then_a_project(tmp_path: Path) -> None:
    deep = tmp_path / "a/b/c/d"
    deep.mkdir(parents=True)
    (deep / "m.py").touch()
    (tmp_path / "a/b/c/setup.py").touch()
    assert find_root(deep / "m.py") == tmp_path / "a/b/c"
    (tmp_path / "a/b/.git").touch()
    assert find_root(deep / "m.py") == tmp_path / "a/b"
    write(tmp_path / "a", "[tool.supavisor-lint]\n")
    assert find_root(deep) == tmp_path / "a"
    write(deep, "# a comment about supavisor-lint\n[tool.ruff]\n")
    assert find_root(deep) == tmp_path / "a"
    write(deep, "[tool.supavisor-lint\n")
    assert find_root(deep) == deep


def test_a_relative_start_counts_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "[tool.supavisor-lint]\n")
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    assert find_root(Path()) == find_root(Path("../src/new.py")) == tmp_path


def test_without_any_sign_the_root_is_the_folder_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supavisor_lint.sources.roots.exists", lambda path: False)
    (tmp_path / "m.py").touch()
    assert find_root(tmp_path) == find_root(tmp_path / "m.py") == find_root(tmp_path / "new.py") == tmp_path


# --- codes on the command line ------------------------------------------------------------------------------


def test_codes_are_separated_by_commas_or_spaces() -> None:
    assert parse_codes("SUP1,SUP302, SUP4  SUP", "--select") == ("SUP1", "SUP302", "SUP4", "SUP")
    assert parse_codes("", "--ignore") == ()
    assert parse_codes(",".join(KNOWN_CODES), "--select") == KNOWN_CODES


@pytest.mark.parametrize("text", ["E501", "SUP101;SUP102", "sup1", "SUP999", "SUP0", "ALL", "SUP1\nX"])
def test_a_bad_code_is_refused_with_its_option(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_codes(text, "--extend-select")
    assert str(caught.value).startswith("--extend-select: ")
    assert "\n" not in str(caught.value)


def test_the_codes_are_those_of_the_rules() -> None:
    assert len(KNOWN_CODES) == len(set(KNOWN_CODES)) == 6 + 6 + 9 + 8 + 2 + 1 + 2


def test_heavy_modules_are_imported_only_when_needed() -> None:
    program = (
        "import sys, supavisor_lint.sources.config, supavisor_lint.sources.discovery, "
        "supavisor_lint.sources.suppressions, supavisor_lint.sources.reading\n"
        "heavy = {'libcst', 'click', 'flake8', 'pathspec', 'tomllib', 'tomli', 'difflib'}\n"
        "sys.exit(', '.join(heavy & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stderr.strip() == ""
