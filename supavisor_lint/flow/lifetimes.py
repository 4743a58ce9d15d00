"""Where in a function a name is live: states that differ only in dead names are the same state.

A name is live where its value may still be read before it is bound again. What nested functions and lambdas capture,
and what is declared global or nonlocal, is live everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

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
    Raise,
    Return,
    Simple,
    Try,
    While,
    With,
)
from supavisor_lint.facts.tree import (
    Argument,
    Attribute,
    Await,
    Block,
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
    Starred,
    Stmt,
)
from supavisor_lint.flow.condition_texts import repeated_conditions
from supavisor_lint.flow.state import State

Names: TypeAlias = frozenset[str]
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
    tested = _with_what_decides(function, decided.union(*map(_read, _tests(function))))
    tested = tested.difference(*(inner.scope.nonlocals for inner in nodes_of_kind(function, FunctionDef)))
    captured = (_read(node) for kind in (FunctionDef, Lambda, ClassDef) for node in nodes_of_kind(function, kind))
    always = frozenset({*function.scope.globals, *function.scope.nonlocals}).union(*captured)
    liveness = _Liveness()
    liveness.block(function.body, always, _Ways(always, always, always, always))
    copied = frozenset(name for node in nodes_of_kind(function, Assign) for name in _copied(node, tested))
    weighed = tested.union(
        *(_weighed(node, tested) for node in nodes_of_kind(function, Assign)),
        *(_read(node.iter) for node in nodes_of_kind(function, For)),
        *(_read(node.iter) for node in nodes_of_kind(function, Generator)),
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
    return _read(statement.value) if is_tested and statement.value is not None else _NONE


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


def _read(part: Node) -> Names:
    return frozenset([n.id for n in walk(part) if isinstance(n, Name)])


def _bound(target: Expr | None) -> Names:
    """The names that a target certainly binds."""
    if isinstance(target, Name):
        return frozenset((target.id,))
    if isinstance(target, Collection):
        return frozenset(name for item in target.items for name in _bound(item))
    return _bound(target.value) if isinstance(target, Starred) else _NONE


@dataclass(frozen=True, slots=True)
class _Ways:
    """What is live at the end of every way out of a stretch of code other than its end."""

    raised: Names
    returned: Names
    broken: Names
    continued: Names

    def all(self) -> Names:
        return self.raised | self.returned | self.broken | self.continued


class _Liveness:
    """Goes backwards through blocks. An exception may leave any statement, before it has bound anything."""

    def __init__(self) -> None:
        self.live: dict[Stmt, Names] = {}
        self._names: dict[Node, Names] = {}  # a loop's rounds ask for them again

    def block(self, statements: Block, after: Names, ways: _Ways) -> Names:
        """What is live in front of a block, given what is behind it."""
        for statement in reversed(statements):
            after = self._before(statement, after, ways) | ways.raised
            self.live[statement] = after
        return after

    def _before(self, statement: Stmt, after: Names, ways: _Ways) -> Names:
        match statement:
            case Assign(targets, value, annotation):
                bound = frozenset(n for t in targets for n in _bound(t)) if value is not None else _NONE
                stored = [t for t in targets if statement.augmented or not isinstance(t, Name)]
                return (after - bound) | self._read(value, annotation, *stored)
            case If(test, body, orelse):
                return self.block(body, after, ways) | self.block(orelse, after, ways) | self._read(test)
            case While():
                return self._while(statement, after, ways)
            case For():
                return self._for(statement, after, ways)
            case Try():
                return self._try(statement, after, ways)
            case With():
                return self._with(statement, after, ways)
            case Match(subject, cases):
                return after.union(self._read(subject), *(self._case(case, after, ways) for case in cases))
            case Return(value):
                return ways.returned | self._read(value)
            case Raise():
                return ways.raised | self._read(statement)
            case Simple("break"):
                return ways.broken
            case Simple("continue"):
                return ways.continued
            case _:
                return after | self._read(statement)

    def _while(self, statement: While, after: Names, ways: _Ways) -> Names:
        done = self.block(statement.orelse, after, ways) | self._read(statement.test)
        return self._rounds(statement.body, done, _NONE, replace(ways, broken=after))

    def _for(self, statement: For, after: Names, ways: _Ways) -> Names:
        bound = _bound(statement.target)
        done = self.block(statement.orelse, after, ways) | (self._read(statement.target) - bound)
        return self._rounds(statement.body, done, bound, replace(ways, broken=after)) | self._read(statement.iter)

    def _rounds(self, body: Block, done: Names, bound: Names, ways: _Ways) -> Names:
        """What is live at the head of a loop, whose rounds bind some names first."""
        head = done
        while True:
            found = head | (self.block(body, head, replace(ways, continued=head)) - bound)
            if found == head:
                return head
            head = found

    def _try(self, statement: Try, after: Names, ways: _Ways) -> Names:
        if statement.finalbody:
            after = self.block(statement.finalbody, after | ways.all(), ways)
            ways = _Ways(after, after, after, after)
        caught = ways.raised
        for handler in statement.handlers:
            caught |= self._handler(handler, after, ways)
        orelse = self.block(statement.orelse, after, ways)
        return self.block(statement.body, orelse, replace(ways, raised=caught))

    def _handler(self, handler: Handler, after: Names, ways: _Ways) -> Names:
        return (self.block(handler.body, after, ways) - {handler.name or ""}) | self._read(handler.type)

    def _with(self, statement: With, after: Names, ways: _Ways) -> Names:
        live = self.block(statement.body, after, replace(ways, raised=ways.raised | after))
        for item in reversed(statement.items):
            live = (live - _bound(item.target)) | self._read(item.context)
            if item.target is not None and not _bound(item.target):
                live |= self._read(item.target)
        return live

    def _case(self, case: MatchCase, after: Names, ways: _Ways) -> Names:
        live = self.block(case.body, after, ways) | self._read(case.guard)
        return (live - frozenset(case.names)) | self._read(*case.values)

    def _read(self, *parts: Node | None) -> Names:
        return _NONE.union(*(self._names_in(part) for part in parts if part is not None))

    def _names_in(self, part: Node) -> Names:
        if part not in self._names:
            self._names[part] = _read(part)
        return self._names[part]
