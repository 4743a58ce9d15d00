"""Who else logs a task's failure: a decorator of the project around it, or a callback on the task object."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import FileFacts, enclosing_function, scope_of
from supavisor_lint.facts.handlers import is_log_call, own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign
from supavisor_lint.facts.tree import Call, Expr, Name
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.registrars import param_uses
from supavisor_lint.project.values import FunctionValue, LambdaValue


def logged_by_decorator(ev: Evaluator, function: FunctionValue) -> bool:
    """Whether a decorator of the project calls the function inside a `try` whose broad handler logs."""
    for decorator in function.node.decorators:
        for maker in ev.values(function.file, decorator):
            if isinstance(maker, FunctionValue) and maker.node.params:
                param = maker.node.params[0].name
                if any(use.guarded for use in param_uses(maker.node, maker.node, param)):
                    return True
    return False


def logged_by_callback(ev: Evaluator, file: FileFacts, registration: Node) -> bool:
    """Whether `add_done_callback` puts a function that logs on the task object that a registration made."""
    return any(_logs(ev, file, callback) for callback in _done_callbacks(file, registration))


def _done_callbacks(file: FileFacts, registration: Node) -> Iterator[Expr]:
    function = enclosing_function(registration)
    for attribute in file.attributes.get("add_done_callback", ()):
        call = attribute.parent
        if not isinstance(call, Call) or not call.args or enclosing_function(call) is not function:
            continue
        if attribute.value is registration or _holds(attribute.value, registration):
            yield call.args[0].value


def _holds(expr: Expr, registration: Node) -> bool:
    assign = registration.parent
    if not isinstance(expr, Name) or not isinstance(assign, Assign):
        return False
    owner = scope_of(expr).lookup(expr.id)
    return any(isinstance(t, Name) and t.id == expr.id and scope_of(t).lookup(t.id) is owner for t in assign.targets)


def _logs(ev: Evaluator, file: FileFacts, callback: Expr) -> bool:
    for value in ev.values(file, callback):
        if isinstance(value, FunctionValue) and any(is_log_call(n) for n in own_nodes(value.node.body)):
            return True
        if isinstance(value, LambdaValue) and is_log_call(value.node.body):
            return True
    return False
