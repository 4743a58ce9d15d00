"""What an expression can be, as far as definitions tell. `Unknown` is never a match for anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from supavisor_lint.facts.file import FileFacts
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ClassDef, FunctionDef
from supavisor_lint.facts.tree import Call, Expr, Lambda
from supavisor_lint.findings import Confidence

SessionSource: TypeAlias = Literal["factory", "class", "helper", "getter", "dependency", "request", "parameter"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing is known."""


@dataclass(frozen=True, slots=True)
class Unbound:
    """A name that nothing binds."""

    name: str


@dataclass(frozen=True, slots=True)
class Literally:
    """A constant of the source."""

    value: object


@dataclass(frozen=True, slots=True)
class External:
    """Something outside the project, by its dotted name."""

    dotted: str

    @property
    def last(self) -> str:
        """The last part of the name."""
        return self.dotted.rpartition(".")[2]

    @property
    def root(self) -> str:
        """The top-level package."""
        return self.dotted.partition(".")[0]


@dataclass(frozen=True, slots=True)
class ModuleValue:
    """A module of the project, by path (the folder's for a namespace package)."""

    path: str


@dataclass(frozen=True, slots=True)
class ClassValue:
    """A class of the project."""

    file: FileFacts
    node: ClassDef


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a class, or what an external callable returned."""

    of: ClassValue | External


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """A function or method of the project; `bound` when its first parameter is already given."""

    file: FileFacts
    node: FunctionDef
    bound: bool = False
    receiver: Instance | ClassValue | None = None


@dataclass(frozen=True, slots=True)
class LambdaValue:
    """A lambda."""

    file: FileFacts
    node: Lambda


@dataclass(frozen=True, slots=True)
class ParamValue:
    """A parameter of which nothing else is known: whatever the callers pass."""

    file: FileFacts
    function: FunctionDef
    name: str


@dataclass(frozen=True, slots=True)
class Partial:
    """`functools.partial(target, …)`; `call` is the partial call itself."""

    target: Value
    call: Call


@dataclass(frozen=True, slots=True)
class Method:
    """A method of something whose class is not the project's: `receiver.name`."""

    receiver: Value
    name: str


@dataclass(frozen=True, slots=True)
class Factory:
    """A session factory. `node` is its defining expression, None when only the settings' names say so.

    One that is `scoped` hands out the sessions of another one that is not known, with options of its own. A `registry`
    gives the same session to all who ask for one, and has its methods itself: an `async_scoped_session`.
    """

    file: FileFacts | None
    node: Node | None
    name: str
    confidence: Confidence = "high"
    on_the_spot: bool = False
    scoped: bool = False
    registry: bool = False


@dataclass(frozen=True, slots=True)
class FactoryBlock:
    """`factory.begin()`: entering it gives a session in a transaction."""

    factory: Factory


@dataclass(frozen=True, slots=True)
class Decorated:
    """What `asynccontextmanager` makes of a function: a session helper if the function yields a session."""

    function: FunctionValue


@dataclass(frozen=True, slots=True)
class NamedHelper:
    """A session helper only by the settings' names."""

    name: str


@dataclass(frozen=True, slots=True)
class Manager:
    """A called `Decorated` or `NamedHelper`: an async context manager not yet entered."""

    helper: Decorated | NamedHelper
    call: Call | None


@dataclass(frozen=True, slots=True)
class Coroutine:
    """A called `async def`, not yet awaited."""

    function: FunctionValue
    call: Call


@dataclass(frozen=True, slots=True)
class GeneratorValue:
    """A called generator function."""

    function: FunctionValue
    call: Call


@dataclass(frozen=True, slots=True)
class ParamCall:
    """A called parameter: what a registrar does with its task."""

    param: ParamValue
    call: Call


@dataclass(frozen=True, slots=True)
class Session:
    """An AsyncSession and where it comes from.

    `definition` is the helper, getter or dependency; `begun` tells that it was entered in a transaction.
    """

    source: SessionSource
    definition: FunctionValue | ClassValue | Factory | NamedHelper | None = None
    begun: bool = False
    confidence: Confidence = "high"


@dataclass(frozen=True, slots=True)
class Transaction:
    """`session.begin()` or `session.begin_nested()`."""

    session: Session
    receiver: Expr
    nested: bool


Value: TypeAlias = (
    Unknown
    | Unbound
    | Literally
    | External
    | ModuleValue
    | ClassValue
    | Instance
    | FunctionValue
    | LambdaValue
    | ParamValue
    | Partial
    | Method
    | Factory
    | FactoryBlock
    | Decorated
    | NamedHelper
    | Manager
    | Coroutine
    | GeneratorValue
    | ParamCall
    | Session
    | Transaction
)

UNKNOWN = Unknown()


def says_nothing(values: Iterable[Value]) -> bool:
    """Whether values leave open what a thing is: placeholders (`None`), whatever a caller passes, unknown ones."""
    return all(isinstance(value, Unknown | ParamValue) or value == Literally(None) for value in values)


def leaves_open(value: Value) -> bool:
    """Whether a value may be anything: nothing is known of it, or only that another package gives it."""
    origin = value.of if isinstance(value, Instance) else value
    return says_nothing((value,)) or (isinstance(origin, External) and origin.root not in ("builtins", "sqlalchemy"))


def told(values: Iterable[Value], declared: Iterable[Value]) -> list[Value]:
    """Some values, or what is declared in their place where they leave open what the thing is.

    A placeholder (`None`) stays: the thing may be that as well. So does what another package gives, unless it is
    declared to be something that has a meaning here.
    """
    given, known = list(values), [value for value in declared if not isinstance(value, Unknown)]
    if not all(map(leaves_open, given)) or not known:
        return given
    if says_nothing(given) or any(_has_a_meaning(value) for value in known):
        return [*(value for value in given if isinstance(value, Literally)), *known]
    return given


def _has_a_meaning(value: Value) -> bool:
    return isinstance(value, Session | Factory) or (isinstance(value, Instance) and isinstance(value.of, ClassValue))
