"""Registrars of the project's own: functions that pass a parameter on to something that runs it in the background."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from supavisor_lint.facts.file import FileFacts, scope_of, walk
from supavisor_lint.facts.handlers import is_logged
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.facts.tree import Argument, Await, Call, Name
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.registration import Registration, bind_arguments
from supavisor_lint.project.values import FunctionValue, ParamValue, Session
from supavisor_lint.settings import Registrar, Settings


@dataclass(frozen=True, slots=True)
class ParamUse:
    """A function awaits its parameter (`call` is None) or calls it; `guarded` if a failure of that is logged."""

    call: Call | None
    guarded: bool


def param_uses(body_of: FunctionDef, owner: FunctionDef, param: str) -> Iterator[ParamUse]:
    """How the body of a function uses the parameter of `owner`: itself, or a function around it."""
    for statement in body_of.body:
        for node in walk(statement):
            if isinstance(node, Call) and _is_param(node.func, owner, param):
                yield ParamUse(node, is_logged(node))
            elif isinstance(node, Await) and _is_param(node.value, owner, param):
                yield ParamUse(None, is_logged(node))


def _is_param(node: object, owner: FunctionDef, param: str) -> bool:
    return isinstance(node, Name) and node.id == param and scope_of(node).lookup(param) is owner.scope


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A parameter of a project function that ends as a background task.

    `coroutine`: the parameter is a coroutine object; else a callable, called with `arguments` (of `file`).
    """

    param: str
    how: str
    coroutine: bool
    file: FileFacts
    arguments: tuple[Argument, ...] = ()
    queue: bool = False
    guarded: bool = False
    session: int | str | None = None

    def applied_to(self, ev: Evaluator, registration: Registration) -> Registration:
        """The registration as this registrar makes it: guarded, queued, and with the sessions that it provides."""
        return replace(
            registration,
            queue=registration.queue or self.queue,
            guarded=registration.guarded or self.guarded,
            provided=registration.provided | self._provided(ev, registration),
        )

    def _provided(self, ev: Evaluator, registration: Registration) -> frozenset[str]:
        function = registration.target
        if not isinstance(function, FunctionValue):
            return frozenset()
        if self.session is not None:
            return params_at(function, self.session)
        given = bind_arguments(function, self.arguments)
        return frozenset(name for name, expr in given.items() if isinstance(ev.session(self.file, expr), Session))


def params_at(function: FunctionValue, position: int | str) -> frozenset[str]:
    """The parameter at a position (0-based) or of a name."""
    if isinstance(position, str):
        return frozenset({position})
    names = [p.name for p in function.node.params if p.kind == "positional"][1 if function.bound else 0 :]
    return frozenset(names[position : position + 1])


class OwnRegistrars:
    """The registrars that were found by their bodies so far, and those that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._rules: dict[FunctionDef, dict[str, OwnRule]] = {}
        self._settings = settings
        self._names = {entry.name.rpartition(".")[2] for entry in settings.task_registrars}

    @property
    def names(self) -> frozenset[str]:
        """The bare names of all registrars."""
        return frozenset(self._names)

    def mentions(self, name: str) -> bool:
        """Whether some registrar has this bare name."""
        return name in self._names

    def of(self, function: FunctionValue) -> Iterable[OwnRule]:
        """The rules of one function."""
        return tuple(self._rules.get(function.node, {}).values())

    @property
    def found(self) -> list[tuple[FunctionDef, OwnRule]]:
        """Every function of the project that is a registrar, with one of its rules."""
        return [(function, rule) for function, rules in self._rules.items() for rule in list(rules.values())[:1]]

    def external(self, dotted: str) -> Registrar | None:
        """The registrar outside the tree that the settings name."""
        return next((entry for entry in self._settings.task_registrars if entry.name == dotted), None)

    def by_settings(self, function: FunctionValue, dotted: Iterable[str]) -> None:
        """Record a function that the settings name as a registrar (`dotted`: the names it may be imported by)."""
        names = set(dotted)
        for entry in self._settings.task_registrars:
            if entry.name in names:
                param = _param_at(function, entry.argument)
                if param is not None:
                    rule = OwnRule(param, entry.name, False, function.file, session=entry.session)
                    self._rules.setdefault(function.node, {}).setdefault(param, rule)

    def learn(self, registration: Registration) -> bool:
        """Record what a registration of a parameter, or of a nested function, tells. True if it is news."""
        news = False
        target = registration.target
        if isinstance(target, ParamValue):
            news = self._add(target.function, _direct(registration, target))
        elif isinstance(target, FunctionValue):
            for owner in _functions_around(target.node):
                for param in owner.params:
                    for use in param_uses(target.node, owner, param.name):
                        rule = OwnRule(
                            param.name,
                            registration.how,
                            use.call is None,
                            registration.file,
                            use.call.args if use.call is not None else (),
                            registration.queue,
                            use.guarded or registration.guarded,
                        )
                        news = self._add(owner, rule) or news
        return news

    def _add(self, function: FunctionDef, rule: OwnRule) -> bool:
        rules = self._rules.setdefault(function, {})
        if rule.param in rules:
            return False
        rules[rule.param] = rule
        around = function.parent
        if function.name == "__init__" and isinstance(around, ClassDef):
            self._names.add(around.name)  # called by the name of its class
            return True
        self._names.add(function.name)
        if isinstance(around, FunctionDef):  # a decorator's inner function: its maker is what people mention
            self._names.add(around.name)
        return True


def _direct(registration: Registration, target: ParamValue) -> OwnRule:
    return OwnRule(
        target.name,
        registration.how,
        registration.coroutine and not registration.called_param,
        registration.file,
        registration.arguments,
        registration.queue,
        registration.guarded,
    )


def _functions_around(function: FunctionDef) -> Iterator[FunctionDef]:
    parent = function.parent
    while parent is not None:
        if isinstance(parent, FunctionDef):
            yield parent
        parent = parent.parent


def _param_at(function: FunctionValue, position: int | str) -> str | None:
    if isinstance(position, str):
        return position if function.node.param(position) is not None else None
    names = [p.name for p in function.node.params if p.kind == "positional"][1 if function.bound else 0 :]
    return names[position] if position < len(names) else None
