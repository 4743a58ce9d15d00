"""What is this expression? Definitions are followed through names, imports, attributes and calls, across files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.tree import (
    Attribute,
    Await,
    BoolOp,
    Call,
    Constant,
    Expr,
    IfExp,
    Lambda,
    Name,
    NamedExpr,
    Param,
    Starred,
    Subscript,
)
from supavisor_lint.project import calls, members, names, type_hints
from supavisor_lint.project.values import (
    UNKNOWN,
    Factory,
    LambdaValue,
    Literally,
    Session,
    Value,
)
from supavisor_lint.settings import Settings

MAX_ALTERNATIVES = 12
MAX_DEPTH = 120  # definitions that lead to definitions; real code needs a dozen
_NOWHERE = MAX_DEPTH  # deeper than any open question


class Files(Protocol):
    """Where the evaluator gets files from; parsing happens behind it, on demand."""

    def facts(self, path: str) -> FileFacts | None:
        """The facts of a file, None if it cannot be read."""

    def facts_quietly(self, path: str) -> FileFacts | None:
        """The same, but a file that cannot be read is no failure of the run."""

    def facts_defining(self, path: str, name: str) -> FileFacts | None:
        """The facts of the module that a name is imported from, None also where it cannot matter."""

    def peek(self, path: str) -> FileFacts | None:
        """The facts of a module that is read for its classes only: what others know of it stays as it is."""

    def mentioning(self, word: str) -> tuple[str, ...]:
        """All files of the project whose bytes hold a word."""

    def calling(self, name: str, *, of_object: bool = False) -> tuple[str, ...]:
        """All files whose bytes hold a call of a name, or just `x.name()`; those that were parsed by now come first."""

    def module(self, importer: str, module: str, level: int) -> str | None:
        """The path of an imported module, None if it is not of this project."""

    def submodule(self, package: str, name: str) -> str | None:
        """The path of a module inside a package."""

    def dotted_names(self, path: str) -> Iterable[str]:
        """The names under which a file may be imported."""


class Evaluator:
    """Values of expressions. Every answer is a tuple of alternatives; `(UNKNOWN,)` when nothing is known."""

    def __init__(self, files: Files, settings: Settings) -> None:
        self.files = files
        self.settings = settings
        self._memo: dict[object, tuple[Value, ...]] = {}
        self._active: dict[object, int] = {}
        self._provisional: list[object] = []
        self._cut = _NOWHERE

    def values(self, file: FileFacts, expr: Expr) -> tuple[Value, ...]:
        """All that an expression of a file can be."""
        known = self._memo.get(expr)
        return self.guarded(expr, lambda: self._evaluate(file, expr)) if known is None else known

    def guarded(self, key: object, compute: Callable[[], Iterable[Value]]) -> tuple[Value, ...]:
        """`compute()`, once for each key; nothing while the same key is being computed, so that recursion ends.

        An answer that was cut short because a question further out is still open holds only inside that question: it is
        forgotten when that one is answered. The answer to that one is complete, since alternatives only add up.
        """
        known = self._memo.get(key)
        if known is not None:
            return known
        depth = len(self._active)
        if key in self._active or depth >= MAX_DEPTH:
            self._cut = min(self._cut, self._active.get(key, 0))
            return () if key in self._active else (UNKNOWN,)
        outer_cut, self._cut = self._cut, _NOWHERE
        inner = len(self._provisional)
        self._active[key] = depth
        try:
            found = self._memo[key] = distinct(compute())
        finally:
            del self._active[key]
        if self._cut < depth:
            self._provisional.append(key)
        else:
            self._forget_provisional(inner)
            self._cut = _NOWHERE
        self._cut = min(outer_cut, self._cut)
        return found

    def _forget_provisional(self, first: int) -> None:
        for key in self._provisional[first:]:
            self._memo.pop(key, None)
        del self._provisional[first:]

    def _evaluate(self, file: FileFacts, expr: Expr) -> Iterable[Value]:
        evaluate = _KINDS.get(type(expr))
        return (UNKNOWN,) if evaluate is None else evaluate(self, file, expr)

    # ------------------------------------------------------------------------------------------------- questions

    def only(self, file: FileFacts, expr: Expr) -> Value:
        """The one thing that an expression is, placeholders (`None`) aside; UNKNOWN when there are several."""
        real = self._real(file, expr)
        return real[0] if len(real) == 1 else UNKNOWN

    def factory(self, file: FileFacts, expr: Expr) -> Factory | None:
        """The session factory that an expression certainly is."""
        real = self._real(file, expr)
        if real and all(isinstance(v, Factory) for v in real):
            return next(v for v in real if isinstance(v, Factory))
        return None

    def session(self, file: FileFacts, expr: Expr) -> Session | None:
        """The session that an expression certainly is (`None` aside)."""
        real = self._real(file, expr)
        if real and all(isinstance(v, Session) for v in real):
            return next(v for v in real if isinstance(v, Session))
        return None

    def _real(self, file: FileFacts, expr: Expr) -> tuple[Value, ...]:
        values = self.values(file, expr)
        if len(values) == 1 and not isinstance(values[0], Literally):
            return values
        return tuple(v for v in values if not (isinstance(v, Literally) and v.value is None))

    def is_session_type(self, file: FileFacts, param: Param) -> bool:
        """Whether a parameter is a session by its annotation or `Depends`."""
        return any(isinstance(v, Session) for v in type_hints.param_values(self, file, param))


def _constant(_: Evaluator, __: FileFacts, expr: Constant) -> Iterable[Value]:
    value = expr.value
    return (Literally(value),) if value is None or isinstance(value, str | int) else (UNKNOWN,)


def _subscript(ev: Evaluator, file: FileFacts, expr: Subscript) -> Iterable[Value]:
    """`async_sessionmaker[AsyncSession](…)`: the subscript of a known thing is that thing; of data, unknown."""
    return tuple(v for v in ev.values(file, expr.value) if not isinstance(v, Session))


# `match` would try one class after the other, for every expression.
_KINDS: dict[type, Callable[[Evaluator, FileFacts, Any], Iterable[Value]]] = {
    Name: names.name_values,
    Attribute: members.attribute_values,
    Call: calls.call_values,
    Await: lambda ev, file, expr: calls.awaited(ev, file, ev.values(file, expr.value)),
    Constant: _constant,
    NamedExpr: lambda ev, file, expr: ev.values(file, expr.value),
    Starred: lambda ev, file, expr: ev.values(file, expr.value),
    IfExp: lambda ev, file, expr: (*ev.values(file, expr.body), *ev.values(file, expr.orelse)),
    BoolOp: lambda ev, file, expr: tuple(value for operand in expr.values for value in ev.values(file, operand)),
    Lambda: lambda _, file, expr: (LambdaValue(file, expr),),
    Subscript: _subscript,
}


def distinct(values: Iterable[Value]) -> tuple[Value, ...]:
    """The values without repetitions, in order, at most MAX_ALTERNATIVES; UNKNOWN if there is none."""
    found = tuple(values)
    if len(found) > 1:
        found = tuple(dict.fromkeys(found))[:MAX_ALTERNATIVES]
    return found or (UNKNOWN,)
