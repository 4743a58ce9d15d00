"""What a caller has behind a followed call: what that did is done by the call, and what it gives back has new names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from supavisor_lint.facts.file import enclosing_function, nodes_of_kind
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign, FunctionDef, Return
from supavisor_lint.facts.tree import Attribute, Await, Collection, Expr, Name
from supavisor_lint.flow.at_hand import rows_back
from supavisor_lint.flow.session_state import EMPTY_HISTORY, History, SessionState
from supavisor_lint.flow.state import RETURNED, Condition, ObjectState, State
from supavisor_lint.flow.values import (
    ANYTHING,
    CALLER,
    BlankRef,
    ConstantRef,
    CountRef,
    KeeperRef,
    ManyRef,
    ModeRef,
    ObjectRef,
    SessionRef,
    Tracked,
    TupleRef,
)
from supavisor_lint.flow.witnesses import is_witness, like_witnesses, told_by_reads


def outside(end: State) -> State:
    """What is left of a state at the end of a function: what it gives back, and what has become of its sessions."""
    variables = {RETURNED: end.variables[RETURNED]} if RETURNED in end.variables else {}
    loaded = frozenset(row._replace(key=None) for row in end.loaded) if end.loaded else end.loaded
    return end.but(variables=variables, assumed=(), loaded=loaded)


def returned(state: State, after: State, node: Expr) -> tuple[State, Tracked]:
    """The caller's state behind a call, with the returned value; `after` is the state behind the called function."""
    value = after.value_of(RETURNED)
    back = unmasked(state, after, node)
    if isinstance(value, TupleRef):
        items = []
        for item, site in zip(value.items, _sites(node, value.items), strict=True):
            back, kept = _value_back(state, after, node, item, site, back)
            items.append(kept)
        return back, TupleRef(tuple(items))
    return _value_back(state, after, node, value, node, back)


def _value_back(
    state: State, after: State, node: Expr, value: Tracked, site: Node | None, back: State
) -> tuple[State, Tracked]:
    """What the caller gets of a returned value; an object that is new to it is known by the site, if there is one."""
    if isinstance(value, ObjectRef | ManyRef):
        if value.site in state.objects:
            return back, value
        known = after.objects.get(value.site)
        if site is not None and known is not None and known.session in back.sessions:
            return back.with_object(site, object_back(known, None, node)), replace(value, site=site)
        return back, ANYTHING
    if isinstance(value, SessionRef):
        return (back, value) if value.site in state.sessions else (back, ANYTHING)
    if isinstance(value, KeeperRef):
        return (back, value) if state.sessions.keys() >= {*value.sites} else (back, ANYTHING)
    if isinstance(value, CountRef) and value.session in state.sessions:
        # of its only write: the call stands for that
        is_only = after.history(value.session).pending - {CALLER} == {value.site}
        return (back, CountRef(value.session, node)) if is_only else (back, ANYTHING)
    return back, value if isinstance(value, ConstantRef | BlankRef | ModeRef) else ANYTHING


def _sites(node: Expr, values: Sequence[Tracked]) -> Sequence[Node | None]:
    """What the objects among several returned values are known by: `job, error = await load()`, `return await load()`.

    The names that they are bound to; where they are handed on, what the called function knows them by.
    """
    whole = node.parent if isinstance(node.parent, Await) else node
    if isinstance(whole.parent, Return):
        return [value.site if isinstance(value, ObjectRef | ManyRef) else None for value in values]
    targets = whole.parent.targets if isinstance(whole.parent, Assign) else ()
    names = targets[0] if len(targets) == 1 else None
    if not isinstance(names, Collection) or len(names.items) != len(values):
        return [None] * len(values)
    function = enclosing_function(node)
    used = _with_attributes(function) if function is not None else frozenset()
    return [name if isinstance(name, Name) and name.id in used else None for name in names.items]


def uses_attributes(function: FunctionDef, name: str) -> bool:
    """Whether a function uses attributes of a name: of others, it does not matter how their objects stand."""
    return name in _with_attributes(function)


@kept
def _with_attributes(function: FunctionDef) -> frozenset[str]:
    """The names of which a function uses attributes: of others, it does not matter how their objects stand."""
    return frozenset(node.value.id for node in nodes_of_kind(function, Attribute) if isinstance(node.value, Name))


def unmasked(state: State, after: State, node: Expr) -> State:
    """The caller's state behind the call: what the called function did is done by the call."""
    sessions, histories, objects = dict(state.sessions), dict(state.histories), dict(state.objects)
    for site, session in after.sessions.items():
        if site in sessions:
            sessions[site] = _session_back(state.sessions[site], session, node)
            histories[site] = _history_back(state.history(site), after.history(site), node)
    for found, known in after.objects.items():
        if found in objects and not is_witness(found):
            objects[found] = object_back(known, state.objects[found], node)
    objects = like_witnesses(objects, after, node)
    loaded = rows_back(state, after, after.sessions) if state.loaded else state.loaded
    behind = state.but(sessions=sessions, histories=histories, objects=objects, ghost=after.ghost, loaded=loaded)
    return told_by_reads(state, after, behind)


def _session_back(before: SessionState, after: SessionState, node: Node) -> SessionState:
    blocks = before.blocks
    if len(after.blocks) == len(blocks):
        blocks = tuple(
            old._replace(over=old.over if new.over is CALLER else None if new.over is None else node)
            for old, new in zip(blocks, after.blocks, strict=True)
        )
    if not blocks and not after.blocks and after.failed is None:
        return after
    failed = before.failed if after.failed is CALLER else None if after.failed is None else node
    return after._replace(blocks=blocks, failed=failed)


def _history_back(before: History, after: History, node: Node) -> History:
    if after == EMPTY_HISTORY:
        return after

    def back(mine: frozenset[Node], found: frozenset[Node]) -> frozenset[Node]:
        kept = mine if CALLER in found else frozenset[Node]()
        return kept | {node} if found - {CALLER} else kept

    none = frozenset[Node]()
    return History(
        back(before.origins, after.begun_by),
        before.inherited if CALLER in after.begun_by else none,
        back(before.writes, after.writes),
        (before.pending if CALLER in after.carried else none) | ({node} if after.carried - {CALLER} else none),
        back(before.queries, after.queries),
        back(before.unsent, after.unsent),
    )


def object_back(known: ObjectState, before: ObjectState | None, node: Node) -> ObjectState:
    """An object behind a call: what the called function has done is done by the call; `before` is how it was."""
    if all(condition.by is None for condition in known.conditions):
        return known

    def back(condition: Condition) -> Iterator[Condition]:
        if condition.by is None:
            yield condition
        elif condition.by is CALLER and before is not None:
            yield from (c for c in before.conditions if c.by is not None)
        else:
            yield condition._replace(by=node)

    return known._replace(conditions=frozenset(c for condition in known.conditions for c in back(condition)))
