"""Foreign text made fit for HTML: escaped, with control characters shown instead of obeyed."""

from __future__ import annotations

import re
from html import escape

from supavisor_lint.report.text import harmless


def text(raw: str) -> str:
    """Give a text as HTML text or as the value of a quoted attribute; tabs and line feeds stay."""
    lines = ("\t".join(harmless(part) for part in line.split("\t")) for line in raw.split("\n"))
    return escape("\n".join(lines), quote=True)


def tag(name: str, content: str, **attributes: str) -> str:
    """Give an element with HTML as its content; the attributes' values are escaped, `_` at the end of names goes."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items())
    return f"<{name}{given}>{content}</{name}>"


def code(raw: str) -> str:
    """Give a text as a piece of code."""
    return f"<code>{text(raw)}</code>"


def prose(raw: str) -> str:
    """Give a message: what it puts in backticks is code."""
    parts = re.split("`([^`]*)`", raw)
    return "".join(code(part) if index % 2 else text(part) for index, part in enumerate(parts))


def place(path: str, line: int) -> str:
    """Give a place in the code."""
    return f'<span class="soft mono">{text(f"{path}:{line}")}</span>'
