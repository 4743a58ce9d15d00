"""What does a call give, and what does awaiting, entering or iterating it give?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.statements import Assign
from supavisor_lint.facts.tree import Attribute, Call, Name
from supavisor_lint.project.classes import is_factory_class, is_session_class
from supavisor_lint.project.on_the_spot import is_on_the_spot
from supavisor_lint.project.results import returned, yielded
from supavisor_lint.project.values import (
    UNKNOWN,
    ClassValue,
    Coroutine,
    Decorated,
    External,
    Factory,
    FactoryBlock,
    FunctionValue,
    GeneratorValue,
    Instance,
    LambdaValue,
    Literally,
    Manager,
    Method,
    NamedHelper,
    ParamCall,
    ParamValue,
    Partial,
    Session,
    SessionSource,
    Transaction,
    Value,
)
from supavisor_lint.project.vocabulary import FACTORY_MAKERS, SCOPED_MAKERS, SESSION_CLASSES, SYNC_FACTORY_MAKERS

if TYPE_CHECKING:
    from supavisor_lint.project.evaluate import Evaluator

_CASTS = frozenset({"typing.cast", "typing_extensions.cast"})
_PARTIAL = frozenset({"functools.partial"})
_SESSION_RETURNING_METHODS = frozenset({"execution_options"})


def call_values(ev: Evaluator, file: FileFacts, call: Call) -> Iterable[Value]:
    """What a call gives."""
    for function in ev.values(file, call.func):
        yield from called(ev, file, function, call)


def called(ev: Evaluator, file: FileFacts, function: Value, call: Call | None) -> Iterable[Value]:
    """What calling one value gives; without `call` as if called with no arguments."""
    match function:
        case Factory():
            return (Session("factory", function, confidence=function.confidence),)
        case Decorated() | NamedHelper():
            return (Manager(function, call),)
        case FunctionValue():
            return call_function(ev, function, call)
        case ClassValue():
            return _instantiated(ev, file, function, call)
        case External():
            return _called_external(ev, file, function, call)
        case Method(receiver, name):
            return _called_method(receiver, name, call)
        case Instance(ClassValue()):
            return _called_instance(ev, file, function, call)
        case Partial(target):
            return called(ev, file, target, call)
        case ParamValue() if call is not None:
            return (ParamCall(function, call),)
        case LambdaValue(home, node):
            return ev.values(home, node.body)
        case Literally(None):
            return ()  # a placeholder: by now it is something else
        case _:
            return (UNKNOWN,)


def _instantiated(ev: Evaluator, file: FileFacts, cls: ClassValue, call: Call | None) -> Iterable[Value]:
    if is_session_class(ev, cls):
        return (Session("class", cls),)
    if call is not None and is_factory_class(ev, cls):
        return (Factory(file, call, _bound_name(call), on_the_spot=is_on_the_spot(call)),)
    return (Instance(cls),)


def _called_instance(ev: Evaluator, file: FileFacts, instance: Instance, call: Call | None) -> Iterable[Value]:
    from supavisor_lint.project.members import member  # mutual: members needs names, names needs calls

    for method in member(ev, instance, "__call__"):
        if isinstance(method, FunctionValue | Decorated):
            yield from called(ev, file, method, call)


def _called_method(receiver: Value, name: str, call: Call | None) -> Iterable[Value]:
    if isinstance(receiver, Factory):
        return (FactoryBlock(receiver),) if name == "begin" else (UNKNOWN,)
    if isinstance(receiver, Session):
        if name in ("begin", "begin_nested") and call is not None and isinstance(call.func, Attribute):
            return (Transaction(receiver, call.func.value, nested=name == "begin_nested"),)
        return (receiver,) if name in _SESSION_RETURNING_METHODS else (UNKNOWN,)
    if isinstance(receiver, Instance) and isinstance(receiver.of, External):
        return (Instance(External(f"{receiver.of.dotted}.{name}")),)
    if isinstance(receiver, GeneratorValue) and name == "__anext__":
        return (Coroutine(receiver.function, receiver.call),)
    return (UNKNOWN,)


def call_function(ev: Evaluator, function: FunctionValue, call: Call | None) -> tuple[Value, ...]:
    """What calling a function of the project gives: by kind a coroutine, a generator, or what it returns."""
    node = function.node
    if node.is_generator:
        return (GeneratorValue(function, call or _no_call()),)
    if node.is_async:
        return (Coroutine(function, call or _no_call()),)
    values = returned(ev, function.file, node)
    return tuple(_from_getter(value, function) for value in values)


def _no_call() -> Call:
    raise_free = Call.__new__(Call)
    raise_free.args = ()
    return raise_free


def _from_getter(value: Value, function: FunctionValue) -> Value:
    if isinstance(value, Session) and value.source in ("factory", "class"):
        return Session("getter", function, value.begun, value.confidence)
    return value


def _called_external(ev: Evaluator, file: FileFacts, function: External, call: Call | None) -> Iterable[Value]:
    dotted = function.dotted
    if call is None:
        return (UNKNOWN,)
    if dotted in SCOPED_MAKERS:
        return (_scoped(ev, file, call),)
    if dotted in FACTORY_MAKERS or (dotted in SYNC_FACTORY_MAKERS and _asks_for_async(ev, file, call)):
        return (Factory(file, call, _bound_name(call), on_the_spot=is_on_the_spot(call)),)
    if dotted in SESSION_CLASSES:
        return (Session("class", None),)
    if dotted in _CASTS and len(call.args) > 1:
        return ev.values(file, call.args[1].value)
    if dotted in _PARTIAL:
        return _partial(ev, file, call)
    if dotted == "contextlib.asynccontextmanager":
        return _context_manager(ev, file, call)
    if dotted in ("builtins.anext", "builtins.aiter") and call.args:
        return _advanced(ev, file, call, is_next=dotted.endswith("anext"))
    return (Instance(function),)


def _scoped(ev: Evaluator, file: FileFacts, call: Call) -> Factory:
    """`async_scoped_session(factory, scope)` makes sessions as the factory does, maybe one that is not known."""
    given = call.argument(0, "session_factory")
    inner = ev.factory(file, given) if given is not None else None
    made = Factory(file, call, _bound_name(call), on_the_spot=is_on_the_spot(call), scoped=True, registry=True)
    return made if inner is None else replace(made, file=inner.file, node=inner.node, scoped=inner.scoped)


def _asks_for_async(ev: Evaluator, file: FileFacts, call: Call) -> bool:
    asked = call.argument(None, "class_")
    if asked is None:
        return False
    return any(
        (isinstance(v, External) and v.dotted in SESSION_CLASSES)
        or (isinstance(v, ClassValue) and is_session_class(ev, v))
        for v in ev.values(file, asked)
    )


def _partial(ev: Evaluator, file: FileFacts, call: Call) -> Iterable[Value]:
    target = call.argument(0)
    if target is None:
        return (UNKNOWN,)
    return tuple(Partial(v, call) for v in ev.values(file, target))


def _context_manager(ev: Evaluator, file: FileFacts, call: Call) -> Iterable[Value]:
    target = call.argument(0, "func")
    if target is None:
        return (UNKNOWN,)
    return tuple(Decorated(v) for v in ev.values(file, target) if isinstance(v, FunctionValue))


def _advanced(ev: Evaluator, file: FileFacts, call: Call, is_next: bool) -> Iterable[Value]:
    for value in ev.values(file, call.args[0].value):
        if isinstance(value, GeneratorValue):
            yield Coroutine(value.function, value.call) if is_next else value


def _bound_name(call: Call) -> str:
    parent = call.parent
    if isinstance(parent, Assign) and isinstance(parent.targets[0], Name):
        return parent.targets[0].id
    return "async_sessionmaker"


def functions_called(ev: Evaluator, file: FileFacts, call: Call) -> list[FunctionValue]:
    """The functions of the project that a call may run: those whose coroutine it gives, else what is called."""
    found = [v.function for v in ev.values(file, call) if isinstance(v, Coroutine)]
    if not found and not isinstance(call.func, Call):
        found = [v for v in ev.values(file, call.func) if isinstance(v, FunctionValue)]
    return found


# ---------------------------------------------------------------------------------- awaiting, entering, iterating


def awaited(ev: Evaluator, file: FileFacts, values: Iterable[Value]) -> tuple[Value, ...]:
    """What `await` gives."""
    found: list[Value] = []
    for value in values:
        if isinstance(value, Coroutine):
            function = value.function
            if function.node.is_generator:  # anext(generator)
                found += [_given(v, "dependency", function) for v in yielded(ev, function)]
            else:
                found += [_from_getter(v, function) for v in returned(ev, function.file, function.node)]
        else:
            found.append(UNKNOWN)
    return tuple(found) or (UNKNOWN,)


def entered(ev: Evaluator, file: FileFacts, values: Iterable[Value]) -> tuple[Value, ...]:
    """What `async with … as x` binds to x."""
    found: list[Value] = []
    for value in values:
        match value:
            case Session():
                found.append(value)
            case FactoryBlock(factory):
                found.append(Session("factory", factory, begun=True, confidence=factory.confidence))
            case Manager(Decorated(function)):
                found += [_given(v, "helper", function) for v in yielded(ev, function)]
            case Manager(NamedHelper() as helper):
                found.append(Session("helper", helper, confidence="medium"))
            case Instance(ClassValue() as cls):
                found += _entered_class(ev, cls, value)
            case _:
                found.append(UNKNOWN)
    return tuple(found) or (UNKNOWN,)


def _entered_class(ev: Evaluator, cls: ClassValue, instance: Instance) -> Iterable[Value]:
    from supavisor_lint.project.members import member  # mutual: members needs names, names needs calls

    for method in member(ev, instance, "__aenter__"):
        if isinstance(method, FunctionValue) and method.node.is_async:
            for value in returned(ev, method.file, method.node):
                yield (Session("helper", cls, value.begun, value.confidence) if isinstance(value, Session) else value)


def _given(value: Value, source: SessionSource, function: FunctionValue) -> Value:
    if isinstance(value, Session):
        return Session(source, function, value.begun, value.confidence)
    return value


def iterated(ev: Evaluator, file: FileFacts, values: Iterable[Value]) -> tuple[Value, ...]:
    """What `async for x in …` binds to x."""
    found: list[Value] = []
    for value in values:
        if isinstance(value, GeneratorValue):
            found += [_given(v, "dependency", value.function) for v in yielded(ev, value.function)]
    return tuple(found) or (UNKNOWN,)
