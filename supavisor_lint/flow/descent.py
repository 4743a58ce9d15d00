"""Which names of a function may hold objects that a session has given, whatever they went through on the way.

`job = max(jobs, key=…)`, `job = next(iter(jobs))`, `box = SimpleNamespace(job=job)`: no path tells, but the text does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from supavisor_lint.facts.file import enclosing_function, scope_of, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Entered, Iterated
from supavisor_lint.facts.statements import Assign, FunctionDef
from supavisor_lint.facts.tree import Attribute, Call, Expr, Lambda, Name, Subscript

KEEPS = frozenset({"append", "add", "put", "put_nowait", "setdefault", "insert", "extend", "appendleft", "update"})


@lru_cache(maxsize=256)
def descendants(function: FunctionDef, sessions: frozenset[str]) -> frozenset[str]:
    """The names of a function that hold one of some sessions (by their names), or what came out of it."""
    found = set(sessions)
    nodes = [node for statement in function.body for node in walk(statement)]
    known = 0
    while known != len(found):
        known = len(found)
        places = (place for node in nodes for place in _places(node, found))
        found |= {name.id for name in map(_root, places) if name is not None and _is_own(function, name)}
        for name, bindings in function.scope.bindings.items():
            sources = (_source(binding) for binding in bindings)
            if name not in found and any(source is not None and _holds(source, found) for source in sources):
                found.add(name)
    return frozenset(found)


def _source(binding: object) -> Expr | None:
    if isinstance(binding, Assigned):
        return binding.value
    if isinstance(binding, Iterated):
        return binding.iter
    return binding.context if isinstance(binding, Entered) else None


def _holds(expr: Node, names: Collection[str]) -> bool:
    return any(isinstance(n, Name) and n.id in names and not _is_read_only_in_part(n) for n in walk(expr))


def _is_read_only_in_part(name: Name) -> bool:
    """`job` of `job.url`: a column's value is no object; that of `job.lines()` may be."""
    part = name.parent
    if not isinstance(part, Attribute) or part.value is not name:
        return False
    return not (isinstance(part.parent, Call) and part.parent.func is part)


class Descent:
    """What a function holds of some sessions, by their names."""

    def __init__(self, function: FunctionDef, sessions: Iterable[str]) -> None:
        self._function = function
        self._sessions = frozenset(sessions)

    @property
    def names(self) -> frozenset[str]:
        """The names that may hold objects."""
        return descendants(self._function, self._sessions)

    def holds(self, expr: Node) -> bool:
        """Whether an expression may give an object of the sessions, or hold some: more than a column's value."""
        return _holds(expr, self.names)

    def is_of(self, func: Expr) -> bool:
        """Whether what is called is a method of something that holds objects."""
        root = _root(func) if isinstance(func, Attribute) else None
        return root is not None and root.id in self.names

    def reaches(self, function: FunctionDef | Lambda) -> bool:
        """Whether a function of the project may get at the objects although nobody hands it one.

        A nested one by what it captures, any by what this function has put where others have it.
        """
        nested = isinstance(function, Lambda) or enclosing_function(function) is self._function
        captures = nested and any(isinstance(n, Name) and n.id in self.names for n in walk(function))
        return captures or _keeps_elsewhere(self._function, self._sessions)


@lru_cache(maxsize=256)
def _keeps_elsewhere(function: FunctionDef, sessions: frozenset[str]) -> bool:
    """Whether a function puts an object into `self`, a parameter, or a variable of the module."""
    names = descendants(function, sessions)
    nodes = (node for statement in function.body for node in walk(statement))
    return any(_is_foreign(function, target) for node in nodes for target in _places(node, names))


def _places(node: Node, names: Collection[str]) -> Iterator[Expr]:
    """Where a node puts what holds objects: `self.job = job`, `self.jobs.append(job)`."""
    match node:
        case Assign(targets, value) if value is not None and _holds(value, names):
            yield from targets
        case Call(Attribute(receiver, attr), args) if attr in KEEPS and any(_holds(a.value, names) for a in args):
            yield receiver
        case _:
            return


def _root(target: Expr) -> Name | None:
    while isinstance(target, Attribute | Subscript):
        target = target.value
    return target if isinstance(target, Name) else None


def _is_own(function: FunctionDef, name: Name) -> bool:
    """Whether a name is a variable of the function that nobody else has."""
    return function.param(name.id) is None and scope_of(name).lookup(name.id) is function.scope


def _is_foreign(function: FunctionDef, target: Expr) -> bool:
    root = _root(target)
    if root is None:
        return False
    if root.id in function.scope.globals | function.scope.nonlocals:
        return True
    return root is not target and not _is_own(function, root)
