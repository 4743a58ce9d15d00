"""The conditions by which a statement finds rows: which columns they ask of, and whether they hold as long as these."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from supavisor_lint.facts.file import scope_of
from supavisor_lint.facts.scopes import Assigned
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.tree import (
    Attribute,
    Call,
    Collection,
    Constant,
    Expr,
    FString,
    Name,
    Operation,
    Other,
    Subscript,
)

_HARMLESS = frozenset({"options", "execution_options", "values", "returning", "with_for_update", "order_by", "limit"})
_TESTS = frozenset({"is_", "is_not", "isnot", "in_"})
_CONVERSIONS = frozenset({"int", "str", "bool", "UUID"})


def chain_of(call: Call) -> tuple[Call, list[Call]]:
    """The call at the bottom of a chain, and those that follow: `update(…)`, `….where(…)`, `….values(…)`."""
    links: list[Call] = []
    while isinstance(call.func, Attribute) and isinstance(call.func.value, Call):
        links.append(call)
        call = call.func.value
    return call, links[::-1]


def is_statement(expr: Expr | None) -> bool:
    """`select(…).where(…)`."""
    return isinstance(expr, Call) and last_name(chain_of(expr)[0].func) == "select"


class AnotherRow(Exception):  # noqa: N818 - it is named for what it says
    """A statement may find another row the second time, or none: `why`, as a clause."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Conditions:
    """What the links of a statement's chain ask of the columns of a model.

    `columns` are all that they ask of, `equal` those that are to equal a value. `changed` are attributes that the task
    sets: a value that is one of them is another the second time.
    """

    def __init__(self, model: Expr, changed: AbstractSet[str]) -> None:
        self.columns: set[str] = set()
        self.equal: set[str] = set()
        self._model = last_name(model)
        self._changed = changed

    def read(self, link: Call) -> None:
        """Take in one link, like `….where(…)`. Raises AnotherRow."""
        name = last_name(link.func)
        if name in ("where", "filter") and not any(a.star for a in link.args):
            for argument in link.args:
                self._condition(argument.value)
        elif name == "filter_by" and all(a.keyword for a in link.args):
            for argument in link.args:
                self._equals(argument.keyword, argument.value)
        elif name == "with_for_update" and any(a.keyword in ("skip_locked", "nowait") for a in link.args):
            raise AnotherRow("`with_for_update` passes over the rows that others have locked just then")
        elif name not in _HARMLESS:
            raise AnotherRow(f"`{name}` may give something else the second time")

    def _condition(self, expr: Expr) -> None:
        match expr:
            case Other((left, right), "=="):
                column = self._column(left)
                self._equals(column or self._column(right), right if column else left)
            case Operation(parts, _, operators) if set(operators) == {"&"}:
                for part in parts:
                    self._condition(part)
            case Call(func, args) if last_name(func) == "and_":
                for argument in args:
                    self._condition(argument.value)
            case Call(Attribute(receiver, method), args) if method in _TESTS and self._column(receiver):
                self.columns.add(self._column(receiver) or "")
                for argument in args:
                    self._require_steady(argument.value)
            case _:
                raise AnotherRow("one of its conditions may not hold the second time")

    def _equals(self, column: str | None, value: Expr) -> None:
        if column is None:
            raise AnotherRow("one of its conditions may not hold the second time")
        self._require_steady(value)
        self.columns.add(column)
        if column in self._changed:
            raise AnotherRow(f"the statement goes by `{column}`, which the task changes")
        self.equal.add(column)

    def _column(self, expr: Expr) -> str | None:
        """The column of the model that an expression is: `Job.id`, `models.Job.id`."""
        if isinstance(expr, Attribute) and isinstance(expr.value, Name | Attribute):
            return expr.attr if last_name(expr.value) == self._model else None
        return None

    def _require_steady(self, value: Expr) -> None:
        if self._column(value) is not None:
            raise AnotherRow("one of its conditions may not hold the second time")
        require_steady(value, self._changed)


def require_steady(value: Expr, changed: AbstractSet[str]) -> None:
    """Raise AnotherRow where an expression may have another value the second time: `queue.pop()`, `now()`."""
    match value:
        case Constant():
            return
        case Name():
            if any(is_statement(b.value) for b in _assigned(value)):
                raise AnotherRow("what it is found by may have another value the second time")
        case Attribute(holder, name):
            if name in changed:
                raise AnotherRow(f"the task changes `{name}`")
            require_steady(holder, changed)
        case Subscript(holder, (Constant(key),)) if isinstance(key, str):
            require_steady(holder, changed)
        case Call(func, args) if last_name(func) in _CONVERSIONS:
            for argument in args:
                require_steady(argument.value, changed)
        case Collection(parts) | FString(parts):
            for part in parts:
                require_steady(part, changed)
        case _:
            raise AnotherRow("what it is found by may have another value the second time")


def _assigned(name: Name) -> list[Assigned]:
    owner = scope_of(name).lookup(name.id)
    return [b for b in owner.bindings[name.id] if isinstance(b, Assigned)] if owner is not None else []
