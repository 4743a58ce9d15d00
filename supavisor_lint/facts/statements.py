"""The statements of the lowered tree (see `facts.tree` for the expressions)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Block, Constant, Expr, Param, Stmt, Yield

if TYPE_CHECKING:
    from supavisor_lint.facts.scopes import Scope


@dataclass(slots=True, eq=False)
class FunctionDef(Stmt):
    """A `def` or `async def`. `span` covers `async def name`; `scope` is the scope of the body.

    `yields` and `results` are what the body itself yields, and what its `return` statements give.
    """

    name: str
    decorators: tuple[Expr, ...]
    params: tuple[Param, ...]
    returns: Expr | None
    body: Block
    is_async: bool
    qualname: str
    scope: Scope
    yields: tuple[Yield, ...] = field(default=(), kw_only=True)
    results: tuple[Expr, ...] = field(default=(), kw_only=True)
    marked_as_task: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        self._adopt(self.decorators, self.params, self.returns, self.body)

    @property
    def is_generator(self) -> bool:
        """Whether the body holds a `yield` of its own."""
        return bool(self.yields)

    def param(self, name: str) -> Param | None:
        """The parameter of that name."""
        return next((p for p in self.params if p.name == name), None)


@dataclass(slots=True, eq=False)
class ClassDef(Stmt):
    """A class. `span` covers `class name`; `scope` is the scope of the body."""

    name: str
    decorators: tuple[Expr, ...]
    bases: tuple[Expr, ...]
    body: Block
    qualname: str
    scope: Scope

    def __post_init__(self) -> None:
        self._adopt(self.decorators, self.bases, self.body)


@dataclass(slots=True, eq=False)
class ExprStmt(Stmt):
    """An expression used as a statement."""

    value: Expr

    def __post_init__(self) -> None:
        self.value.parent = self


@dataclass(slots=True, eq=False)
class Assign(Stmt):
    """`targets = value`, also annotated (`annotation`, maybe no value) and augmented (`augmented`)."""

    targets: tuple[Expr, ...]
    value: Expr | None
    annotation: Expr | None = None
    augmented: bool = False

    def __post_init__(self) -> None:
        self._adopt(self.targets, self.value, self.annotation)


@dataclass(slots=True, eq=False)
class Return(Stmt):
    """`return value`."""

    value: Expr | None

    def __post_init__(self) -> None:
        self._adopt(self.value)


@dataclass(slots=True, eq=False)
class Raise(Stmt):
    """`raise exc from cause`."""

    exc: Expr | None
    cause: Expr | None

    def __post_init__(self) -> None:
        self._adopt(self.exc, self.cause)


@dataclass(slots=True, eq=False)
class If(Stmt):
    """`if test: body else: orelse`; an `elif` is an `If` in `orelse`."""

    test: Expr
    body: Block
    orelse: Block

    def __post_init__(self) -> None:
        self._adopt(self.test, self.body, self.orelse)


@dataclass(slots=True, eq=False)
class While(Stmt):
    """`while test: body else: orelse`."""

    test: Expr
    body: Block
    orelse: Block

    def __post_init__(self) -> None:
        self._adopt(self.test, self.body, self.orelse)


@dataclass(slots=True, eq=False)
class For(Stmt):
    """`for target in iter: body else: orelse`, maybe async."""

    target: Expr
    iter: Expr
    body: Block
    orelse: Block
    is_async: bool

    def __post_init__(self) -> None:
        self._adopt(self.target, self.iter, self.body, self.orelse)


@dataclass(slots=True, eq=False)
class Handler(Node):
    """One `except type as name: body`. `span` covers the `except` keyword and its type."""

    type: Expr | None
    name: str | None
    body: Block

    def __post_init__(self) -> None:
        self._adopt(self.type, self.body)


@dataclass(slots=True, eq=False)
class Try(Stmt):
    """`try: body except …: else: finally:`; `is_star` for `except*`."""

    body: Block
    handlers: tuple[Handler, ...]
    orelse: Block
    finalbody: Block
    is_star: bool = False

    def __post_init__(self) -> None:
        self._adopt(self.body, self.handlers, self.orelse, self.finalbody)


@dataclass(slots=True, eq=False)
class WithItem(Node):
    """`context as target`."""

    context: Expr
    target: Expr | None

    def __post_init__(self) -> None:
        self._adopt(self.context, self.target)


@dataclass(slots=True, eq=False)
class With(Stmt):
    """`with items: body`, maybe async."""

    items: tuple[WithItem, ...]
    body: Block
    is_async: bool

    def __post_init__(self) -> None:
        self._adopt(self.items, self.body)


@dataclass(slots=True, eq=False)
class MatchCase(Node):
    """One `case` of a `match`: the names that its pattern binds, its guard, its body."""

    names: tuple[str, ...]
    values: tuple[Expr, ...]
    guard: Expr | None
    body: Block

    def __post_init__(self) -> None:
        self._adopt(self.values, self.guard, self.body)


@dataclass(slots=True, eq=False)
class Match(Stmt):
    """`match subject: cases`."""

    subject: Expr
    cases: tuple[MatchCase, ...]

    def __post_init__(self) -> None:
        self._adopt(self.subject, self.cases)


@dataclass(slots=True, eq=False)
class Import(Stmt):
    """`import a.b as c`: pairs of dotted name and alias."""

    names: tuple[tuple[str, str | None], ...]


@dataclass(slots=True, eq=False)
class ImportFrom(Stmt):
    """`from ..module import a as b`: `level` counts the dots; `names` is None for a star."""

    module: str
    level: int
    names: tuple[tuple[str, str | None], ...] | None


@dataclass(slots=True, eq=False)
class Delete(Stmt):
    """`del targets`."""

    targets: tuple[Expr, ...]

    def __post_init__(self) -> None:
        self._adopt(self.targets)


@dataclass(slots=True, eq=False)
class Simple(Stmt):
    """`pass`, `break`, `continue`, `global`, `nonlocal` (`keyword`), or an `assert` (with its parts)."""

    keyword: str
    parts: tuple[Expr, ...] = ()

    def __post_init__(self) -> None:
        self._adopt(self.parts)


@dataclass(slots=True, eq=False)
class Module(Node):
    """A whole file; the root of every chain of parents."""

    body: Block
    scope: Scope
    locator: Callable[[], None] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self.be_root()
        self._adopt(self.body)

    def _locate(self) -> None:
        """Set the spans of all nodes of the file, once."""
        locator, self.locator = self.locator, None
        if locator is not None:
            locator()


def is_docstring(statement: Stmt, body: Sequence[Stmt]) -> bool:
    """Whether a statement is the docstring of its body."""
    return (
        statement is body[0]
        and isinstance(statement, ExprStmt)
        and isinstance(statement.value, Constant)
        and isinstance(statement.value.value, str)
    )
