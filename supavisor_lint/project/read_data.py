"""What an expression holds: constants, texts, dicts, conditionals. Names are in `read_names`, calls in `read_calls`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import (
    Attribute,
    Await,
    BoolOp,
    Call,
    Constant,
    Dict,
    Expr,
    FString,
    IfExp,
    Lambda,
    Name,
    NamedExpr,
    Operation,
    Starred,
    Subscript,
)
from supavisor_lint.project import read_calls, read_names
from supavisor_lint.project.data import (
    MAX_ALTERNATIVES,
    NOTHING_KNOWN,
    Data,
    Item,
    Map,
    Plain,
    Text,
    Thing,
    Unclear,
    as_text,
    few,
    merge,
    put,
    text_of,
    words_in,
)
from supavisor_lint.project.evaluate import Evaluator
from supavisor_lint.project.values import LambdaValue

_MAX_COMBINATIONS = 4
_MAX_DEPTH = 40
_MAX_STEPS = 4000  # for one question; real engines need a few hundred


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What the parameters of a function hold in the call that is being followed."""

    function: FunctionDef
    values: Mapping[str, tuple[Data, ...]]


class DataReader:
    """Reads the data of expressions; every question may open modules of the project that nothing else needs."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.ev = evaluator
        self._depth = 0
        self._steps = 0

    def read(self, file: FileFacts, expr: Expr, given: Given | None = None) -> tuple[Data, ...]:
        """Everything that the expression may hold; what is unknown is among it as `Unclear`."""
        if self._depth == 0:
            self._steps = 0
        self._steps += 1
        if self._depth >= _MAX_DEPTH or self._steps > _MAX_STEPS:
            return (NOTHING_KNOWN,)
        self._depth += 1
        try:
            return few(list(self._read(file, expr, given)))
        finally:
            self._depth -= 1

    def _read(self, file: FileFacts, expr: Expr, given: Given | None) -> tuple[Data, ...] | list[Data]:
        match expr:
            case Constant(str() as value):
                return (text_of(value),)
            case Constant(None | int() | float() as value):
                return (Plain(value),)
            case FString(parts):
                return self._joined(file, parts, given)
            case Dict():
                return self._dict(file, expr, given)
            case Name():
                return read_names.name_data(self, file, expr, given)
            case Attribute():
                return read_names.attribute_data(self, file, expr)
            case Call():
                return read_calls.call_data(self, file, expr, given)
            case Subscript(value, (key,)):
                return self._subscript(file, expr, value, key, given)
            case Operation(parts, _, operators):
                return self._operation(file, expr, parts, operators, given)
            case IfExp(body, _, orelse):
                return (*self.read(file, body, given), *self.read(file, orelse, given))
            case BoolOp(values, "or"):
                found = [data for value in values for data in self.read(file, value, given)]
                return [data for data in found if data not in (Plain(None), Text(()), Plain(False))]
            case Await(value) | NamedExpr(_, value) | Starred(value):
                return self.read(file, value, given)
            case Lambda():
                return (Thing(LambdaValue(file, expr)),)
            case _:
                return (Unclear(words_in(expr)),)

    # ------------------------------------------------------------------------------------------------------- texts

    def _joined(self, file: FileFacts, parts: tuple[Expr, ...], given: Given | None) -> list[Data]:
        """A text of parts, each of which may be several things: a few combinations of them."""
        choices: list[tuple[Data, ...]] = []
        combinations = 1
        for part in parts:
            read = self.read(file, part, given)
            read = tuple(data for data in read if data != Plain(None)) or read
            # The first part tells the driver: all its alternatives count. Of the others a few combinations do.
            if choices and combinations * len(read) > max(_MAX_COMBINATIONS, len(choices[0])):
                words = frozenset(word for data in read for piece in as_text(data).pieces for word in _words(piece))
                read = (Unclear(words | words_in(part)),)
            combinations *= len(read)
            choices.append(read)
        return [text_of(*(p for data in chosen for p in as_text(data).pieces)) for chosen in product(*choices)]

    def _operation(
        self, file: FileFacts, expr: Operation, parts: tuple[Expr, ...], operators: tuple[str, ...], given: Given | None
    ) -> list[Data]:
        if set(operators) == {"+"}:
            return self._joined(file, parts, given)
        if set(operators) == {"|"}:
            merged: list[Data] = [Map()]
            for part in parts:
                merged = [merge(left, right) for left in merged for right in self.read(file, part, given)]
            return merged
        if operators == ("%",):
            return [read_calls.filled(data, "%", {}, words_in(parts[1])) for data in self.read(file, parts[0], given)]
        return [Unclear(words_in(expr))]

    # -------------------------------------------------------------------------------------------------------- dicts

    def _dict(self, file: FileFacts, expr: Dict, given: Given | None) -> list[Data]:
        maps: list[Data] = [Map()]
        for entry in expr.items:
            if entry.key is None:
                added = self.read(file, entry.value, given)
                maps = [merge(left, right) for left in maps for right in added][:MAX_ALTERNATIVES]
            else:
                key = self.key(file, entry.key, given)
                item = Item(file, entry, self.read(file, entry.value, given))
                maps = [put(data, key, item) for data in maps]
        return maps

    def key(self, file: FileFacts, expr: Expr, given: Given | None) -> str | None:
        """The text of a key, None if it is unknown."""
        read = self.read(file, expr, given)
        return read[0].whole if len(read) == 1 and isinstance(read[0], Text) else None

    def _subscript(
        self, file: FileFacts, expr: Expr, value: Expr, key: Expr, given: Given | None
    ) -> tuple[Data, ...] | list[Data]:
        text = self.key(file, key, given)
        found: list[Data] = []
        for data in self.read(file, value, given):
            item = data.items.get(text or "") if isinstance(data, Map) else None
            if item is None:
                found.append(Unclear(words_in(expr)))
            else:
                found += [v for v in item.values if v is not None]
        return found


def _words(piece: str | Unclear) -> frozenset[str]:
    return piece.words if isinstance(piece, Unclear) else frozenset((piece,))
