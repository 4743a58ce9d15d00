"""How statements leave, and what they look like, as far as their own text tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from supavisor_lint.facts.file import walk_own
from supavisor_lint.facts.handlers import is_log_call
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import (
    Assign,
    ExprStmt,
    For,
    FunctionDef,
    Handler,
    If,
    Import,
    ImportFrom,
    Match,
    Raise,
    Return,
    Simple,
    Try,
    While,
    With,
)
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    BoolOp,
    Call,
    Collection,
    Comprehension,
    Constant,
    FString,
    IfExp,
    Lambda,
    Name,
    Stmt,
)
from supavisor_lint.rewrites.session_names import SessionNames

_ONLY_SOMETIMES = (If, For, While, Handler, Match, BoolOp, IfExp, Lambda, Comprehension, FunctionDef)


def always_raises(body: Sequence[Stmt]) -> bool:
    """Whether a block ends in `raise`, and leaves in no other way."""
    return bool(body) and isinstance(body[-1], Raise) and not any(True for _ in exits(body))


def exits(statements: Iterable[Stmt]) -> Iterator[Node]:
    """`return`, and `break` and `continue` of a loop around the statements."""
    for statement in statements:
        for node in walk_own(statement):
            if isinstance(node, Return) or (
                isinstance(node, Simple) and node.keyword in ("break", "continue") and not _in_own_loop(node, statement)
            ):
                yield node


def _in_own_loop(node: Node, within: Node) -> bool:
    child, parent = node, node.parent
    while parent is not None and child is not within:
        if isinstance(parent, For | While) and any(child is s for s in parent.body):
            return True
        child, parent = parent, parent.parent
    return False


def always_runs(node: Node, handler: Handler) -> bool:
    """Whether a node is evaluated whenever a handler is entered, unless an error leaves the handler before.

    It stands in no branch, loop or part of a condition, nothing returns in front of it, and no `try` around it swallows
    what fails in front of it.
    """
    if any(leave.order < node.order and not isinstance(leave, Raise) for leave in exits(handler.body)):
        return False
    child, parent = node, node.parent
    while parent is not None and parent is not handler:
        if isinstance(parent, Try):
            if not any(child is statement for statement in parent.body) or not _is_reached(child, parent):
                return False
        elif isinstance(parent, _ONLY_SOMETIMES):
            return False
        child, parent = parent, parent.parent
    return True


def _is_reached(statement: Node, within: Try) -> bool:
    """Whether nothing in front of a statement of a `try` can fail, or its handlers let no failure vanish."""
    before = (other for other in within.body if other.order < statement.order)
    return all(map(cannot_fail, before)) or all(always_raises(handler.body) for handler in within.handlers)


def heads(statement: Stmt) -> Iterator[Node]:
    """What a compound statement evaluates before its first list of statements."""
    if isinstance(statement, If | While):
        yield statement.test
    elif isinstance(statement, For):
        yield from (statement.iter, statement.target)
    elif isinstance(statement, With):
        yield from statement.items


def is_bound(node: Node) -> bool:
    """Whether a name is bound where it stands, not read."""
    parent = node.parent
    if isinstance(parent, For):
        return parent.target is node
    return isinstance(parent, Assign) and not parent.augmented and any(target is node for target in parent.targets)


def used_as_they_are(names: SessionNames, nodes: Iterable[Node]) -> Iterator[Name]:
    """The objects of the session that some nodes use as they were before, not loaded again among these nodes."""
    again: set[str] = set()
    for node in sorted(nodes, key=lambda node: node.order):
        if isinstance(node, Name) and names.is_object(node):
            if is_bound(node) or _is_refreshed(names, node):
                again.add(node.id)
            elif node.id not in again:
                yield node


def _is_refreshed(names: SessionNames, name: Name) -> bool:
    argument = name.parent
    return isinstance(argument, Argument) and names.is_method(argument.parent or name, ("refresh",))


def cannot_fail(statement: Stmt) -> bool:
    """A logger's line, a bare `return`, a plain value: nothing that could still go wrong."""
    if isinstance(statement, Import | ImportFrom | FunctionDef):
        return False
    if isinstance(statement, Return):
        return statement.value is None or _is_plain(statement.value)
    if isinstance(statement, Simple):
        return statement.keyword in ("pass", "continue", "break")
    if isinstance(statement, Assign):
        return (
            statement.value is not None
            and all(isinstance(n, Name) for n in statement.targets)
            and _is_plain(statement.value)
        )
    return isinstance(statement, ExprStmt) and (_is_logged(statement.value) or isinstance(statement.value, Constant))


def _is_logged(value: Node) -> bool:
    """A logger's method with plain arguments; `print` and functions of the project may raise, loggers do not."""
    if not isinstance(value, Call) or not isinstance(value.func, Attribute) or not is_log_call(value):
        return False
    return all(_is_plain(argument.value) for argument in value.args)


def _is_plain(value: Node) -> bool:
    if isinstance(value, Collection | FString):
        return all(_is_plain(item) for item in (value.items if isinstance(value, Collection) else value.parts))
    return isinstance(value, Constant | Name)
