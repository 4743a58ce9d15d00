"""Names for what a called function is given that are the same at every call, so that following it once is enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Name
from supavisor_lint.flow.state import ObjectState, State
from supavisor_lint.flow.values import (
    BlockRef,
    CountRef,
    KeeperRef,
    ManyRef,
    ObjectRef,
    ResultRef,
    SessionRef,
    Site,
    Tracked,
    TransactionRef,
    TupleRef,
)

_made: set[Node] = set()  # of all tokens that there are, those of new objects


@lru_cache(maxsize=64)
def _token(number: int, made: bool) -> Node:
    """Stands for the caller's object of that number; `made` if the caller, or one before it, has made it."""
    node = Name(f"<object {number}>")
    node.be_root()
    node.set_order(-1)
    if made:
        _made.add(node)
    return node


def is_made_by_caller(site: Node) -> bool:
    """Whether an object that a function was given was made on the way to the call: see `just_made`."""
    return site in _made


@dataclass(slots=True)
class Renaming:
    """The caller's sessions and objects, and what the called function knows them as."""

    sites: dict[Site, Site] = field(default_factory=dict)
    objects: dict[Node, Node] = field(default_factory=dict)

    @classmethod
    def of(cls, given: dict[str, Tracked], state: State, is_made: Callable[[Node], bool]) -> Renaming:
        """Names in the order of the parameters; `is_made` says of an object whether it is a new one."""
        found = cls()
        for name in sorted(given):
            value = given[name]
            if isinstance(value, ObjectRef | ManyRef) and value.site in state.objects:
                if value.site not in found.objects:
                    found.objects[value.site] = _token(len(found.objects), is_made(value.site))
                found._name(state.objects[value.site].session)
            elif isinstance(value, SessionRef):
                found._name(value.site)
            elif isinstance(value, KeeperRef):
                for site in value.sites:
                    found._name(site)
            elif isinstance(value, TransactionRef | BlockRef | ResultRef | CountRef):
                found._name(value.session)
        return found

    def _name(self, site: Site) -> None:
        self.sites.setdefault(site, f"<session {len(self.sites)}>")

    def reversed(self) -> Renaming:
        """The way back."""
        return Renaming({new: old for old, new in self.sites.items()}, {new: old for old, new in self.objects.items()})

    def state(self, state: State) -> State:
        """A state with the other names."""
        return state.but(
            variables={name: self.value(value) for name, value in state.variables.items()},
            sessions={self.site(site): session for site, session in state.sessions.items()},
            histories={self.site(site): history for site, history in state.histories.items()},
            objects={self.node(node): self._object(known) for node, known in state.objects.items()},
            loaded=frozenset(row._replace(session=self.site(row.session)) for row in state.loaded),
        )

    def site(self, site: Site) -> Site:
        """A session's other name."""
        return self.sites.get(site, site)

    def node(self, node: Node) -> Node:
        """An object's other name."""
        return self.objects.get(node, node)

    def _object(self, known: ObjectState) -> ObjectState:
        return ObjectState(self.site(known.session), known.entity, known.conditions)

    def _held(self, value: SessionRef | KeeperRef) -> SessionRef | KeeperRef:
        held = self.value(value)
        assert isinstance(held, SessionRef | KeeperRef)
        return held

    def value(self, value: Tracked) -> Tracked:
        """A value that speaks of the other names."""
        if isinstance(value, SessionRef):
            return SessionRef(self.site(value.site))
        if isinstance(value, KeeperRef):
            return replace(value, kept=tuple((attr, self._held(held)) for attr, held in value.kept))
        if isinstance(value, ObjectRef | ManyRef):
            return replace(value, site=self.node(value.site))
        if isinstance(value, TransactionRef | BlockRef | ResultRef | CountRef):
            return replace(value, session=self.site(value.session))
        if isinstance(value, TupleRef):
            return TupleRef(tuple(map(self.value, value.items)))
        return value
