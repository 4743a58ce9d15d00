"""What a session is given where it is made: by the call, a `partial` of the factory, the function that makes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

from supavisor_lint.facts.file import FileFacts, enclosing_function
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.statements import WithItem
from supavisor_lint.facts.tree import Call, Constant, Expr, Name
from supavisor_lint.flow.values import Site
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import Decorated, FactoryBlock, FunctionValue, Manager, Partial, Session, Value

NOT_ASKED: Final = "not asked"
Asked: TypeAlias = bool | Literal["not asked"] | None
"""The value of an option; None if it is given one that is not known."""

_MAX_DEPTH = 4


def asked(
    ev: Evaluator, file: FileFacts, made_by: Site, option: str, given: Mapping[str, Expr] | None = None, depth: int = 0
) -> Asked:
    """What the call that makes a session (or a `with` item with that call) says of an option.

    `given` is what the function around it was given, by parameter.
    """
    call = made_by.context if isinstance(made_by, WithItem) else made_by
    if not isinstance(call, Call) or depth > _MAX_DEPTH:
        return NOT_ASKED
    callees = ev.values(file, call.func)
    functions = [function for value in callees if (function := _function(value)) is not None]
    if functions:
        return _agreed(
            asked(ev, function.file, inner, option, bind_arguments(function, call.args), depth + 1)
            for function in functions
            for inner in made_in(ev, function)
        )
    said = _said(call, option, given or {})
    if said != NOT_ASKED:
        return said
    partials = [value for value in callees if isinstance(value, Partial)]
    return _agreed(_said_by_partial(partial, option) for partial in partials)


def made_in(ev: Evaluator, function: FunctionValue) -> Iterator[Call]:
    """The calls in a function that make a session, or open its block."""
    for node in own_nodes_in(function.node):
        if isinstance(node, Call):
            values = ev.values(function.file, node)
            if any(isinstance(value, Session | Manager | FactoryBlock) for value in values):
                yield node


def _function(value: Value) -> FunctionValue | None:
    if isinstance(value, Decorated):
        return value.function
    return value if isinstance(value, FunctionValue) else None


def _agreed(answers: Iterator[Asked]) -> Asked:
    found = set(answers)
    return NOT_ASKED if not found else found.pop() if len(found) == 1 else None


def _said_by_partial(partial: Partial, option: str) -> Asked:
    """`partial(factory, expire_on_commit=False)`; the outer one of several has the last word."""
    said = _said(partial.call, option, {})
    if said != NOT_ASKED or not isinstance(partial.target, Partial):
        return said
    return _said_by_partial(partial.target, option)


def _said(call: Call, option: str, given: Mapping[str, Expr]) -> Asked:
    value = call.argument(None, option)
    if value is None:
        return None if any(argument.star == "**" for argument in call.args) else NOT_ASKED
    if isinstance(value, Name):
        value = _of_parameter(value, given)
    return value.value if isinstance(value, Constant) and isinstance(value.value, bool) else None


def _of_parameter(name: Name, given: Mapping[str, Expr]) -> Expr | None:
    """What a parameter was given, or its default."""
    function = enclosing_function(name)
    param = function.param(name.id) if function is not None else None
    if param is None or function is None or len(function.scope.bindings[name.id]) != 1:
        return name
    return given.get(name.id, param.default)
