"""What a wary follower takes into account besides what certainly happens (see `Follower`).

Any statement may fail half-way; whoever gets an object of a session may change it; a statement that is not known to
read writes; a method that hands the session's inside over makes it unsure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from supavisor_lint.facts.file import scope_of, walk_own
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
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
    Name,
    Other,
    Param,
    Stmt,
    Subscript,
)
from supavisor_lint.flow import machine
from supavisor_lint.flow.frame import PLAIN, Frame, Thrown
from supavisor_lint.flow.may_change import changes_what_it_reaches, descent_of, may_change
from supavisor_lint.flow.state import State, States
from supavisor_lint.flow.values import ManyRef, ObjectRef, ResultRef, Tracked
from supavisor_lint.project.mapped import is_mapped
from supavisor_lint.project.values import (
    ClassValue,
    External,
    Instance,
    ModuleValue,
    Value,
)

Step: TypeAlias = Callable[[Frame, Stmt, State], Iterable[State]]
CANCELLED = Thrown("class", "CancelledError")
_COMPARISONS = frozenset({"not", "is", "is not", "==", "!=", "in", "not in"})


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
    elif state.sessions and changes_what_it_reaches(frame, node):
        state = write(frame, state, node)
    return state


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
        return mapped or (parts > 1 and root.id in descent_of(frame).names)
    if isinstance(value, Instance | External):
        return root.id in descent_of(frame).names
    return not isinstance(value, ModuleValue | ClassValue)


def changed_in_place(node: Call) -> Iterator[Expr]:
    """`job.tags.append(…)`: the attribute that a method may change in place."""
    if isinstance(node.func, Attribute) and isinstance(node.func.value, Attribute | Subscript):
        yield node.func.value
