"""What other packages do for the project: registrars and session helpers that no file of it defines."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from supavisor_lint.facts.file import FileFacts, scope_of
from supavisor_lint.facts.scopes import Entered, Scope
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Attribute, Call, Expr
from supavisor_lint.findings import Place
from supavisor_lint.project.values import Coroutine, External, FunctionValue, NamedHelper, Value
from supavisor_lint.project.vocabulary import (
    BACKGROUND_TASK,
    COROUTINE_REGISTRARS,
    COROUTINE_WRAPPERS,
    QUEUE_DECORATORS,
    QUEUE_PACKAGES,
)
from supavisor_lint.survey.definitions import Surveyor

_WORDS = (
    "enqueue|schedul|spawn|background|fire|forget|later|defer|submit|dispatch|create_task|add_task|add_job|run_task"
    "|start_task|start_soon|detach"
)
_REGISTRAR_WORDS = re.compile(_WORDS, re.IGNORECASE)
_REGISTRAR_CALLS = re.compile(rf"(?:{_WORDS})\w*\(".encode(), re.IGNORECASE)
_FACTORY_WORDS = re.compile(r"factory|maker|[A-Z]")
_SESSION_METHODS = frozenset(
    {"add", "add_all", "begin_nested", "expunge", "flush", "merge", "refresh", "scalar", "scalars", "stream_scalars"}
)
_ENTERED = re.compile(
    rb"\basync\s+with\b[^\n]*\bas\b(?=[\s\S]*\.(?:%s)\()" % "|".join(sorted(_SESSION_METHODS)).encode()
)
_KNOWN = COROUTINE_REGISTRARS | COROUTINE_WRAPPERS | BACKGROUND_TASK | QUEUE_DECORATORS
_FRAMEWORKS = QUEUE_PACKAGES | {"fastapi", "starlette", "sqlalchemy", "sqlmodel", "pytest", "anyio", "apscheduler"}


@dataclass(frozen=True, slots=True)
class OutsideRegistrar:
    """A function of another package that takes a task: `argument` is its position (0-based) or keyword."""

    name: str
    argument: int | str
    task: str
    place: Place


@dataclass(frozen=True, slots=True)
class OutsideHelper:
    """What another package gives a session by, entered with `async with`; `is_factory` if its name says so."""

    name: str
    is_factory: bool
    place: Place


def outside_registrars(surveyor: Surveyor) -> list[OutsideRegistrar]:
    """Functions outside that are named like registrars and are given a coroutine function that matters here."""
    found: dict[str, OutsideRegistrar] = {}
    for file in surveyor.files_with(_REGISTRAR_CALLS):
        for call in file.calls:
            if _REGISTRAR_WORDS.search(last_name(call.func)):
                for name in _outside(surveyor, file, call.func):
                    for registrar in _taken(surveyor, file, call, name):
                        found.setdefault(name, registrar)
    return [found[name] for name in sorted(found)]


def _outside(surveyor: Surveyor, file: FileFacts, func: Expr) -> Iterator[str]:
    """The names of a function of another package that is called; nothing for what has its meaning already."""
    known = {registrar.name for registrar in surveyor.settings.task_registrars}
    for value in surveyor.project.evaluator.values(file, func):
        if not isinstance(value, External) or "." not in value.dotted or value.dotted in known | _KNOWN:
            continue
        if value.root not in sys.stdlib_module_names | _FRAMEWORKS:
            yield value.dotted


def _taken(surveyor: Surveyor, file: FileFacts, call: Call, name: str) -> Iterator[OutsideRegistrar]:
    position = 0
    for argument in call.args:
        if argument.star:
            return
        for value in surveyor.project.evaluator.values(file, argument.value):
            function = _coroutine_function(value)
            if function is not None and function.file in surveyor.files:
                at = argument.keyword or position
                yield OutsideRegistrar(name, at, function.node.name, surveyor.place(file, call))
        position += argument.keyword is None


def _coroutine_function(value: Value) -> FunctionValue | None:
    function = value.function if isinstance(value, Coroutine) else value
    if isinstance(function, FunctionValue) and function.node.is_async and not function.node.is_generator:
        return function
    return None


def outside_helpers(surveyor: Surveyor) -> list[OutsideHelper]:
    """What is entered as `async with outside() as session`, where `session` is used as only a session can be."""
    found: dict[str, OutsideHelper] = {}
    for file, scope, name, entered in _entered(surveyor.files_with(_ENTERED)):
        if isinstance(entered.context, Call) and _is_session(file, scope, name):
            for value in surveyor.project.evaluator.values(file, entered.context.func):
                if isinstance(value, External) and "." in value.dotted and value.root != "sqlalchemy":
                    is_factory = _FACTORY_WORDS.search(value.last) is not None
                    place = surveyor.place(file, entered.context)
                    found.setdefault(value.dotted, OutsideHelper(value.dotted, is_factory, place))
    return [found[name] for name in sorted(found)]


def uses_named_helper(surveyor: Surveyor) -> bool:
    """Whether a session is opened with a helper that only the settings' names tell."""
    ev = surveyor.project.evaluator
    names = {name.rpartition(".")[2] for name in surveyor.settings.session_helpers}
    if not names:
        return False
    mentioned = re.compile(rb"\b(?:%s)\b" % b"|".join(re.escape(name.encode()) for name in sorted(names)))
    return any(
        isinstance(value, NamedHelper)
        for file, _, _, entered in _entered(surveyor.files_with(mentioned))
        if isinstance(entered.context, Call)
        for value in ev.values(file, entered.context.func)
    )


def _entered(files: Iterable[FileFacts]) -> Iterator[tuple[FileFacts, Scope, str, Entered]]:
    for file in files:
        for scope in file.scopes:
            for name, bindings in scope.bindings.items():
                for binding in bindings:
                    if isinstance(binding, Entered) and binding.is_async:
                        yield file, scope, name, binding


def _is_session(file: FileFacts, scope: Scope, name: str) -> bool:
    reads = (read for read in file.names.get(name, ()) if scope_of(read).lookup(name) is scope)
    return any(isinstance(read.parent, Attribute) and read.parent.attr in _SESSION_METHODS for read in reads)
