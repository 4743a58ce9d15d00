"""Which rows a session has at hand: a `get()` of one of them sends no SQL and begins no transaction (section 1)."""

from __future__ import annotations

from collections.abc import Container, Iterator

from supavisor_lint.facts.file import nodes_of_kind, scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, FunctionDef, Return
from supavisor_lint.facts.tree import Argument, Attribute, Await, Call, Collection, Name, NamedExpr
from supavisor_lint.flow.condition_texts import condition_text
from supavisor_lint.flow.descent import KEEPS
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.lifetimes import life_of
from supavisor_lint.flow.objects import may_be_of
from supavisor_lint.flow.state import Loaded, ObjectState, State
from supavisor_lint.flow.values import Entity, Site


def identity(node: Call) -> str | None:
    """The key that a plain `get(Class, key)` asks for, as text."""
    return condition_text(node.args[1].value) if len(node.args) == 2 else None


def row_of(site: object, known: ObjectState) -> tuple[object, str] | None:
    """The class and key of an object that a plain `get(Class, key)` gave."""
    key = identity(site) if isinstance(site, Call) and known.entity is not None else None
    return None if key is None else (known.entity, key)


def maybe_of_same_row(frame: Frame, state: State, node: Node) -> Iterator[Node]:
    """The objects that may be the same one as that of a node: of its class and session, and not of another key."""
    known = state.objects[node]
    key = _key_of(frame, node)
    for site, other in state.objects.items():
        if site is not node and (other.session, other.entity) == (known.session, known.entity) and known.entity:
            its_key = _key_of(frame, site)
            if key == its_key != _NEW or (None in (key, its_key)):
                yield site


_NEW = "<new>"
"""Stands for the key of a row that was made here: no other object's."""
_UNEXPIRED = ("added", "new", "live")


def _key_of(frame: Frame, site: Node) -> str | None:
    """The key by which an object was asked for, as text; None where any row may have come."""
    if _is_added(site):
        return _NEW
    if not isinstance(site, Call):
        return None
    return identity(site) if last_name(site.func) == "get" else frame.rows.get(site, (None, None))[1]


def is_at_hand(state: State, site: Site, entity: Entity | None, key: str | None) -> bool:
    """Whether the session surely has the row; one that was added has to be flushed before."""
    if entity is None or key is None or Loaded(site, entity, key) not in state.loaded:
        return False
    added = (
        node
        for node, known in state.objects.items()
        if (known.session, known.entity) == (site, entity) and any(c.kind == "added" for c in known.conditions)
    )
    return not any(_key_of_added(node) == key for node in added)


def _key_of_added(node: Node) -> str | None:
    """The key of what `add(name)` or `add_all([name])` has added, as text."""
    argument = node.args[0].value if isinstance(node, Call) and node.args else node
    argument = argument.target if isinstance(argument, NamedExpr) else argument
    return key_made_with(argument) if isinstance(argument, Name) else None


def may_be_at_hand(state: State, site: Site, entity: Entity | None) -> bool:
    """Whether the session may have the row: it has one of the class."""
    return any(row.session == site and row.entity == entity for row in state.loaded)


def is_likely_at_hand(state: State, site: Site, entity: Entity | None) -> bool:
    """Whether a query has given rows of the class, nobody knows which."""
    return any(row.session == site and row.entity == entity and row.key is None for row in state.loaded)


def with_row(frame: Frame, state: State, node: Call, site: Site, entity: Entity | None, key: str | None) -> State:
    """The state after a row was loaded, if a later `get()` may ask for it and the object is kept until then."""
    if entity is None or not _may_be_asked_for(frame, node):
        return state
    of_class = ((at, o) for at, o in state.objects.items() if o.session == site and may_be_of(o, entity))
    if not _is_kept(node) and all(at is not node and _is_new(at, known) for at, known in of_class):
        return state
    return state.but(loaded=state.loaded | {Loaded(site, entity, key)})


def _may_be_asked_for(frame: Frame, node: Call) -> bool:
    """Whether a `get()` may follow; what a nested function returns, the function around it may ask for."""
    life = life_of(frame.text) if _is_returned(node) else frame.life
    return node.order <= life.gets_until


def _is_returned(node: Node) -> bool:
    around = node.parent
    while isinstance(around, Await | Attribute | Call):
        around = around.parent
    return isinstance(around, Return)


def _is_new(site: Node, known: ObjectState) -> bool:
    """Whether an object was made here and has never expired: a query brings nothing back of it."""
    return _is_added(site) and all(c.kind in _UNEXPIRED for c in known.conditions)


def _is_added(site: Site) -> bool:
    """Whether an object is one that was put into its session: known by that call, or by its name in a display there."""
    if isinstance(site, Call):
        return last_name(site.func) in ("add", "add_all")
    return isinstance(site, Name) and isinstance(_call_with(site), Call)


def _call_with(name: Name) -> Node | None:
    """The call that has a name in a display among its arguments: `add_all([first, second := Job()])`."""
    around = name.parent.parent if isinstance(name.parent, NamedExpr) else name.parent
    argument = around.parent if isinstance(around, Collection) else None
    return argument.parent if isinstance(argument, Argument) else None


def key_made_with(name: Name) -> str | None:
    """The key of an object that a variable holds, as text: `job = Job(id=job_id)`."""
    owner = scope_of(name).lookup(name.id)
    made = owner.only_value(name.id) if owner is not None else None
    key = made.argument(None, "id") if isinstance(made, Call) else None
    return None if key is None else condition_text(key)


def _is_kept(node: Call) -> bool:
    """A session forgets the objects that nobody refers to."""
    awaited = node.parent
    return isinstance(awaited, Await) and isinstance(awaited.parent, Assign | Attribute | NamedExpr | Return | Call)


# ------------------------------------------------------------------------------------------------- in called functions


def given_rows(state: State, sites: Container[Site]) -> frozenset[Loaded]:
    """What the sessions that a called function gets have at hand; it has its own names for the keys."""
    return frozenset(row._replace(key=None) for row in state.loaded if row.session in sites)


def rows_back(before: State, after: State, sites: Container[Site]) -> frozenset[Loaded]:
    """What is left of the caller's rows behind a call: all of a class, or none."""
    left = {(row.session, row.entity) for row in after.loaded}
    return frozenset(r for r in before.loaded if r.session not in sites or (r.session, r.entity) in left)


def without_dropped(before: State, after: State, function: FunctionDef) -> State:
    """The state behind a nested function: the rows that only its own names have held are forgotten."""
    gained = after.loaded - before.loaded
    if not gained or _hands_on(function):
        return after
    held = before.objects.values()
    dropped = (r for r in gained if not any(o.session == r.session and may_be_of(o, r.entity) for o in held))
    return after.but(loaded=after.loaded.difference(dropped))


def _hands_on(function: FunctionDef) -> bool:
    """Whether what a function has loaded may be held elsewhere when it is over: returned, or put somewhere."""
    if function.scope.nonlocals or function.scope.globals:
        return True
    stored = (target for node in nodes_of_kind(function, Assign) for target in node.targets)
    return (
        any(node.value is not None for node in nodes_of_kind(function, Return))
        or any(not isinstance(target, Name) for target in stored)
        or any(last_name(call.func) in KEEPS for call in nodes_of_kind(function, Call))
    )
