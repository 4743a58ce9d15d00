"""The hash of a line that GitHub's code scanning knows an alert by."""

from __future__ import annotations

import pytest

from supavisor_lint.report.line_hash import line_hashes


@pytest.mark.parametrize(
    ("source", "hashes"),
    [
        ("", ["c129715d7a2bc9a3:1"]),
        (
            " a\nb\n  \t\tc\n d",
            ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"],
        ),
        (
            "x = 2\nx = 1\nprint(x)\nx = 3\nprint(x)\nx = 4\nprint(x)\n",
            [
                *("e54938cc54b302f1:1", "bb609acbe9138d60:1", "1131fd5871777f34:1", "5c482a0f8b35ea28:1"),
                *("54517377da7028d2:1", "2c644846cb18d53e:1", "f1b89f20de0d133:1", "c129715d7a2bc9a3:1"),
            ],
        ),
        (
            "Lorem ipsum dolor sit amet.\n" * 10,
            [
                *(f"a7f2ff13bc495cf2:{number}" for number in range(1, 7)),
                *("a7f2ff1481e87703:1", "a9cf91f7bbf1862b:1", "55ec222b86bcae53:1", "cc97dc7b1d7d8f7b:1"),
                "c129715d7a2bc9a3:1",
            ],
        ),
    ],
)
def test_the_hash_of_a_line_is_the_one_that_github_works_out(source: str, hashes: list[str]) -> None:
    """The values are those that the tests of github/codeql-action expect of it."""
    for text in (source, source.replace("\n", "\r\n"), source.replace("\n", "\r")):
        assert line_hashes(text, range(1, 99)) == dict(enumerate(hashes, start=1))


def test_a_character_outside_of_the_first_plane_counts_twice() -> None:
    assert line_hashes("🐍" * 50 + "x", [1]) == line_hashes("🐍" * 50 + "y", [1])
    assert line_hashes("🐍" * 49 + "x", [1]) != line_hashes("🐍" * 49 + "y", [1])
