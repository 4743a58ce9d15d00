"""Which registrations hand a request's session to a background task, and by which expression (SUP201, SUP202)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import enclosing_function, scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.tree import Argument, Call, Expr, Name
from supavisor_lint.flow.operations import SessionFlow
from supavisor_lint.flow.wording import written
from supavisor_lint.project.members import member, self_assignments
from supavisor_lint.project.project import Project
from supavisor_lint.project.registration import Registration, bind_arguments
from supavisor_lint.project.tasks import Task
from supavisor_lint.project.values import ClassValue, FunctionValue, Instance

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
    """The sessions that one registration hands over."""
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
        is_foreign = session is not None and session.source in _FOREIGN
        if is_foreign and _only_closes(flow, registration, argument.value):
            continue
        if is_foreign or _keeps_session(flow, registration, argument.value):
            yield Handed(registration, argument, written(argument.value))


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
    """A bound method, or an object that can be called, whose object keeps a session that it was given."""
    target = registration.target
    if not isinstance(target, FunctionValue) or not isinstance(target.receiver, Instance):
        return
    carrier = _target_expr(registration)
    for operation in flow.operations(target.file, target.node):
        if operation.session.source in _FOREIGN and operation.key.text.startswith(f"{_receiver(target)}."):
            yield Handed(registration, carrier, operation.key.text)
            return
    keeper = carrier.value if isinstance(carrier, Argument) else None
    if isinstance(keeper, Name | Call) and _keeps_session(flow, registration, keeper):
        yield Handed(registration, carrier, written(keeper))


def _receiver(target: FunctionValue) -> str:
    return target.node.params[0].name if target.node.params else "self"


def _only_closes(flow: SessionFlow, registration: Registration, expr: Expr) -> bool:
    """Whether the task does nothing with the session but close it: teardown of a session that nobody uses any more."""
    target = registration.target
    if not isinstance(target, FunctionValue):
        return False
    param = next((name for name, given in registration.given(target).items() if given is expr), None)
    effects = flow.effects(target, param) if param is not None else None
    return effects is not None and effects.close is not None and effects.does_nothing_else


def _keeps_session(flow: SessionFlow, registration: Registration, expr: Expr) -> bool:
    """Whether an argument is an object that was made with a foreign session in the same function, and keeps it."""
    made_by = expr if isinstance(expr, Call) else _made_by(expr)
    if made_by is None:
        return False
    made = flow.ev.only(registration.file, made_by)
    if not isinstance(made, Instance) or not isinstance(made.of, ClassValue):
        return False
    for method in member(flow.ev, made, "__init__"):
        if isinstance(method, FunctionValue):
            for param, given in bind_arguments(method, made_by.args).items():
                session = flow.ev.session(registration.file, given)
                if session is not None and session.source in _FOREIGN and _stores(made.of, param):
                    return True
    return False


def _made_by(expr: Expr) -> Call | None:
    """The call whose result a local variable holds."""
    owner = scope_of(expr).lookup(expr.id) if isinstance(expr, Name) else None
    if owner is None or owner.kind != "function" or not isinstance(expr, Name):
        return None
    for binding in owner.bindings[expr.id]:
        if isinstance(binding, Assigned) and isinstance(binding.value, Call):
            return binding.value
    return None


def _stores(cls: ClassValue, param: str) -> bool:
    values = (value for pairs in self_assignments(cls.node).values() for value, _ in pairs)
    return any(isinstance(value, Name) and value.id == param for value in values)


def _target_expr(registration: Registration) -> Node:
    """The expression that names the task in its registration."""
    node = registration.node
    if isinstance(node, Call) and node.args:
        return node.args[0]
    return node
