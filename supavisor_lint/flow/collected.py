"""Conditions on what a function has collected so far: `if new:`, `if count:`, `if session.dirty:`.

Whether there is anything to commit is often decided so. What a list or a counter holds on a path is not followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from supavisor_lint.facts.file import FileFacts, block_of, enclosing_function, nodes_of_kind, walk
from supavisor_lint.facts.handlers import own_nodes, own_nodes_in
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import dotted, last_name
from supavisor_lint.facts.statements import Assign, For, FunctionDef, If
from supavisor_lint.facts.tree import Attribute, BoolOp, Call, Constant, Expr, Name, Operation, Other, Subscript
from supavisor_lint.flow.unawaited import never_runs
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.evaluate import Evaluator

_MAX_DEPTH = 3
CHANGES = frozenset({"append", "add", "extend", "update", "insert", "setdefault", "appendleft"})
_OF_ALL = frozenset({"len", "any", "all"})
_OF_SESSIONS = frozenset({"dirty", "new", "deleted", "is_modified", "in_transaction"})


def commits_what_was_collected(function: FunctionDef, session: str, write: Node) -> bool:
    """Whether, behind a write, a commit of the session (by its name) hangs on what the function has collected."""
    behind = [node for node in own_nodes_in(function) if node.order > write.order]
    if not any(_commits(node, session) for node in behind):
        return False
    changed = _changed_names(function)
    return any(
        isinstance(node, If)
        and (
            _asks(node.test, changed)
            or (_asks(node.test, _of_all(function)) and any(_commits(inner, session) for inner in own_nodes(node.body)))
        )
        for node in behind
    )


def is_committed_with_it(function: FunctionDef, session: str, write: Node) -> bool:
    """Whether a write is collected right beside it, in a list that makes a commit behind it certain: `if new:`."""
    beside = changed_by(node for statement in block_of(write) for node in (getattr(statement, "value", None),))
    collected = {name for name in beside if len(function.scope.bindings.get(name, ())) == 1}
    return any(
        isinstance(node, If)
        and node.order > write.order
        and isinstance(node.test, Name)
        and node.test.id in collected
        and any(_commits(inner, session) and block_of(inner) is node.body for inner in own_nodes(node.body))
        for node in own_nodes_in(function)
    )


def may_commit_collected(ev: Evaluator, file: FileFacts, call: Node, depth: int = 0) -> bool:
    """The same for a write that a call stands for, and the functions that it runs."""
    if not isinstance(call, Call) or depth > _MAX_DEPTH:
        return False
    for function in functions_called(ev, file, call):
        nodes = [node for node in own_nodes_in(function.node) if isinstance(node, Call | If)]
        commits = any(isinstance(node, Call) and last_name(node.func) == "commit" for node in nodes)
        if commits and any(_is_last(call, argument.value) for argument in call.args):
            return True
        changed = _changed_names(function.node)
        if commits and any(isinstance(node, If) and _asks(node.test, changed) for node in nodes):
            return True
        if any(may_commit_collected(ev, function.file, node, depth + 1) for node in nodes):
            return True
    return False


def _commits(node: Node, session: str) -> bool:
    return isinstance(node, Call) and dotted(node.func) == f"{session}.commit" and not never_runs(node)


def _asks(test: Node, changed: Set[str]) -> bool:
    if isinstance(test, Name) and test.id in changed:
        return True
    if isinstance(test, Attribute) and test.attr in _OF_SESSIONS:
        return True
    if isinstance(test, Call) and last_name(test.func) in _OF_ALL:
        return True  # the last round: `if number == len(rows):`
    if isinstance(test, Subscript) and _last_of(test) in changed:
        return True  # the same: `if row == rows[-1]:`
    return any(_asks(part, changed) for part in test.children())


def _changed_names(function: FunctionDef) -> set[str]:
    """Names that are bound more than once, or whose value is changed in place."""
    changed = {name for name, bindings in function.scope.bindings.items() if len(bindings) > 1}
    return changed | changed_in_place(function)


@kept
def _of_all(function: FunctionDef) -> frozenset[str]:
    """What is said of all that is gone through: `total = len(rows)`, `is_last = number == total`, `rows[-1]` itself."""
    lists = {
        dotted(part) for loop in nodes_of_kind(function, For) for part in walk(loop.iter) if isinstance(part, Expr)
    }
    found = {f"{name}[-1]" for name in lists if name}
    for node in own_nodes_in(function):
        if isinstance(node, Assign) and node.value is not None and _asks(node.value, found):
            found |= {target.id for target in node.targets if isinstance(target, Name)}
    return frozenset(found)


def _last_of(part: Subscript) -> str | None:
    """The text of `rows[-1]`; None for any other element."""
    match part.items:
        case (Other((Constant(1),), ""),):
            return f"{dotted(part.value)}[-1]"
        case _:
            return None


def _is_last(call: Call, given: Expr) -> bool:
    """Whether an argument says that a round is the last one: `commit=number == len(rows)`."""
    function = enclosing_function(call)
    if function is None:
        return False
    bindings = function.scope.bindings.get(given.id, []) if isinstance(given, Name) else []
    value = getattr(bindings[0], "value", None) if len(bindings) == 1 else given
    return isinstance(value, Operation | BoolOp) and _asks(value, _of_all(function))


@kept
def changed_in_place(function: FunctionDef) -> frozenset[str]:
    """Names of collections and counters that a function adds to."""
    return frozenset(changed_by(own_nodes_in(function)))


def changed_by(nodes: Iterable[Node | None]) -> set[str]:
    """Names of collections and counters that some statements add to."""
    changed: set[str] = set()
    for node in nodes:
        if isinstance(node, Call) and isinstance(node.func, Attribute) and node.func.attr in CHANGES:
            changed.add(dotted(node.func.value))
        elif isinstance(node, Assign):
            changed |= {dotted(t.value) for t in node.targets if isinstance(t, Subscript)}
            changed |= {t.id for t in node.targets if isinstance(t, Name) and node.augmented}
    return changed
