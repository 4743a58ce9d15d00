"""Answers that depend on a node alone: computed once, and kept with the node for as long as its tree lives."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from supavisor_lint.facts.node import Node

_Asked = TypeVar("_Asked", bound=Node)
_Answer = TypeVar("_Answer")


def kept(answer: Callable[[_Asked], _Answer]) -> Callable[[_Asked], _Answer]:
    """Make a question about a node (its tree must be complete) that is answered once for each node.

    A cache of the module would keep whole trees alive, or be too small for a large code base.
    """

    @wraps(answer)
    def ask(node: _Asked) -> _Answer:
        try:
            known = node._kept
        except AttributeError:
            known = node._kept = {}
        if answer not in known:
            known[answer] = answer(node)
        found: _Answer = known[answer]
        return found

    return ask
