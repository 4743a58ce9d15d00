"""Which ORM objects an expression may mean that is not followed itself: `x` of `for x in (job, note)`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from supavisor_lint.facts.file import scope_of, walk
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Binding, Iterated, ModuleImport, NameImport
from supavisor_lint.facts.statements import ClassDef, For, FunctionDef
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Call,
    Collection,
    Comprehension,
    Constant,
    Dict,
    Expr,
    Name,
    Param,
    Starred,
)
from supavisor_lint.flow import objects
from supavisor_lint.flow.collected import changed_in_place
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import ManyRef, ObjectRef

Sites: TypeAlias = frozenset[Node]

_OF_COLLECTIONS = frozenset({"values", "items", "keys", "get", "copy"})
_SAME_ELEMENTS = frozenset({"list", "tuple", "set", "iter", "enumerate", "reversed", "sorted"})
_NONE: Sites = frozenset()


def meant(frame: Frame, state: State, expr: Expr) -> Sites | None:
    """The objects that are followed and that an expression, or an element of it, may be; None: any may.

    Names are traced to what they were bound to: what nobody has put there cannot be there.
    """
    return _Search(frame, state).of(expr)


class _Search:
    """Traces an expression to the names that hold objects; each binding once."""

    def __init__(self, frame: Frame, state: State) -> None:
        self._frame = frame
        self._state = state
        self._seen: set[Expr] = set()

    def of(self, expr: Expr) -> Sites | None:
        """The objects that the parts of an expression may mean."""
        if expr in self._seen:
            return _NONE
        self._seen.add(expr)
        return self._part(expr)

    def _part(self, part: Node) -> Sites | None:
        if part in self._state.objects:
            return frozenset((part,))  # the query that gave it
        if isinstance(part, Name):
            return self._name(part)
        if isinstance(part, Attribute) and not _asks_collection(part) and not self._gives_objects(part):
            return None  # a relationship, or what somebody else keeps
        return _all(map(self._part, part.children()))

    def _gives_objects(self, attribute: Attribute) -> bool:
        """`(await session.scalars(select(Order))).all`: a method of what a query gave."""
        return any(isinstance(part, Call) and part in self._state.objects for part in walk(attribute.value))

    def _name(self, name: Name) -> Sites | None:
        held = self._state.value_of(name.id)
        if isinstance(held, ObjectRef | ManyRef):
            return frozenset((held.site,))
        owner = scope_of(name).lookup(name.id)
        if owner is None:
            return _NONE  # a builtin
        if name.id in changed_in_place(self._frame.function):
            return None
        return _all(self._binding(binding) for binding in owner.bindings[name.id])

    def _binding(self, binding: Binding) -> Sites | None:
        match binding:
            case Iterated(iterable):
                return self.of(iterable)
            case Assigned(None):
                return _NONE
            case Assigned(value) if value is not None and self._frame.function.contains(binding.node):
                return self.of(value)
            case Param():
                return _NONE if self._is_from_outside(binding) else None
            case ClassDef() | NameImport() | ModuleImport():
                return _NONE
            case FunctionDef():
                return None if self._frame.function.contains(binding) else _NONE
            case _:
                return None

    def _is_from_outside(self, param: Param) -> bool:
        """Whether a parameter was given before there were any of the objects that are followed."""
        opened = self._frame.opened
        is_own = all(site in opened and opened[site].own for site in self._state.sessions)
        return is_own and self._frame.depth == 0 and param in self._frame.function.params


def _asks_collection(attribute: Attribute) -> bool:
    """`by_id.values()`."""
    call = attribute.parent
    return isinstance(call, Call) and call.func is attribute and attribute.attr in _OF_COLLECTIONS


def _all(parts: Iterable[Sites | None]) -> Sites | None:
    found = _NONE
    for part in parts:
        if part is None:
            return None
        found |= part
    return found


def without_rounds(frame: Frame, loop: For | Comprehension, states: Iterable[State]) -> list[State]:
    """The states in which a loop has nothing to go over: then it is not known what an object is that it may mean.

    Where the loop loads what it goes over again, an object in it has been loaded in the rounds, and there are rounds.
    """
    iterable = _goes_over(loop)[1]
    given = _hands_on(loop)
    found = []
    for state in states:
        sites = meant(frame, state, iterable)
        for site in (state.objects if given else ()) if sites is None else sites:
            state = objects.handed(state, site)
        found.append(state)
    return found


def _goes_over(loop: For | Comprehension) -> tuple[Expr, Expr]:
    first = loop if isinstance(loop, For) else loop.generators[0]
    return first.target, first.iter


@kept
def _hands_on(loop: For | Comprehension) -> bool:
    """Whether a loop gives its element to anybody."""
    target = _goes_over(loop)[0]
    names = {node.id for node in walk(target) if isinstance(node, Name)}
    return any(isinstance(n, Argument) and isinstance(n.value, Name) and n.value.id in names for n in walk(loop))


def never_empty(frame: Frame, expr: Expr) -> bool:
    """Whether iterating an expression surely gives something: `range(3)`, `(1, 2)`, a list that was made so."""
    match expr:
        case Collection(items):
            return any(not isinstance(item, Starred) for item in items)
        case Dict(items):
            return any(item.key is not None for item in items)
        case Call(Name("range"), (Argument(Constant(int(count))),)):
            return count > 0
        case Call(Name(name), (Argument(inner), *_)) if name in _SAME_ELEMENTS:
            return never_empty(frame, inner)
        case Call(Attribute(inner, attr), ()) if attr in _OF_COLLECTIONS:
            return never_empty(frame, inner)
        case Name(name):
            made = _made_once(frame, expr)
            return made is not None and name not in changed_in_place(frame.function) and never_empty(frame, made)
        case _:
            return False


def _made_once(frame: Frame, name: Name) -> Expr | None:
    """The value of a name that the function binds once."""
    bindings = frame.function.scope.bindings.get(name.id, [])
    made = bindings[0] if len(bindings) == 1 else None
    return made.value if isinstance(made, Assigned) and made.index is None else None
