"""Which rows an update changes, as far as its text tells; and what a called function's updates are for its caller."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.facts.tree import Call, Expr, Name
from supavisor_lint.flow.condition_texts import condition_text
from supavisor_lint.flow.sql import class_of
from supavisor_lint.flow.values import Entity, Site
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.registration import bind_arguments
from supavisor_lint.project.values import FunctionValue

_MAX_BASES = 8


class Row(NamedTuple):
    """The rows of a class, or the one of a key (as text); None for what is not known."""

    entity: Entity | None
    key: str | None = None


ANY_ROW = frozenset((Row(None),))


class Change(NamedTuple):
    """A function's update of a row in a session that it was given.

    `released` are the other sessions that it was given whose transactions it has ended before.
    """

    site: Site
    row: Row
    released: frozenset[Site]


def is_same(row: Row, other: Row) -> bool:
    """Whether two updates certainly meet in one row."""
    return row == other and None not in row


def may_meet(ev: Evaluator, function: FunctionDef, row: Row, other: Row) -> bool:
    """Whether two updates may meet in one row; not those of different tables, or of keys that are plainly two.

    Two parameters are two keys, or there would not be two.
    """
    if row.entity is None or other.entity is None:
        return True
    if row.entity != other.entity:
        classes = (class_of(ev, row.entity), class_of(ev, other.entity))
        if classes[0] is not classes[1]:
            return not (classes[0] is not None and classes[1] is not None and _are_unrelated(classes[0], classes[1]))
    if row.key is None or other.key is None or row.key == other.key:
        return True
    keys = (row.key, other.key)
    return not (all(map(_is_constant, keys)) or all(function.param(key) is not None for key in keys))


def for_caller(rows: Iterable[Row], function: FunctionValue, call: Expr) -> frozenset[Row]:
    """A called function's rows, their keys in the caller's words; the key is lost where the caller has none for it."""
    return frozenset(Row(row.entity, _key_for_caller(row.key, function, call)) for row in rows)


def _key_for_caller(key: str | None, function: FunctionValue, call: Expr) -> str | None:
    if key is None or _is_constant(key):
        return key
    if not isinstance(call, Call) or function.node.param(key) is None:
        return None
    given = bind_arguments(function, call.args).get(key)
    is_bound_once = len(function.node.scope.bindings.get(key, [])) == 1
    return condition_text(given) if given is not None and is_bound_once else None


def _is_constant(key: str) -> bool:
    return " " not in key and (not key.isidentifier() or keyword.iskeyword(key))


def _are_unrelated(cls: ClassDef, other: ClassDef) -> bool:
    """Whether neither class derives from the other: then they have no table in common."""
    return other.name not in _ancestors(cls) and cls.name not in _ancestors(other)


def _ancestors(cls: ClassDef, depth: int = 0) -> Iterator[str]:
    """The names of what a class derives from, through the classes of its own file."""
    for base in cls.bases:
        yield last_name(base)
        owner = scope_of(base).lookup(base.id) if isinstance(base, Name) else None
        bindings = owner.bindings[base.id] if owner is not None and isinstance(base, Name) else []
        for binding in bindings:
            if isinstance(binding, ClassDef) and depth < _MAX_BASES:
                yield from _ancestors(binding, depth + 1)
