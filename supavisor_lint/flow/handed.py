"""Which registrations hand a request's session to a background task, and by which expression (SUP201, SUP202)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import enclosing_function, scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Scope
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Argument, Attribute, Call, Expr, Name
from supavisor_lint.flow.operations import SessionFlow
from supavisor_lint.flow.session_uses import SessionUses
from supavisor_lint.flow.wording import written
from supavisor_lint.project.members import member, self_assignments
from supavisor_lint.project.registration import Registration, bind_arguments
from supavisor_lint.project.tasks import Task
from supavisor_lint.project.values import ClassValue, Coroutine, FunctionValue, Instance, Partial, Value

_FOREIGN = frozenset({"request", "parameter"})


@dataclass(frozen=True, slots=True)
class Handed:
    """A session that a registration hands over: the expression that carries it, and the session's name."""

    registration: Registration
    carrier: Node
    name: str


def handed_sessions(uses: SessionUses, task: Task) -> list[Handed]:
    """All sessions of requests (or of other callers) that the registrations of a task hand over."""
    found: list[Handed] = []
    for registration in task.registrations:
        found += handed_by(uses, registration)
    return found


def handed_by(uses: SessionUses, registration: Registration) -> list[Handed]:
    """The sessions that one registration hands over."""
    flow = uses.flow
    found = [
        *_by_use(uses, registration),
        *_by_argument(flow, registration),
        *_by_closure(flow, registration),
        *_by_object(flow, registration),
    ]
    unique = {handed.carrier: handed for handed in found}
    return list(unique.values())


def _by_use(uses: SessionUses, registration: Registration) -> Iterator[Handed]:
    """What the task uses by way of objects and other functions: `self._step()`, a nested function that calls one."""
    target, file = registration.target, registration.file
    if not isinstance(target, FunctionValue) or not _may_get_at_others(uses.flow, registration, target):
        return
    whole = _target_expr(uses.flow, registration)
    for carrier, use in uses.carried(file, target, registration.spelled_out, _task_expr(whole, registration)):
        if use.session is None or use.session.source not in _FOREIGN:
            continue
        argument = next((a for a in registration.spelled_out if a.value is carrier), None)
        if carrier is None and not _is_around(use.key.scope, target.node):
            continue
        if argument is None or uses.flow.ev.session(file, argument.value) is None:
            yield Handed(registration, argument or whole, use.key.text)


def _may_get_at_others(flow: SessionFlow, registration: Registration, target: FunctionValue) -> bool:
    """Whether the task has an object of the project, or is a nested function: only then is it worth following."""
    if isinstance(target.receiver, Instance) or enclosing_function(target.node) is not None:
        return True
    given = (v for a in registration.spelled_out for v in flow.ev.values(registration.file, a.value))
    return any(isinstance(v, Instance) and isinstance(v.of, ClassValue) for v in given)


def _is_around(scope: Scope | None, function: FunctionDef) -> bool:
    """Whether a scope is that of a function around another one."""
    return scope is not None and scope.kind == "function" and not function.contains(scope.node)


def _by_argument(flow: SessionFlow, registration: Registration) -> Iterator[Handed]:
    for argument in registration.spelled_out:
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
                    yield Handed(registration, _target_expr(flow, registration), node.id)
                    return


def _by_object(flow: SessionFlow, registration: Registration) -> Iterator[Handed]:
    """A bound method, or an object that can be called, whose object keeps a session that it was given."""
    target = registration.target
    if not isinstance(target, FunctionValue) or not isinstance(target.receiver, Instance):
        return
    carrier = _target_expr(flow, registration)
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


def _target_expr(flow: SessionFlow, registration: Registration) -> Node:
    """The argument that names the task in its registration; the first one where none certainly does."""
    node, target = registration.node, registration.target
    if not isinstance(node, Call) or not node.args:
        return node
    if len(node.args) > 1 and isinstance(target, FunctionValue):
        for argument in node.args:
            if any(_function_of(v) is target.node for v in flow.ev.values(registration.file, argument.value)):
                return argument
    return node.args[0]


def _function_of(value: Value) -> FunctionDef | None:
    match value:
        case FunctionValue(_, node) | Coroutine(FunctionValue(_, node)):
            return node
        case Partial(target):
            return _function_of(target)
        case _:
            return None


def _task_expr(whole: Node, registration: Registration) -> Expr | None:
    """The expression of the task's function in what is registered: `self.run` of `self.run()` and of `partial(…)`."""
    expr = whole.value if isinstance(whole, Argument) else None
    if expr is None or isinstance(expr, Attribute):
        return expr
    made = expr if isinstance(expr, Call) else _made_by(expr)
    for node in walk(made) if made is not None else ():
        if isinstance(node, Call) and node.args is registration.arguments:
            return node.func
    return made.args[0].value if isinstance(made, Call) and made.args else None
