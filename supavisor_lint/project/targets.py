"""What a registration registers: coroutine objects, callables, partials, lambdas, objects, string references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from supavisor_lint.facts.file import FileFacts, walk_own
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Argument, Call, Collection, Constant, Dict, Expr, Lambda
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.members import member
from supavisor_lint.project.registrars import param_uses
from supavisor_lint.project.registration import (
    Registration,
    argument_for,
    bind_arguments,
    named_items,
    only_value,
)
from supavisor_lint.project.values import (
    UNKNOWN,
    ClassValue,
    Coroutine,
    External,
    FunctionValue,
    Instance,
    LambdaValue,
    ParamCall,
    ParamValue,
    Partial,
    Unbound,
    Unknown,
    Value,
)
from supavisor_lint.project.vocabulary import COROUTINE_WRAPPERS


class Targets:
    """Turns the argument of a registrar into registrations."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._ev = evaluator

    def coroutine(self, file: FileFacts, call: Call, how: str, argument: Expr | None) -> Iterator[Registration]:
        """The registrations of a coroutine object that is given to `call`."""
        if argument is None:
            return
        for value in self._ev.values(file, argument):
            if isinstance(value, Coroutine):
                yield Registration(file, call, how, value.function, value.call.args, coroutine=True)
                yield from self._wrapped(file, call, how, value)
            elif isinstance(value, ParamCall):
                yield Registration(file, call, how, value.param, value.call.args, coroutine=True, called_param=True)
            elif isinstance(value, ParamValue):
                yield Registration(file, call, how, value, coroutine=True)
            elif isinstance(value, Instance) and is_external(value.of, COROUTINE_WRAPPERS):
                inner = argument.argument(0, "fut") if isinstance(argument, Call) else None
                yield from self.coroutine(file, call, how, inner)
            else:
                made = argument if isinstance(argument, Call) else _made_by(argument)
                if made is not None:  # whatever it is, it gets these arguments
                    yield Registration(file, call, how, UNKNOWN, made.args, coroutine=True)

    def _wrapped(self, file: FileFacts, call: Call, how: str, outer: Coroutine) -> Iterator[Registration]:
        """`create_task(log_errors(work()))`: what is handed to a coroutine that awaits or calls it."""
        for param, expr in bind_arguments(outer.function, outer.call.args).items():
            for use in param_uses(outer.function.node, outer.function.node, param):
                if use.call is None:
                    found = self.coroutine(file, call, how, expr)
                else:
                    found = self.callable(file, call, how, expr)
                for registration in found:
                    yield replace(registration, guarded=use.guarded)

    def callable(
        self,
        file: FileFacts,
        call: Node,
        how: str,
        target: Expr | None,
        arguments: tuple[Argument, ...] = (),
        queue: bool = False,
    ) -> Iterator[Registration]:
        """The registrations of a callable that is given to `call`, which will call it with `arguments`."""
        if target is None:
            return
        if isinstance(target, Constant) and isinstance(target.value, str):
            for function in self._by_reference(file, target.value):
                yield Registration(file, call, how, function, arguments, queue)
            return
        for value in self._ev.values(file, target):
            yield from self._callable_value(file, call, how, value, arguments, queue)

    def _callable_value(
        self,
        file: FileFacts,
        call: Node,
        how: str,
        value: Value,
        arguments: tuple[Argument, ...],
        queue: bool,
    ) -> Iterator[Registration]:
        match value:
            case FunctionValue() | ParamValue():
                yield Registration(file, call, how, value, arguments, queue)
            case Partial(target, partial):
                yield from self._callable_value(file, call, how, target, (*partial.args[1:], *arguments), queue)
            case LambdaValue(home, node):
                yield from self._of_lambda(home, call, how, node, queue)
            case Instance(ClassValue()):
                for method in member(self._ev, value, "__call__"):
                    yield from self._callable_value(file, call, how, method, arguments, queue)
            case Coroutine(function, inner):
                yield Registration(file, call, how, function, inner.args, queue)
            case Unknown() | Unbound() | External() if how != "add_job":  # whatever it is, it gets these arguments
                yield Registration(file, call, how, UNKNOWN, arguments, queue)
            case _:
                return

    def _of_lambda(self, file: FileFacts, call: Node, how: str, node: Lambda, queue: bool) -> Iterator[Registration]:
        for inner in walk_own(node.body):
            if isinstance(inner, Call):
                for value in self._ev.values(file, inner):
                    if isinstance(value, Coroutine):
                        yield Registration(file, call, how, value.function, value.call.args, queue)
                    elif isinstance(value, ParamCall):
                        yield Registration(file, call, how, value.param, value.call.args, queue)
                    elif isinstance(value, Unknown | Instance):
                        yield Registration(file, call, how, UNKNOWN, inner.args, queue)

    def _by_reference(self, file: FileFacts, text: str) -> Iterator[FunctionValue]:
        """`"package.module:function"` and `"package.module.function"`."""
        module, colon, name = text.partition(":")
        if not colon:
            module, _, name = text.rpartition(".")
        path = self._ev.files.module(file.path, module, 0) if module and name.isidentifier() else None
        home = self._ev.files.facts(path) if path is not None else None
        if home is None:
            return
        for binding in home.scope.bindings.get(name, []):
            if isinstance(binding, FunctionDef):
                yield FunctionValue(home, binding)


def job_arguments(call: Call) -> Iterator[Argument]:
    """APScheduler hands `args=[…]` and `kwargs={…}` to the job."""
    positional = call.argument(None, "args")
    if isinstance(positional, Collection):
        yield from (argument_for(item) for item in positional.items)
    keywords = call.argument(None, "kwargs")
    if isinstance(keywords, Dict):
        yield from named_items(keywords)


def _made_by(expr: Expr) -> Call | None:
    """The call that a local variable holds the result of, if it never holds anything else."""
    value = only_value(expr)
    return value if isinstance(value, Call) else None


def is_external(value: object, names: frozenset[str]) -> bool:
    """Whether a value is one of some things outside the project, by dotted name."""
    return isinstance(value, External) and value.dotted in names
