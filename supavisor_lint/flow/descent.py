"""Which names of a function may hold objects that a session has given, whatever they went through on the way.

`job = max(jobs, key=…)`, `job = next(iter(jobs))`, `box = SimpleNamespace(job=job)`: no path tells, but the text does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from supavisor_lint.facts.file import FileFacts, enclosing_function, scope_of, walk, walk_own
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned, Entered, Iterated
from supavisor_lint.facts.spelling import is_spelled_like_class, last_name
from supavisor_lint.facts.statements import Assign, FunctionDef, Match, Return
from supavisor_lint.facts.tree import (
    Attribute,
    Call,
    Comprehension,
    Constant,
    Expr,
    FString,
    IfExp,
    Lambda,
    Name,
    Operation,
    Other,
    Subscript,
)
from supavisor_lint.flow.related import related
from supavisor_lint.flow.sql import chain_start
from supavisor_lint.project.calls import functions_called
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.values import FunctionValue

Function: TypeAlias = FunctionDef | Lambda

KEEPS = frozenset({"append", "add", "put", "put_nowait", "setdefault", "insert", "extend", "appendleft", "update"})
_COMPARISONS = frozenset({"not", "is", "is not", "==", "!=", "<", ">", "<=", ">=", "in", "not in"})
_QUERIES = frozenset({"execute", "scalars", "scalar", "stream", "stream_scalars"})
# What these give is made of what they are given, or tells of it: a text, a number, a copy.
_CONVERTERS = frozenset(
    {"str", "repr", "len", "int", "float", "bool", "sum", "any", "all", "isinstance", "hasattr", "id", "hash", "type"}
)
_CONVERTING_METHODS = frozenset(
    {"model_validate", "from_orm", "model_dump", "model_dump_json", "to_dict", "as_dict", "_asdict", "dict", "dumps"}
    | {"format", "join", "count", "index", "isoformat", "keys"}
    | {"connection", "get_bind", "begin", "begin_nested", "get_transaction"}  # of a session: no objects
)
_MAX_DEPTH = 3


class Place(NamedTuple):
    """Where an expression stands, how many calls lead there, and which attributes are objects there."""

    ev: Evaluator
    file: FileFacts
    depth: int = 0
    related: frozenset[str] = frozenset()


class Held(NamedTuple):
    """The names that may hold objects; `boxes` are those of them whose attributes may be objects as well."""

    names: frozenset[str]
    boxes: frozenset[str] = frozenset()


@lru_cache(maxsize=256)
def descendants(place: Place, function: Function, roots: frozenset[str]) -> Held:
    """The names of a function that hold one of its roots (sessions, or objects), or what came out of it."""
    held, known = Held(roots), Held(frozenset())
    nodes = list(_inside(function))
    while known != held:
        known = held
        for node in nodes:
            held = _with(place, function, node, held)
        for name, bindings in function.scope.bindings.items():
            for source in map(_source, bindings):
                if source is not None and _holds(place, source, held):
                    held = _more(held, name, boxed=isinstance(source, Call) and is_spelled_like_class(source.func))
    return held


def _inside(function: Function) -> Iterator[Node]:
    for part in (function.body,) if isinstance(function, Lambda) else function.body:
        yield from walk(part)


def _with(place: Place, function: Function, node: Node, held: Held) -> Held:
    """What a node adds: where it puts an object, or the targets of a comprehension that goes over some."""
    for target in _places(place, node, held):
        name = _root(target)
        if name is not None and _is_own(function, name):
            held = _more(held, name.id, boxed=_is_in_attribute(target))
    for name_id in _bound_in_part(place, node, held):
        held = _more(held, name_id, boxed=False)
    return held


def _bound_in_part(place: Place, node: Node, held: Held) -> Iterator[str]:
    """The names of a comprehension or a `match` that get what something holds."""
    if isinstance(node, Comprehension):
        for generator in node.generators:
            if _holds(place, generator.iter, held):
                yield from (part.id for part in walk(generator.target) if isinstance(part, Name))
    elif isinstance(node, Match) and _holds(place, node.subject, held):
        for case in node.cases:
            yield from case.names


def _more(held: Held, name: str, *, boxed: bool) -> Held:
    return Held(held.names | {name}, held.boxes | {name} if boxed else held.boxes)


def _is_in_attribute(target: Expr) -> bool:
    while isinstance(target, Subscript):
        target = target.value
    return isinstance(target, Attribute)


def _source(binding: object) -> Expr | None:
    if isinstance(binding, Assigned):
        return binding.value
    if isinstance(binding, Iterated):
        return binding.iter
    return binding.context if isinstance(binding, Entered) else None


def _holds(place: Place, expr: Node, held: Held) -> bool:
    """Whether what an expression gives may be an object, or hold some."""
    match expr:
        case Name(name):
            return name in held.names
        case Attribute(owner, attr):  # a column's value is no object
            root = _root(expr)
            leads_on = attr in place.related or attr[:1].isupper()  # `row.Job`
            return (root is not None and root.id in held.boxes) or (leads_on and _holds(place, owner, held))
        case Call():
            return _gives(place, expr, held)
        case Constant() | FString():
            return False
        case Subscript(value):
            return _holds(place, value, held)
        case Comprehension(elements):
            return any(_holds(place, element, held) for element in elements)
        case IfExp(_, body, orelse):
            return _holds(place, body, held) or _holds(place, orelse, held)
        case Operation(operators=operators) if _COMPARISONS.issuperset(operators):
            return False
        case Other(op=op) if op in _COMPARISONS:
            return False
        case _:
            return any(_holds(place, child, held) for child in expr.children())


def _gives(place: Place, call: Call, held: Held) -> bool:
    """Whether a call may give an object, or hold some: it is given one, or is a method of one."""
    func = call.func
    if isinstance(func, Attribute):
        if func.attr in _CONVERTING_METHODS or (func.attr in _QUERIES and _asks_for_columns(call)):
            return False
        if _holds(place, func.value, held):
            return True
    elif isinstance(func, Name):
        if func.id in _CONVERTERS and scope_of(func).lookup(func.id) is None:
            return False
        if func.id in held.names:
            return True
    elif _holds(place, func, held):
        return True
    if not any(_holds(place, argument.value, held) for argument in call.args):
        nested = _nested(func)
        return nested is not None and _returns(place._replace(depth=place.depth + 1), nested, held.names)
    functions = functions_called(place.ev, place.file, call)
    return not functions or any(_returns(_within(place, f), f.node) for f in functions)


def _within(place: Place, function: FunctionValue) -> Place:
    return Place(place.ev, function.file, place.depth + 1, related(place.ev, function.file, function.node))


def _nested(func: Expr) -> FunctionDef | None:
    """The function that a name means which is defined in the same function, and may return what it captures."""
    owner = scope_of(func).lookup(func.id) if isinstance(func, Name) else None
    if owner is None or owner.kind != "function" or not isinstance(func, Name):
        return None
    return next((b for b in owner.bindings[func.id] if isinstance(b, FunctionDef)), None)


def _returns(place: Place, function: FunctionDef, captured: frozenset[str] = frozenset()) -> bool:
    """Whether a function of the project may return something of what it is given, or captures."""
    if function.is_generator or place.depth >= _MAX_DEPTH:
        return True
    held = descendants(place, function, captured | {param.name for param in function.params})
    returned = (node.value for node in walk_own(function) if isinstance(node, Return) and node.value is not None)
    return any(_holds(place, value, held) for value in returned)


def _asks_for_columns(call: Call) -> bool:
    """`session.scalars(select(Job.id))`: a query whose rows hold values of columns, and no objects."""
    select = chain_start(call.argument(0, "statement"))
    if select is None or last_name(select.func) != "select" or not select.args:
        return False
    function = enclosing_function(select)
    more = function is None or any(isinstance(n, Attribute) and n.attr in _ADDING for n in walk(function))
    return not more and all(_is_column(argument.value) for argument in select.args)


_ADDING = frozenset({"add_columns", "with_only_columns", "from_statement"})


def _is_column(expr: Expr) -> bool:
    """`Job.id`, `func.count()`, `Job.id.label("number")`; `models.Job` is a class."""
    if isinstance(expr, Call):
        return isinstance(expr.func, Attribute)
    return isinstance(expr, Attribute) and not expr.attr[:1].isupper()


class Descent:
    """What a function holds of some sessions, by their names."""

    def __init__(self, place: Place, function: Function, roots: Iterable[str]) -> None:
        self._place = place._replace(related=related(place.ev, place.file, function))
        self._function = function
        self.roots = frozenset(roots)

    @property
    def names(self) -> frozenset[str]:
        """The names that may hold objects."""
        return self._held.names

    @property
    def _held(self) -> Held:
        return descendants(self._place, self._function, self.roots)

    def holds(self, expr: Node) -> bool:
        """Whether an expression may give an object of the sessions, or hold some: more than a column's value."""
        return _holds(self._place, expr, self._held)

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
        return captures or _keeps_elsewhere(self._place, self._function, self.roots)


@lru_cache(maxsize=256)
def _keeps_elsewhere(place: Place, function: Function, roots: frozenset[str]) -> bool:
    """Whether a function puts an object into `self`, a parameter, or a variable of the module."""
    held = descendants(place, function, roots)
    return any(_is_foreign(function, target) for node in _inside(function) for target in _places(place, node, held))


def _places(place: Place, node: Node, held: Held) -> Iterator[Expr]:
    """Where a node puts what holds objects: `self.job = job`, `self.jobs.append(job)`."""
    match node:
        case Assign(targets, value) if value is not None and _holds(place, value, held):
            yield from targets
        case Call(Attribute(receiver, attr), args) if attr in KEEPS and any(_holds(place, a.value, held) for a in args):
            yield receiver
        case _:
            return


def _root(target: Expr) -> Name | None:
    while isinstance(target, Attribute | Subscript):
        target = target.value
    return target if isinstance(target, Name) else None


def _is_own(function: Function, name: Name) -> bool:
    """Whether a name is a variable of the function that nobody else has."""
    is_param = any(param.name == name.id for param in function.params)
    return not is_param and scope_of(name).lookup(name.id) is function.scope


def _is_foreign(function: Function, target: Expr) -> bool:
    root = _root(target)
    if root is None:
        return False
    if root.id in function.scope.globals | function.scope.nonlocals:
        return True
    return root is not target and not _is_own(function, root)
