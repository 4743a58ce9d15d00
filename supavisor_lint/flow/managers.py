"""Context managers of the project that keep a session they were given: `async with UnitOfWork(session):`.

What their `__aenter__` and `__aexit__` do to the session happens where the block begins and ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from supavisor_lint.facts.file import nodes_of_kind
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef
from supavisor_lint.facts.tree import Expr, Name
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.keepers import method_of
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import SOMETHING, ConstantRef, KeeperRef, Site, Tracked
from supavisor_lint.project.names import is_what_it_says
from supavisor_lint.project.values import FunctionValue

_ABOUT_THE_ERROR = 3  # its class, itself, its traceback: what `__aexit__` is given


@dataclass(frozen=True, slots=True)
class KeepingManager:
    """Such a manager, entered by an expression, with the two methods that its class runs."""

    node: Expr
    keeper: KeeperRef
    enter: FunctionValue
    exit: FunctionValue

    def entered(self, frame: Frame, state: State) -> list[tuple[State, Tracked]]:
        """The states inside the block, each with what `as` binds."""
        return frame.follower.called(frame, self.node, self.enter, self._given(self.enter), state)

    def left(self, frame: Frame, state: State) -> list[State]:
        """The states behind the block's normal end."""
        about = self._about_error(ConstantRef(None))
        ends = [after for after, _ in frame.follower.called(frame, self.node, self.exit, about, state)]
        for site in self.keeper.sites:
            ends = _agreed(ends, site)
        return ends

    def failed(self, frame: Frame, state: State) -> list[State]:
        """The states in which an exception that leaves the block goes on."""
        about = self._about_error(SOMETHING)
        with frame.cleaning_up():
            return [after for after, _ in frame.follower.called(frame, self.node, self.exit, about, state)]

    def _about_error(self, value: ConstantRef) -> dict[str, Tracked]:
        params = self.exit.node.params[1:]
        return {**self._given(self.exit), **{param.name: value for param in params if param.kind == "positional"}}

    def _given(self, method: FunctionValue) -> dict[str, Tracked]:
        return {method.node.params[0].name: self.keeper}


def keeping_manager(frame: Frame, node: Expr, keeper: KeeperRef) -> KeepingManager | None:
    """The manager that an expression gives; None where it is not plain what entering or leaving it runs."""
    enter, exit_ = (method_of(frame, keeper, name) for name in ("__aenter__", "__aexit__"))
    if len(enter) != 1 or len(exit_) != 1:
        return None
    if not all(_is_plain(frame, method) for method in (enter[0], exit_[0])) or _asks_in_its_own_way(exit_[0].node):
        return None
    return KeepingManager(node, keeper, enter[0], exit_[0])


def _is_plain(frame: Frame, method: FunctionValue) -> bool:
    node = method.node
    return node.is_async and not node.is_generator and bool(node.params) and is_what_it_says(frame.ev, method)


def _asks_in_its_own_way(method: FunctionDef) -> bool:
    """Whether an `__aexit__` reads what it is told of an error from anything but the usual three parameters."""
    others = {param.name for param in method.params[1:] if param.kind != "positional"}
    if len(method.params) - len(others) > _ABOUT_THE_ERROR + 1:
        return True
    return any(name.id in others for name in nodes_of_kind(method, Name))


def _agreed(ends: Iterable[State], site: Site) -> list[State]:
    """The ends of a block; where only some of them leave work open, or objects expired, that hangs on the unknown."""
    found = list(ends)
    open_ones = [_is_open(state, site) for state in found]
    expired = [_expired(state, site) for state in found]
    always = frozenset.intersection(*expired) if expired else frozenset()
    return [
        state.with_session(site, state.sessions[site]._replace(sure=False))
        if (is_open and not all(open_ones)) or gone != always
        else state
        for state, is_open, gone in zip(found, open_ones, expired, strict=True)
    ]


def _is_open(state: State, site: Site) -> bool:
    return state.sessions[site].is_begun or bool(state.history(site).pending)


def _expired(state: State, site: Site) -> frozenset[Node]:
    """The objects of a session that a read would have to load."""
    known = ((node, found) for node, found in state.objects.items() if found.session == site)
    return frozenset(node for node, found in known if any(c.kind == "expired" for c in found.conditions))
