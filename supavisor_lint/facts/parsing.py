"""LibCST's parse without its checks of its own work, which cost about a tenth of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import libcst as cst

_CHECK = "__post_init__"


def parse_module(text: str) -> cst.Module:
    """The tree of a text; raises ParserSyntaxError for what is no Python, RecursionError for too deep nesting."""
    with _without_validation():
        return cst.parse_module(text)


@contextmanager
def _without_validation() -> Iterator[None]:
    """Take LibCST's nodes as they come.

    Each node checks itself when it is made, in case that somebody made it by hand. LibCST's own parser makes them from
    text that it has understood (a remark in `CSTNode.__post_init__` says that a parse might do without). Nodes that
    another thread makes meanwhile are not checked either.
    """
    validate = getattr(cst.CSTNode, _CHECK)
    setattr(cst.CSTNode, _CHECK, _nothing)
    try:
        yield
    finally:
        setattr(cst.CSTNode, _CHECK, validate)


def _nothing(_: cst.CSTNode) -> None:
    return
