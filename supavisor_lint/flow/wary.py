"""What a wary follower takes into account besides what certainly happens (see `Follower`).

Any statement may fail half-way; whoever gets an object of a session may change it; a statement that is not known to
read writes; a method that hands the session's inside over makes it unsure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from supavisor_lint.facts.file import scope_of, walk, walk_own
from supavisor_lint.facts.handlers import is_log_call
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import (
    Assign,
    ClassDef,
    ExprStmt,
    For,
    FunctionDef,
    If,
    Import,
    ImportFrom,
    Match,
    Try,
    While,
    With,
)
from supavisor_lint.facts.tree import (
    Attribute,
    Await,
    Call,
    Collection,
    Expr,
    Lambda,
    Name,
    Other,
    Param,
    Stmt,
    Subscript,
)
from supavisor_lint.flow import machine
from supavisor_lint.flow.descent import Descent
from supavisor_lint.flow.frame import PLAIN, Frame, Thrown
from supavisor_lint.flow.state import State, States
from supavisor_lint.flow.values import ManyRef, ObjectRef, ResultRef, Tracked
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.mapped import is_mapped
from supavisor_lint.project.values import (
    ClassValue,
    External,
    FunctionValue,
    Instance,
    LambdaValue,
    ModuleValue,
    Partial,
    Value,
)

Step: TypeAlias = Callable[[Frame, Stmt, State], Iterable[State]]
CANCELLED = Thrown("class", "CancelledError")
_MAX_DEPTH = 3
_COMPARISONS = frozenset({"not", "is", "is not", "==", "!=", "in", "not in"})
# Calls that take objects and leave them as they are: they keep, show or convert them.
_READERS = frozenset(
    {"append", "extend", "add", "put", "put_nowait", "appendleft", "model_validate", "from_orm", "from_attributes"}
    | {"model_dump", "dumps", "format", "join", "get", "index", "count", "write", "writerow", "attributes_for"}
)


# --------------------------------------------------------------------------------------------------- what may fail


@dataclass(frozen=True, slots=True)
class _Risk:
    """What may leave a statement besides what its calls raise: an error of its expressions, a cancellation."""

    plain: bool
    cancelled: bool


def behind(frame: Frame, statement: Stmt, states: States, step: Step) -> States:
    """The states behind a statement (`step` follows it), which may fail before it, and behind what it does."""
    following = States()
    for state in states:
        may_fail(frame, statement, state)
        following.update(step(frame, statement, state))
    if isinstance(statement, ExprStmt | Assign):
        for state in following:
            may_fail(frame, statement, state)
    return following


def may_fail(frame: Frame, statement: Stmt, state: State) -> None:
    """A statement (or the head of a compound one) may fail in this state, before or behind what it does."""
    risk = _risk(statement)
    if risk.plain:
        frame.throw(state, PLAIN)
    if risk.cancelled:
        frame.throw(state, CANCELLED)


@kept
def _risk(statement: Stmt) -> _Risk:
    nodes = [node for part in _head(statement) for node in walk_own(part)]
    waits = any(isinstance(node, Await) for node in nodes) or bool(getattr(statement, "is_async", False))
    plain = isinstance(statement, Import | ImportFrom) or any(_is_risky(node) for node in nodes)
    return _Risk(plain, waits and not isinstance(statement, FunctionDef))


def _head(statement: Stmt) -> Iterable[Node]:
    match statement:
        case If(test) | While(test):
            return (test,)
        case For(target, iterable):
            return (target, iterable)
        case With(items):
            return items
        case Match(subject):
            return (subject,)
        case Try() | FunctionDef() | ClassDef():
            return ()
        case _:
            return (statement,)


def _is_risky(node: Node) -> bool:
    if isinstance(node, Call):
        return True  # a log call, too
    if isinstance(node, Attribute):
        return not _is_sound(node)
    if isinstance(node, Other):
        return node.op not in _COMPARISONS
    if isinstance(node, Assign):
        return any(isinstance(target, Collection) for target in node.targets)
    return isinstance(node, Subscript)


def _is_sound(node: Attribute) -> bool:
    """A method that is called on a name, a constant of a class, an attribute of `self`: these are there."""
    root = node.value
    if not isinstance(root, Name):
        return False
    is_called = isinstance(node.parent, Call) and node.parent.func is node
    return is_called or root.id[:1].isupper() or root.id in ("self", "cls")


# -------------------------------------------------------------------------------------------------- what may write


def write(frame: Frame, state: State, node: Node, site: object = None) -> State:
    """Something may be written to a session (to any of them): no transaction is known to begin by it."""
    for one in [site] if site is not None else list(state.sessions):
        if one in state.sessions and state.sessions[one].is_over is None:
            use = machine.Use(node, "", writes=True, queries=False, begins=False)
            state = machine.work(frame, state, one, use)[0]
    return state


def handed(frame: Frame, node: Call, state: State, values: Iterable[Tracked]) -> State:
    """The state behind a call that gets at objects of a session, if it may change them: it is given some, or some are
    where the function that it runs can reach them.
    """
    sites = {
        state.objects[v.site].session if isinstance(v, ObjectRef | ManyRef) else v.session
        for v in values
        if isinstance(v, ResultRef) or (isinstance(v, ObjectRef | ManyRef) and v.site in state.objects)
    }
    if sites:
        if may_change(frame, node):
            for site in sites:
                state = write(frame, state, node, site)
    elif state.sessions and _changes_what_it_reaches(frame, node):
        state = write(frame, state, node)
    return state


def may_change(frame: Frame, node: Call) -> bool:
    """Whether a call may change what it is given."""
    if is_log_call(node) or last_name(node.func) in _READERS:
        return False
    functions = functions_called(frame.ev, frame.file, node)
    if functions:
        return any(_changes(frame, function.file, function.node, 0) for function in functions)
    value = frame.ev.only(frame.file, node.func)
    if isinstance(value, External):
        return _is_known_to_change(frame, node, value)
    return not isinstance(value, ClassValue)


def _is_known_to_change(frame: Frame, node: Call, callee: External) -> bool:
    """`setattr(job, …)`, `map(mark, jobs)`, `to_thread(mark, job)`: what it is given to run changes things."""
    if callee.dotted.endswith("setattr"):
        return True
    given = [function for argument in node.args for function in _functions(frame, argument.value)]
    return any(_changes(frame, file, function, 0) for file, function in given)


def _changes_what_it_reaches(frame: Frame, node: Call) -> bool:
    """Whether a call is seen to change things, and may get at objects that no path has followed there."""
    if is_log_call(node) or last_name(node.func) in _READERS:
        return False
    descent = _descent(frame)
    called = [(f.file, f.node) for f in functions_called(frame.ev, frame.file, node)] or _functions(frame, node.func)
    is_given = any(descent.holds(argument.value) for argument in node.args)
    changing = [function for file, function in called if _changes(frame, file, function, 0)]
    if changing and (is_given or descent.is_of(node.func) or any(descent.reaches(function) for function in changing)):
        return True
    callee = frame.ev.only(frame.file, node.func)
    return is_given and isinstance(callee, External) and _is_known_to_change(frame, node, callee)


def _functions(frame: Frame, expr: Expr) -> list[tuple[object, FunctionDef | Lambda]]:
    """The functions that an expression may name, each with its file."""
    if isinstance(expr, Lambda):
        return [(frame.file, expr)]
    found: list[tuple[object, FunctionDef | Lambda]] = []
    for value in frame.ev.values(frame.file, expr) if isinstance(expr, Name | Attribute) else ():
        target = value.target if isinstance(value, Partial) else value
        if isinstance(target, FunctionValue | LambdaValue):
            found.append((target.file, target.node))
    return found


def _descent(frame: Frame) -> Descent:
    return Descent(frame.function, (opened.name for opened in frame.opened.values()))


def _changes(frame: Frame, file: object, function: FunctionDef | Lambda, depth: int) -> bool:
    """Whether a function's text sets an attribute of anything, or calls something that may."""
    for node in walk(function):
        if isinstance(node, Assign) and any(_is_foreign_part(target) for target in node.targets):
            return True
        if isinstance(node, Call) and last_name(node.func) == "setattr":
            return True
        if isinstance(node, Call) and not is_log_call(node):
            called = functions_called(frame.ev, file, node)  # type: ignore[arg-type]
            if called and (depth >= _MAX_DEPTH or any(_changes(frame, f.file, f.node, depth + 1) for f in called)):
                return True
    return False


def _is_foreign_part(target: Expr) -> bool:
    """An attribute (or an element of one) of something; elements of a plain name are some dict's."""
    if isinstance(target, Subscript):
        return isinstance(target.value, Attribute)
    return isinstance(target, Attribute)


def sets_row(frame: Frame, target: Expr) -> bool:
    """Whether a target that is no followed object may still be a part of a row."""
    root, parts = target, 0
    while isinstance(root, Attribute | Subscript):
        parts += isinstance(root, Attribute)
        root = root.value
    if not parts:
        return isinstance(root, Call | Await)
    if not isinstance(root, Name):
        return True
    owner = scope_of(root).lookup(root.id)
    bindings = owner.bindings[root.id] if owner is not None else []
    if root.id in ("self", "cls") or (bindings and all(isinstance(b, Param) for b in bindings)):
        return False  # what the caller has given belongs to the session only if it was added
    values = list(frame.ev.values(frame.file, root))
    return not values or any(_may_be_row(frame, value, root, parts) for value in values)


def _may_be_row(frame: Frame, value: Value, root: Name, parts: int) -> bool:
    """Whether what a name holds may be a row, or (with several `parts`) an object that keeps one: `box.job.status`."""
    if isinstance(value, Instance) and isinstance(value.of, ClassValue):
        mapped = is_mapped(frame.ev, value.of.file, value.of.node)
        return mapped or (parts > 1 and root.id in _descent(frame).names)
    if isinstance(value, Instance | External):
        return root.id in _descent(frame).names
    return not isinstance(value, ModuleValue | ClassValue)


def changed_in_place(node: Call) -> Iterator[Expr]:
    """`job.tags.append(…)`: the attribute that a method may change in place."""
    if isinstance(node.func, Attribute) and isinstance(node.func.value, Attribute | Subscript):
        yield node.func.value
