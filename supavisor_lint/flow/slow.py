"""Calls that wait for something other than the database: network, sleep, subprocesses."""

from __future__ import annotations

from supavisor_lint.facts.tree import Await, Call
from supavisor_lint.flow.frame import Frame
from supavisor_lint.project.values import External, Instance, Method, Value

_PACKAGES = frozenset(
    {"httpx", "aiohttp", "openai", "anthropic", "aioboto3", "aiobotocore", "websockets", "asyncssh", "grpc", "smtplib"}
    | {"aiosmtplib", "playwright", "googleapiclient", "stripe", "redis", "aio_pika", "aiokafka", "crawl4ai"}
)
_FUNCTIONS = frozenset(
    {"asyncio.sleep", "anyio.sleep", "trio.sleep", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"}
    | {"asyncio.open_connection", "anyio.run_process", "anyio.open_process", "asyncio.to_thread"}
)


def slow_call(frame: Frame, node: Call) -> str | None:
    """The name of what is waited for; None if the call is not awaited, or not known to be slow."""
    if not isinstance(node.parent, Await):
        return None
    for value in frame.ev.values(frame.file, node.func):
        dotted = _dotted(value)
        if dotted is not None and (dotted in _FUNCTIONS or dotted.partition(".")[0] in _PACKAGES):
            return dotted
    return None


def _dotted(value: Value) -> str | None:
    if isinstance(value, External):
        return value.dotted
    if isinstance(value, Method) and isinstance(value.receiver, Instance) and isinstance(value.receiver.of, External):
        return f"{value.receiver.of.dotted}.{value.name}"
    return None
