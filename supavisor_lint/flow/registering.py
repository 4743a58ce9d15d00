"""What a function has in hand when it starts a background task: uncommitted writes, ORM objects among the arguments."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import enclosing_function, scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Call, Name
from supavisor_lint.flow.events import HandedObject, StartedTask
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import CALLER, ManyRef, ObjectRef
from supavisor_lint.project.registration import Registration
from supavisor_lint.project.values import FunctionValue


def note_registration(frame: Frame, node: Call, state: State) -> None:
    """Record what the sessions of a state are in the middle of when `node` starts a task."""
    registrations = frame.follower.registrations.get(node, ())
    if not registrations:
        return
    for site in state.sessions:
        pending = state.history(site).pending - {CALLER}
        if pending and site in frame.opened:
            event = frame.trace.record(StartedTask, node, frame.opened[site], state.is_sure(site))
            event.because |= pending
    for registration in registrations:
        for name, carrier in carried_names(registration):
            _note_object(frame, node, state, name, carrier)


def _note_object(frame: Frame, node: Call, state: State, name: Name, carrier: Node) -> None:
    value = state.value_of(name.id)
    known = state.objects.get(value.site) if isinstance(value, ObjectRef | ManyRef) else None
    if known is not None and known.session in frame.opened:
        event = frame.trace.record(HandedObject, carrier, frame.opened[known.session], not state.ghost)
        event.name = name.id
        event.registration = node


def carried_names(registration: Registration) -> Iterator[tuple[Name, Node]]:
    """The plain names that a registration hands to its task, each with the node that carries it.

    Arguments as they stand, and the variables that a nested function or lambda captures. What only reads an attribute
    of a name (`order.id`) at the registration hands over the attribute.
    """
    for argument in registration.arguments:
        if isinstance(argument.value, Name):
            yield argument.value, argument
    target = registration.target
    function = enclosing_function(registration.node)
    if not isinstance(target, FunctionValue) or function is None or enclosing_function(target.node) is not function:
        return
    for statement in target.node.body:
        for node in walk(statement):
            if isinstance(node, Name) and scope_of(node).lookup(node.id) is function.scope:
                yield node, carrier_of(registration)


def carrier_of(registration: Registration) -> Node:
    """The expression that names the task in its registration."""
    node = registration.node
    return node.args[0] if isinstance(node, Call) and node.args else node
