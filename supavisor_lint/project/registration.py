"""A registration: one place that makes a function a background task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from supavisor_lint.facts.file import FileFacts, scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.tree import Argument, Await, Collection, Constant, Dict, Expr, Name
from supavisor_lint.project.values import FunctionValue, Value
from supavisor_lint.project.vocabulary import COROUTINE_REGISTRARS

Kind: TypeAlias = Literal["request", "loop", "schedule", "queue", "other"]
"""Who starts the task: a request's background tasks, the event loop, a scheduler, a queue, a registrar by its name."""

_KINDS: dict[str, Kind] = {
    "BackgroundTasks.add_task": "request",
    "BackgroundTask": "request",
    "add_job": "schedule",
    "scheduled_job": "schedule",
    "repeat_every": "schedule",
}


@dataclass(frozen=True, slots=True)
class Registration:
    """One place that makes a function a background task.

    `how` names the mechanism; `queue` tells that a queue framework runs, records and retries it; `given` maps the
    task's parameters to the expressions that the registration passes for them; `provided` are the parameters for
    which the registrar hands over a session; `guarded` tells that the registrar itself logs the task's failure;
    `coroutine` that it takes a coroutine object; `called_param` that the target is a parameter which is called on the
    spot (`create_task(func(x))`); `by_coroutine` that the registrar is a coroutine function, which is awaited itself.
    """

    file: FileFacts
    node: Node
    how: str
    target: Value
    arguments: tuple[Argument, ...] = ()
    queue: bool = False
    provided: frozenset[str] = frozenset()
    guarded: bool = False
    coroutine: bool = False
    called_param: bool = False
    by_coroutine: bool = False

    @property
    def started(self) -> Node:
        """The expression that gives the running task: to await a registrar is not to await what it has started."""
        parent = self.node.parent
        return parent if self.by_coroutine and isinstance(parent, Await) else self.node

    @property
    def kind(self) -> Kind:
        """Who starts the task, at the end of a chain of registrars."""
        last = self.how.rpartition(" → ")[2]
        if self.queue:
            return "queue"
        if last in _KINDS:
            return _KINDS[last]
        started_by_loop = last in COROUTINE_REGISTRARS or last.startswith("loop.")
        return "loop" if started_by_loop else "other"

    @property
    def spelled_out(self) -> tuple[Argument, ...]:
        """The arguments, with those that stand in a display behind a star as if they stood there themselves."""
        return tuple(plain for argument in self.arguments for plain in _spelled_out(argument))

    def given(self, function: FunctionValue) -> dict[str, Expr]:
        """The task's parameters and what the registration passes for them."""
        return bind_arguments(function, self.spelled_out)


def _spelled_out(argument: Argument) -> Iterator[Argument]:
    """`*[session]`, `**{"session": session}`, and a local name that never holds anything but such a display."""
    display = only_value(argument.value) if argument.star else None
    if argument.star == "*" and isinstance(display, Collection):
        yield from (argument_for(item) for item in display.items)
    elif argument.star == "**" and isinstance(display, Dict):
        yield from named_items(display)
    else:
        yield argument


def only_value(expr: Expr) -> Expr:
    """What a local name holds, if it never holds anything else; any other expression is itself."""
    owner = scope_of(expr).lookup(expr.id) if isinstance(expr, Name) else None
    bindings = owner.bindings[expr.id] if owner is not None and isinstance(expr, Name) else []
    if len(bindings) != 1 or not isinstance(bindings[0], Assigned) or bindings[0].index is not None:
        return expr
    return bindings[0].value or expr


def named_items(display: Dict) -> Iterator[Argument]:
    """The items of `{"name": value}` as keyword arguments."""
    for item in display.items:
        if isinstance(item.key, Constant) and isinstance(item.key.value, str):
            yield argument_for(item.value, item.key.value)


def argument_for(value: Expr, keyword: str | None = None) -> Argument:
    """An argument that stands in a list or dict; the value keeps its own parent."""
    argument = Argument.__new__(Argument)
    argument.value, argument.keyword, argument.star = value, keyword, ""
    argument.stand_for(value)
    return argument


def bind_arguments(function: FunctionValue, arguments: Iterable[Argument]) -> dict[str, Expr]:
    """Which parameter gets which argument; what stars hide is left out."""
    params = [p for p in function.node.params if p.kind == "positional"]
    if function.bound:
        params = params[1:]
    names = {p.name for p in function.node.params}
    given: dict[str, Expr] = {}
    index = 0
    starred = False
    for argument in arguments:
        if argument.keyword is not None:
            if argument.keyword in names:
                given[argument.keyword] = argument.value
        elif argument.star:
            starred = True
        elif not starred and index < len(params):
            given[params[index].name] = argument.value
            index += 1
    return given


def surplus_arguments(function: FunctionValue, arguments: Iterable[Argument]) -> tuple[Argument, ...]:
    """The arguments that fill no named parameter: what `*args` and `**kwargs` take, and usually pass on."""
    named = set(map(id, bind_arguments(function, arguments).values()))
    return tuple(argument for argument in arguments if id(argument.value) not in named and not argument.star)
