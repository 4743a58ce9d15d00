"""`--add-noqa`: what is left gets a comment that flake8 and this tool read alike, and nothing else changes."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from cli_support import invoke
from hypothesis import given, settings
from hypothesis import strategies as st
from project_support import SESSION_MODULE, write

from supavisor_lint import adding_noqa
from supavisor_lint.sources.noqa_writing import Unsuppressible, with_noqa
from supavisor_lint.sources.suppressions import Suppressions

ADD = ("check", "--add-noqa")
TASKS = Path("app/tasks.py")
HEAD = "from app.session import async_session_factory\n\n\n"
CODE = '''\
from app.session import async_session_factory, get_session


async def sync_all_with_own_session(job_id: str) -> None:
    one = async_session_factory()
    two = async_session_factory()  # type: ignore[misc]
    three = async_session_factory()  # noqa: E501
    four = async_session_factory()  # NOQA:E501,W291 because it is long
    five = async_session_factory()  # noqa: E501 # fmt: skip
    six = async_session_factory(
        info={"a": 1},  # here
    )
    seven = (async_session_factory(), """
        a text  # with no comment in it
        """)
    eight = \\
        async_session_factory()
    nine = async_session_factory(); ten = async_session_factory()
    async with async_session_factory() as eleven, eleven.begin():
        await eleven.execute("select 1", {"name": f"""
          {job_id}
          """})
    with get_session() as twelve:
        print(one, two, three, four, five, six, seven, eight, nine, ten, twelve)
'''
ADDED = '''\
from app.session import async_session_factory, get_session


async def sync_all_with_own_session(job_id: str) -> None:  # noqa: SUP401, SUP404
    one = async_session_factory()  # noqa: SUP101
    two = async_session_factory()  # type: ignore[misc]  # noqa: SUP101
    three = async_session_factory()  # noqa: E501, SUP101
    four = async_session_factory()  # NOQA:E501,W291, SUP101 because it is long
    five = async_session_factory()  # noqa: E501, SUP101 # fmt: skip
    six = async_session_factory(  # noqa: SUP101
        info={"a": 1},  # here
    )
    seven = (async_session_factory(), """
        a text  # with no comment in it
        """)  # noqa: SUP101
    eight = \\
        async_session_factory()  # noqa: SUP101
    nine = async_session_factory(); ten = async_session_factory()  # noqa: SUP101
    async with async_session_factory() as eleven, eleven.begin():  # noqa: SUP101
        await eleven.execute("select 1", {"name": f"""
          {job_id}
          """})
    with get_session() as twelve:  # noqa: SUP104
        print(one, two, three, four, five, six, seven, eight, nine, ten, twelve)
'''


@pytest.fixture(name="app", autouse=True)
def app_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, {"pyproject.toml": "[tool.supavisor-lint]\n", "app/__init__.py": ""})
    write(tmp_path, {"app/session.py": SESSION_MODULE, "app/tasks.py": CODE})
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def flake8() -> str:
    """What the real flake8 says of SUP codes."""
    command = [sys.executable, "-m", "flake8", "--isolated", "--select", "SUP", "-j1", "."]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


# Nothing to do


def test_a_clean_project_is_left_alone() -> None:
    TASKS.write_text("x = 1\n", "utf-8")
    before = TASKS.stat().st_mtime_ns
    result = invoke(*ADD)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "All clear: 3 files checked.\n")
    assert TASKS.stat().st_mtime_ns == before


def test_what_is_in_the_baseline_gets_no_comment() -> None:
    invoke("check", "--baseline", "known.json", "--write-baseline")
    result = invoke(*ADD, "--baseline", "known.json")
    assert (result.exit_code, TASKS.read_text("utf-8")) == (0, CODE)
    more = CODE + "    last = async_session_factory()\n"
    TASKS.write_text(more, "utf-8")
    assert invoke(*ADD, "--baseline", "known.json").exit_code == 0
    assert TASKS.read_text("utf-8") == more[:-1] + "  # noqa: SUP101\n"


def test_only_the_files_and_codes_asked_for() -> None:
    assert invoke(*ADD, "app/session.py").exit_code == 0
    assert TASKS.read_text("utf-8") == CODE
    assert invoke(*ADD, "--select", "SUP104").exit_code == 0
    expected = CODE.replace("as twelve:", "as twelve:  # noqa: SUP104")
    assert TASKS.read_text("utf-8") == expected
    Path("pyproject.toml").write_text("[tool.supavisor-lint.per-file-ignores]\n'app/tasks.py' = ['SUP']\n", "utf-8")
    assert invoke(*ADD).exit_code == 0
    assert TASKS.read_text("utf-8") == expected


# Comments


def test_each_finding_gets_its_comment_and_flake8_reads_them_too() -> None:
    assert "SUP101" in flake8()
    result = invoke(*ADD)
    assert TASKS.read_text("utf-8") == ADDED
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("noqa added to app/tasks.py: 11 × SUP101, 1 × SUP104, 1 × SUP401")
    assert "Noqa added to 14 findings in 1 file, 0 left. 14 findings suppressed." in result.stderr
    assert flake8() == ""
    again = invoke(*ADD)
    assert (again.exit_code, TASKS.read_text("utf-8")) == (0, ADDED)
    assert again.stderr.startswith("All clear: 3 files checked. ")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_bytes_and_mode_stay(end: str, bom: bytes) -> None:
    text = HEAD + "def é():\n\ts = async_session_factory() \t\n\tprint(s)\n    \n# end"
    data = bom + text.replace("\n", end).encode()
    TASKS.write_bytes(data)
    TASKS.chmod(0o750)
    assert invoke(*ADD).exit_code == 0
    expected = data.replace(b"s = async_session_factory()", b"s = async_session_factory()  # noqa: SUP101")
    assert TASKS.read_bytes() == expected
    assert TASKS.stat().st_mode & 0o777 == 0o750


def test_another_encoding_and_no_last_line_end() -> None:
    data = ("# coding: latin-1\n" + HEAD + "s = 'é', async_session_factory()").encode("latin-1")
    TASKS.write_bytes(data)
    assert invoke(*ADD).exit_code == 0
    assert TASKS.read_bytes() == data + b"  # noqa: SUP101"


def test_verbose_names_each_and_json_counts_them_as_suppressed() -> None:
    TASKS.write_text(HEAD + "s = async_session_factory()\n", "utf-8")
    result = invoke(*ADD, "-v", "--output-format", "json")
    assert "noqa added to app/tasks.py:4:5: SUP101 direct call" in result.stderr
    assert "Noqa added to 1 finding in 1 file, 0 left." in result.stderr
    assert '"fixed": 0,\n    "suppressed": 1,' in result.stdout


# What no comment can suppress


def test_a_noqa_in_a_string_is_the_one_that_is_read() -> None:
    text = HEAD + 's = async_session_factory(), """\n# noqa: E501\n"""\nt = async_session_factory()\n'
    TASKS.write_text(text, "utf-8")
    result = invoke(*ADD)
    assert result.exit_code == 1
    assert TASKS.read_text("utf-8") == text[:-1] + "  # noqa: SUP101\n"
    assert "app/tasks.py:4: no comment can suppress SUP101: flake8 reads the `# noqa` in the string of line 5" in (
        result.stderr
    )
    assert flake8().splitlines() == [line for line in flake8().splitlines() if line.startswith("./app/tasks.py:4:5:")]


def test_what_cannot_be_read_and_what_is_for_nothing_is_left() -> None:
    TASKS.write_text(HEAD + "def (\n", "utf-8")
    Path("app/other.py").write_text(HEAD + "s = async_session_factory()  # noqa: SUP104\n", "utf-8")
    result = invoke(*ADD, "--output-format", "concise")
    assert result.exit_code == 1
    assert TASKS.read_text("utf-8") == HEAD + "def (\n"
    assert Path("app/other.py").read_text("utf-8").endswith("# noqa: SUP104, SUP101\n")
    assert [line.split(" ")[1] for line in result.stdout.splitlines()] == ["SUP901", "SUP900"]
    assert "1 × SUP900: a file that cannot be read is not suppressed" in result.stderr
    assert "1 × SUP901: a `noqa` for nothing is not suppressed by another: --fix removes it" in result.stderr


# Guards


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: text.replace("a text", "no text"), "the code would be another"),
        (lambda text: text.replace("# noqa: SUP101\n", "# SUP101\n", 1), "SUP101 would still be found"),
        (
            lambda text: text.replace("# noqa: SUP104", "# noqa: SUP104, SUP302"),
            "other findings would come or go: SUP901",
        ),
    ],
)
def test_what_is_not_right_is_not_written(monkeypatch: pytest.MonkeyPatch, spoil: object, reason: str) -> None:
    def spoilt(text: str, reported: object) -> tuple[str, tuple[Unsuppressible, ...]]:
        new, impossible = with_noqa(text, reported)  # type: ignore[arg-type]
        return (spoil(new) if "sync_all" in new else new), impossible  # type: ignore[operator]

    Path("app/other.py").write_text(HEAD + "s = async_session_factory()\n", "utf-8")
    monkeypatch.setattr(adding_noqa, "with_noqa", spoilt)
    result = invoke(*ADD)
    assert result.exit_code == 2
    assert f"app/tasks.py: no noqa was added: {reason}" in result.stderr
    assert TASKS.read_text("utf-8") == CODE
    assert Path("app/other.py").read_text("utf-8").endswith("  # noqa: SUP101\n")


def test_a_file_that_cannot_be_written_is_said() -> None:
    TASKS.chmod(0o444)
    result = invoke(*ADD)
    assert (result.exit_code, TASKS.read_text("utf-8")) == (2, CODE)
    assert "app/tasks.py: no noqa was added: it is write-protected" in result.stderr


@pytest.mark.parametrize(
    "args",
    [["--fix"], ["--diff"], ["--interactive"], ["-"], ["--baseline", "known.json", "--write-baseline"]],
)
def test_options_that_contradict_each_other(args: list[str]) -> None:
    result = invoke(*ADD, *args, stdin=CODE)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--add-noqa" in result.stderr
    assert TASKS.read_text("utf-8") == CODE


# Any text

pieces = st.sampled_from(
    [
        "x = 1",
        "y = (1,",
        "2)",
        '"""',
        "'''",
        "\\",
        "\n",
        "\r\n",
        "\n\n",
        "  # why",
        "  # noqa",
        "  # noqa: E501",
        " ",
        "#noqa",
    ]
)


def tree(text: str) -> str | None:
    try:
        return ast.dump(ast.parse(text))
    except SyntaxError:
        return None


def lines_with_code(text: str) -> set[int]:
    """The lines on which a finding could stand: a token begins there."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    try:
        return {token.start[0] for token in tokens if token.string.strip() and token.type != tokenize.COMMENT}
    except tokenize.TokenError:  # such as a backslash at the end of the text
        return set(range(1, text.count("\n") + 1))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
@settings(max_examples=400)
@given(
    st.lists(pieces, max_size=14).map(lambda parts: "".join(parts) + "\n"),
    st.sets(st.tuples(st.integers(1, 6), st.sampled_from(["SUP1", "SUP304"]))),
)
def test_a_comment_is_read_where_it_was_put(text: str, reported: set[tuple[int, str]]) -> None:
    if tree(text) is None:
        return
    before = Suppressions.read(text.splitlines(keepends=True))
    begun = lines_with_code(text)
    wanted = [(line, code) for line, code in sorted(reported) if line in begun and not before.suppresses(line, code)]
    new, impossible = with_noqa(text, wanted)
    assert tree(new) == tree(text)
    after = Suppressions.read(new.splitlines(keepends=True))
    failed = {(one.line, one.code) for one in impossible}
    assert all(after.suppresses(line, code) for line, code in wanted if (line, code) not in failed)
    assert new.count("\n") == text.count("\n")
    assert with_noqa(text, []) == (text, ())
