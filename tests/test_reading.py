"""Reading source as Python's compiler reads it, and saying where it cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supavisor_lint.sources.reading import (
    UndecodableFile,
    UnreadableFile,
    decode,
    encoding_of,
    read_source,
    reads_as,
    split_lines,
)

GOOD = [
    (b"", ""),
    (b"x = 1", "x = 1"),
    (b"x = 1\r\ny = 2\r", "x = 1\r\ny = 2\r"),
    ("é = '😀'\n".encode(), "é = '😀'\n"),
    (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
    (b"\xef\xbb\xbf# coding: utf-8\nx = 1\n", "# coding: utf-8\nx = 1\n"),
    (b"# coding: latin-1\nx = '\xe9'\n", "# coding: latin-1\nx = 'é'\n"),
    (b"\n# vim: set fileencoding=latin-1 :\nx = '\xe9'\n", "\n# vim: set fileencoding=latin-1 :\nx = 'é'\n"),
    (b"# coding: latin-1 \xe9\nx = 1\n", "# coding: latin-1 é\nx = 1\n"),
    (b"# \xe9\n# coding: latin-1\nx = 1\n", "# é\n# coding: latin-1\nx = 1\n"),
    (b"# coding: shift_jis\nx = '\x83e'\n", "# coding: shift_jis\nx = 'テ'\n"),
    (
        b"#!/usr/bin/env python\n# -*- coding: UTF8 -*-\nx = 1\n",
        "#!/usr/bin/env python\n# -*- coding: UTF8 -*-\nx = 1\n",
    ),
    (b"\x0c# coding: latin-1\nx = '\xe9'\n", "\x0c# coding: latin-1\nx = 'é'\n"),
    (b"x = 'a\x0bb'\n", "x = 'a\x0bb'\n"),
]

BAD = [
    (b"# coding: nope\nx = 1\n", "unknown encoding: nope", 1, 11),
    (b"#\n#  -*- coding: nope -*-\n", "unknown encoding: nope", 2, 16),
    (b"# \xc3\xa9 coding: nope\n", "unknown encoding: nope", 1, 13),
    (b"# coding: rot13\nx = 1\n", "encoding problem: rot13", 1, 11),
    (b"# coding: utf-16\nx = 1\n", "encoding problem: utf-16", 1, 11),
    (b"\xef\xbb\xbf# coding: latin-1\nx = 1\n", "encoding problem: utf-8", 1, 11),
    (b"x = '\xe9'\n", "utf-8 cannot decode byte 0xe9: invalid continuation byte", 1, 6),
    (b"x = 1\r\n\r\ny = '\xc3\xa9\xff'\n", "utf-8 cannot decode byte 0xff: invalid start byte", 3, 7),
    (b"\xef\xbb\xbfx = '\xff'\n", "utf-8-sig cannot decode byte 0xff: invalid start byte", 1, 6),
    (b"# coding: ascii\nx = '\xff'\n", "ascii cannot decode byte 0xff: ordinal not in range(128)", 2, 6),
    (b"x = 1\ny = '\xc3\xa9\0'\n", "source code contains a null byte", 2, 7),
    (b"\0", "source code contains a null byte", 1, 1),
]


@pytest.mark.parametrize(("data", "text"), GOOD)
def test_good_bytes_become_their_text(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize(("data", "reason", "line", "column"), BAD)
def test_bad_bytes_are_refused_with_their_place(data: bytes, reason: str, line: int, column: int) -> None:
    with pytest.raises(UndecodableFile) as caught:
        decode(data)
    assert (caught.value.reason, caught.value.line, caught.value.column) == (reason, line, column)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [data for data, *_ in [*GOOD, *BAD]])
def test_pythons_compiler_agrees(data: bytes) -> None:
    try:
        compile(data, "case.py", "exec", dont_inherit=True)
        accepted = True
    except (SyntaxError, ValueError):
        accepted = False
    try:
        decode(data)
        assert accepted
    except UndecodableFile:
        assert not accepted


def test_the_encoding_is_told_for_writing_back() -> None:
    assert encoding_of(b"x") == "utf-8"
    assert encoding_of(b"\xef\xbb\xbfx") == "utf-8-sig"
    assert encoding_of(b"# coding: latin-1\n") == "iso-8859-1"


def test_lines_are_cut_where_python_cuts_them() -> None:
    assert split_lines("a\nb\r\nc\rd\x0ce\u2028f\x85g") == ["a\n", "b\r\n", "c\r", "d\x0ce\u2028f\x85g"]
    assert split_lines("") == []


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"\xef\xbb\xbfx\r\n")
    assert read_source(path) == b"\xef\xbb\xbfx\r\n"


@pytest.mark.parametrize("name", ["missing.py", ".", "missing/a.py", "a\0b.py"])
def test_an_unreadable_path_has_one_exception(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read_source(tmp_path / name)
    assert caught.value.reason
    assert "\n" not in caught.value.reason


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.touch(mode=0)
    with pytest.raises(UnreadableFile, match="ermission"):
        read_source(path)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"x = 1\r\ny = 2\r", "x = 1\r\ny = 2\r"),
        (b"x = 1\r\ny = 2\r", "x = 1\ny = 2\n"),
        (b"\xef\xbb\xbfx = 1\r\n", "x = 1\n"),
        (b"x = '\xfc'\r\n", "x = 'ü'\n"),
        (b"# coding: latin-1\nx = '\xe9'\n", "# coding: latin-1\nx = 'é'\n"),
    ],
)
def test_a_text_as_flake8_reads_it_is_that_of_the_file(data: bytes, text: str) -> None:
    assert reads_as(data, text)
    assert not reads_as(data, text + "# more\n")


def test_a_text_with_other_characters_is_not_that_of_the_file() -> None:
    assert not reads_as("x = 'ü'\n".encode(), "x = 'Ã¼'\n")
