"""Calls that wait for something other than the database: network, sleep, subprocesses."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import FileFacts, scope_of
from supavisor_lint.facts.handlers import own_nodes_in
from supavisor_lint.facts.scopes import Entered
from supavisor_lint.facts.statements import With, WithItem
from supavisor_lint.facts.tree import Attribute, Await, Call, Collection, Comprehension, Expr, Name, Starred
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.values import Coroutine, External, Instance, Method, Value
from supavisor_lint.project.vocabulary import COROUTINE_WRAPPERS

_PACKAGES = frozenset(
    {"httpx", "aiohttp", "openai", "anthropic", "aioboto3", "aiobotocore", "websockets", "asyncssh", "grpc", "smtplib"}
    | {"aiosmtplib", "playwright", "googleapiclient", "stripe", "redis", "aio_pika", "aiokafka", "crawl4ai"}
)
_FUNCTIONS = frozenset(
    {"asyncio.sleep", "anyio.sleep", "trio.sleep", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"}
    | {"asyncio.open_connection", "anyio.run_process", "anyio.open_process", "asyncio.to_thread"}
)
_TOGETHER = COROUTINE_WRAPPERS | {"asyncio.gather", "asyncio.wait", "asyncio.as_completed"}
_MAX_HOPS = 2


def slow_call(ev: Evaluator, file: FileFacts, node: Call) -> str | None:
    """The name of what is waited for; None if the call is not awaited (or entered), or not known to be slow.

    Functions of the project that wait for such a thing are slow themselves, and so is `gather` of those.
    """
    if isinstance(node.parent, Await) or (isinstance(node.parent, WithItem) and _is_async(node.parent)):
        return _waits_for(ev, file, node, _MAX_HOPS, entered=isinstance(node.parent, WithItem))
    return None


def _is_async(item: WithItem) -> bool:
    return isinstance(item.parent, With) and item.parent.is_async


def _waits_for(ev: Evaluator, file: FileFacts, node: Call, hops: int, *, entered: bool = False) -> str | None:
    for value in _callees(ev, file, node):
        dotted = _dotted(value)
        if dotted is None:
            continue
        if dotted in _TOGETHER:
            return next((w for call in _given(node) if (w := _waits_for(ev, file, call, hops))), None)
        # A client that is only entered (`async with httpx.AsyncClient()`) has not asked for anything yet.
        is_client = entered and isinstance(value, External)
        if (dotted in _FUNCTIONS and not _is_sleep_of_zero(node)) or (_is_of_package(dotted) and not is_client):
            return dotted
    return _in_function(ev, file, node, hops)


def _callees(ev: Evaluator, file: FileFacts, node: Call) -> Iterator[Value]:
    """What a call calls; `client.get` of an `async with httpx.AsyncClient() as client` is a method of the client."""
    func = node.func
    if isinstance(func, Attribute) and isinstance(func.value, Name):
        owner = scope_of(func.value).lookup(func.value.id)
        for binding in owner.bindings[func.value.id] if owner is not None else ():
            if isinstance(binding, Entered) and binding.is_async:
                client = ev.only(file, binding.context)
                if isinstance(client, Instance) and isinstance(client.of, External):
                    yield Method(client, func.attr)
    yield from ev.values(file, func)


def _in_function(ev: Evaluator, file: FileFacts, node: Call, hops: int) -> str | None:
    """What a called function of the project waits for."""
    if hops == 0:
        return None
    for value in ev.values(file, node):
        if isinstance(value, Coroutine) and value.call is node:
            function = value.function
            for inner in own_nodes_in(function.node):
                if isinstance(inner, Await) and isinstance(inner.value, Call):
                    found = _waits_for(ev, function.file, inner.value, hops - 1)
                    if found is not None:
                        return found
                elif isinstance(inner, WithItem) and _is_async(inner) and isinstance(inner.context, Call):
                    found = _waits_for(ev, function.file, inner.context, 0, entered=True)
                    if found is not None:
                        return found
    return None


def _given(call: Call) -> Iterator[Call]:
    """The calls among the arguments of `gather` and the like, also in lists and comprehensions."""
    for argument in call.args:
        yield from _calls_in(argument.value)


def _calls_in(expr: Expr) -> Iterator[Call]:
    match expr:
        case Call():
            yield expr
        case Starred(value):
            yield from _calls_in(value)
        case Collection(items):
            for item in items:
                yield from _calls_in(item)
        case Comprehension(elements):
            yield from _calls_in(elements[-1])
        case Name():
            yield from _held_by(expr)
        case _:
            return


def _held_by(name: Name) -> Iterator[Call]:
    owner = scope_of(name).lookup(name.id)
    bindings = owner.bindings[name.id] if owner is not None else []
    value = getattr(bindings[0], "value", None) if len(bindings) == 1 else None
    if isinstance(value, Call | Collection | Comprehension):
        yield from _calls_in(value)


def _is_sleep_of_zero(node: Call) -> bool:
    """`sleep(0)` only lets others run."""
    return len(node.args) == 1 and getattr(node.args[0].value, "value", None) == 0


def _is_of_package(dotted: str) -> bool:
    return dotted.partition(".")[0] in _PACKAGES


def _dotted(value: Value) -> str | None:
    if isinstance(value, External):
        return value.dotted
    if isinstance(value, Method) and isinstance(value.receiver, Instance) and isinstance(value.receiver.of, External):
        return f"{value.receiver.of.dotted}.{value.name}"
    return None
