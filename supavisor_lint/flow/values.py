"""What a variable can hold while a function is followed: a session, an ORM object, a query's result, a constant."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ClassDef
from supavisor_lint.facts.tree import Expr, Name
from supavisor_lint.project.values import ClassValue, Session

# Where a session comes from: the node that opens it, or the text of a variable that holds somebody else's.
Site: TypeAlias = Hashable
# What an ORM object is an instance of: its class's definition, or a `NamedEntity` where its module was not read.
Entity: TypeAlias = Hashable


def _caller() -> Node:
    node = Name("<caller>")
    node.be_root()
    node.set_order(-1)
    return node


@dataclass(slots=True, unsafe_hash=True)
class NamedEntity:
    """A class of which no more is known than its name; `expr`, in `file`, is one place that names it."""

    name: str
    file: FileFacts = field(compare=False)
    expr: Expr = field(compare=False)


CALLER: Final = _caller()
"""Stands for everything that the caller did to a session before it handed it over."""


@dataclass(slots=True, unsafe_hash=True)
class SessionRef:
    """A session."""

    site: Site


@dataclass(slots=True, unsafe_hash=True)
class ConstantRef:
    """True, False or None; what is not `exact` is something that is true, or something that is false, or None."""

    value: bool | None
    exact: bool = True


@dataclass(slots=True, unsafe_hash=True)
class ModeRef:
    """A text or whole number of the source (`kind` is None), or the member of an enumeration (its class).

    `true` says whether it is true, where that is known.
    """

    kind: ClassDef | None
    word: str
    true: bool | None

    @property
    def is_text(self) -> bool:
        """Whether it is a text itself."""
        return self.kind is None and not self.word.isdecimal()


# The attributes of an object that are constants, sorted by name.
Flags: TypeAlias = tuple[tuple[str, ConstantRef], ...]


@dataclass(slots=True, unsafe_hash=True)
class RecordRef:
    """An object of the project of which some attributes are constants: `Options(commit=False)`."""

    flags: Flags


@dataclass(slots=True, unsafe_hash=True)
class KeeperRef:
    """An object of a class, made with sessions that it keeps: its attributes, by name, that hold one or such an object.

    That is its very class, not one that it may be derived from.
    """

    cls: ClassValue
    kept: tuple[tuple[str, SessionRef | KeeperRef], ...]
    flags: Flags = ()

    @property
    def sites(self) -> tuple[Site, ...]:
        """All its sessions."""
        parts = (value.sites if isinstance(value, KeeperRef) else (value.site,) for _, value in self.kept)
        return tuple(site for sites in parts for site in sites)


@dataclass(slots=True, unsafe_hash=True)
class ObjectRef:
    """An ORM object; `site` is the expression that gave it. `exists` when that raises rather than give None."""

    site: Node
    exists: bool = False


@dataclass(slots=True, unsafe_hash=True)
class ManyRef:
    """Several ORM objects, all from one expression: in a list, a dictionary ("by key"), or what its `items()` gives."""

    site: Node
    form: Literal["", "by key", "pairs"] = ""


@dataclass(slots=True, unsafe_hash=True)
class ResultRef:
    """The result of a query on a session; `scalars` when iterating it gives objects, not rows."""

    session: Site
    site: Node
    entity: Entity | None
    scalars: bool


@dataclass(slots=True, unsafe_hash=True)
class CountRef:
    """Whether a statement has changed any row: the `rowcount` of its result, or the one row that it returns."""

    session: Site
    site: Node


@dataclass(slots=True, unsafe_hash=True)
class TransactionRef:
    """A transaction of a session that was begun: `tx` of `async with session.begin() as tx`."""

    session: Site
    block: Node
    nested: bool = False


@dataclass(slots=True, unsafe_hash=True)
class BlockRef:
    """`session.begin()` or `session.begin_nested()`, not yet entered or awaited."""

    session: Site
    call: Expr
    nested: bool

    @property
    def begun(self) -> TransactionRef:
        """The same object, once it is entered or awaited."""
        return TransactionRef(self.session, self.call, self.nested)


@dataclass(slots=True, unsafe_hash=True)
class OpenerRef:
    """A session helper's or factory's block, not yet entered."""

    context: Expr


@dataclass(slots=True, unsafe_hash=True)
class TupleRef:
    """What a function returns at once, where something in it is followed: `return False, []`."""

    items: tuple[Tracked, ...]


@dataclass(slots=True, unsafe_hash=True)
class BlankRef:
    """An instance that was made without arguments, and that nobody has filled since.

    Of a class of the project; of None it is an empty collection.
    """

    cls: ClassDef | None


@dataclass(slots=True, unsafe_hash=True)
class Anything:
    """Something that is not followed."""


Tracked: TypeAlias = (
    SessionRef
    | KeeperRef
    | ObjectRef
    | ManyRef
    | ResultRef
    | CountRef
    | TransactionRef
    | BlockRef
    | OpenerRef
    | ConstantRef
    | ModeRef
    | RecordRef
    | TupleRef
    | BlankRef
    | Anything
)

ANYTHING: Final = Anything()
NOTHING: Final = ConstantRef(False, exact=False)
"""Something that is false, or None."""
SOMETHING: Final = ConstantRef(True, exact=False)
"""Something that is true and not None: an exception that was caught."""
EMPTY_COLLECTION: Final = BlankRef(None)

# What leaving a session's own `async with` does to its work.
Exit: TypeAlias = Literal["commit", "close", "unknown"]


@dataclass(slots=True, unsafe_hash=True)
class Opened:
    """One session of a function: what it is, how it ends, whether a commit expires its objects (None: unknown).

    `autoflush` says whether a query first sends what has changed (None: unknown); `engine` names what its factory is
    bound to (None: unknown). `given` is one that a caller has handed over, who has it for certain. `others_commit` what
    it has written, whatever ends it: its connection, its engine. It is `at_hand` where others may use it without being
    given it: by the registry that it comes from.
    """

    site: Site
    name: str
    session: Session
    exit: Exit = "unknown"
    expires: bool | None = None
    own: bool = False
    autoflush: bool | None = True
    engine: str | None = None
    given: bool = False
    others_commit: bool = False
    at_hand: bool = False

    @property
    def there(self) -> bool:
        """Whether there certainly is one: a parameter may be None."""
        return self.own or self.given
