"""The lowered tree: what one file says, without whitespace, as plain data that outlives LibCST's tree.

The names follow Python's own `ast` where the meaning is the same. Every node knows its `parent`; expressions and
statement heads know their `span` (1-based, see `findings.Span`). Expressions whose inner structure no rule asks for
are `Other`, with their sub-expressions in source order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from supavisor_lint.findings import Span

if TYPE_CHECKING:
    from supavisor_lint.facts.scopes import Scope

NO_SPAN = Span(1, 1, 1, 1)


class Node:
    """Anything in the lowered tree; `parent` is None for the module only.

    `order` numbers the nodes of a file by where they begin. Positions cost more than that: `span` is computed, for the
    whole file, when the first one is asked for.
    """

    __slots__ = ("_span", "order", "parent")
    _span: Span
    order: int
    parent: Node | None

    @property
    def span(self) -> Span:
        """Where the node stands."""
        try:
            return self._span
        except AttributeError:
            self._locate()
            around = self.parent.span if self.parent is not None else NO_SPAN
            return getattr(self, "_span", around)

    def set_order(self, order: int) -> None:
        """Say where the node begins among the nodes of its file."""
        self.order = order

    def set_span(self, span: Span) -> None:
        """Say where the node stands."""
        self._span = span

    def stand_for(self, node: Node) -> None:
        """Take the place of another node: its position in the order, its span, its ancestors."""
        self.parent, self.order = node, node.order

    def _locate(self) -> None:
        if self.parent is not None:
            self.parent._locate()

    def contains(self, node: Node | None) -> bool:
        """Whether a node is this one or stands somewhere in it."""
        while node is not None:
            if node is self:
                return True
            node = node.parent
        return False

    def children(self) -> Iterator[Node]:
        """The direct sub-nodes, in source order."""
        for name in self.__match_args__:  # type: ignore[attr-defined]
            value = getattr(self, name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                for item in value:
                    if isinstance(item, Node):
                        yield item

    def _be_root(self) -> None:
        self.parent = None

    def _adopt(self, *groups: Node | Sequence[Node | None] | None) -> None:
        for group in groups:
            if isinstance(group, Node):
                group.parent = self
            elif group is not None:
                for child in group:
                    if child is not None:
                        child.parent = self


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
    """Any other expression: its sub-expressions in source order."""

    parts: tuple[Expr, ...]

    def __post_init__(self) -> None:
        self._adopt(self.parts)


@dataclass(slots=True, eq=False)
class Param(Node):
    """A parameter; `kind` is "positional", "keyword", "*" or "**"."""

    name: str
    annotation: Expr | None
    default: Expr | None
    kind: str

    def __post_init__(self) -> None:
        self._adopt(self.annotation, self.default)
