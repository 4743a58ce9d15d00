"""The lowered tree: what one file says, without whitespace, as plain data that outlives LibCST's tree.

The names follow Python's own `ast` where the meaning is the same. Every node knows its `parent`; expressions and
statement heads know their `span` (1-based, see `findings.Span`). Expressions whose inner structure no rule asks for
are `Other`, with their sub-expressions in source order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from supavisor_lint.facts.node import Node

if TYPE_CHECKING:
    from supavisor_lint.facts.scopes import Scope


class Expr(Node):
    """An expression."""

    __slots__ = ()


class Stmt(Node):
    """A statement."""

    __slots__ = ()


Block: TypeAlias = tuple[Stmt, ...]


# ---------------------------------------------------------------------------------------------------- expressions


@dataclass(slots=True, eq=False)
class Name(Expr):
    """A bare name, read or bound."""

    is_leaf = True
    id: str


@dataclass(slots=True, eq=False)
class Attribute(Expr):
    """`value.attr`."""

    value: Expr
    attr: str

    def __post_init__(self) -> None:
        self.value.parent = self


@dataclass(slots=True, eq=False)
class Argument(Node):
    """One argument of a call; `star` is "", "*" or "**"."""

    value: Expr
    keyword: str | None = None
    star: str = ""

    def __post_init__(self) -> None:
        self.value.parent = self


@dataclass(slots=True, eq=False)
class Call(Expr):
    """`func(args)`."""

    func: Expr
    args: tuple[Argument, ...] = ()

    def __post_init__(self) -> None:
        self._adopt(self.func, self.args)

    def argument(self, position: int | None, keyword: str | None = None) -> Expr | None:
        """The value at a 0-based position or of a keyword; None when absent or hidden behind a star."""
        index = 0
        for arg in self.args:
            if arg.keyword is not None:
                if arg.keyword == keyword:
                    return arg.value
            elif arg.star:
                if arg.star == "*":
                    position = None
            else:
                if index == position:
                    return arg.value
                index += 1
        return None


@dataclass(slots=True, eq=False)
class Await(Expr):
    """`await value`."""

    value: Expr

    def __post_init__(self) -> None:
        self.value.parent = self


@dataclass(slots=True, eq=False)
class Constant(Expr):
    """A literal str, int, float, bool, None or Ellipsis (an unreadable literal is Ellipsis)."""

    is_leaf = True
    value: object


@dataclass(slots=True, eq=False)
class FString(Expr):
    """An f-string (or a concatenation that holds one): literal parts are `Constant`s."""

    parts: tuple[Expr, ...]

    def __post_init__(self) -> None:
        self._adopt(self.parts)


@dataclass(slots=True, eq=False)
class Collection(Expr):
    """A tuple, list or set display; `kind` is "tuple", "list" or "set"."""

    items: tuple[Expr, ...]
    kind: str

    def __post_init__(self) -> None:
        self._adopt(self.items)


@dataclass(slots=True, eq=False)
class Starred(Expr):
    """`*value` in a display or a target."""

    value: Expr

    def __post_init__(self) -> None:
        self.value.parent = self


@dataclass(slots=True, eq=False)
class DictItem(Node):
    """`key: value`, or `**value` with no key."""

    key: Expr | None
    value: Expr

    def __post_init__(self) -> None:
        self._adopt(self.key, self.value)


@dataclass(slots=True, eq=False)
class Dict(Expr):
    """A dict display."""

    items: tuple[DictItem, ...]

    def __post_init__(self) -> None:
        self._adopt(self.items)


@dataclass(slots=True, eq=False)
class Subscript(Expr):
    """`value[items]`."""

    value: Expr
    items: tuple[Expr, ...]

    def __post_init__(self) -> None:
        self._adopt(self.value, self.items)


@dataclass(slots=True, eq=False)
class NamedExpr(Expr):
    """`target := value`."""

    target: Expr
    value: Expr

    def __post_init__(self) -> None:
        self._adopt(self.target, self.value)


@dataclass(slots=True, eq=False)
class IfExp(Expr):
    """`body if test else orelse`."""

    body: Expr
    test: Expr
    orelse: Expr

    def __post_init__(self) -> None:
        self._adopt(self.body, self.test, self.orelse)


@dataclass(slots=True, eq=False)
class BoolOp(Expr):
    """`a or b or c` / `a and b`; `op` is "or" or "and"."""

    values: tuple[Expr, ...]
    op: str

    def __post_init__(self) -> None:
        self._adopt(self.values)


@dataclass(slots=True, eq=False)
class Lambda(Expr):
    """`lambda params: body`, with a scope of its own."""

    params: tuple[Param, ...]
    body: Expr
    scope: Scope

    def __post_init__(self) -> None:
        self._adopt(self.params, self.body)


@dataclass(slots=True, eq=False)
class Generator(Node):
    """One `for target in iter if conditions` of a comprehension."""

    target: Expr
    iter: Expr
    conditions: tuple[Expr, ...]
    is_async: bool

    def __post_init__(self) -> None:
        self._adopt(self.target, self.iter, self.conditions)


@dataclass(slots=True, eq=False)
class Comprehension(Expr):
    """A list, set, dict or generator comprehension, with a scope of its own."""

    elements: tuple[Expr, ...]
    generators: tuple[Generator, ...]
    kind: str
    scope: Scope

    def __post_init__(self) -> None:
        self._adopt(self.elements, self.generators)


@dataclass(slots=True, eq=False)
class Yield(Expr):
    """`yield value` or `yield from value`."""

    value: Expr | None
    is_from: bool = False

    def __post_init__(self) -> None:
        self._adopt(self.value)


@dataclass(slots=True, eq=False)
class Other(Expr):
    """Any other expression: its sub-expressions in source order.

    `op` is "not" for a negation and the operator of a single comparison, such as "is not"; "" for all else.
    """

    parts: tuple[Expr, ...]
    op: str = ""

    def __post_init__(self) -> None:
        self._adopt(self.parts)


@dataclass(slots=True, eq=False)
class Operation(Other):
    """`a + b + c` or `a in b`: operands and, between them, the operators as they are spelled (`not in` in one)."""

    operators: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Param(Node):
    """A parameter; `kind` is "positional", "keyword", "*" or "**"."""

    name: str
    annotation: Expr | None
    default: Expr | None
    kind: str

    def __post_init__(self) -> None:
        self._adopt(self.annotation, self.default)
