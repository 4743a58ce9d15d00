"""Which rows a session has at hand: a `get()` of one of them sends no SQL and begins no transaction (section 1)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from supavisor_lint.facts.statements import Assign, Return
from supavisor_lint.facts.tree import Attribute, Await, Call, NamedExpr
from supavisor_lint.flow.conditions import condition_text
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import Loaded, ObjectState, State
from supavisor_lint.flow.values import Entity, Site


def identity(node: Call) -> str | None:
    """The key that a plain `get(Class, key)` asks for, as text."""
    return condition_text(node.args[1].value) if len(node.args) == 2 else None


def row_of(site: object, known: ObjectState) -> tuple[object, str] | None:
    """The class and key of an object that a plain `get(Class, key)` gave."""
    key = identity(site) if isinstance(site, Call) and known.entity is not None else None
    return None if key is None else (known.entity, key)


def is_at_hand(state: State, site: Site, entity: Entity | None, key: str | None) -> bool:
    """Whether the session surely has the row."""
    return entity is not None and key is not None and Loaded(site, entity, key) in state.loaded


def may_be_at_hand(state: State, site: Site, entity: Entity | None) -> bool:
    """Whether the session may have the row: it has one of the class."""
    return any(row.session == site and row.entity == entity for row in state.loaded)


def is_likely_at_hand(state: State, site: Site, entity: Entity | None) -> bool:
    """Whether a query has given rows of the class, nobody knows which."""
    return any(row.session == site and row.entity == entity and row.key is None for row in state.loaded)


def with_row(frame: Frame, state: State, node: Call, site: Site, entity: Entity | None, key: str | None) -> State:
    """The state after a row was loaded, if a later `get()` may ask for it and the object is kept until then."""
    if entity is None or node.order > frame.life.gets_until:
        return state
    if not _is_kept(node) and not any(o.session == site and o.entity == entity for o in state.objects.values()):
        return state
    return replace(state, loaded=state.loaded | {Loaded(site, entity, key)})


def _is_kept(node: Call) -> bool:
    """A session forgets the objects that nobody refers to."""
    awaited = node.parent
    return isinstance(awaited, Await) and isinstance(awaited.parent, Assign | Attribute | NamedExpr | Return | Call)


# ------------------------------------------------------------------------------------------------- in called functions


def given_rows(state: State, sites: Collection[Site]) -> frozenset[Loaded]:
    """What the sessions that a called function gets have at hand; it has its own names for the keys."""
    return frozenset(row._replace(key=None) for row in state.loaded if row.session in sites)


def rows_back(before: State, after: State, sites: Collection[Site]) -> frozenset[Loaded]:
    """What is left of the caller's rows behind a call: all of a class, or none."""
    left = {(row.session, row.entity) for row in after.loaded}
    return frozenset(r for r in before.loaded if r.session not in sites or (r.session, r.entity) in left)
