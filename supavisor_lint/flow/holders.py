"""Which functions of a file hold a session, and so are worth following."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supavisor_lint.facts.file import FileFacts, enclosing_function, scope_of, walk
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.scopes import Entered
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.facts.tree import Argument, Attribute, Await, Call, Expr, Name
from supavisor_lint.flow.operations import SessionFlow
from supavisor_lint.flow.quiet import Quiet

# A session that a function is only given needs one of these before anything can go wrong with it.
_TURNS = ("begin", "commit", "rollback", "close", "begin_nested", "execute", "add", "get")


def session_functions(
    flow: SessionFlow, quiet: Quiet, file: FileFacts, session_calls: Iterable[Call], wanted: set[FunctionDef]
) -> list[FunctionDef]:
    """The functions that open a session, and those that begin or end a transaction on one that they are given.

    `wanted` are looked at in any case. In source order.
    """
    found: set[FunctionDef] = set(wanted)
    for function in _candidates(file, session_calls):
        found.add(function)
    for attribute in _operations(file):
        held = enclosing_function(attribute)
        if held is None or held in found:
            continue
        if quiet.of(file, held).quiet and not _is_of_entered(attribute.value):
            continue
        if flow.ev.session(file, attribute.value) is not None:
            found.add(held)
    for function in file.functions:
        if (
            function not in found
            and isinstance(function.parent, ClassDef)
            and _calls_loud_methods(flow, quiet, file, function)
        ):
            found.add(function)
    for function in found - wanted:
        if is_called_in_place(function):
            found.discard(function)
            found.add(_outermost(function))
    return sorted((f for f in found if f.is_async), key=lambda function: function.order)


def _outermost(function: FunctionDef) -> FunctionDef:
    around = enclosing_function(function)
    return function if around is None else _outermost(around)


@kept
def is_called_in_place(function: FunctionDef) -> bool:
    """Whether a nested function is only called by name where it is defined: there it is followed, in its place.

    A coroutine that is not awaited there (`create_task(one(row))`, `gather(…)`) runs on its own, and is followed so.
    """
    around = enclosing_function(function)
    if around is None or function.decorators:
        return False
    uses = [n for n in walk(around) if isinstance(n, Name) and n.id == function.name]
    calls = [use.parent for use in uses if isinstance(use.parent, Call) and use.parent.func is use]
    return len(calls) == len(uses) and (not function.is_async or function.is_generator or all(map(_is_awaited, calls)))


def _is_awaited(call: Call) -> bool:
    holder = call.parent.parent if isinstance(call.parent, Argument) else None
    waits = isinstance(holder, Call) and last_name(holder.func) in ("wait_for", "shield")
    return isinstance(call.parent, Await) or (waits and holder is not None and isinstance(holder.parent, Await))


def _calls_loud_methods(flow: SessionFlow, quiet: Quiet, file: FileFacts, function: FunctionDef) -> bool:
    """Whether a method calls methods of its own object that begin or end transactions of its sessions."""
    if quiet.of(file, function).quiet or not function.params:
        return False
    called = {
        node.func.attr
        for node in own_nodes_in(function)
        if isinstance(node, Call) and isinstance(node.func, Attribute) and _is(node.func.value, function.params[0].name)
    }
    methods = [m for m in getattr(function.parent, "body", ()) if isinstance(m, FunctionDef) and m.name in called]
    return any(not quiet.of(file, method).quiet and flow.operations(file, method) for method in methods)


def _is(expr: Expr, name: str) -> bool:
    return isinstance(expr, Name) and expr.id == name


def _candidates(file: FileFacts, session_calls: Iterable[Call]) -> Iterator[FunctionDef]:
    for call in session_calls:
        function = enclosing_function(call)
        if function is not None:
            yield function


def _is_of_entered(expr: Expr) -> bool:
    """Whether a session is an attribute of what a block enters, which may have opened it: `unit.session`."""
    unit = expr.value if isinstance(expr, Attribute) else None
    owner = scope_of(unit).lookup(unit.id) if isinstance(unit, Name) else None
    bindings = owner.bindings[unit.id] if owner is not None and isinstance(unit, Name) else []
    return any(isinstance(binding, Entered) for binding in bindings)


def _operations(file: FileFacts) -> Iterator[Attribute]:
    for name in _TURNS:
        for attribute in file.attributes.get(name, ()):
            if isinstance(attribute.parent, Call):
                yield attribute
