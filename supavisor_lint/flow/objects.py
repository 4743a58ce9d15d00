"""Persistent objects: what commit, rollback and close do to them (section 5 of the session semantics)."""

from __future__ import annotations

from collections.abc import Callable

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ClassDef
from supavisor_lint.flow.state import Condition, ObjectState, State
from supavisor_lint.flow.values import Entity, NamedEntity, Opened, Site

ADDED = Condition("added")
NEW = Condition("new")
LIVE = Condition("live")
KEPT = Condition("kept")
UNKNOWN = Condition("unknown")


def loaded(state: State, node: Node, session: Site, entity: Entity | None) -> State:
    """An object (or several) that a query at `node` gave."""
    return state.with_object(node, ObjectState(session, entity, frozenset((LIVE,))))


def added(state: State, node: Node, session: Site, entity: Entity | None) -> State:
    """An object that was made at `node` and put into a session."""
    return state.with_object(node, ObjectState(session, entity, frozenset((ADDED,))))


def after_commit(state: State, opened: Opened, node: Node) -> State:
    """Commit: it flushes; objects live on, expired or not, as the factory's `expire_on_commit` says."""
    state = after_flush(state, opened.site)
    if opened.expires is not False:
        state = state.without_loaded(opened.site)

    def turn(condition: Condition) -> Condition:
        if condition.kind in ("unknown", "gone") or condition.detached:
            return condition
        if condition.kind == "deleted":
            return Condition("gone", node)
        if opened.expires is None:
            return condition if condition.kind == "expired" else KEPT
        if opened.expires:
            return _expired(condition, node)
        return LIVE if condition.kind in ("added", "new") else condition

    return _turned(state, opened.site, turn)


def after_rollback(state: State, session: Site, node: Node) -> State:
    """Rollback: every persistent object is expired; those added in the transaction are the program's own again."""

    def turn(condition: Condition) -> Condition:
        if condition.kind in ("live", "kept", "expired", "deleted") and not condition.detached:
            return _expired(condition, node)
        return Condition("unknown", node) if condition.kind in ("added", "new") else condition

    return _turned(state.without_loaded(session), session, turn)


def added_again(state: State, node: Node, session: Site) -> State:
    """An object that is followed is put into a session (again): what a rollback had taken out of it is new there."""

    def turn(condition: Condition) -> Condition:
        if condition.kind != "unknown":
            return condition
        return ADDED if condition.by is not None and known is not None and known.session == session else UNKNOWN

    known = state.objects.get(node)
    return state if known is None else state.with_object(node, _turn_one(known, turn))


def _expired(condition: Condition, node: Node) -> Condition:
    """What was expired before stays so for the first reason; what was set on it since is forgotten."""
    return Condition("expired", condition.by if condition.kind == "expired" and condition.only is None else node)


def detached(state: State, session: Site) -> State:
    """Close: the objects leave the session as they are; an expired one can never be loaded again."""

    def turn(condition: Condition) -> Condition:
        return UNKNOWN if condition.kind in ("added", "new") else condition._replace(detached=True)

    return _turned(state.without_loaded(session), session, turn)


def maybe_loaded(state: State, session: Site, entity: Entity | None) -> State:
    """A query gave objects of a class (None: of some class): expired ones among them may be loaded again."""
    for node, known in state.objects.items():
        if known.session == session and may_be_of(known, entity):
            state = may_be_loaded(state, node)
    return state


def may_be_of(known: ObjectState, entity: Entity | None) -> bool:
    """Whether an object may be a row of a class."""
    return entity is None or known.entity is None or _name(known.entity) == _name(entity)


def _name(entity: Entity) -> object:
    """A class is known by its definition in its own file, and by its name where it is imported."""
    return entity.name if isinstance(entity, ClassDef | NamedEntity) else entity


def may_be_loaded(state: State, node: Node, names: frozenset[str] | None = None) -> State:
    """An object, or some attributes of it, may have been loaded again."""

    def turn(condition: Condition) -> Condition:
        if condition.kind != "expired" or condition.detached:
            return condition
        return KEPT if names is None else condition._replace(present=condition.present | names)

    known = state.objects.get(node)
    return state if known is None else state.with_object(node, _turn_one(known, turn))


def after_flush(state: State, session: Site) -> State:
    """A flush makes new objects persistent, and loads the expired columns of those that it writes."""

    def turn(condition: Condition) -> Condition:
        if condition.kind == "added":
            return NEW
        return LIVE if condition.kind == "expired" and condition.present and not condition.detached else condition

    return _turned(state, session, turn)


def expired(state: State, node: Node, by: Node, names: frozenset[str] | None = None) -> State:
    """What an object was loaded with is forgotten (of some attributes, or of all)."""

    def turn(condition: Condition) -> Condition:
        if condition.kind not in ("live", "kept") or condition.detached:
            return condition
        return _expired(condition, by)._replace(only=names)

    known = state.objects.get(node)
    return state if known is None else state.with_object(node, _turn_one(known, turn))


def loaded_again(state: State, node: Node, names: frozenset[str] | None) -> State:
    """Some attributes of an object were asked for again (None: it is unknown which)."""
    known = state.objects.get(node)
    if known is None or names is None:
        return refreshed(state, node)
    conditions = (c._replace(present=c.present | names) if c.kind == "expired" else c for c in known.conditions)
    return state.with_object(node, known._replace(conditions=frozenset(conditions)))


def refreshed(state: State, node: Node) -> State:
    """`refresh(object)`, or a read that has shown that it is loaded; a new one stays new until the commit."""
    known = state.objects.get(node)
    return state if known is None else state.with_object(node, _turn_one(known, lambda c: NEW if c == NEW else LIVE))


def deleted(state: State, node: Node, by: Node) -> State:
    """An object is to be deleted: the next flush does, and the commit lets it go as it is."""
    known = state.objects.get(node)
    return state if known is None else state.with_object(node, _turn_one(known, lambda c: _deleted(c, by)))


def deleted_with(state: State, session: Site, entity: Entity | None, by: Node) -> State:
    """A DELETE of a class: the session lets the objects go of which it was the row."""
    for node, known in state.objects.items():
        if known.session == session and entity is not None and _name(known.entity) == _name(entity):
            state = deleted(state, node, by)
    return state


def _deleted(condition: Condition, by: Node) -> Condition:
    if condition.detached or condition.kind not in ("live", "kept"):
        return UNKNOWN if condition.kind in ("added", "new") else condition
    return Condition("deleted", by)


def next_in_loop(state: State, node: Node, loop: Node, *, expires: bool | None) -> State:
    """Another object of those that a loop goes over: what the rounds have deleted was not this one."""

    def turn(condition: Condition) -> Condition:
        if condition.kind not in ("deleted", "gone") or not loop.contains(condition.by):
            return condition
        if condition.kind == "deleted" or expires is False:
            return LIVE
        return Condition("expired", condition.by) if expires else KEPT

    known = state.objects.get(node)
    return state if known is None else state.with_object(node, _turn_one(known, turn))


def not_expired_by(state: State, session: Site, causes: frozenset[Node | None]) -> State:
    """An object could be read: what would have expired it, and others with it, has not happened on this path."""
    for node, known in state.objects.items():
        rest = frozenset(c for c in known.conditions if c.kind != "expired" or c.by not in causes)
        if known.session == session and rest:
            state = state.with_object(node, known._replace(conditions=rest))
    return state


def _turned(state: State, session: Site, turn: Callable[[Condition], Condition]) -> State:
    turned = {node: _turn_one(known, turn) for node, known in state.objects.items() if known.session == session}
    return state.but(objects={**state.objects, **turned}) if turned else state


def _turn_one(known: ObjectState, turn: Callable[[Condition], Condition]) -> ObjectState:
    return known._replace(conditions=frozenset(turn(c) for c in known.conditions))


def was_set(state: State, node: Node, attr: str) -> State:
    """An attribute of an object was set: it can be read, even if the object has expired."""
    known = state.objects[node]
    conditions = (c._replace(present=c.present | {attr}) if c.kind == "expired" else c for c in known.conditions)
    return state.with_object(node, known._replace(conditions=frozenset(conditions)))


def unknown(state: State, node: Node) -> State:
    """Somebody unknown has the object."""
    known = state.objects.get(node)
    return state if known is None else state.with_object(node, known._replace(conditions=frozenset((UNKNOWN,))))


def handed(state: State, node: Node) -> State:
    """A function of the project has had the object, but no session: it may have loaded again what had expired."""
    known = state.objects.get(node)
    return state if known is None else state.with_object(node, _turn_one(known, _perhaps_loaded))


def _perhaps_loaded(condition: Condition) -> Condition:
    return UNKNOWN if condition.kind == "expired" else condition


def absent(state: State, node: Node) -> State:
    """There is no object on this path: it is in no condition, and adds none where paths meet."""
    known = state.objects.get(node)
    return state if known is None else state.with_object(node, known._replace(conditions=frozenset()))


def all_expired(state: State, session: Site, node: Node) -> State:
    """`expire_all()`: what is stored has to be loaded again; what was only added is none of it."""

    def turn(condition: Condition) -> Condition:
        if condition.kind in ("live", "kept", "new", "expired") and not condition.detached:
            return _expired(condition, node)
        return condition if condition.detached else UNKNOWN

    return _turned(state.without_loaded(session), session, turn)


def forgotten(state: State, session: Site) -> State:
    """expunge, or an expire that is not understood: what follows depends on which objects it meant."""
    return _turned(state.without_loaded(session), session, lambda _: UNKNOWN)
