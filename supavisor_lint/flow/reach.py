"""Which functions run as a part of a background task: those that it awaits or hands its session to, and theirs in turn.

A function that is passed as an argument runs with the called one, if that calls its parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Attribute, Await, Call, Name
from supavisor_lint.flow.operations import SessionFlow
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.registrars import param_uses
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.tasks import Task
from supavisor_lint.project.values import FunctionValue


def reached_functions(flow: SessionFlow, tasks: Iterable[Task]) -> frozenset[FunctionDef]:
    """The tasks themselves and every function that runs in one of them, through any number of calls."""
    reached: set[FunctionDef] = set()
    waiting = [task.function for task in tasks]
    while waiting:
        function = waiting.pop()
        if function.node not in reached:
            reached.add(function.node)
            waiting += _run_by(flow, function)
    return frozenset(reached)


def _run_by(flow: SessionFlow, function: FunctionValue) -> Iterator[FunctionValue]:
    for node in own_nodes_in(function.node):
        if isinstance(node, Call) and (isinstance(node.parent, Await) or _hands_session(flow, function, node)):
            for callee in functions_called(flow.ev, function.file, node):
                yield callee
                yield from _passed_functions(flow, function, callee, node)


def _hands_session(flow: SessionFlow, function: FunctionValue, call: Call) -> bool:
    handed = [a.value for a in call.args if isinstance(a.value, Name | Attribute)]
    return any(flow.ev.session(function.file, expr) is not None for expr in handed)


def _passed_functions(
    flow: SessionFlow, function: FunctionValue, callee: FunctionValue, call: Call
) -> Iterator[FunctionValue]:
    """`await each(jobs, process_one)`, where `each` calls what it is given."""
    for param, expr in bind_arguments(callee, call.args).items():
        if isinstance(expr, Name | Attribute):
            found = [v for v in flow.ev.values(function.file, expr) if isinstance(v, FunctionValue)]
            if found and any(use.call is not None for use in param_uses(callee.node, callee.node, param)):
                yield from found
