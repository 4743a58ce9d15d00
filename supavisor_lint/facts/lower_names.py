"""The names in LibCST's imports and patterns."""

from __future__ import annotations

from collections.abc import Iterable

import libcst as cst


def alias(node: cst.ImportAlias) -> tuple[str, str | None]:
    """What is imported, and the name that it is given with `as`."""
    asname = node.asname.name if node.asname is not None else None
    return dotted(node.name), asname.value if isinstance(asname, cst.Name) else None


def dotted(node: cst.BaseExpression | None) -> str:
    """A dotted name as text."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if isinstance(node, cst.Name):
        parts.append(node.value)
    return ".".join(reversed(parts))


def pattern_names(pattern: cst.CSTNode) -> Iterable[str]:
    """The names that a `case` pattern binds."""
    if isinstance(pattern, cst.MatchAs | cst.MatchStar) and isinstance(pattern.name, cst.Name):
        yield pattern.name.value
    if isinstance(pattern, cst.MatchMapping) and pattern.rest is not None:
        yield pattern.rest.value
    for child in pattern.children:
        if not isinstance(child, cst.BaseExpression):
            yield from pattern_names(child)
