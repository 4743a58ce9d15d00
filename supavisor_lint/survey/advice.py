"""Which settings tell what no definition tells. Few do: what the tool finds by itself needs no line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from supavisor_lint.facts.scopes import NameImport
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.project.names import binding_values
from supavisor_lint.project.values import ClassValue, Decorated, FunctionValue, Value
from supavisor_lint.rewrites.helpers import Helper, fault_of
from supavisor_lint.settings import Registrar, Settings
from supavisor_lint.survey.definitions import Surveyor
from supavisor_lint.survey.force import registrar_as_toml
from supavisor_lint.survey.model import Advice, Survey, Wanted
from supavisor_lint.survey.outside import (
    OutsideHelper,
    OutsideRegistrar,
    outside_helpers,
    outside_registrars,
    uses_named_helper,
)
from supavisor_lint.survey.task_names import TaskName, task_names

_DEFAULTS = Settings()


def advise(surveyor: Surveyor, found: Survey) -> Advice:
    """What the settings should say, given what is found."""
    outside = outside_helpers(surveyor)
    if found.is_empty and not outside:
        return Advice((), found.remarks)
    helper = _helper(surveyor)
    wanted = [
        _profile(surveyor, found, outside),
        *_outside_helpers(surveyor.settings, [one for one in outside if not one.is_factory]),
        *([helper] if isinstance(helper, Wanted) else []),
        *_task_names(surveyor, task_names(surveyor)),
        *_registrars(surveyor.settings, outside_registrars(surveyor)),
    ]
    more = [helper] if isinstance(helper, str) else []
    return Advice(tuple(wanted), (*found.remarks, *more, *map(_unclear, (one for one in outside if one.is_factory))))


# --------------------------------------------------------------------------------------------------------- profile


def _profile(surveyor: Surveyor, found: Survey, outside: list[OutsideHelper]) -> Wanted:
    has_helper = (
        found.of("helper")
        or any(not one.is_factory for one in outside)
        or surveyor.settings.helper is not None
        or uses_named_helper(surveyor)
    )
    if has_helper:
        why = 'tasks are held to the standard template; "hazards": only to what goes wrong at run time'
        return Wanted("profile", "template", why)
    return Wanted("profile", "hazards", "only what goes wrong at run time: there is no session helper to ask for yet")


# ---------------------------------------------------------------------------------------------------------- helper


def _helper(surveyor: Surveyor) -> Wanted | str | None:
    """The helper that rewrites shall import where several fit; a remark where nothing tells which."""
    context = surveyor.context
    if context is None or surveyor.settings.helper is not None or len(surveyor.helpers) < 2:
        return None
    if isinstance(surveyor.helper, Helper):
        return None
    fitting = [helper for helper in surveyor.helpers if fault_of(context, helper) is None]
    return _chosen(surveyor, fitting or surveyor.helpers)


def _chosen(surveyor: Surveyor, helpers: list[Helper]) -> Wanted | str:
    names = {surveyor.dotted(helper): helper for helper in helpers}
    engines = {_engine(surveyor, helper) for helper in helpers}
    listed = ", ".join(sorted(names))
    if len(engines) > 1 and None not in engines:
        return f"session helpers on several engines ({listed}): rewrites use the one beside the factory"
    uses = {name: _uses(surveyor, helper) for name, helper in names.items()}
    best, *others = sorted(names, key=lambda name: (-uses[name], name))
    value = _imported_as(surveyor, names[best])
    if not others:
        return Wanted("helper", value, "the one that rewrites import: of several, only it commits when its block ends")
    if uses[best] == uses[others[0]]:
        return f"several session helpers fit ({listed}): name the one that rewrites shall import with `helper`"
    numbers = f"{uses[best]} times, {names[others[0]].name} {uses[others[0]]}"
    why = f"the one that rewrites import: of several that fit it is used most ({numbers})"
    return Wanted("helper", value, why)


def _imported_as(surveyor: Surveyor, helper: Helper) -> str:
    """The name by which most files import a helper: its own module may be nobody's business."""
    ev = surveyor.project.evaluator
    mentioned = re.compile(rb"\b%s\b" % re.escape(helper.name.encode()))
    modules = Counter(
        binding.module
        for file in surveyor.files_with(mentioned)
        for scope in file.scopes
        for binding in scope.bindings.get(helper.name, ())
        if isinstance(binding, NameImport) and not binding.level and binding.name == helper.name
        if any(_is(value, helper) for value in binding_values(ev, file, binding))
    )
    if not modules:
        return surveyor.dotted(helper)
    return f"{min(modules, key=lambda module: (-modules[module], module))}.{helper.name}"


def _engine(surveyor: Surveyor, helper: Helper) -> str | None:
    context = surveyor.context
    return context.view.follower.openings.engine(helper.session) if context is not None else None


def _uses(surveyor: Surveyor, helper: Helper) -> int:
    """How often a helper is called by its own name."""
    ev = surveyor.project.evaluator
    called = re.compile(rb"\b%s\(" % re.escape(helper.name.encode()))
    return sum(
        any(_is(value, helper) for value in ev.values(file, call.func))
        for file in surveyor.files_with(called)
        for call in file.calls
        if last_name(call.func) == helper.name
    )


def _is(value: Value, helper: Helper) -> bool:
    thing = value.function if isinstance(value, Decorated) else value
    return isinstance(thing, FunctionValue | ClassValue) and thing.node is helper.node


# ---------------------------------------------------------------------------------------------------- other packages


def _outside_helpers(settings: Settings, helpers: list[OutsideHelper]) -> Iterator[Wanted]:
    new = [helper for helper in helpers if helper.name not in settings.session_helpers]
    if new:
        value = [*settings.session_helpers, *(helper.name for helper in new)]
        why = f"another package defines {_few([helper.name for helper in new])} ({_at(new[0])})"
        yield Wanted("session-helpers", value, why)


def _registrars(settings: Settings, registrars: list[OutsideRegistrar]) -> Iterator[Wanted]:
    if registrars:
        old = [registrar_as_toml(entry) for entry in settings.task_registrars]
        new = [registrar_as_toml(Registrar(one.name, one.argument)) for one in registrars]
        first = registrars[0]
        names = _few([one.name for one in registrars])
        why = f"another package defines {names}, which starts {first.task} ({_at(first)})"
        yield Wanted("task-registrars", [*old, *new], why)


def _unclear(factory: OutsideHelper) -> str:
    return (
        f"{_at(factory)}: {factory.name} of another package gives a session: "
        "say with `session-factories` or `session-helpers` what it is"
    )


def _at(one: OutsideHelper | OutsideRegistrar) -> str:
    return f"{one.place.path}:{one.place.line}"


# ------------------------------------------------------------------------------------------------------- task names


def _task_names(surveyor: Surveyor, patterns: list[TaskName]) -> Iterator[Wanted]:
    if patterns:
        current = surveyor.settings.task_names
        in_use = any(not task.registrations and not task.marked for task in surveyor.tasks)
        kept = current if in_use or current != _DEFAULTS.task_names else ()
        first = patterns[0]
        unseen = sorted({name for pattern in patterns for name in pattern.unseen})
        why = f"{first.registered} registered tasks are named so; nothing seen registers {_few(unseen)}"
        yield Wanted("task-names", [*kept, *(pattern.pattern for pattern in patterns)], why)


def _few(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
