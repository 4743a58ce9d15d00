"""Which registrations hand a request's session to a background task, and by which expression (SUP201, SUP202)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import enclosing_function, scope_of, walk
from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.statements import Assign, FunctionDef
from supavisor_lint.facts.tree import Argument, Attribute, Await, Call, Expr, Lambda, Name
from supavisor_lint.flow.operations import SessionFlow
from supavisor_lint.project.project import Project
from supavisor_lint.project.registration import Registration
from supavisor_lint.project.tasks import Task
from supavisor_lint.project.values import ClassValue, FunctionValue, Instance, Session

_FOREIGN = frozenset({"request", "parameter"})


@dataclass(frozen=True, slots=True)
class Handed:
    """A session that a registration hands over: the expression that carries it, and the session's name."""

    registration: Registration
    carrier: Node
    name: str


def handed_sessions(project: Project, flow: SessionFlow, task: Task) -> list[Handed]:
    """All sessions of requests (or of other callers) that the registrations of a task hand over."""
    found: list[Handed] = []
    for registration in task.registrations:
        found += handed_by(project, flow, registration)
    return found


def handed_by(project: Project, flow: SessionFlow, registration: Registration) -> list[Handed]:
    """The sessions that one registration hands over; none if its result is awaited on the spot."""
    if is_structured(registration):
        return []
    found = [
        *_by_argument(flow, registration),
        *_by_closure(flow, registration),
        *_by_object(flow, registration),
    ]
    unique = {handed.carrier: handed for handed in found}
    return list(unique.values())


def _by_argument(flow: SessionFlow, registration: Registration) -> Iterator[Handed]:
    for argument in registration.arguments:
        session = flow.ev.session(registration.file, argument.value)
        if (session is not None and session.source in _FOREIGN) or _keeps_session(flow, registration, argument.value):
            yield Handed(registration, argument, _text(argument.value))


def _by_closure(flow: SessionFlow, registration: Registration) -> Iterator[Handed]:
    """A nested function or lambda that uses a session of the function around it."""
    target = registration.target
    body: Node | None = None
    if isinstance(target, FunctionValue) and enclosing_function(target.node) is not None:
        body = target.node
    if body is None:
        return
    for node in walk(body):
        if isinstance(node, Name):
            owner = scope_of(node).lookup(node.id)
            if owner is not None and owner.kind == "function" and not body.contains(owner.node):
                session = flow.ev.session(registration.file, node)
                if session is not None and session.source in _FOREIGN:
                    yield Handed(registration, _target_expr(registration), node.id)
                    return


def _by_object(flow: SessionFlow, registration: Registration) -> Iterator[Handed]:
    """A bound method whose object keeps a session that it was given."""
    target = registration.target
    if not isinstance(target, FunctionValue) or not isinstance(target.receiver, Instance):
        return
    for operation in flow.operations(target.file, target.node):
        if operation.session.source in _FOREIGN and operation.key.text.startswith(f"{_receiver(target)}."):
            yield Handed(registration, _target_expr(registration), operation.key.text)
            return


def _receiver(target: FunctionValue) -> str:
    return target.node.params[0].name if target.node.params else "self"


def _keeps_session(flow: SessionFlow, registration: Registration, expr: Expr) -> bool:
    """Whether an argument is an object that was made with a foreign session in the same function."""
    if not isinstance(expr, Name):
        return False
    owner = scope_of(expr).lookup(expr.id)
    if owner is None or owner.kind != "function":
        return False
    for binding in owner.bindings[expr.id]:
        if isinstance(binding, Assigned) and isinstance(binding.value, Call):
            made = flow.ev.only(registration.file, binding.value)
            if isinstance(made, Instance) and isinstance(made.of, ClassValue):
                sessions = (flow.ev.session(registration.file, a.value) for a in binding.value.args)
                if any(isinstance(s, Session) and s.source in _FOREIGN for s in sessions):
                    return True
    return False


def _target_expr(registration: Registration) -> Node:
    """The expression that names the task in its registration."""
    node = registration.node
    if isinstance(node, Call) and node.args:
        return node.args[0]
    return node


def _text(expr: Expr) -> str:
    if isinstance(expr, Name):
        return expr.id
    if isinstance(expr, Attribute):
        return f"{_text(expr.value)}.{expr.attr}"
    return "…"


def is_structured(registration: Registration) -> bool:
    """Whether the function that registers also awaits the result: then nothing outlives the session."""
    function = enclosing_function(registration.node)
    if function is None:
        return False
    holders = set(_holders(registration.node))
    if not holders:
        return isinstance(registration.node.parent, Await)
    return any(
        isinstance(name, Name) and name.id in holders and not _is_shielded(name)
        for node in own_nodes(function.body)
        if isinstance(node, Await)
        for name in walk(node.value)
    )


def _is_shielded(name: Name) -> bool:
    """`await shield(task)`: a cancellation ends the waiting, not the task."""
    argument = name.parent
    call = argument.parent if isinstance(argument, Argument) else None
    return isinstance(call, Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) == "shield"


def _holders(node: Node) -> Iterator[str]:
    """The names that hold the task object: assigned, or appended to."""
    parent = node.parent
    while parent is not None and not isinstance(parent, FunctionDef | Lambda):
        if isinstance(parent, Assign):
            yield from (target.id for target in parent.targets if isinstance(target, Name))
            return
        collected = _collector(parent)
        if collected is not None:
            yield collected
            return
        if not isinstance(parent, Argument | Expr):
            return
        parent = parent.parent


def _collector(node: Node) -> str | None:
    """The name of the collection in `tasks.append(…)` or `tasks.add(…)`."""
    if not isinstance(node, Call) or not isinstance(node.func, Attribute) or not isinstance(node.func.value, Name):
        return None
    return node.func.value.id if node.func.attr in ("append", "add") else None
