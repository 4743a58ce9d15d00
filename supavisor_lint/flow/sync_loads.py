"""Which objects a function may load again that `run_sync()` runs: it reads what it likes."""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.file import FileFacts, enclosing_function, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Argument, Attribute, Lambda, Name
from supavisor_lint.flow import objects
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.loading import is_column
from supavisor_lint.flow.sql import entity_of
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ManyRef, ObjectRef, Site, Tracked


def seen_by(frame: Frame, state: State, body: Node | None, given: Sequence[Tracked]) -> list[Tracked]:
    """What a function gets, or, as a part of the followed one's own text, names."""
    is_part = isinstance(body, Lambda) or (isinstance(body, FunctionDef) and enclosing_function(body) is frame.function)
    named = [part for part in walk(body) if isinstance(part, Name)] if body is not None and is_part else []
    return [*given, *(state.value_of(name.id) for name in named)]


def may_ask(frame: Frame, state: State, seen: Sequence[Tracked], body: Node) -> bool:
    """Whether what a function reads of the objects that it sees may ask the database."""
    return any(_has_expired(state, value) for value in seen) or _brings_others(frame, state, body, seen)


def _has_expired(state: State, value: Tracked) -> bool:
    known = state.objects.get(value.site) if isinstance(value, ObjectRef | ManyRef) else None
    return known is not None and any(c.kind == "expired" and not c.detached for c in known.conditions)


def with_loaded(
    frame: Frame, state: State, site: Site, seen: Sequence[Tracked], file: FileFacts, body: Node | None
) -> State:
    """The state behind a function: the objects that it sees, and those of its queries, may have been loaded."""
    if not isinstance(body, Lambda | FunctionDef) or _hands_on(body):
        return objects.maybe_loaded(state, site, None)
    for value in seen:
        if isinstance(value, ObjectRef | ManyRef):
            state = objects.may_be_loaded(state, value.site)
    for part in walk(body):
        entity = entity_of(frame.ev, file, part) if isinstance(part, Name | Attribute) else None
        if entity is not None:
            state = objects.maybe_loaded(state, site, entity)
    return objects.maybe_loaded(state, site, None) if _brings_others(frame, state, body, seen) else state


def _brings_others(frame: Frame, state: State, body: Node, seen: Sequence[Tracked]) -> bool:
    """Whether something of an object is read on, `note.job.name`: a relationship brings what it leads to."""
    params = body.params if isinstance(body, Lambda | FunctionDef) else ()
    given = {param.name: value for param, value in zip(params, seen, strict=False)}
    for read in walk(body):
        if isinstance(read, Attribute) and isinstance(read.value, Name) and isinstance(read.parent, Attribute):
            value = given.get(read.value.id) or state.value_of(read.value.id)
            known = state.objects.get(value.site) if isinstance(value, ObjectRef) and value in seen else None
            if known is not None and not is_column(frame, known.entity, read.attr):
                return True
    return False


def _hands_on(body: Lambda | FunctionDef) -> bool:
    """Whether a function gives its session to another one."""
    session = body.params[0].name if body.params else ""
    return any(isinstance(n, Argument) and isinstance(n.value, Name) and n.value.id == session for n in walk(body))
