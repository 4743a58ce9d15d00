"""Calls that do nothing to sessions and do not fail for reasons that matter here."""

from __future__ import annotations

from collections.abc import Iterable

from supavisor_lint.facts.handlers import is_log_call
from supavisor_lint.facts.statements import Raise
from supavisor_lint.facts.tree import Attribute, Call, Constant, Expr, FString
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.values import Anything, ConstantRef, Tracked
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.values import ClassValue, External, Instance, Literally

_HARMLESS = frozenset(
    {"print", "len", "isinstance", "issubclass", "id", "repr", "str", "bool", "type", "hasattr", "callable", "range"}
    | {"list", "dict", "set", "tuple", "enumerate", "zip", "sorted", "reversed", "max", "min", "any", "all", "super"}
)
_OF_TEXTS = frozenset(
    {"lower", "upper", "casefold", "title", "capitalize", "strip", "lstrip", "rstrip", "replace", "join", "split"}
    | {"rsplit", "splitlines", "partition", "rpartition", "removeprefix", "removesuffix", "startswith", "endswith"}
)
_OF_DICTIONARIES = frozenset({"items", "keys", "values"})


def is_harmless(frame: Frame, node: Call, given: Iterable[Tracked] = ()) -> bool:
    """What does not fail for reasons that matter here; `given` are the values of its arguments.

    Log calls, pure builtins, methods of texts and dictionaries, `getattr()` as far as `x.name` is harmless, exceptions
    that are made to be raised, and what builds SQL.
    """
    known = frame.follower.harmless
    if node not in known:
        known[node] = _find_harmless(frame, node)
    answer = known[node]
    return all(isinstance(value, Anything | ConstantRef) for value in given) if answer is None else answer


def _find_harmless(frame: Frame, node: Call) -> bool | None:
    """Whether a call is harmless; None where its arguments decide."""
    if is_log_call(node) or _asks_text(frame, node) or _asks_dictionary(frame, node):
        return True
    callee = frame.ev.only(frame.file, node.func)
    if isinstance(callee, External) and callee.dotted in ("getattr", "builtins.getattr"):
        return None if _reads_attribute(node) else False
    if isinstance(node.parent, Raise) and isinstance(callee, External | ClassValue):
        return True
    if isinstance(callee, External):
        return callee.dotted.removeprefix("builtins.") in _HARMLESS or callee.root == "sqlalchemy"
    value = frame.ev.only(frame.file, node)
    return isinstance(value, Instance) and isinstance(value.of, External) and value.of.root == "sqlalchemy"


def _asks_dictionary(frame: Frame, node: Call) -> bool:
    """`found.items()`, unless that is a function of the project; `session.info.setdefault("rights", {})`."""
    func = node.func
    if not isinstance(func, Attribute):
        return False
    if isinstance(func.value, Attribute) and func.value.attr == "info" and func.attr in ("get", "setdefault"):
        return bool(node.args) and isinstance(node.args[0].value, Constant)
    return func.attr in _OF_DICTIONARIES and not node.args and not functions_called(frame.ev, frame.file, node)


def _reads_attribute(node: Call) -> bool:
    """`getattr(job, "status", None)`: a name that stands there, and a default without which it may not be there."""
    name = node.args[1].value if len(node.args) == 3 else None
    return isinstance(name, Constant) and isinstance(name.value, str)


def _asks_text(frame: Frame, node: Expr) -> bool:
    """`text.lower()` of what is certainly a text."""
    return (
        isinstance(node, Call)
        and isinstance(node.func, Attribute)
        and (node.func.attr in _OF_TEXTS and _is_text(frame, node.func.value))
    )


def _is_text(frame: Frame, expr: Expr) -> bool:
    """A constant text, an f-string, what `str()` has made, or what a method of one of these gives."""
    if isinstance(expr, FString) or _asks_text(frame, expr):
        return True
    value = frame.ev.only(frame.file, expr)
    if isinstance(value, Literally):
        return isinstance(value.value, str)
    return isinstance(value, Instance) and isinstance(value.of, External) and value.of.dotted == "builtins.str"
