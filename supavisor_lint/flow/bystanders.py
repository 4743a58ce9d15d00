"""What a statement does not speak of: it goes on alike from two states that differ in nothing else.

Paths differ in the answers to conditions, and in flags that are asked for later. A loop between a test and the one that
asks again would be followed once for each; its answers are put aside in front of it, and taken up again behind it.
"""

from __future__ import annotations

from typing import NamedTuple

from supavisor_lint.facts.file import enclosing_function, nodes_in, walk
from supavisor_lint.facts.kept import kept
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import ClassDef, FunctionDef, Handler, MatchCase
from supavisor_lint.facts.tree import Lambda, Name, Stmt
from supavisor_lint.flow.frame import Exits
from supavisor_lint.flow.state import State, States
from supavisor_lint.flow.values import ConstantRef, ModeRef, Tracked

_PLAIN = frozenset({ConstantRef, ModeRef})  # values that no other name shares, and nothing happens to


class Bystanders(NamedTuple):
    """Names with what they hold, and answers to conditions."""

    variables: tuple[tuple[str, Tracked], ...]
    assumed: tuple[tuple[str, bool], ...]

    def joining(self, state: State) -> State:
        """The state with them."""
        variables = {**state.variables, **dict(self.variables)} if self.variables else None
        assumed = tuple(sorted({*state.assumed, *self.assumed})) if self.assumed else None
        return state.but(variables=variables, assumed=assumed)

    def joining_all(self, exits: Exits) -> Exits:
        """The exits with them in every state."""
        raised = {thrown: States(map(self.joining, states)) for thrown, states in exits.raised.items()}
        left = {leaving: States(map(self.joining, states)) for leaving, states in exits.left.items()}
        return Exits(exits.heard, exits.outer, raised, left)


def apart(statement: Stmt, state: State) -> tuple[Bystanders | None, State]:
    """What a statement does not speak of (None for nothing), and the state without that."""
    if not state.assumed and _PLAIN.isdisjoint(map(type, state.variables.values())):
        return None, state
    spoken = _spoken(statement)
    aside = {n for n, v in state.variables.items() if type(v) in _PLAIN and _is_apart(n, spoken)}
    assumed = tuple([a for a in state.assumed if all(_is_apart(word, spoken) for word in a[0].split())])
    if not aside and not assumed:
        return None, state
    left = {n: v for n, v in state.variables.items() if n not in aside}
    bystanders = Bystanders(tuple((n, state.variables[n]) for n in aside), assumed)
    return bystanders, state.but(variables=left, assumed=tuple([a for a in state.assumed if a not in assumed]))


def _is_apart(name: str, spoken: frozenset[str]) -> bool:
    """Whether a name, or a word of a condition, is not spoken of; those in brackets are no names of the code."""
    return name[0] != "<" and name.partition(".")[0] not in spoken


@kept
def _spoken(statement: Stmt) -> frozenset[str]:
    """The names in a statement, and those that it may reach through functions nested around it."""
    names, around = _names(statement), enclosing_function(statement)
    while around is not None:
        names |= _captured(around)
        around = enclosing_function(around)
    return frozenset(names)


@kept
def _captured(function: FunctionDef) -> frozenset[str]:
    """The names that nested functions, lambdas and classes speak of: whoever calls these speaks of them."""
    inner = (node for node in nodes_in(function) if isinstance(node, FunctionDef | Lambda | ClassDef))
    return frozenset(name for node in inner for name in _names(node))


def _names(root: Node) -> set[str]:
    names: set[str] = set()
    for node in walk(root):
        match node:
            case Name(name) | FunctionDef(name) | ClassDef(name):
                names.add(name)
            case Handler(name=str(name)):
                names.add(name)
            case MatchCase(names=bound):
                names.update(bound)
    return names
