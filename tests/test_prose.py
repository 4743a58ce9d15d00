"""Documentation as text for a terminal: paragraphs are flowed, code is not, nothing is lost."""

from __future__ import annotations

from supavisor_lint.report.prose import flowed

DOC = """
What it does, in a line.

## A heading ##
Words that go on for
longer than the width has room.
- an item of a list that is too long
- another one

```python
x = "## no heading, and far longer than any width"

    # kept
```
Behind it.
"""


def test_paragraphs_are_flowed_and_code_is_kept() -> None:
    assert list(flowed(DOC, 24)) == [
        "What it does, in a line.",
        "",
        "A heading",
        "Words that go on for",
        "longer than the width",
        "has room.",
        "- an item of a list that",
        "  is too long",
        "- another one",
        "",
        '    x = "## no heading, and far longer than any width"',
        "",
        "        # kept",
        "Behind it.",
    ]


def test_a_word_that_is_too_long_stays_whole() -> None:
    assert list(flowed("see https://example.com/a-very/long-address now", 10)) == [
        "see",
        "https://example.com/a-very/long-address",
        "now",
    ]


def test_headings_are_styled() -> None:
    assert list(flowed("# One\ntext", 80, lambda text, role: f"<{role}>{text}")) == ["<heading>One", "text"]
