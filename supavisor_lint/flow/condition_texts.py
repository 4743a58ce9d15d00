"""Conditions as words: two tests of one text, over the same values, have the same answer."""

from __future__ import annotations

from collections import Counter

from supavisor_lint.facts.file import nodes_in
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ClassDef, For, FunctionDef, If, MatchCase, While
from supavisor_lint.facts.tree import BoolOp, Constant, Expr, Generator, IfExp, Lambda, Name, Other, Subscript


def is_none(expr: Expr) -> bool:
    """Whether an expression is the literal `None`."""
    return isinstance(expr, Constant) and expr.value is None


def condition_text(expr: Expr) -> str | None:
    """A condition over local variables and constants as words; None where anything else may change its answer."""
    match expr:
        case Name(name):
            return name
        case Constant(value):
            return repr(value).replace(" ", "_")
        case Subscript(Name(name), (Constant(index),)):
            return f"{name} [ {index!r} ]"
        case Other((left, right), op) if op in ("==", "!="):
            texts = (condition_text(left), condition_text(right))
            return None if None in texts else f"{texts[0]} == {texts[1]}"
        case Other((left, right), op) if op in ("is", "is not") and is_none(right):
            text = condition_text(left)
            return None if text is None else f"{text} is None"
        case _:
            return None


def repeated_conditions(function: FunctionDef) -> frozenset[str]:
    """The conditions that a function asks more than once: they tie its branches together."""
    counted: Counter[str] = Counter()
    for node in nodes_in(function):
        asked = _asked(node)
        if asked and _is_own(node, function):
            counted.update(asked)
    return frozenset(text for text, count in counted.items() if count > 1)


def _asked(node: Node) -> list[str]:
    match node:
        case If(test) | While(test) | IfExp(_, test):
            return _atoms(test)
        case MatchCase(guard=Expr() as guard):
            return _atoms(guard)
        case For(iter=Name(name)) | Generator(iter=Name(name)):
            return [name]  # a list that has elements is true
        case _:
            return []


def _is_own(node: Node, function: FunctionDef) -> bool:
    """Whether no function, lambda or class inside the function's own statements holds a node."""
    around = node.parent
    while around is not None and around is not function and around.parent is not function:
        if isinstance(around, FunctionDef | ClassDef | Lambda):
            return False
        around = around.parent
    return True


def _atoms(test: Expr) -> list[str]:
    if isinstance(test, BoolOp):
        return [text for operand in test.values for text in _atoms(operand)]
    if isinstance(test, Other) and test.op == "not":
        return _atoms(test.parts[0])
    text = condition_text(test)
    return [] if text is None else [text]
