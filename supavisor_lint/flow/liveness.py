"""Liveness: which names may still be read, in front of every statement of a function (backwards data flow)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from supavisor_lint.facts.file import walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import (
    Assign,
    For,
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
    Block,
    Collection,
    Expr,
    Name,
    Starred,
    Stmt,
)

Names: TypeAlias = frozenset[str]
_NONE: Names = frozenset()


def names_read(part: Node) -> Names:
    """The names that stand in a piece of code, nested functions included."""
    return frozenset([n.id for n in walk(part) if isinstance(n, Name)])


def _bound(target: Expr | None) -> Names:
    """The names that a target certainly binds."""
    if isinstance(target, Name):
        return frozenset((target.id,))
    if isinstance(target, Collection):
        return frozenset(name for item in target.items for name in _bound(item))
    return _bound(target.value) if isinstance(target, Starred) else _NONE


@dataclass(frozen=True, slots=True)
class Ways:
    """What is live at the end of every way out of a stretch of code other than its end."""

    raised: Names
    returned: Names
    broken: Names
    continued: Names

    def all(self) -> Names:
        """What is live at the end of any of them."""
        return self.raised | self.returned | self.broken | self.continued


class Liveness:
    """Goes backwards through blocks. An exception may leave any statement, before it has bound anything."""

    def __init__(self) -> None:
        self.live: dict[Stmt, Names] = {}
        self._names: dict[Node, Names] = {}  # a loop's rounds ask for them again

    def block(self, statements: Block, after: Names, ways: Ways) -> Names:
        """What is live in front of a block, given what is behind it."""
        for statement in reversed(statements):
            after = self._before(statement, after, ways) | ways.raised
            self.live[statement] = after
        return after

    def _before(self, statement: Stmt, after: Names, ways: Ways) -> Names:
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

    def _while(self, statement: While, after: Names, ways: Ways) -> Names:
        done = self.block(statement.orelse, after, ways) | self._read(statement.test)
        return self._rounds(statement.body, done, _NONE, replace(ways, broken=after))

    def _for(self, statement: For, after: Names, ways: Ways) -> Names:
        bound = _bound(statement.target)
        done = self.block(statement.orelse, after, ways) | (self._read(statement.target) - bound)
        return self._rounds(statement.body, done, bound, replace(ways, broken=after)) | self._read(statement.iter)

    def _rounds(self, body: Block, done: Names, bound: Names, ways: Ways) -> Names:
        """What is live at the head of a loop, whose rounds bind some names first."""
        head = done
        while True:
            found = head | (self.block(body, head, replace(ways, continued=head)) - bound)
            if found == head:
                return head
            head = found

    def _try(self, statement: Try, after: Names, ways: Ways) -> Names:
        if statement.finalbody:
            after = self.block(statement.finalbody, after | ways.all(), ways)
            ways = Ways(after, after, after, after)
        caught = ways.raised
        for handler in statement.handlers:
            caught |= self._handler(handler, after, ways)
        orelse = self.block(statement.orelse, after, ways)
        return self.block(statement.body, orelse, replace(ways, raised=caught))

    def _handler(self, handler: Handler, after: Names, ways: Ways) -> Names:
        return (self.block(handler.body, after, ways) - {handler.name or ""}) | self._read(handler.type)

    def _with(self, statement: With, after: Names, ways: Ways) -> Names:
        live = self.block(statement.body, after, replace(ways, raised=ways.raised | after))
        for item in reversed(statement.items):
            live = (live - _bound(item.target)) | self._read(item.context)
            if item.target is not None and not _bound(item.target):
                live |= self._read(item.target)
        return live

    def _case(self, case: MatchCase, after: Names, ways: Ways) -> Names:
        live = self.block(case.body, after, ways) | self._read(case.guard)
        return (live - frozenset(case.names)) | self._read(*case.values)

    def _read(self, *parts: Node | None) -> Names:
        return _NONE.union(*(self._names_in(part) for part in parts if part is not None))

    def _names_in(self, part: Node) -> Names:
        if part not in self._names:
            self._names[part] = names_read(part)
        return self._names[part]
