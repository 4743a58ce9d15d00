"""Which columns tell a row from all others of its table: the primary key, and unique columns."""

from __future__ import annotations

from collections.abc import Iterator

from supavisor_lint.facts.file import FileFacts, walk
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.statements import ClassDef
from supavisor_lint.facts.tree import Call, Constant, Expr
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.mapped import class_behind
from supavisor_lint.project.values import ClassValue

_USUAL_KEY = "id"


def key_columns(ev: Evaluator, file: FileFacts, model: Expr, equal: set[str]) -> set[str]:
    """Those of some columns of a model that no two rows have in common; empty if it has none among them.

    A model that does not say itself which its key is, having it from a base class, has the usual one: `id`.
    """
    cls = _class_of(ev, file, model)
    keys = set(_with_flag(cls, "primary_key")) if cls is not None else set()
    unique = equal & set(_with_flag(cls, "unique")) if cls is not None else set()
    whole = keys or {_USUAL_KEY}
    return unique | (whole if whole <= equal else set())


def _class_of(ev: Evaluator, file: FileFacts, model: Expr) -> ClassDef | None:
    """The class that a statement selects from: by its name, or the `cls` of a class method."""
    found = class_behind(ev, file, model)
    own = ev.only(file, model) if found is None else None
    return found[1] if found is not None else own.node if isinstance(own, ClassValue) else None


def _with_flag(cls: ClassDef, flag: str) -> Iterator[str]:
    """The columns that are made with some keyword set: `mapped_column(primary_key=True)`."""
    for name, bindings in cls.scope.bindings.items():
        for binding in bindings:
            value = binding.value if isinstance(binding, Assigned) else None
            for node in walk(value) if value is not None else ():
                given = node.argument(None, flag) if isinstance(node, Call) else None
                if isinstance(given, Constant) and given.value is True:
                    yield name
