"""Which attributes of objects are objects themselves: the relationships of the classes that a function speaks of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from supavisor_lint.facts.file import FileFacts, walk
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Attribute, Call, Lambda, Name
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.mapped import class_behind

_LOADERS = frozenset({"selectinload", "joinedload", "subqueryload", "immediateload", "contains_eager"})
_MAKERS = frozenset({"relationship", "dynamic_loader"})


@lru_cache(maxsize=256)
def related(ev: Evaluator, file: FileFacts, function: FunctionDef | Lambda) -> frozenset[str]:
    """The attributes that lead from one object to another, by name.

    Those of the classes that a function names, of the others of their modules, and what its queries load with them.
    """
    found: set[str] = set()
    for node in walk(function):
        if isinstance(node, Name) and node.id[:1].isupper():
            behind = class_behind(ev, file, node)
            found.update(_relationships(behind[0]) if behind is not None else ())
        elif isinstance(node, Call) and last_name(node.func) in _LOADERS:
            found.update(a.value.attr for a in node.args if isinstance(a.value, Attribute))
    return frozenset(found)


def _relationships(file: FileFacts) -> Iterator[str]:
    for cls in file.classes:
        for name, bindings in cls.scope.bindings.items():
            values = (binding.value for binding in bindings if isinstance(binding, Assigned))
            if any(isinstance(value, Call) and last_name(value.func) in _MAKERS for value in values):
                yield name
