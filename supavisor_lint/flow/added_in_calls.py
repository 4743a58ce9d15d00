"""Objects that a caller has made and a called function adds: `await save(session, job)` of `session.add(obj)`."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import Call, Expr, Name
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.returning import object_back, uses_attributes
from supavisor_lint.flow.sql import entity_of
from supavisor_lint.flow.state import RETURNED, ObjectState, State
from supavisor_lint.flow.values import ANYTHING, Entity, ObjectRef
from supavisor_lint.flow.witnesses import is_witness
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import FunctionValue


def with_added(frame: Frame, after: State, back: State, node: Expr, function: FunctionValue) -> State:
    """The caller's state `back` behind a call, with what is known of its new objects that the call has added.

    `after` is the state behind the called function. One that the function returns is the same under both names.
    """
    value = after.value_of(RETURNED)
    for name, site, known in _added(frame, after, back, node, function):
        if isinstance(value, ObjectRef) and value.site is site:
            back = back.with_variable(name.id, ObjectRef(node)) if node in back.objects else back
        elif value == ANYTHING or isinstance(value, ObjectRef):
            its = known if known.entity is not None else known._replace(entity=_made_as(frame, name))
            back = back.with_object(name, object_back(its, None, node)).with_variable(name.id, ObjectRef(name))
    return back


def _added(
    frame: Frame, after: State, back: State, node: Expr, function: FunctionValue
) -> Iterator[tuple[Name, Node, ObjectState]]:
    """The caller's variables, each with what the called function knows the object by, and how it has left it."""
    new = [(s, o) for s, o in after.objects.items() if isinstance(s, Call) and not is_witness(s)]
    if not new or not isinstance(node, Call):
        return
    given = bind_arguments(function, node.args)
    for site, known in new:
        param = _added_parameter(site, function)
        name = given.get(param) if param is not None else None
        if not isinstance(name, Name) or known.session not in back.sessions or back.value_of(name.id) != ANYTHING:
            continue
        if uses_attributes(frame.function, name.id) and _made_as(frame, name) is not None:
            yield name, site, known


def _added_parameter(site: Node, function: FunctionValue) -> str | None:
    """The parameter, bound once, that an `add()` of the called function puts into a session."""
    if not isinstance(site, Call) or last_name(site.func) != "add" or not function.node.contains(site) or not site.args:
        return None
    added = site.args[0].value
    if not isinstance(added, Name) or function.node.param(added.id) is None:
        return None
    return added.id if len(function.node.scope.bindings.get(added.id, ())) == 1 else None


def _made_as(frame: Frame, name: Name) -> Entity | None:
    """The model's class that has made what a variable holds, and nothing else; its module need not have been read."""
    made = frame.function.scope.only_value(name.id)
    return entity_of(frame.ev, frame.file, made.func) if isinstance(made, Call) else None
