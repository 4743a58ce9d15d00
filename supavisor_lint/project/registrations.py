"""Where functions become background tasks: calls, decorators and lists that register them, and what they hand over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from supavisor_lint.facts.file import FileFacts, scope_of
from supavisor_lint.facts.scopes import Assigned, Binding, NameImport
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.facts.tree import (
    Attribute,
    Call,
    Collection,
    Expr,
    Name,
    Operation,
    Starred,
)
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.members import definition_sites, member
from supavisor_lint.project.registrars import OwnRegistrars, params_at
from supavisor_lint.project.registration import Registration, bind_arguments, surplus_arguments
from supavisor_lint.project.targets import Targets, is_external, job_arguments
from supavisor_lint.project.values import (
    ClassValue,
    External,
    FunctionValue,
    Instance,
    Method,
    Unknown,
    Value,
)
from supavisor_lint.project.vocabulary import (
    ARQ_WORKERS,
    BACKGROUND_TASK,
    BACKGROUND_TASKS,
    COROUTINE_REGISTRARS,
    LOOP_MAKERS,
    QUEUE_DECORATORS,
    QUEUE_PACKAGES,
    STRUCTURED_GROUPS,
)
from supavisor_lint.settings import Registrar


class RegistrationFinder:
    """Finds the registrations of one file; the project's own registrars are given by `registrars`."""

    def __init__(self, evaluator: Evaluator, own: OwnRegistrars) -> None:
        self._ev = evaluator
        self._own = own
        self._targets = Targets(evaluator)

    def find(self, file: FileFacts) -> Iterator[Registration]:
        """All registrations of a file, whatever their target is."""
        for call in file.calls:
            yield from self._of_call(file, call)
        for function in file.functions:
            for decorator in function.decorators:
                yield from self._of_decorator(file, function, decorator)
        for cls in file.classes:
            yield from self._of_arq_settings(file, cls)

    # ------------------------------------------------------------------------------------------------------- calls

    def _of_call(self, file: FileFacts, call: Call) -> Iterator[Registration]:
        if isinstance(call.func, Attribute) and call.func.attr == "add_job":
            yield from self._of_add_job(file, call)
            return
        if self._may_register(call.func):
            for value in self._ev.values(file, call.func):
                yield from self._of_callee(file, call, value)

    def _may_register(self, func: Expr) -> bool:
        """Whether a callee is named like a registrar, or is a local alias of one."""
        if isinstance(func, Attribute):
            return self._is_named_so(func.attr)
        if not isinstance(func, Name):
            return False
        if self._is_named_so(func.id):
            return True
        owner = scope_of(func).lookup(func.id)
        return owner is not None and any(self._is_alias(binding) for binding in owner.bindings[func.id])

    def _is_named_so(self, name: str) -> bool:
        return name in _CALL_NAMES or self._own.mentions(name)

    def _is_alias(self, binding: Binding) -> bool:
        """`from … import create_task as start`, `start = asyncio.create_task`."""
        if isinstance(binding, NameImport):
            return self._is_named_so(binding.name)
        value = binding.value if isinstance(binding, Assigned) and binding.index is None else None
        return isinstance(value, Name | Attribute) and self._is_named_so(last_name(value))

    def _of_add_job(self, file: FileFacts, call: Call) -> Iterator[Registration]:
        func = call.argument(0, "func")
        for found in self._targets.callable(file, call, "add_job", func, tuple(job_arguments(call))):
            yield replace(found, by_coroutine=True)  # if it is one: APScheduler's newer versions await it

    def _of_callee(self, file: FileFacts, call: Call, callee: Value) -> Iterator[Registration]:
        if isinstance(callee, External):
            named = self._own.external(callee.dotted)
            if named is not None:
                yield from self._of_named(file, call, named)
            elif callee.dotted in COROUTINE_REGISTRARS:
                yield from self._targets.coroutine(file, call, callee.dotted, _coroutine_argument(call))
            elif callee.dotted in BACKGROUND_TASK:
                yield from self._targets.callable(file, call, "BackgroundTask", call.argument(0, "func"), call.args[1:])
            elif callee.dotted in ARQ_WORKERS:
                for name in _ARQ_LISTS:
                    if (functions := call.argument(None, name)) is not None:
                        yield from self._of_arq_list(file, functions)
            elif callee.dotted in QUEUE_DECORATORS and call.args and callee.dotted != "arq.cron":
                yield from self._targets.callable(file, call, callee.dotted, call.argument(0, "fn"), (), queue=True)
        elif isinstance(callee, Method):
            yield from self._of_method(file, call, callee)
        elif isinstance(callee, Unknown) and last_name(call.func) in _LATER:
            yield from self._of_callback(file, call, _LATER[last_name(call.func)])
        elif isinstance(callee, FunctionValue):
            yield from self._of_own(file, call, callee)
        elif isinstance(callee, ClassValue):
            for method in member(self._ev, Instance(callee), "__init__"):
                if isinstance(method, FunctionValue):
                    yield from self._of_own(file, call, method)

    def _of_method(self, file: FileFacts, call: Call, method: Method) -> Iterator[Registration]:
        receiver, name = method.receiver, method.name
        if name == "add_task" and isinstance(receiver, Instance) and is_external(receiver.of, BACKGROUND_TASKS):
            func = call.argument(0, "func")
            rest = tuple(argument for argument in call.args if argument.value is not func)
            yield from self._targets.callable(file, call, "BackgroundTasks.add_task", func, rest)
        elif name in _STARTS and _is_loop(receiver):
            yield from self._targets.coroutine(file, call, f"loop.{name}", call.argument(0, "coro"))
        elif name in _LATER and _is_loop(receiver):
            yield from self._of_callback(file, call, _LATER[name])
        elif name in ("task", "actor") and _is_queue(receiver):
            yield from self._targets.callable(file, call, name, call.argument(0, "fn"), (), queue=True)

    def _of_callback(self, file: FileFacts, call: Call, position: int) -> Iterator[Registration]:
        """`loop.call_soon_threadsafe(asyncio.create_task, work())`: the loop will call the registrar."""
        if len(call.args) > position + 1 and self._may_register(call.args[position].value):
            for value in self._ev.values(file, call.args[position].value):
                is_method = isinstance(value, Method) and value.name in _STARTS and _is_loop(value.receiver)
                if is_method or is_external(value, COROUTINE_REGISTRARS):
                    how = f"loop.{last_name(call.func)}"
                    yield from self._targets.coroutine(file, call, how, call.args[position + 1].value)

    def _of_own(self, file: FileFacts, call: Call, callee: FunctionValue) -> Iterator[Registration]:
        """A call of a project function that passes its parameter on to a registrar (or that the settings name)."""
        for rule in self._own.of(callee):
            argument = bind_arguments(callee, call.args).get(rule.param)
            if argument is None:
                continue
            how = f"{callee.node.name}() → {rule.how}"
            if rule.coroutine:
                found = self._targets.coroutine(file, call, how, argument)
            else:
                found = self._targets.callable(file, call, how, argument, surplus_arguments(callee, call.args))
            for registration in found:
                applied = rule.applied_to(self._ev, registration)
                yield replace(applied, by_coroutine=True) if callee.node.is_async else applied

    def _of_named(self, file: FileFacts, call: Call, named: Registrar) -> Iterator[Registration]:
        """A call of a registrar outside the tree that the settings name."""
        position = named.argument if isinstance(named.argument, int) else None
        keyword = named.argument if isinstance(named.argument, str) else None
        argument = call.argument(position, keyword)
        rest = tuple(a for a in call.args if a.value is not argument)
        for found in self._targets.callable(file, call, named.name, argument, rest):
            registration = replace(found, by_coroutine=True)  # if it is one
            if named.session is not None and isinstance(found.target, FunctionValue):
                registration = replace(registration, provided=params_at(found.target, named.session))
            yield registration

    # ----------------------------------------------------------------------------------------------- decorators, lists

    def _of_decorator(self, file: FileFacts, function: FunctionDef, decorator: Expr) -> Iterator[Registration]:
        called = decorator.func if isinstance(decorator, Call) else decorator
        target = FunctionValue(file, function, bound=isinstance(function.parent, ClassDef))
        for value in self._ev.values(file, called):
            how = _decorator_how(value)
            if how is not None:
                yield Registration(file, decorator, how, target, queue=not how.startswith(("repeat_every", "sched")))
            elif isinstance(value, FunctionValue):
                yield from self._of_own_decorator(file, decorator, value, target)

    def _of_own_decorator(
        self, file: FileFacts, decorator: Expr, value: FunctionValue, target: FunctionValue
    ) -> Iterator[Registration]:
        makers: list[FunctionValue] = [value]
        if isinstance(decorator, Call):
            makers = [v for v in self._ev.values(file, decorator) if isinstance(v, FunctionValue)]
        for maker in makers:
            positional = [p.name for p in maker.node.params if p.kind == "positional"]
            for rule in self._own.of(maker):
                if positional[:1] == [rule.param]:
                    how = f"@{value.node.name} → {rule.how}"
                    yield rule.applied_to(self._ev, Registration(file, decorator, how, target))

    def _of_arq_settings(self, file: FileFacts, cls: ClassDef) -> Iterator[Registration]:
        for name in _ARQ_LISTS:
            for binding in cls.scope.bindings.get(name, []):
                value = getattr(binding, "value", None)
                if isinstance(value, Expr) and self._knows_arq(file):
                    yield from self._of_arq_list(file, value)

    def _of_arq_list(self, file: FileFacts, value: Expr, depth: int = 0) -> Iterator[Registration]:
        """A list of functions, by its name as well, and in parts: `[*JOBS, more]`, `JOBS + [more]`."""
        match value:
            case Collection(items):
                for item in items:
                    yield from (
                        self._of_arq_list(file, item, depth)
                        if isinstance(item, Starred)
                        else (self._of_arq_item(file, item))
                    )
            case Starred(inner):
                yield from self._of_arq_list(file, inner, depth)
            case Operation(parts):
                for part in parts:
                    yield from self._of_arq_list(file, part, depth)
            case Name() | Attribute() if depth < _MAX_NAMES:
                for home, binding in definition_sites(self._ev, file, value, everywhere=True):
                    if isinstance(binding, Assigned) and binding.value is not None and binding.index is None:
                        yield from self._of_arq_list(home, binding.value, depth + 1)

    def _knows_arq(self, file: FileFacts) -> bool:
        return any(
            getattr(binding, "module", getattr(binding, "dotted", "")).partition(".")[0] == "arq"
            for bindings in file.scope.bindings.values()
            for binding in bindings
        )

    def _of_arq_item(self, file: FileFacts, item: Expr) -> Iterator[Registration]:
        target = item.argument(0, "coroutine") if isinstance(item, Call) else item
        yield from self._targets.callable(file, item, "arq", target, queue=True)


_ARQ_LISTS = ("functions", "cron_jobs")
_STARTS = frozenset({"create_task", "ensure_future"})
_LATER = {"call_soon_threadsafe": 0, "call_soon": 0, "call_later": 1, "call_at": 1}
"""The loop's methods that take a callback, with its position among the arguments (0-based)."""
_MAX_NAMES = 4  # that lead from one to another
_CALL_NAMES = frozenset(
    {
        *_LATER,
        "Task",
        "Worker",
        "create_worker",
        "run_worker",
        "add_task",
        "create_task",
        "ensure_future",
        "run_coroutine_threadsafe",
        "BackgroundTask",
        "actor",
        "task",
        "shared_task",
    }
)


def _coroutine_argument(call: Call) -> Expr | None:
    """The coroutine of `create_task(coro=…)` or `ensure_future(coro_or_future=…)`."""
    return call.argument(0, "coro") or call.argument(None, "coro_or_future")


def _decorator_how(value: Value) -> str | None:
    """The name of the mechanism if a decorator registers a task, else None."""
    if isinstance(value, External) and value.dotted in QUEUE_DECORATORS:
        return value.last if value.last == "repeat_every" else value.dotted
    if isinstance(value, Method):
        if value.name == "scheduled_job":
            return "scheduled_job"
        if value.name in ("task", "actor", "periodic_task") and _is_queue(value.receiver):
            return f"{_queue_name(value.receiver)}.{value.name}"
    return None


def _is_queue(receiver: Value) -> bool:
    return _queue_name(receiver) is not None


def _queue_name(receiver: Value) -> str | None:
    made = receiver.of if isinstance(receiver, Instance) else receiver
    if isinstance(made, External) and made.root.split("_")[0] in QUEUE_PACKAGES:
        return made.root
    return None


def _is_loop(receiver: Value) -> bool:
    if not isinstance(receiver, Instance):
        return False
    return is_external(receiver.of, LOOP_MAKERS) and not is_external(receiver.of, STRUCTURED_GROUPS)
