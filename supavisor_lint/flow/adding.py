"""`session.add(job)`, `session.add_all([first, second])`, `session.delete(job)`: what the session gets or lets go."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import nodes_of_kind
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Attribute, Call, Collection, Comprehension, Expr, Name, NamedExpr
from supavisor_lint.flow import at_hand, machine, objects
from supavisor_lint.flow.collected import CHANGES, changed_in_place
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.machine import Use
from supavisor_lint.flow.meant import meant
from supavisor_lint.flow.sql import entity_of
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ManyRef, ObjectRef, Site, Tracked
from supavisor_lint.project.values import ClassValue, Instance


def put(frame: Frame, node: Call, name: str, state: State, site: Site, given: list[Tracked]) -> list[State]:
    """The states behind add, add_all or delete."""
    argument = node.args[0].value if node.args else None
    if name == "add_all" and isinstance(argument, Collection) and not argument.items:
        return [state]
    results: list[State] = []
    for after in machine.work(frame, state, site, Use(node, name, writes=True, queries=name == "delete")):
        if argument is None or not given:
            results.append(after)
        elif name == "delete":
            results.append(_deleted(frame, node, after, argument, given[0]))
        elif name == "add":
            results.append(_added(frame, node, after, site, argument, given[0]))
        else:
            results.append(_all_added(frame, node, after, site, argument, given[0]))
    return results


def _added(frame: Frame, node: Call, state: State, site: Site, argument: Expr, given: Tracked) -> State:
    name = added_variable(argument)
    if isinstance(given, ObjectRef):
        return objects.added_again(state, given.site, site)
    if name is None:
        return state
    entity = made_as(frame, name)
    state = objects.added(state, node, site, entity).with_variable(name.id, ObjectRef(node))
    key = at_hand.key_made_with(name)
    return state if key is None else at_hand.with_row(frame, state, node, site, entity, key)


def _all_added(frame: Frame, node: Call, state: State, site: Site, argument: Expr, given: Tracked) -> State:
    """The variables in a display are known each by its place in it, and those in a named list all together."""
    name = added_variable(argument)
    if isinstance(argument, Collection):
        for variable in filter(None, map(added_variable, argument.items)):
            value = state.value_of(variable.id)
            if isinstance(value, ObjectRef):
                state = objects.added_again(state, value.site, site)
            else:
                state = objects.added(state, variable, site, made_as(frame, variable))
                state = state.with_variable(variable.id, ObjectRef(variable))
    elif name is not None and not isinstance(given, ManyRef):
        entity = _all_made_as(frame, name)
        if entity is not None:
            return objects.added(state, node, site, entity).with_variable(name.id, ManyRef(node))
    return state


def added_variable(expr: Expr) -> Name | None:
    """The variable that an expression is, or binds: `job`, `job := Job()`."""
    target = expr.target if isinstance(expr, NamedExpr) else expr
    return target if isinstance(target, Name) else None


def made_as(frame: Frame, expr: Expr) -> object:
    """The class of which an expression is an instance."""
    found = frame.ev.only(frame.file, expr)
    if isinstance(found, Instance):
        return found.of.node if isinstance(found.of, ClassValue) else found.of.last
    return None


def _all_made_as(frame: Frame, name: Name) -> object:
    """The one class of everything that a list or set of this function has been filled with, if that can be seen."""
    bindings = frame.function.scope.bindings.get(name.id, [])
    elements: list[Expr] = []
    for binding in bindings:
        if not isinstance(binding, Assigned) or binding.index is not None:
            return None
        match binding.value:
            case None:
                continue  # `jobs: list[Job]`
            case Collection(items):
                elements += items
            case Comprehension([*_, element], kind="list" | "set"):
                elements.append(element)
            case _:
                return None
    if name.id in changed_in_place(frame.function):
        added = list(_put_into(frame, name.id))
        if None in added:
            return None
        elements += filter(None, added)
    made = {_class_of_element(frame, element) for element in elements}
    return made.pop() if len(made) == 1 else None


def _class_of_element(frame: Frame, expr: Expr) -> object:
    """The class of `Job(…)`, or of a name that is bound to that once; its module need not have been read."""
    if isinstance(expr, Name):
        expr = frame.function.scope.only_value(expr.id) or expr
    return entity_of(frame.ev, frame.file, expr.func) if isinstance(expr, Call) else None


def _put_into(frame: Frame, name: str) -> Iterator[Expr | None]:
    """What is put into a list one by one; None for whatever else changes it in place."""
    changes = [
        call
        for call in nodes_of_kind(frame.function, Call)
        if isinstance(call.func, Attribute)
        and call.func.attr in CHANGES
        and isinstance(call.func.value, Name)
        and call.func.value.id == name
    ]
    for call in changes:
        is_one = last_name(call.func) in ("append", "add") and len(call.args) == 1
        yield call.args[0].value if is_one else None
    if not changes:
        yield None


def _deleted(frame: Frame, node: Call, state: State, argument: Expr, given: Tracked) -> State:
    sites = (given.site,) if isinstance(given, ObjectRef) else meant(frame, state, argument)
    for site in sites or ():
        state = objects.deleted(state, site, node)
    return state
