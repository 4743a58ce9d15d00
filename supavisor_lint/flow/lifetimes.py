"""Where in a function a name is live: states that differ only in dead names are the same state.

A name is live where its value may still be read before it is bound again. What nested functions and lambdas capture,
and what is declared global or nonlocal, is live everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from supavisor_lint.facts.file import enclosing_function, nodes_of_kind, walk
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import is_spelled_like_class, last_name
from supavisor_lint.facts.statements import (
    Assign,
    ClassDef,
    For,
    FunctionDef,
    Handler,
    If,
    Match,
    MatchCase,
    Return,
    While,
)
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Await,
    BoolOp,
    Call,
    Collection,
    Constant,
    Expr,
    Generator,
    IfExp,
    Lambda,
    Name,
    Other,
    Stmt,
)
from supavisor_lint.flow.condition_texts import repeated_conditions
from supavisor_lint.flow.liveness import Liveness, Names, Ways, names_read
from supavisor_lint.flow.state import State

_NONE: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Life:
    """`dead`: the function's names that nobody reads from a statement on.

    `tested` are those whose truth may decide something: in conditions, or constants that a call is given, or in what
    another one of them is; `copied`
    are given to a tested one, `weighed` are what a tested one is made of, and what is iterated. `repeated` are the
    conditions that the function asks more than once, as text. `gets_until` is the place (a node's order) behind
    which no session is asked for an object by its key.
    """

    dead: dict[Stmt, Names]
    tested: Names
    copied: Names
    weighed: Names
    repeated: Names
    gets_until: int

    def pruned(self, state: State, statement: Stmt, *, is_called: bool = False) -> State:
        """The state without what nobody reads from a statement on; behind a called function its caller may ask."""
        if state.loaded and not is_called and statement.order > self.gets_until:
            state = state.but(loaded=frozenset())
        dead = self.dead.get(statement, _NONE)
        if dead.isdisjoint(state.roots) and (not state.assumed or dead.isdisjoint(_spoken_of(state.assumed))):
            return state
        variables = {n: v for n, v in state.variables.items() if n.partition(".")[0] not in dead}
        assumed = tuple(a for a in state.assumed if not any(w.partition(".")[0] in dead for w in a[0].split()))
        if len(variables) == len(state.variables) and len(assumed) == len(state.assumed):
            return state
        return state.but(variables=variables, assumed=assumed)


@lru_cache(maxsize=4096)
def _spoken_of(assumed: tuple[tuple[str, bool], ...]) -> Names:
    """The names that some conditions, as text, speak of."""
    return frozenset([word.partition(".")[0] for text, _ in assumed for word in text.split()])


@kept
def life_of(function: FunctionDef) -> Life:
    """The life of all names of a function, its nested functions included."""
    handlers = (node.name for node in nodes_of_kind(function, Handler) if node.name is not None)
    mentioned = frozenset(node.id for node in nodes_of_kind(function, Name)).union(handlers)
    decided = _given_constants(function) | returned_constants(function)
    tested = _with_what_decides(function, decided.union(*map(names_read, _tests(function))))
    tested = tested.difference(*(inner.scope.nonlocals for inner in nodes_of_kind(function, FunctionDef)))
    captured = (names_read(node) for kind in (FunctionDef, Lambda, ClassDef) for node in nodes_of_kind(function, kind))
    always = frozenset({*function.scope.globals, *function.scope.nonlocals}).union(*captured)
    liveness = Liveness()
    liveness.block(function.body, always, Ways(always, always, always, always))
    copied = frozenset(name for node in nodes_of_kind(function, Assign) for name in _copied(node, tested))
    weighed = tested.union(
        *(_weighed(node, tested) for node in nodes_of_kind(function, Assign)),
        *(names_read(node.iter) for node in nodes_of_kind(function, For)),
        *(names_read(node.iter) for node in nodes_of_kind(function, Generator)),
    )
    dead = {statement: mentioned - live for statement, live in liveness.live.items()}
    return Life(dead, tested, copied, weighed, repeated_conditions(function), _last_get(function))


def _last_get(function: FunctionDef) -> int:
    """The end of the last `get()`, with all the loops around it; that of a nested function is wherever it is called."""
    gets = [call for call in nodes_of_kind(function, Call) if _may_be_get(call)]
    around = (_outermost_loop(node) if enclosing_function(node) is function else function for node in gets)
    return max(map(_end, around), default=-1)


def _may_be_get(call: Call) -> bool:
    """`await session.get(Job, key)`, and not the `get()` of a dictionary."""
    if last_name(call.func) not in ("get", "get_one"):
        return False
    first = call.args[0].value if call.args else None
    return isinstance(call.parent, Await) or (last_name(first) if first is not None else "")[:1].isupper()


def _outermost_loop(node: Node) -> Node:
    found, around = node, node.parent
    while around is not None and not isinstance(around, FunctionDef):
        found = around if isinstance(around, For | While) else found
        around = around.parent
    return found


def _end(node: Node) -> int:
    return max(part.order for part in walk(node))


def _given_constants(function: FunctionDef) -> Names:
    """Names of nothing but `True`, `False` and `None` that stand as arguments: a switch of the called function."""
    given = {node.value.id for node in nodes_of_kind(function, Argument) if isinstance(node.value, Name)}
    return frozenset(
        name
        for name in given
        if name in function.scope.bindings and all(map(_is_switch, function.scope.bindings[name]))
    )


@kept
def returned_constants(function: FunctionDef) -> Names:
    """Names of nothing but constants that a function returns: `created = False … return created`."""
    returned = [node.value for node in nodes_of_kind(function, Return) if isinstance(node.value, Name | Collection)]
    parts = [part for value in returned for part in (value.items if isinstance(value, Collection) else (value,))]
    bindings = function.scope.bindings
    names = {part.id for part in parts if isinstance(part, Name) and part.id in bindings}
    return frozenset(name for name in names if all(map(_is_constant, bindings[name])))


def _is_constant(binding: object) -> bool:
    """`False`, `None`, a text, or what is spelled like the member of an enumeration."""
    value = binding.value if isinstance(binding, Assigned) else None
    if isinstance(value, Constant):
        return value.value is None or isinstance(value.value, bool | str)
    return isinstance(value, Attribute) and isinstance(value.value, Name) and is_spelled_like_class(value.value)


def _is_switch(binding: object) -> bool:
    value = binding.value if isinstance(binding, Assigned) else None
    return isinstance(value, Constant) and (value.value is None or isinstance(value.value, bool))


def _with_what_decides(function: FunctionDef, tested: Names) -> Names:
    """The tested names, with those that decide what they are: `own = not outer`."""
    assigned = [a for a in nodes_of_kind(function, Assign) if a.value is not None and _is_decision(a.value)]
    found = tested
    while True:
        more = found.union(*(_weighed(statement, found) for statement in assigned))
        if more == found:
            return found
        found = more


def _is_decision(value: Expr) -> bool:
    if isinstance(value, Other):
        return value.op in ("not", "==", "!=", "in", "not in", "is", "is not")
    return isinstance(value, BoolOp) and all(isinstance(part, Name) or _is_decision(part) for part in value.values)


def _copied(statement: Assign, tested: Names) -> Iterator[str]:
    if isinstance(statement.value, Name) and any(isinstance(t, Name) and t.id in tested for t in statement.targets):
        yield statement.value.id


def _weighed(statement: Assign, tested: Names) -> Names:
    """`allowed = "admin" in names`."""
    is_tested = any(isinstance(t, Name) and t.id in tested for t in statement.targets)
    return names_read(statement.value) if is_tested and statement.value is not None else _NONE


def _tests(function: FunctionDef) -> Iterator[Expr]:
    yield from (branch.test for branch in nodes_of_kind(function, If))
    yield from (loop.test for loop in nodes_of_kind(function, While))
    yield from (match.subject for match in nodes_of_kind(function, Match))
    yield from (choice.test for choice in nodes_of_kind(function, IfExp))
    for operation in nodes_of_kind(function, BoolOp):
        yield from operation.values[:-1]
    yield from (case.guard for case in nodes_of_kind(function, MatchCase) if case.guard is not None)
    for generator in nodes_of_kind(function, Generator):
        yield from generator.conditions
