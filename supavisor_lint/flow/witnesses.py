"""The objects of a session that a called function is not passed: a live, an expired and a new one stand for them.

What befalls these befalls them: a commit or rollback expires the live ones, a query may load the expired ones again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Name
from supavisor_lint.flow.objects import KEPT, LIVE, NEW, UNKNOWN, not_expired_by
from supavisor_lint.flow.renaming import Renaming
from supavisor_lint.flow.state import Condition, ObjectState, State
from supavisor_lint.flow.values import CALLER, Site

_EXPIRED = Condition("expired", CALLER)
_ALL_EXPIRED = frozenset((_EXPIRED,))
_ALL_NEW = frozenset((NEW,))
_kinds: dict[Node, str] = {}  # of all witnesses that there are; the same few are used again for every call


@cache
def _witness(number: int, kind: str) -> Node:
    node = Name(f"<witness {number} {kind}>")
    node.be_root()
    node.set_order(-1)
    _kinds[node] = kind
    return node


def witnesses(state: State, names: Renaming) -> dict[Node, ObjectState]:
    """The witnesses of each session, as far as there is anything to see. They are of any class."""
    found = {}
    for number, site in enumerate(names.sites):
        hidden = [o for node, o in state.objects.items() if o.session == site and node not in names.objects]
        if hidden:
            found[_witness(number, "live")] = ObjectState(site, None, frozenset((LIVE,)))
        if any(c.kind in ("added", "new") for o in hidden for c in o.conditions):
            found[_witness(number, "new")] = ObjectState(site, None, frozenset((NEW,)))
        if any(c.kind == "expired" for o in hidden for c in o.conditions):
            found[_witness(number, "expired")] = ObjectState(site, None, frozenset((_EXPIRED,)))
    return found


@dataclass(frozen=True, slots=True)
class _Fate:
    """What has become of a session's live, expired and new objects during a call."""

    live: frozenset[Condition]
    expired: frozenset[Condition]
    new: frozenset[Condition]
    call: Node

    def befalls(self, known: ObjectState) -> ObjectState:
        """An object behind the call."""
        conditions = frozenset([c for condition in known.conditions for c in self.of(condition)])
        return known if conditions == known.conditions else ObjectState(known.session, known.entity, conditions)

    def of(self, condition: Condition) -> Iterator[Condition]:
        """What has become of a condition."""
        if condition.detached or condition.kind in ("unknown", "gone"):
            yield condition
        elif condition.kind == "deleted":
            yield condition if all(after.kind != "expired" for after in self.live) else UNKNOWN
        elif condition.kind in ("added", "new"):
            yield from map(self._told, self.new)
        elif condition.kind == "expired" and not self.expired:
            yield condition
        elif condition.kind == "expired":
            for after in self.expired:
                yield condition._replace(detached=after.detached) if after.by is CALLER else self._told(after)
        else:
            for after in self.live:
                is_kept = condition.kind == "kept" and after.kind == "live"
                yield KEPT._replace(detached=after.detached) if is_kept else self._told(after)

    def _told(self, condition: Condition) -> Condition:
        return condition._replace(by=None if condition.by is None else self.call)


def like_witnesses(objects: dict[Node, ObjectState], after: State, call: Node) -> dict[Node, ObjectState]:
    """The caller's objects, with what the witnesses have seen; `after` is the state behind the called function."""
    live, expired, new = _seen(after, "live"), _seen(after, "expired"), _seen(after, "new")
    if not live:
        return objects
    fates = {
        site: _Fate(seen, expired.get(site, _ALL_EXPIRED), new.get(site, _ALL_NEW), call) for site, seen in live.items()
    }
    return {
        node: fates[known.session].befalls(known)
        if known.session in fates and (is_witness(node) or node not in after.objects)
        else known
        for node, known in objects.items()
    }


def was_not_expired(state: State, site: Site, causes: frozenset[Node | None]) -> State:
    """An object could be read: what would have expired it has not happened, nor has it expired what the caller has."""
    state = not_expired_by(state, site, causes)
    if CALLER in causes:
        for node, known in state.objects.items():
            if known.session == site and _is_witness(node, "expired"):
                state = state.with_object(node, known._replace(conditions=frozenset()))
    return state


def told_by_reads(before: State, after: State, state: State) -> State:
    """The caller's state behind a call that could read what may have been expired: other objects are not, either.

    `before` is the caller's state in front of the call, `after` the one behind the called function. Which object was
    read does not matter where one thing would have expired all that it was given.
    """
    for site, conditions in _seen(after, "expired").items():
        handed = (o for node, o in before.objects.items() if node in after.objects and not is_witness(node))
        given = [known for known in handed if known.session == site]
        causes = frozenset(c.by for known in given for c in known.conditions if c.kind == "expired")
        if not conditions and len(causes) == 1:
            state = was_not_expired(state, site, causes)
    return state


def _seen(after: State, kind: str) -> dict[Site, frozenset[Condition]]:
    return {known.session: known.conditions for node, known in after.objects.items() if _is_witness(node, kind)}


def is_witness(node: Node) -> bool:
    """Whether an object is a witness: of the function that it is known in, not of one that this calls."""
    return node in _kinds


def _is_witness(node: Node, kind: str) -> bool:
    return _kinds.get(node) == kind
