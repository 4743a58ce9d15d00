"""Which noqa comments there are, what they cover, and which of their codes are unused."""

from __future__ import annotations

import tokenize
from collections.abc import Callable
from pathlib import Path

import pytest

from supavisor_lint import run
from supavisor_lint.settings import Settings
from supavisor_lint.sources.reading import split_lines
from supavisor_lint.sources.suppressions import Suppressions


def read(text: str) -> Suppressions:
    return Suppressions.read(split_lines(text))


def everything(_code: str) -> bool:
    return True


def enabled(*codes: str) -> Callable[[str], bool]:
    return lambda prefix: any(code.startswith(prefix) for code in codes)


# --- silence ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "x = 1\n",
        "# no qa\n",
        "x = 1  #noqa\n",
        "x = 1  # nosec SUP101\n",
        "noqa = 'noqa: SUP101'\n",
    ],
)
def test_nothing_is_suppressed_where_no_noqa_stands(text: str) -> None:
    result = read(text)
    assert result.comments == ()
    assert not result.suppresses(1, "SUP101")
    assert result.unused([], everything) == []


def test_a_file_without_the_word_is_not_tokenized(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("tokenized")

    monkeypatch.setattr(tokenize, "generate_tokens", refuse)
    assert read("x = 1\n" * 100).comments == ()
    assert read("x = 1\n# the word noqa alone, and #noqa\n").comments == ()


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# noqa: SUP",
        "# noqa : SUP101",
        "# noqa:  SUP101",
        "# noqa: E501",
        "# noqa: SUP102",
        "# noqa: SUP1",
        "# noqa: SUP102, E501 because",
        "# noqa: SUPER101",
        "# noqa: SUP1011",
        "# noqa: SUP101SUP102",
    ],
)
def test_a_used_or_a_foreign_or_a_blanket_comment_is_not_unused(comment: str) -> None:
    assert read(f"x = 1  {comment}\n").unused([(1, "SUP102")], everything) == []


def test_a_code_that_this_run_does_not_look_for_is_not_unused() -> None:
    result = read("x = 1  # noqa: SUP307, SUP3, SUP101\n")
    assert [unused.code for unused in result.unused([], enabled("SUP101", "SUP201"))] == ["SUP101"]


def test_a_noqa_in_a_string_is_never_unused_though_it_suppresses() -> None:
    result = read('"""Silence it with `# noqa: SUP101`.\n"""\n')
    assert result.suppresses(2, "SUP101")
    assert result.unused([], everything) == []


def test_nothing_is_unused_in_a_file_that_is_suppressed_as_a_whole() -> None:
    result = read("# flake8: noqa: SUP101\nx = 1  # noqa: SUP102\n")
    assert result.unused([], everything) == []


# --- what a comment covers ----------------------------------------------------------------------------------


def test_codes_are_prefixes_and_case_sensitive() -> None:
    result = read("a  # noqa: SUP1,E501 SUP9\nb  # NOQA: sup1\nc  # NoQA\n")
    assert [code for code in ("SUP101", "SUP201", "SUP901") if result.suppresses(1, code)] == [
        "SUP101",
        "SUP901",
    ]
    assert not result.suppresses(2, "SUP101")
    assert result.suppresses(3, "SUP101")
    assert not result.suppresses(0, "SUP101")
    assert not result.suppresses(4, "SUP101")


def test_lines_are_joined_over_strings_and_backslashes_but_not_over_brackets() -> None:
    result = read("a = '''\n'''  # noqa\nb = 1 + \\\n  2  # noqa\nc = [\n  1,  # noqa\n]\n")
    assert [line for line in range(1, 8) if result.suppresses(line, "SUP101")] == [1, 2, 3, 4, 6]
    assert [(c.start_line, c.end_line) for c in result.comments] == [(1, 2), (3, 4), (6, 6)]


def test_a_form_feed_ends_no_line() -> None:
    assert read("x = 1\x0c  # noqa\ny = 2\n").suppresses(1, "SUP101")


def test_a_whole_file_comment_is_one_record() -> None:
    (comment,) = read("x = 1  # noqa: SUP101\n  # FLAKE8: noqa: SUP1\n").comments
    assert (comment.line, comment.column, comment.end_column) == (2, 3, 17)
    assert (comment.start_line, comment.end_line, comment.codes, comment.file_level) == (1, 2, None, True)
    assert read("x = 1  # flake8: noqa\n").comments == ()


def test_positions_count_code_points_from_one() -> None:
    (comment,) = read("é = '😀'  # noqa: SUP101 , E501, because\n").comments
    assert (comment.line, comment.column, comment.end_column) == (1, 10, 31)
    assert comment.codes == ("SUP101", "E501")
    assert [(text.code, text.column, text.end_column) for text in comment.code_texts] == [
        ("SUP101", 18, 24),
        ("E501", 27, 31),
    ]


def test_only_the_first_noqa_of_a_line_is_effective() -> None:
    result = read("x = 1  # noqa: E501  # noqa: SUP101\n")
    assert [(c.effective, c.codes) for c in result.comments] == [(True, ("E501",)), (False, ("SUP101",))]
    assert not result.suppresses(1, "SUP101")
    assert [unused.code for unused in result.unused([(1, "SUP101")], everything)] == ["SUP101"]


def test_crlf_and_cr_change_nothing() -> None:
    text = "x = '''\n'''  # noqa: SUP101\ny = 1  # noqa: SUP2\n"
    expected = read(text).comments
    assert read(text.replace("\n", "\r\n")).comments == expected
    assert read(text.replace("\n", "\r")).comments == expected


# --- text that cannot be tokenized --------------------------------------------------------------------------

BROKEN = [
    "x = (  # noqa: SUP101\n",
    "'''\n# noqa: SUP101\n",
    "if x:\n    y\n  z  # noqa: SUP101\n",
    "\0 # noqa: SUP101\n",
]


@pytest.mark.parametrize("text", BROKEN)
def test_broken_text_is_read_by_physical_lines(text: str) -> None:
    result = read(text)
    line = text.count("\n", 0, text.index("noqa")) + 1
    assert result.suppresses(line, "SUP101")
    assert not result.suppresses(line + 1, "SUP101")


@pytest.mark.parametrize("error", [tokenize.TokenError("x", (1, 1)), IndentationError("x"), ValueError("null")])
def test_no_error_of_the_tokenizer_comes_out(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(tokenize, "generate_tokens", fail)
    result = read("x = '''\n'''  # noqa: SUP101\n")
    assert not result.suppresses(1, "SUP101")
    assert result.suppresses(2, "SUP101")
    assert result.unused([], everything) == []


@pytest.mark.parametrize(
    "line",
    [
        'x = f"{a["b"]}"  # noqa: SUP101',
        "type X[T] = list[T]  # noqa: SUP101",
        "match x:  # noqa: SUP101",
        't"{x!r:>{w}}"  # noqa: SUP101',
        "try: pass\nexcept A, B: pass  # noqa: SUP101",
        "x = 0777  # noqa: SUP101",
        "x = a ? b  # noqa: SUP101",
    ],
)
def test_newer_or_strange_syntax_does_not_raise(line: str) -> None:
    assert read(line + "\n").suppresses(line.count("\n") + 1, "SUP101")


# --- unused -------------------------------------------------------------------------------------------------


def test_each_unused_code_has_its_own_position() -> None:
    result = read("x = 1\ny = '😀'  # noqa: SUP101,E501 SUP202, SUP3\n")
    unused = result.unused([(2, "SUP202"), (1, "SUP101")], everything)
    assert [tuple(item) for item in unused] == [("SUP101", 2, 18, 24), ("SUP3", 2, 38, 42)]


def test_a_prefix_is_used_when_any_finding_matches_it() -> None:
    result = read("x = 1  # noqa: SUP1, SUP2\n")
    assert [u.code for u in result.unused([(1, "SUP104")], everything)] == ["SUP2"]


def test_a_finding_on_any_joined_line_uses_the_code() -> None:
    result = read("x = f('''\n''')  # noqa: SUP101\n")
    assert result.unused([(1, "SUP101")], everything) == []


def test_a_lower_case_code_suppresses_nothing_and_is_unused() -> None:
    result = read("x = 1  # noqa: sup101\n")
    assert [u.code for u in result.unused([(1, "SUP101")], enabled("SUP101"))] == ["sup101"]


@pytest.mark.parametrize("odd", ["\f\n", "x = '\u2028'\n", "x = '\x1c \x85'\n", "# \v\n\f\r\n"])
def test_only_python_s_own_line_ends_are_counted(tmp_path: Path, odd: str) -> None:
    (tmp_path / "a.py").write_bytes(f"{odd * 3}s = async_session_factory()  # noqa: SUP101\n".encode())
    result = run.check_paths([tmp_path], tmp_path, Settings())
    assert (result.findings, len(result.suppressed)) == ((), 1)
