"""Which finding is which: nothing that leaves the code as it is changes the identity of a finding."""

from __future__ import annotations

import io
import subprocess
import sys
import tokenize
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supavisor_lint.findings import Finding, Span
from supavisor_lint.report.identity import Identity, identities
from supavisor_lint.run import check_job, job_of_stdin
from supavisor_lint.settings import Settings
from supavisor_lint.sources.logical_lines import LogicalLines

BACKEND = Path(__file__).parent.parent / "fixtures" / "scraper_backend"
TASKS = BACKEND / "app" / "services" / "batch_processor.py"
CODE = '''\
from app.session import async_session_factory, get_session


async def sync_all_with_own_session(job_id: str, retries: int = 3) -> None:
    first = async_session_factory()
    for _ in range(retries):
        second = async_session_factory()
        await second.execute("select 1", {"job": job_id})
    first = async_session_factory()
    async with async_session_factory() as third, third.begin():
        await third.execute(
            f"select {job_id!r}",
            {"a": [1, 2], "b": (3, 4)},
        )
        text = """
          a text  # with no comment in it
        """
        await third.execute(text); await first.commit()
    with get_session() as fourth:
        pass


def dispatch(): return async_session_factory()
'''


def identities_in(text: str, path: Path = TASKS) -> list[Identity]:
    result = check_job(job_of_stdin(text.encode(), path, BACKEND, Settings()))
    found = [*result.findings, *result.suppressed]
    return sorted(identities(found, result.sources))


def statement(code: str, line: int = 1, column: int = 1) -> str:
    return LogicalLines(code).statement_at(line, column)


# What changes no identity


def split_after_brackets(text: str, chosen: Sequence[bool]) -> str:
    """The text with a line end and a comment behind some of its opening brackets."""
    lines = text.splitlines(keepends=True)
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.string in list("([{")]
    for token, is_split in reversed(list(zip(tokens, chosen, strict=False))):
        row, column = token.end
        if is_split:
            lines[row - 1] = lines[row - 1][:column] + "  # here\n  " + lines[row - 1][column:]
    return "".join(lines)


def with_lines_between(text: str, between: Sequence[str]) -> str:
    """The text with comments and empty lines before some lines that begin no part of a statement or string."""
    lines = text.splitlines(keepends=True)
    for number, more in enumerate(between):
        if number < len(lines) and lines[number].startswith(("async def", "def", "    first", "    for", "    with")):
            lines[number] = more + lines[number]
    return "".join(lines)


def with_comments(text: str, comments: Sequence[str]) -> str:
    """The text with comments behind some lines that end a statement."""
    lines = text.splitlines()
    for number, comment in enumerate(comments):
        if number < len(lines) and lines[number].endswith((":", "factory()", "pass", "commit()")):
            lines[number] += comment
    return "\n".join(lines) + "\n"


layouts = st.builds(
    lambda split, between, comments, end: with_lines_between(
        split_after_brackets(with_comments(CODE, comments), split), between
    ).replace("\n", end),
    st.lists(st.booleans(), max_size=30),
    st.lists(st.sampled_from(["", "\n", "# why not\n", "\n\n# noqa: E501\n", "\f\n"]), max_size=25),
    st.lists(st.sampled_from(["", "  # why", "  # noqa: E501", "  # type: ignore[misc]  # x"]), max_size=25),
    st.sampled_from(["\n", "\r\n"]),
)


@given(layouts)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_layout_changes_an_identity(text: str) -> None:
    before = identities_in(CODE)
    assert len(before) > 5
    assert identities_in(text) == before


@pytest.mark.parametrize("unit", [" ", "\t", "        "])
def test_indentation_changes_no_identity(unit: str) -> None:
    lines = (
        CODE.replace('"""', '"', 2).replace("\n          a text  # with no comment in it\n        ", "").splitlines()
    )
    deeper = [unit * ((len(line) - len(line.lstrip())) // 4) + line.lstrip() for line in lines]
    assert identities_in("\n".join(deeper)) == identities_in("\n".join(lines))


def test_code_that_moves_keeps_its_identity() -> None:
    before = identities_in(CODE)
    head, tail = CODE.split("\n\n\n", 1)
    moved = identities_in(f"{head}\n\n\ndef other(a, b):\n    return a\n\n\n{tail}\n\nprint(1)\n")
    assert moved == before


def test_a_suppression_changes_no_identity() -> None:
    suppressed = CODE.replace(
        "    first = async_session_factory()\n", "    first = async_session_factory()  # noqa: SUP\n", 1
    )
    assert identities_in(suppressed.replace("noqa: SUP", "noqa: SUP101")) == identities_in(CODE)


def test_a_formatter_changes_no_identity(tmp_path: Path) -> None:
    text = CODE.replace('"select 1"', "'select 1'").replace("(3, 4)", "( 3,4 )").replace("= async_", "= (async_", 1)
    text = text.replace("factory()\n    for", "factory())\n    for")
    file = tmp_path / "code.py"
    file.write_text(text, "utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--isolated", "--quiet", file], check=True)
    assert file.read_text("utf-8") != text
    assert identities_in(file.read_text("utf-8")) == identities_in(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f(a, b)", "f(\n    a,\n    b,\n)  # noqa"),
        ("x = await f(a)", "x = (\n    await f(a)\n)"),
        ("x = a + b", "x = a \\\n    + b"),
        ("s = 'one'", 's = "one"'),
        ("s = F'{a}'", 's = f"{a}"'),
        ("return (1, 2)", "return 1, 2"),
        ("with a() as b, c() as d: pass", "with (\n    a() as b,\n    c() as d,\n): pass"),
        ("x = {'a': (1), }", 'x = {"a": 1}'),
        ("from a import (b, c)", "from a import b, c"),
    ],
)
def test_one_statement_in_two_layouts(one: str, other: str) -> None:
    assert statement(one) == statement(other)


# What does


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f(a, b)", "f(a, c)"),
        ("f(a)(b)", "f(a, b)"),
        ("not a", "nota"),
        ("s = 'it\"s'", "s = 'its'"),
        ("s = ' a'", "s = 'a'"),
        ("s = f'{a }'", "s = '{a }'"),
        ("s = '# a'", "s = '# b'"),
        ("await x", "x"),
    ],
)
def test_two_statements(one: str, other: str) -> None:
    assert statement(one) != statement(other)


def test_the_statement_is_what_the_finding_stands_in() -> None:
    assert statement("a = 1; b = 2  # c", 1, 8) == "b=2"
    assert statement("if a:\n    b\n", 1) == "if a:"
    assert statement("async def f(a,\n    b=g()):\n    pass\n", 1) == "async def f"
    assert statement("def f(a,\n    b=g()):\n    pass\n", 1) == "def f"
    assert statement("def f(a,\n    b=g()):\n    pass\n", 2, 7) == "def f(a,b=g()):"
    assert statement("async with f() as s: pass", 1, 12) == "async with f() as s:pass"
    assert statement("x = [\n    # why\n    1,\n]", 2, 5) == "x=[1]"


@pytest.mark.parametrize(
    "text", ["", "# only a comment  \n", "x = (\n  1 # y\n", "  'a\n", "a $ ? b\n", "\f\n", "x = 1\\"]
)
def test_what_is_no_statement_is_its_line(text: str) -> None:
    for line in range(4):
        assert statement(text, line).count("\n") == 0
    assert statement("# only a comment  \n", 1) == "# only a comment"
    assert statement("a = 1\nx = (\n  1 # y\n", 2) == "x = ("
    assert statement("a = 1\nx = (\n  1 # y\n", 1) == "a=1"


@given(st.text(alphabet="ab='\"({[)]},;:#\\\n\r\f \tf!$é", max_size=40), st.integers(-1, 9), st.integers(0, 9))
def test_any_text_has_statements(text: str, line: int, column: int) -> None:
    statement(text, line, column)


def test_equal_findings_are_told_apart_by_their_order_only() -> None:
    found = identities_in(CODE)
    firsts = [one for one in found if one.key.statement == "first=async_session_factory()" and one.key.code == "SUP101"]
    assert [one.occurrence for one in firsts] == [1, 2]
    assert len({one.fingerprint for one in found}) == len(found)
    assert all(len(one.fingerprint) == 64 for one in found)


def test_identities_come_in_the_order_of_the_findings() -> None:
    def at(line: int) -> Finding:
        return Finding("SUP101", "n", "m", "error", "high", "a.py", Span(line, 1, line, 2))

    assert [one.occurrence for one in identities([at(3), at(1), at(2)], {"a.py": "x\nx\nx\n"})] == [3, 1, 2]
    assert identities([at(1)], {}) == [(("a.py", "SUP101", "", ""), 1)]


def test_a_fingerprint_is_the_same_in_every_version() -> None:
    finding = Finding("SUP101", "n", "m", "error", "high", "ä.py", Span(1, 1, 1, 2), "f")
    [found] = identities([finding], {"ä.py": "s = g()"})
    assert found.fingerprint == "128ecc7e8355dfb2296c3ea1c1e5f6c11b2e444006da3e3dbf1d97a4ed177d74"
