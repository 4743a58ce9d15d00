"""Which objects a query may load again, besides those of the class that it asks for.

It gives the rows of derived classes as well; an option, or the model itself, may load what it is related to.
"""

from __future__ import annotations

from typing import TypeAlias

from supavisor_lint.facts.file import FileFacts, scope_of
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import ClassDef
from supavisor_lint.facts.tree import Call, Constant, Expr, Name
from supavisor_lint.flow import objects
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.sql import chain_start, class_of, loads_related
from supavisor_lint.flow.state import ObjectState, State
from supavisor_lint.flow.values import Entity, NamedEntity, Site
from supavisor_lint.project.mapped import class_behind

Class: TypeAlias = tuple[FileFacts, ClassDef]

_EAGER = frozenset({"selectin", "joined", "subquery", "immediate", False})
_COLUMNS = frozenset({"mapped_column", "Column", "column_property", "deferred"})
_MAX_BASES = 8


def after_query(frame: Frame, state: State, site: Site, node: Node, entity: Entity | None) -> State:
    """The state behind a query, a call, that gives objects of a class (None: of any)."""
    if not any(map(_has_expired, state.objects.values())):
        return state
    asked = _options_of(node)
    if entity is not None and asked is not None and loads_related(asked):
        entity = None
    state = objects.maybe_loaded(state, site, entity)
    others = [other for other, known in state.objects.items() if known.session == site and _has_expired(known)]
    cls = _class_of(frame, node, entity) if others else None
    if cls is None:
        return state
    for other in others:
        its = _class_of(frame, other, state.objects[other].entity)
        if _is_eager(frame, cls) or (its is not None and (_derives(frame, its, cls) or _derives(frame, cls, its))):
            state = objects.may_be_loaded(state, other)
    return state


def loads_only_itself(frame: Frame, site: Node, entity: Entity | None) -> bool:
    """Whether an object's class is known, and says of no relationship that it comes with every row."""
    cls = _class_of(frame, site, entity)
    return cls is not None and not _is_eager(frame, cls)


def is_column(frame: Frame, entity: Entity | None, attr: str) -> bool:
    """Whether a name is known to be a column of a class, and no relationship: `text: Mapped[str]`."""
    cls = class_of(frame.ev, entity)
    bindings = cls.scope.bindings.get(attr, []) if cls is not None else []
    values = [binding.value for binding in bindings if isinstance(binding, Assigned)]
    return bool(values) and all(v is None or (isinstance(v, Call) and last_name(v.func) in _COLUMNS) for v in values)


def _has_expired(known: ObjectState) -> bool:
    return any(condition.kind == "expired" for condition in known.conditions)


def _options_of(node: Node) -> Expr | None:
    """The expression of a query in which its options stand."""
    if not isinstance(node, Call):
        return None
    return node if last_name(node.func) in ("get", "get_one") else node.argument(0, "statement")


def _class_of(frame: Frame, site: Node, entity: Entity | None) -> Class | None:
    """The class of the rows that a query gives, or of the object that an `add()` puts into a session."""
    if isinstance(entity, NamedEntity):
        return class_behind(frame.ev, entity.file, entity.expr)
    if not isinstance(site, Call) or not frame.text.contains(site):
        return None
    expr = _class_named(site)
    return None if expr is None else class_behind(frame.ev, frame.file, expr)


def _class_named(site: Call) -> Expr | None:
    method = last_name(site.func)
    if method in ("get", "get_one"):
        return site.argument(0, "entity")
    argument = site.args[0].value if site.args else None
    if method != "add":
        root = chain_start(argument)
        return root.args[0].value if root is not None and root.args else None
    owner = scope_of(argument).lookup(argument.id) if isinstance(argument, Name) else None
    made = owner.only_value(argument.id) if owner is not None and isinstance(argument, Name) else None
    return made.func if isinstance(made, Call) else None


def _is_eager(frame: Frame, cls: Class, depth: int = 0) -> bool:
    """Whether a model says of a relationship that it comes with every row: `relationship(lazy="selectin")`."""
    bindings = (binding for found in cls[1].scope.bindings.values() for binding in found)
    made = (binding.value for binding in bindings if isinstance(binding, Assigned))
    calls = (value for value in made if isinstance(value, Call) and last_name(value.func) == "relationship")
    if any(isinstance(lazy := call.argument(None, "lazy"), Constant) and lazy.value in _EAGER for call in calls):
        return True
    return depth < _MAX_BASES and any(_is_eager(frame, base, depth + 1) for base in _bases(frame, cls))


def _derives(frame: Frame, cls: Class, base: Class, depth: int = 0) -> bool:
    """Whether a class stands on another one; it may have been read twice."""
    if (cls[0].path, cls[1].name) == (base[0].path, base[1].name):
        return True
    return depth < _MAX_BASES and any(_derives(frame, found, base, depth + 1) for found in _bases(frame, cls))


def _bases(frame: Frame, cls: Class) -> list[Class]:
    bases = (class_behind(frame.ev, cls[0], base) for base in cls[1].bases)
    return [base for base in bases if base is not None]
