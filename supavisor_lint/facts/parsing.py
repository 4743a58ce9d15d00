"""LibCST's parse without its checks of its own work, which cost a quarter of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import libcst as cst


def parse_module(text: str) -> cst.Module:
    """The tree of a text; raises ParserSyntaxError for what is no Python, RecursionError where it is nested too deeply."""
    with _without_validation():
        return cst.parse_module(text)


@contextmanager
def _without_validation() -> Iterator[None]:
    """Take LibCST's nodes as they come.

    Each node checks itself when it is made, in case that somebody made it by hand. LibCST's own parser makes them from
    text that it has understood (its `CSTNode.__post_init__` says that validation while parsing might better be avoided).
    Nodes that another thread makes meanwhile are not checked either.
    """
    validate = cst.CSTNode.__post_init__
    cst.CSTNode.__post_init__ = _nothing  # type: ignore[method-assign]
    try:
        yield
    finally:
        cst.CSTNode.__post_init__ = validate  # type: ignore[method-assign]


def _nothing(_: cst.CSTNode) -> None:
    return
