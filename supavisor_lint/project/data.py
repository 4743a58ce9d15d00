"""What data an expression can hold, as far as the source tells: texts with gaps, maps, URLs. Plain data only.

The values of `project/values.py` say what *kind* of thing a name is; here it is the contents that count, and part of
them may be unknown. An answer is always a tuple of alternatives.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from supavisor_lint.facts.file import FileFacts, walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Attribute, Constant, Expr, Name
from supavisor_lint.project.values import Value

MAX_ALTERNATIVES = 16


@dataclass(frozen=True, slots=True)
class Unclear:
    """Unknown data. `words` are the names that lead to it (variables, settings, environment); they may tell something.

    `drivers` are drivers that the code around it puts into texts of this kind: `.replace("…://", "…+asyncpg://")`.
    """

    words: frozenset[str] = frozenset()
    drivers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Text:
    """A string: literal pieces and unknown ones, in order. Two literal pieces never stand side by side."""

    pieces: tuple[str | Unclear, ...]

    @property
    def whole(self) -> str | None:
        """The text, None if part of it is unknown."""
        if not self.pieces:
            return ""
        first = self.pieces[0]
        return first if len(self.pieces) == 1 and isinstance(first, str) else None


@dataclass(frozen=True, slots=True)
class Plain:
    """A number, boolean or None."""

    value: int | float | bool | None


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is no data: a class, function or lambda."""

    value: Value


@dataclass(frozen=True, slots=True)
class Item:
    """What stands under one key of a map, and the node that put it there. None among the values: maybe no such key."""

    file: FileFacts
    node: Node
    values: tuple[Data | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """A dict. `is_open` when it may hold more than the items tell."""

    items: dict[str, Item] = field(default_factory=dict)
    is_open: bool = False

    def opened(self) -> Map:
        """The same with anything else in it: what is known may have been replaced, too."""
        items = {
            key: replace(item, values=tuple(dict.fromkeys((*item.values, NOTHING_KNOWN))))
            for key, item in self.items.items()
        }
        return Map(items, is_open=True)

    def with_item(self, key: str, item: Item) -> Map:
        """The same with one key set."""
        return Map({**self.items, key: item}, self.is_open)

    def without(self, key: str) -> Map:
        """The same with one key taken out."""
        return Map({k: v for k, v in self.items.items() if k != key}, self.is_open)

    def merged(self, other: Map) -> Map:
        """This map updated with another one."""
        items = dict((self.opened() if other.is_open else self).items)
        for key, item in other.items.items():
            before = items.get(key)
            if None in item.values and before is not None:
                kept = [value for value in item.values if value is not None]
                item = replace(item, values=tuple(dict.fromkeys((*kept, *before.values))))
            items[key] = item
        return Map(items, self.is_open or other.is_open)


@dataclass(frozen=True, slots=True, eq=False)
class Url:
    """A database URL in parts; a part is None where there is none, and `Unclear` where it is unknown.

    `query` is open when unknown options may follow.
    """

    scheme: str | Unclear
    host: Text | None
    port: int | Unclear | None
    query: Map
    text: Text | None = None


Data: TypeAlias = Unclear | Text | Plain | Thing | Map | Url

NOTHING_KNOWN = Unclear()


def text_of(*pieces: str | Unclear) -> Text:
    """A text of pieces, with literal neighbours joined and empty ones left out."""
    joined: list[str | Unclear] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece != "":
            joined.append(piece)
    return Text(tuple(joined))


def as_text(data: Data) -> Text:
    """What `str()` or an f-string makes of data."""
    match data:
        case Text():
            return data
        case Plain(value):
            return text_of(str(value))
        case Url(text=Text() as text):
            return text
        case Unclear():
            return Text((data,))
        case _:
            return Text((NOTHING_KNOWN,))


def words_of(data: Data | None) -> frozenset[str]:
    """The names behind what is unknown in some data."""
    match data:
        case Unclear(words):
            return words
        case Text(pieces):
            return frozenset(word for piece in pieces if isinstance(piece, Unclear) for word in piece.words)
        case _:
            return frozenset()


def few(alternatives: list[Data]) -> tuple[Data, ...]:
    """The alternatives without repetitions; with one that is unknown in place of those that are too many."""
    found = tuple(dict.fromkeys(alternatives))
    if len(found) > MAX_ALTERNATIVES:
        return (*found[:MAX_ALTERNATIVES], NOTHING_KNOWN)
    return found or (NOTHING_KNOWN,)


def merge(left: Data, right: Data) -> Data:
    """A map updated with another; open where either is unknown."""
    first = left if isinstance(left, Map) else Map(is_open=True)
    if isinstance(right, Map):
        return first.merged(right)
    return first if right == Plain(None) else first.opened()


def put(data: Data, key: str | None, item: Item) -> Data:
    """A map with one more item; opened when its key is unknown."""
    if not isinstance(data, Map):
        return data
    return data.opened() if key is None else data.with_item(key, item)


def words_in(expr: Expr) -> frozenset[str]:
    """The names and texts in an expression, which may tell what an unknown value is."""
    found: set[str] = set()
    for node in walk(expr):
        if isinstance(node, Name):
            found.add(node.id)
        elif isinstance(node, Attribute):
            found.add(node.attr)
        elif isinstance(node, Constant) and isinstance(node.value, str):
            found.add(node.value)
    return frozenset(found)
