"""Several ORM objects at once: lists of them, dictionaries whose values they are, and what is taken out of these."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Call, Comprehension, Constant, Expr, Name, Subscript
from supavisor_lint.flow.collected import CHANGES
from supavisor_lint.flow.objects import loaded
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ANYTHING, ManyRef, ObjectRef, ResultRef, Tracked, TupleRef

_REPLACES = CHANGES | {"clear", "remove", "discard", "popitem"}


def element(value: Tracked, index: tuple[Expr, ...]) -> Tracked:
    """`jobs[0]`, `by_id[key]`; of what a function returns at once, the value at that place."""
    if isinstance(value, ManyRef):
        return ANYTHING if value.form == "pairs" else ObjectRef(value.site)
    position = index[0].value if len(index) == 1 and isinstance(index[0], Constant) else None
    if isinstance(value, TupleRef) and isinstance(position, int) and position < len(value.items):
        return value.items[position]
    return ANYTHING


def iterated(state: State, value: Tracked, node: Node) -> tuple[State, Tracked]:
    """What iterating a value gives, one element at a time."""
    if isinstance(value, ManyRef):
        one = ObjectRef(value.site)
        return state, TupleRef((ANYTHING, one)) if value.form == "pairs" else ANYTHING if value.form else one
    if isinstance(value, ResultRef) and value.scalars:
        return loaded(state, value.site, value.session, value.entity), ObjectRef(value.site)
    return state, ANYTHING


def comprehended(expr: Comprehension, elements: Iterable[Tracked]) -> Tracked:
    """What a comprehension makes whose rounds give some values: several objects, if it takes them all from one place.

    It holds them on every path: with no rounds, there is none to read.
    """
    found = set(elements)
    one = found.pop() if len(found) == 1 else ANYTHING
    if not isinstance(one, ObjectRef) or expr.kind == "generator":
        return ANYTHING
    return ManyRef(one.site, "by key" if expr.kind == "dict" else "")


def method(node: Call, name: str, state: State, receiver: ManyRef) -> tuple[State, Tracked] | None:
    """What a method of a dictionary gives; None for another one.

    What `get(key)` gives, which may be None, is an object of its own.
    """
    if receiver.form != "by key":
        return None
    if name == "values" and not node.args:
        return state, ManyRef(receiver.site)
    if name == "items" and not node.args:
        return state, replace(receiver, form="pairs")
    known = state.objects.get(receiver.site)
    if name == "get" and len(node.args) == 1 and known is not None:
        return state.with_object(node, known), ObjectRef(node)
    return None


def changed(state: State, name: str, receiver: ManyRef) -> State:
    """The state behind a method of a collection, which may have put something else into it."""
    return state.with_value(receiver, ANYTHING) if name in _REPLACES else state


def put_into(state: State, target: Expr) -> State:
    """The state after something was stored: `jobs[0] = job` leaves it open which objects the collection holds."""
    owner = target.value if isinstance(target, Subscript) else None
    held = state.value_of(owner.id) if isinstance(owner, Name) else ANYTHING
    return state.with_value(held, ANYTHING) if isinstance(held, ManyRef) else state
