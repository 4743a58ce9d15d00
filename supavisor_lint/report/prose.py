"""A rule's documentation, which is Markdown, as text for a terminal: flowed to its width, code as it stands."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from supavisor_lint.report.model import Style, plain

HEADING = re.compile(r"#{1,6} +(?P<title>.+?)[ #]*$")
_ITEM = re.compile(r"(?:[-*]|[0-9]+\.) +")
_CODE = "    "


def flowed(doc: str, width: int, style: Style = plain) -> Iterator[str]:
    """Yield the lines of a Markdown text, its paragraphs at most `width` columns wide.

    A fenced block of code is indented instead, and keeps its lines; a heading is one line without its `#`.
    """
    paragraph: list[str] = []
    fenced = False
    for line in doc.strip().splitlines():
        is_fence = line.lstrip().startswith("```")
        heading = None if fenced or is_fence else HEADING.match(line)
        starts_anew = is_fence or fenced or heading is not None or not line.strip() or _ITEM.match(line) is not None
        if starts_anew:
            yield from _filled(paragraph, width)
            paragraph = []
        if is_fence:
            fenced = not fenced
        elif fenced:
            yield (_CODE + line).rstrip()
        elif heading is not None:
            yield style(heading["title"], "heading")
        elif not line.strip():
            yield ""
        else:
            paragraph.append(line)
    yield from _filled(paragraph, width)


def _filled(paragraph: Iterable[str], width: int) -> list[str]:
    """The lines of one paragraph, or item of a list, whose further lines stand below its text."""
    text = " ".join(line.strip() for line in paragraph)
    item = _ITEM.match(text)
    hanging = " " * len(item[0]) if item is not None else ""
    return textwrap.wrap(text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)
