"""Expressions that do nothing to what is followed, but that they may fail: most calls and arguments of real functions.

The answer does not depend on the path, so it is found once; a path only has to ask whether a name in the expression
holds something that is followed there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from supavisor_lint.facts.file import enclosing_function
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Await,
    BoolOp,
    Call,
    Collection,
    Constant,
    Dict,
    DictItem,
    FString,
    Name,
    Operation,
    Other,
    Starred,
    Subscript,
)
from supavisor_lint.flow.binding import is_plain
from supavisor_lint.flow.blank import made_blank
from supavisor_lint.flow.call_facts import functions_of, opens, slow
from supavisor_lint.flow.flags import literal
from supavisor_lint.flow.frame import ANY, PLAIN, Frame, Thrown
from supavisor_lint.flow.harmless import is_harmless
from supavisor_lint.flow.keepers import record_of
from supavisor_lint.flow.may_change import runs_what_changes
from supavisor_lint.flow.memos import REMOVES
from supavisor_lint.flow.never import ends_process, never_returns
from supavisor_lint.flow.passing import own_sessions
from supavisor_lint.flow.values import ANYTHING, BlankRef, Tracked
from supavisor_lint.project.values import FunctionValue

_TOLD = REMOVES | {"cast", "exc_info", "exception"}  # what these do, or give, is known
_ONLY_PARTS = frozenset(
    {Argument, BoolOp, Collection, Constant, Dict, DictItem, FString, Operation, Other, Starred, Subscript}
)


class Inert(NamedTuple):
    """The names that an expression reads (the first part of dotted ones), and what its calls may raise."""

    names: frozenset[str]
    thrown: frozenset[Thrown] = frozenset()

    def joined(self, other: Inert) -> Inert:
        """Both, one after the other."""
        return Inert(self.names | other.names, self.thrown | other.thrown)


_NOTHING_READ = Inert(frozenset())
_FAILING = {kind: Inert(frozenset(), frozenset((kind,))) for kind in (ANY, PLAIN)}


def inert(frame: Frame, node: Node) -> Inert | None:
    """What an inert expression reads and may raise; None for any other expression."""
    known = frame.follower.inert
    try:
        return known[node]
    except KeyError:
        found = known[node] = _find(frame, node)
        return found


def _find(frame: Frame, node: Node) -> Inert | None:
    match node:
        case Name():
            return Inert(frozenset((node.id,))) if is_plain(frame, node) else None
        case Attribute():
            return inert(frame, node.value) if is_plain(frame, node) else None
        case Await(Call() as call):
            return inert(frame, call) if frame.ev.session(frame.file, node) is None else None
        case Call():
            itself = _of_call(frame, node)
            parts = None if itself is None else _of_parts(frame, node.children())
            return None if itself is None or parts is None else parts.joined(itself)
        case _:
            return _of_parts(frame, node.children()) if type(node) in _ONLY_PARTS else None


def _of_parts(frame: Frame, parts: Iterable[Node]) -> Inert | None:
    found = _NOTHING_READ
    for part in parts:
        of_part = inert(frame, part)
        if of_part is None:
            return None
        found = found.joined(of_part)
    return found


def _of_call(frame: Frame, node: Call) -> Inert | None:
    """What a call adds to its parts."""
    if node in frame.follower.registrations or frame.ev.session(frame.file, node) is not None:
        return None
    functions = functions_of(frame, node)
    if is_harmless(frame, node):
        runs = frame.follower.wary and runs_what_changes(frame, node)
        return None if functions or runs else _NOTHING_READ
    if frame.follower.wary or not _does_nothing(frame, node, functions):
        return None
    return _FAILING[ANY if isinstance(node.parent, Await) else PLAIN]


def _does_nothing(frame: Frame, node: Call, functions: list[FunctionValue]) -> bool:
    """Whether a call that is given nothing that is followed can do nothing but fail: see `calls`."""
    name = last_name(node.func)
    if not isinstance(node.func, Name | Attribute) or name in _TOLD or opens(frame, node) is not None:
        return False
    if any(enclosing_function(function.node) is not None for function in functions) or own_sessions(
        frame, node, functions
    ):
        return False
    if functions and any(isinstance(a.value, Constant) and a.value.value is None for a in node.args):
        return False
    if slow(frame, node) is not None or never_returns(functions) or ends_process(frame.ev, frame.file, node):
        return False
    given: list[Tracked] = [literal(argument.value) or ANYTHING for argument in node.args]
    return record_of(frame, node, given) is ANYTHING and not isinstance(made_blank(frame, node), BlankRef)
