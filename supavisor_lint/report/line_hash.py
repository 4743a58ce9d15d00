"""The fingerprint that GitHub's code scanning knows an alert by: a hash of the alert's line and what follows it.

It has to be the very value that the action `upload-sarif` works out, which warns about any other: a polynomial hash of
the next 100 characters without spaces and tabs (github/codeql-action, `src/fingerprints.ts`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

_WINDOW = 100
_BASE = 37
_LINE_END = re.compile(r"\r\n|\r")
_BLANKS = str.maketrans("", "", " \t")
_END = "\uffff"
"""Stands behind the last character; then come null characters, as many as a window needs."""


def line_hashes(source: str, lines: Collection[int]) -> dict[int, str]:
    """Give the hashes of some lines of a text (from 1), as `hash:n` for the n-th line of the text with that hash.

    The text comes without a byte order mark. One more line stands for the end of a text that a line end closes; what
    lies behind it has no hash.
    """
    text = _LINE_END.sub("\n", source).translate(_BLANKS) + _END
    seen: Counter[str] = Counter()
    found = {}
    start, line = 0, 1
    while start < len(text):
        window = text[start : start + _WINDOW]
        seen[window] += 1
        if line in lines:
            found[line] = f"{_hash(window):x}:{seen[window]}"
        start, line = text.find("\n", start) + 1 or len(text), line + 1
    return found


def _hash(window: str) -> int:
    """The hash of a window, in 64 bits; each UTF-16 code unit counts as a character."""
    units = window.encode("utf-16-le", "surrogatepass")[: 2 * _WINDOW].ljust(2 * _WINDOW, b"\0")
    value = 0
    for index in range(0, len(units), 2):
        value = value * _BASE + units[index] + (units[index + 1] << 8)
    return value & 0xFFFF_FFFF_FFFF_FFFF
