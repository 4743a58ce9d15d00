"""Which functions run as a part of a background task: those that a task hands its session to, and theirs in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Attribute, Call, Name
from supavisor_lint.flow.operations import SessionFlow
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.tasks import Task
from supavisor_lint.project.values import FunctionValue


def reached_functions(flow: SessionFlow, tasks: Iterable[Task]) -> frozenset[FunctionDef]:
    """The tasks themselves and every function that gets a session from one of them, through any number of calls."""
    reached: set[FunctionDef] = set()
    waiting = [task.function for task in tasks]
    while waiting:
        function = waiting.pop()
        if function.node not in reached:
            reached.add(function.node)
            waiting += _given_sessions(flow, function)
    return frozenset(reached)


def _given_sessions(flow: SessionFlow, function: FunctionValue) -> Iterator[FunctionValue]:
    for node in own_nodes(function.node.body):
        if isinstance(node, Call):
            handed = [a.value for a in node.args if isinstance(a.value, Name | Attribute)]
            if any(flow.ev.session(function.file, expr) is not None for expr in handed):
                yield from (f for f in functions_called(flow.ev, function.file, node) if bind_arguments(f, node.args))
