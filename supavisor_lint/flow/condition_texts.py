"""Conditions as words: two tests of one text, over the same values, have the same answer."""

from __future__ import annotations

from collections import Counter

from supavisor_lint.facts.file import nodes_of_kind, scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.statements import Assign, ClassDef, For, FunctionDef, If, MatchCase, While
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    BoolOp,
    Call,
    Collection,
    Constant,
    Expr,
    Generator,
    IfExp,
    Lambda,
    Name,
    Other,
    Subscript,
)

_IN = " in"


def is_none(expr: Expr) -> bool:
    """Whether an expression is the literal `None`."""
    return isinstance(expr, Constant) and expr.value is None


def is_bool(expr: Expr) -> bool:
    """Whether an expression is the literal `True` or `False`."""
    return isinstance(expr, Constant) and isinstance(expr.value, bool)


def truth_of(expr: Expr) -> Expr | None:
    """What `bool(value)` asks about; None for anything else."""
    match expr:
        case Call(Name("bool"), (Argument(value, keyword=None, star=""),)) if scope_of(expr).lookup("bool") is None:
            return value
        case _:
            return None


def switch_of(test: Expr) -> bool | None:
    """What a name of the module says that is bound to True or False once: `RETRY = False`."""
    owner = scope_of(test).lookup(test.id) if isinstance(test, Name) else None
    if owner is None or owner.kind != "module" or not isinstance(test, Name):
        return None
    bindings = owner.bindings[test.id]
    value = bindings[0].value if len(bindings) == 1 and isinstance(bindings[0], Assigned) else None
    return value.value if isinstance(value, Constant) and isinstance(value.value, bool) else None


def condition_text(expr: Expr) -> str | None:
    """A condition over local variables and constants as words; None where anything else may change its answer."""
    match expr:
        case Name(name):
            return name
        case Constant(value):
            return _word(value)
        case Subscript(Name(name), (Constant(index),)):
            return f"{name} [ {_word(index)} ]"
        case Other((left, right), op) if op in ("==", "!="):
            texts = (condition_text(left), condition_text(right))
            return None if None in texts else f"{texts[0]} == {texts[1]}"
        case Other((left, right), op) if op in ("is", "is not") and is_none(right):
            text = condition_text(left)
            return None if text is None else f"{text} is None"
        case _:
            return None


def asked_text(test: Expr) -> str | None:
    """What a test asks, as words: `kind == "a"`, `!=`, `in` and `not in` ask if a value is one of some constants.

    An attribute by itself is a switch: `if scope.owned:`.
    """
    match test:
        case Attribute():
            return _subject(test)
        case Other((left, right), op) if op in ("==", "!=", "in", "not in"):
            subject, choices = _subject(left), _choices(right, op)
            if subject is not None and choices:
                return f"{subject}{_IN} {' '.join(choices)}"
    return condition_text(test)


def tie_of(text: str) -> str:
    """What ties a test to others: all that ask which constant a value is are about that value."""
    subject, found, _ = text.partition(f"{_IN} ")
    return subject + _IN if found else text


def told_by(known: str, answer: bool, asked: str) -> bool | None:
    """The answer to a test where that to another one is known; None if it does not tell."""
    if known == asked:
        return answer
    if tie_of(known) != tie_of(asked) or not tie_of(asked).endswith(_IN):
        return None
    mine, theirs = (frozenset(text.rpartition(f"{_IN} ")[2].split()) for text in (known, asked))
    if not answer:
        return False if theirs <= mine else None
    return True if mine <= theirs else None if mine & theirs else False


def _subject(expr: Expr) -> str | None:
    """A value over local variables, or an attribute of one, as words."""
    if isinstance(expr, Attribute):
        owner = _subject(expr.value)
        return None if owner is None else f"{owner} .{expr.attr}"
    return None if isinstance(expr, Constant) else condition_text(expr)


def _choices(expr: Expr, op: str) -> list[str]:
    """The constants that a value is compared with, as words; none where they are not all strings or whole numbers."""
    items = (expr,) if op in ("==", "!=") else expr.items if isinstance(expr, Collection) else ()
    values = [item.value for item in items if isinstance(item, Constant)]
    plain = [value for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    return [_word(value) for value in plain] if len(plain) == len(items) else []


def _word(value: object) -> str:
    """A constant as a word of its own: no other constant has the same, and no name."""
    return repr(value).replace(" ", "\\x20")


_ASKING: tuple[type[Node], ...] = (If, While, IfExp, MatchCase, For, Generator)


def repeated_conditions(function: FunctionDef) -> frozenset[str]:
    """The ties of the conditions that a function asks more than once: they tie its branches together."""
    counted: Counter[str] = Counter()
    turned: set[str] = set()  # switches that a loop asks for may be turned in between: `if self.stopping: break`
    for node in (node for kind in _ASKING for node in nodes_of_kind(function, kind)):
        asked = [tie_of(text) for text in _asked(node)]
        if asked and _is_own(node, function) and not _goes_on_asking(node, asked):
            counted.update(asked)
            switches = [tie for tie in asked if reads_attributes(tie) and not tie.endswith(_IN)]
            turned.update(switches if switches and _is_in_loop(node, function) else ())
    unstable = {f".{attr}" for attr in _assigned_attributes(function)}
    ties = {tie for tie, count in counted.items() if count > 1 and unstable.isdisjoint(tie.split())}
    return frozenset(ties - turned)


def _is_in_loop(node: Node, function: FunctionDef) -> bool:
    around: Node | None = node
    while around is not None and around is not function:
        if isinstance(around, While | For):
            return True
        around = around.parent
    return False


def reads_attributes(tie: str) -> bool:
    """Whether a tie is about an attribute: other code may change that between two tests, though it hardly does."""
    return any(word.startswith(".") for word in tie.split())


def _goes_on_asking(node: Node, asked: list[str]) -> bool:
    """Whether an `elif` only asks for one more constant of the same value: no branch of a chain follows another."""
    above = node.parent
    if not isinstance(node, If) or not isinstance(above, If) or above.orelse != (node,):
        return False
    return len(asked) == 1 and asked[0].endswith(_IN) and asked == [tie_of(text) for text in _atoms(above.test)]


def _assigned_attributes(function: FunctionDef) -> set[str]:
    targets = (target for node in nodes_of_kind(function, Assign) for target in node.targets)
    return {target.attr for target in targets if isinstance(target, Attribute)}


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
    inner = truth_of(test)
    if inner is not None:
        return _atoms(inner)
    text = asked_text(test)
    return [] if text is None else [text]
