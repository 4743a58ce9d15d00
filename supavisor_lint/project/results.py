"""What does a function of the project return or yield, by its body, or else by its annotation?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.project.values import (
    UNKNOWN,
    ClassValue,
    Factory,
    FunctionValue,
    Instance,
    Session,
    Value,
    leaves_open,
)

if TYPE_CHECKING:
    from supavisor_lint.project.evaluate import Evaluator


def returned(ev: Evaluator, file: FileFacts, function: FunctionDef) -> tuple[Value, ...]:
    """What the `return` statements of a function give; where they do not tell, what its annotation says.

    The annotation makes no session: it would not say where that comes from.
    """

    def compute() -> Iterable[Value]:
        from supavisor_lint.project.type_hints import annotated  # mutual: annotations need calls

        values = [v for given in function.results for v in ev.values(file, given)]
        if all(map(leaves_open, values)):
            values += [v for v in annotated(ev, file, function.returns) if _may_be_declared(v)]
        return values

    return ev.guarded(("returns", function), compute)


def _may_be_declared(value: Value) -> bool:
    return isinstance(value, Factory) or (isinstance(value, Instance) and isinstance(value.of, ClassValue))


def yielded(ev: Evaluator, function: FunctionValue) -> tuple[Value, ...]:
    """What the `yield` expressions of a function give; a session also where only its annotation says so."""

    def compute() -> Iterable[Value]:
        from supavisor_lint.project.type_hints import yields_session  # mutual: annotations need calls

        values = tuple(written())
        known = [value for value in values if not leaves_open(value)]
        if all(isinstance(value, Session) for value in known) and yields_session(ev, function):
            return known or (Session("parameter"),)
        return values

    def written() -> Iterator[Value]:
        for expr in function.node.yields:
            if expr.value is None:
                continue
            if expr.is_from:
                yield UNKNOWN
            else:
                yield from ev.values(function.file, expr.value)

    return ev.guarded(("yields", function.node), compute)
