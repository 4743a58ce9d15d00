"""The baseline: what is in it is not reported, what is new or one too many is, and what is gone is said to be."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cli_support import invoke
from hypothesis import given
from hypothesis import strategies as st
from project_support import SESSION_MODULE, write

from supavisor_lint.baseline import Baseline, Scope
from supavisor_lint.baseline_file import BadBaseline, MergeConflict, parse, recovered, render
from supavisor_lint.report.identity import Key

HEAD = "from app.session import async_session_factory\n\n\n"
ONE = HEAD + "async def one():\n    session = async_session_factory()\n    print(session)\n"
TWO = HEAD + "async def two():\n    session = async_session_factory()\n    print(session)\n"
AGAIN = ONE.replace("    print", "    session = async_session_factory()\n    print")
BASELINE = ("check", "--baseline", "known.json")
WRITE = (*BASELINE, "--write-baseline")
FILE = Path("known.json")
ENTRY = '{"version": 1, "findings": [{"path": "", "code": "", "function": "", "statement": "", "count": %s}]}'


@pytest.fixture(name="app", autouse=True)
def app_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`app/one.py` and `app/two.py`, with a SUP101 each; gives the root, which is the current folder."""
    write(
        tmp_path, {"pyproject.toml": "[tool.supavisor-lint]\n", "app/__init__.py": "", "app/session.py": SESSION_MODULE}
    )
    write(tmp_path, {"app/one.py": ONE, "app/two.py": TWO})
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def entries() -> list[tuple[str, str, int]]:
    return [(entry["path"], entry["code"], entry["count"]) for entry in json.loads(FILE.read_text("utf-8"))["findings"]]


# What is in the baseline is not reported


def test_what_was_written_is_not_reported() -> None:
    assert invoke("check").exit_code == 1
    written = invoke(*WRITE)
    assert (written.exit_code, written.stdout) == (0, "")
    assert written.stderr == (
        "wrote known.json: 2 findings in 2 files\nAll clear: 4 files checked. 2 findings in the baseline.\n"
    )
    checked = invoke(*BASELINE)
    assert (checked.exit_code, checked.stdout) == (0, "")
    assert checked.stderr == "All clear: 4 files checked. 2 findings in the baseline.\n"
    summary = json.loads(invoke(*BASELINE, "--output-format", "json").stdout)["summary"]
    assert (summary["findings"], summary["suppressed"], summary["baselined"]) == (0, 0, 2)


@pytest.mark.parametrize(
    "changed",
    [
        ONE.replace("async def", "\n\n# moved\nasync def"),
        ONE.replace("    session =", "    # why\n    session =").replace("factory()", "factory(  # here\n    )"),
        ONE.replace("\n", "\r\n"),
        ONE.replace("    ", "\t"),
        ONE.replace("factory()", "factory()  # type: ignore"),
        ONE.replace("async def one():", "def zero():\n    pass\n\n\nasync def one(a: int = 1):"),
    ],
)
def test_code_may_move(changed: str) -> None:
    invoke(*WRITE)
    Path("app/one.py").write_bytes(changed.encode())
    assert (invoke(*BASELINE).exit_code, invoke(*BASELINE).stdout) == (0, "")
    assert "gone" not in invoke(*BASELINE).stderr


@pytest.mark.parametrize("args", [["app/one.py"], ["app"], ["app/one.py", "app/two.py"], ["."]])
def test_some_of_the_files(args: list[str]) -> None:
    invoke(*WRITE)
    result = invoke(*BASELINE, *args)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "gone" not in result.stderr


def test_from_a_folder_below_and_from_stdin(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    invoke(*WRITE)
    monkeypatch.chdir(app / "app")
    for args in ([], ["one.py"]):
        assert invoke("check", "--baseline", "../known.json", *args).exit_code == 0
    named = invoke("check", "--baseline", "../known.json", "-", "--stdin-filename", "one.py", stdin=ONE)
    assert (named.exit_code, named.stdout) == (0, "")
    assert invoke("check", "--baseline", "../known.json", "-", stdin=ONE).exit_code == 1


# What is new is


def test_one_more_of_a_kind_is_the_last_one() -> None:
    invoke(*WRITE)
    Path("app/one.py").write_text(AGAIN, "utf-8")
    result = invoke(*BASELINE, "--output-format", "concise")
    assert result.exit_code == 1
    assert [line.split(" ")[0] for line in result.stdout.splitlines()] == ["app/one.py:6:15:"]
    assert "2 findings in the baseline" in result.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [("async def one", "async def other"), ("session = async", "other = async"), ("factory()", "factory(info={})")],
)
def test_another_function_or_statement_is_new(old: str, new: str) -> None:
    invoke(*WRITE)
    Path("app/one.py").write_text(ONE.replace(old, new), "utf-8")
    result = invoke(*BASELINE)
    assert result.exit_code == 1
    assert "app/one.py:5:" in result.stdout
    assert "two.py" not in result.stdout
    assert "known.json lists 1 finding that are gone" not in result.stderr
    assert "warning: known.json lists 1 finding that is gone (app/one.py: SUP101): " in result.stderr


def test_a_renamed_file_is_new() -> None:
    invoke(*WRITE)
    Path("app/one.py").rename("app/three.py")
    result = invoke(*BASELINE, "--output-format", "concise")
    assert result.stdout.startswith("app/three.py:5:15: SUP101 ")
    assert "1 finding that is gone (app/one.py: SUP101)" in result.stderr


def test_a_suppressed_finding_uses_nothing_up() -> None:
    Path("app/one.py").write_text(AGAIN, "utf-8")
    invoke(*WRITE)
    assert ("app/one.py", "SUP101", 2) in entries()
    Path("app/one.py").write_text(AGAIN.replace("factory()", "factory()  # noqa: SUP101", 1), "utf-8")
    result = invoke(*BASELINE)
    assert result.exit_code == 0
    assert "1 finding suppressed. 2 findings in the baseline." in result.stderr
    assert "1 finding that is gone" in result.stderr


# What is gone is said, where the run can know it


def test_what_is_gone_is_a_warning_and_no_failure() -> None:
    invoke(*WRITE)
    Path("app/one.py").write_text("", "utf-8")
    Path("app/two.py").unlink()
    result = invoke(*BASELINE, "--quiet")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == (
        "supavisor-lint: warning: known.json lists 2 findings that are gone (app/one.py: SUP101, app/two.py: SUP101): "
        "shrink it with --write-baseline\n"
    )
    assert invoke(*WRITE).stderr.startswith("wrote known.json: no findings\n")
    assert entries() == []


def test_only_the_files_asked_for_can_be_stale() -> None:
    invoke(*WRITE)
    Path("app/one.py").write_text("", "utf-8")
    Path("app/two.py").unlink()
    assert "gone" not in invoke(*BASELINE, "app/session.py").stderr
    assert "1 finding that is gone (app/one.py: SUP101)" in invoke(*BASELINE, "app/one.py", "app/session.py").stderr
    assert "1 finding that is gone (app/one.py: SUP101)" in invoke(*BASELINE, "app").stderr


@pytest.mark.parametrize("args", [["--select", "SUP3"], ["--ignore", "SUP101"], ["--profile", "hazards"]])
def test_what_was_not_looked_for_is_not_gone(args: list[str]) -> None:
    invoke(*WRITE)
    before = FILE.read_bytes()
    assert "gone" not in invoke(*BASELINE, *args).stderr
    written = invoke(*WRITE, *args)
    assert written.exit_code == 0
    assert written.stderr.startswith("wrote known.json: no findings, kept 2 that this run did not look for\n")
    assert FILE.read_bytes() == before


def test_a_file_that_cannot_be_read_is_not_gone() -> None:
    invoke(*WRITE)
    Path("app/one.py").write_text(ONE + "def (\n", "utf-8")
    result = invoke(*BASELINE)
    assert "SUP900" in result.stdout
    assert "gone" not in result.stderr
    written = invoke(*WRITE)
    assert written.exit_code == 1
    assert "SUP900" in written.stdout
    assert sorted(entries()) == [("app/one.py", "SUP101", 1), ("app/two.py", "SUP101", 1)]


def test_of_many_that_are_gone_some_are_named() -> None:
    body = ONE.removeprefix(HEAD)
    functions = "".join(body.replace("one", f"f{n}") for n in range(9))
    Path("app/one.py").write_text(HEAD + functions, "utf-8")
    invoke(*WRITE)
    Path("app/one.py").write_text("", "utf-8")
    stderr = invoke(*BASELINE).stderr
    assert "9 findings that are gone (app/one.py: SUP101, app/one.py: SUP101, app/one.py: SUP101, and 6 more)" in stderr


# Writing


def test_files_that_are_not_looked_at_keep_their_entries() -> None:
    invoke(*WRITE)
    Path("app/one.py").write_text(AGAIN, "utf-8")
    Path("app/two.py").unlink()
    result = invoke(*WRITE, "app/one.py")
    assert result.stderr.startswith("wrote known.json: 2 findings in 1 file, kept 1 that this run did not look for\n")
    assert entries() == [("app/one.py", "SUP101", 2), ("app/two.py", "SUP101", 1)]
    invoke(*WRITE)
    assert entries() == [("app/one.py", "SUP101", 2)]


def test_the_same_findings_give_the_same_bytes() -> None:
    invoke(*WRITE)
    first = FILE.read_bytes()
    invoke(*WRITE, "app/two.py", "app/one.py")
    invoke(*WRITE)
    assert FILE.read_bytes() == first
    FILE.unlink()
    invoke(*WRITE, "app/two.py")
    invoke(*WRITE, "app/one.py")
    assert FILE.read_bytes() == first


def test_the_file_is_for_people_and_for_git() -> None:
    invoke(*WRITE)
    known = '    {"path": "app/one.py", "code": "SUP101", "function": "one", "statement": "%s", "count": 1}'
    one = known % "session=async_session_factory()"
    two = one.replace("one", "two")
    lines = ["{", '  "version": 1,', '  "profile": "template",', '  "findings": [', f"{one},", two, "  ]", "}"]
    assert FILE.read_text("utf-8").splitlines() == lines


def test_a_long_statement_is_shortened_and_still_told_apart() -> None:
    long = HEAD + f"session = async_session_factory(info={{'a': '{'x' * 5000}'}})\n"
    Path("app/one.py").write_text(long, "utf-8")
    invoke(*WRITE)
    assert len(FILE.read_text("utf-8")) < 1000
    assert invoke(*BASELINE).exit_code == 0
    Path("app/one.py").write_text(long.replace("xx'", "xy'"), "utf-8")
    assert invoke(*BASELINE).exit_code == 1


def test_a_failed_write_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    invoke(*WRITE)
    before = FILE.read_bytes()
    result = invoke(*WRITE, "app/missing.py", "app/one.py")
    assert result.exit_code == 2
    assert "known.json was not written" in result.stderr
    assert FILE.read_bytes() == before
    nowhere = invoke("check", "--baseline", "no/such/folder/b.json", "--write-baseline")
    assert nowhere.exit_code == 2
    assert nowhere.stderr.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir()) == ["app", "known.json", "pyproject.toml"]


# Files that are no baseline


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON (line 1"),
        ("{\n  'a': 1}", "no JSON (line 2: "),
        ("[" * 100_000, "no JSON"),
        ("[]", '"version" and "findings" are missing'),
        ('{"findings": []}', '"version" and "findings" are missing'),
        ('{"version": 2, "findings": []}', "has version 2, and this supavisor-lint reads 1; delete it"),
        ('{"version": 1, "findings": [1]}', "finding 1 is no object"),
        ('{"version": 1, "findings": [{"path": 1}]}', 'finding 1 has no text for "path"'),
        ('{"version": 1, "profile": "x", "findings": []}', '"profile" is neither'),
        (ENTRY % 0, 'the "count" of finding 1 is no number above 0'),
        (ENTRY % "true", 'the "count" of finding 1 is no number above 0'),
        ("<<<<<<< HEAD\n", "has merge conflicts; run the same command with --write-baseline"),
        ("\xff", "no UTF-8"),
    ],
)
def test_what_is_no_baseline_is_one_line(text: str, reason: str) -> None:
    FILE.write_bytes(text.encode("latin-1"))
    result = invoke(*BASELINE)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("supavisor-lint: error: known.json: ")
    assert reason in result.stderr


def test_a_missing_baseline_says_how_to_write_one() -> None:
    result = invoke(*BASELINE)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "supavisor-lint: error: known.json: there is no such baseline; write it with --write-baseline\n"
    )
    assert invoke("check", "--baseline", "app").exit_code == 2


@pytest.mark.parametrize("text", ["[tool.x]\n", '{"a": 1}', '{"version": 2, "findings": []}'])
def test_nothing_else_is_overwritten(text: str) -> None:
    FILE.write_text(text, "utf-8")
    result = invoke(*WRITE)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "it was not overwritten" in result.stderr
    assert FILE.read_text("utf-8") == text


@pytest.mark.parametrize(
    "args",
    [
        ["--write-baseline"],
        [*WRITE[1:], "--fix"],
        [*WRITE[1:], "--diff"],
        [*WRITE[1:], "--interactive"],
        [*WRITE[1:], "-"],
    ],
)
def test_options_that_contradict_each_other(args: list[str]) -> None:
    result = invoke("check", *args, stdin=ONE)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--write-baseline" in result.stderr
    assert not FILE.exists()


# With other options


def test_with_statistics_and_exit_zero_and_per_file_ignores() -> None:
    invoke(*WRITE, "app/one.py")
    counts = invoke(*BASELINE, "--statistics", "--output-format", "concise").stdout
    assert counts.endswith("\n\n1  SUP101  direct-session-factory\n")
    assert invoke(*BASELINE, "--exit-zero").exit_code == 0
    assert invoke(*BASELINE).exit_code == 1
    Path("pyproject.toml").write_text(
        "[tool.supavisor-lint.per-file-ignores]\n'app/two.py' = ['SUP1']\n'app/one.py' = ['SUP101']\n", "utf-8"
    )
    result = invoke(*BASELINE)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "1 finding that is gone (app/one.py: SUP101)" in result.stderr
    assert invoke(*WRITE).exit_code == 0
    assert entries() == []


FIXABLE = """\
from app.session import get_session


async def work():
    with get_session() as session:  # {n}
        await session.commit()
"""


@pytest.mark.parametrize("option", ["--fix", "--diff"])
def test_a_finding_in_the_baseline_is_not_fixed(option: str) -> None:
    Path("app/work.py").write_text(FIXABLE, "utf-8")
    invoke(*WRITE)
    result = invoke(*BASELINE, option)
    assert (result.exit_code, result.stdout) == (0, "")
    assert Path("app/work.py").read_text("utf-8") == FIXABLE
    assert Path("app/one.py").read_text("utf-8") == ONE


def test_nobody_is_asked_about_what_is_in_the_baseline() -> None:
    Path("app/work.py").write_text(FIXABLE, "utf-8")
    invoke(*WRITE)
    result = invoke(*BASELINE, "--interactive", stdin="")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Apply this fix" not in result.stderr


def test_of_a_kind_only_what_is_new_is_fixed() -> None:
    work = Path("app/work.py")
    work.write_text(FIXABLE, "utf-8")
    invoke(*WRITE)
    other = FIXABLE.split("\n\n\n")[1].split("\n", 1)[1]
    work.write_text(FIXABLE + other, "utf-8")
    result = invoke(*BASELINE, "--fix")
    assert result.exit_code == 0
    assert work.read_text("utf-8") == FIXABLE + other.replace("    with", "    async with")
    assert "Fixed 1 finding in 1 file, 0 left. 3 findings in the baseline." in result.stderr


# Merging


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_git_merges_it_or_the_tool_does() -> None:
    def git(*args: str) -> subprocess.CompletedProcess[bytes]:
        who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        return subprocess.run(["git", *who, *args], capture_output=True, check=False)

    invoke(*WRITE)
    git("init", "-q", "-b", "one")
    git("add", "-A")
    git("commit", "-qm", "1")
    for branch, name in (("two", "app/two_b.py"), ("three", "app/two_c.py")):
        git("checkout", "-qb", branch, "one")
        Path(name).write_text(TWO, "utf-8")
        invoke(*WRITE)
        git("add", "-A")
        git("commit", "-qm", branch)
    assert git("merge", "-q", "two").returncode == 1
    assert "has merge conflicts" in invoke(*BASELINE).stderr
    assert invoke(*WRITE, "app/two_b.py").exit_code == 0
    assert [path for path, _, _ in entries()] == ["app/one.py", "app/two.py", "app/two_b.py", "app/two_c.py"]
    assert (invoke(*BASELINE).exit_code, invoke(*BASELINE).stderr.count("gone")) == (0, 0)


texts = st.text(max_size=20)
keys = st.builds(Key, texts, st.sampled_from(["SUP101", "SUP304"]), texts, texts)
baselines = st.builds(
    Baseline, st.dictionaries(keys, st.integers(1, 9), max_size=6), st.sampled_from(["template", "hazards"])
)


@given(baselines)
def test_what_is_written_is_read(baseline: Baseline) -> None:
    text = render(baseline)
    assert parse(text) == baseline
    assert render(parse(text)) == text
    assert len(text.splitlines()) == text.count("\n")
    assert recovered(text).counts == baseline.counts


@given(baselines, baselines)
def test_a_conflict_loses_nothing(one: Baseline, other: Baseline) -> None:
    text = f"<<<<<<< HEAD\n{render(one)}=======\n{render(other)}>>>>>>> other\n"
    with pytest.raises(MergeConflict):
        parse(text)
    both = recovered(text).counts
    assert all(both[key] == max(one.counts.get(key, 0), other.counts.get(key, 0)) for key in both)
    assert both.keys() == one.counts.keys() | other.counts.keys()


@given(st.text(max_size=60))
def test_any_text_is_a_baseline_or_none(text: str) -> None:
    for read in (parse, recovered):
        try:
            read(text)
        except BadBaseline as error:
            assert "\n" not in error.reason


@given(baselines, st.dictionaries(keys, st.integers(1, 9), max_size=6), st.booleans())
def test_after_an_update_nothing_is_stale(baseline: Baseline, found: dict[Key, int], whole: bool) -> None:
    paths = frozenset(key.path for key in found)
    scope = Scope(paths, codes=frozenset({"SUP101", "SUP304"}), whole=whole)
    updated = baseline.updated(found, scope)
    assert updated.stale(found, scope) == {}
    assert all(updated.counts[key] >= number for key, number in found.items())
    assert {key: n for key, n in updated.counts.items() if key.path in paths} == found
    assert (updated.counts == found) or not whole


def test_only_a_run_that_looks_for_as_much_can_tell_what_is_gone() -> None:
    key = Key("a.py", "SUP103", "f", "s")
    for old, profile, is_gone in (
        ("template", "hazards", False),
        ("template", "template", True),
        ("hazards", "hazards", True),
        ("hazards", "template", True),
    ):
        baseline = Baseline({key: 2}, old)  # type: ignore[arg-type]
        scope = Scope(frozenset({"a.py"}), codes=frozenset({"SUP103"}), profile=profile)  # type: ignore[arg-type]
        assert baseline.stale({key: 1}, scope) == ({key: 1} if is_gone else {})
        assert baseline.updated({key: 1}, scope).counts == {key: 1 if is_gone else 2}
    assert Baseline().updated({}, Scope(profile="hazards")).profile == "hazards"
    assert Baseline({key: 1}).updated({}, Scope(profile="hazards")).profile == "template"
