"""The base of the lowered tree: order, position, parent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from supavisor_lint.findings import Span

if TYPE_CHECKING:
    from supavisor_lint.facts.scopes import Scope

NO_SPAN = Span(1, 1, 1, 1)


class Node:
    """Anything in the lowered tree; `parent` is None for the module only.

    `order` numbers the nodes of a file: statements in source order, within one the value before its target. Positions
    cost more than that: `span` is computed when it is asked for; what it takes, once for a whole definition or line.
    """

    is_leaf = False  # for classes without sub-nodes, which most nodes are of
    __slots__ = ("_children", "_kept", "_scope", "_span", "order", "parent")
    _children: tuple[Node, ...]
    _kept: dict[object, Any]  # see facts.kept
    _scope: Scope
    _span: Span
    order: int
    parent: Node | None

    @property
    def span(self) -> Span:
        """Where the node stands."""
        try:
            return self._span
        except AttributeError:
            self._locate(self.order)
        if hasattr(self, "_span"):
            return self._span
        return self.parent.span if self.parent is not None else NO_SPAN

    def set_order(self, order: int) -> None:
        """Say where the node begins among the nodes of its file."""
        self.order = order

    def set_span(self, span: Span) -> None:
        """Say where the node stands."""
        self._span = span

    def stand_for(self, node: Node) -> None:
        """Take the place of another node: its position in the order, its span, its ancestors."""
        self.parent, self.order = node, node.order

    def _locate(self, order: int) -> None:
        """Have the module set the span of the node of this order."""
        if self.parent is not None:
            self.parent._locate(order)

    def contains(self, node: Node | None) -> bool:
        """Whether a node is this one or stands somewhere in it."""
        while node is not None:
            if node is self:
                return True
            node = node.parent
        return False

    def children(self) -> tuple[Node, ...]:
        """The direct sub-nodes, in source order. The tree must be complete: they are remembered."""
        try:
            return self._children
        except AttributeError:
            self._children = self._find_children()
            return self._children

    def _find_children(self) -> tuple[Node, ...]:
        if self.is_leaf:
            return ()
        found: list[Node] = []
        for name in self.__match_args__:  # type: ignore[attr-defined]
            value = getattr(self, name)
            if isinstance(value, Node):
                found.append(value)
            elif isinstance(value, tuple):
                found += [item for item in value if isinstance(item, Node)]
        return tuple(found)

    def be_root(self) -> None:
        """Have no parent: a module, or a name outside the tree."""
        self.parent = None

    def _adopt(self, *groups: Node | Sequence[Node | None] | None) -> None:
        for group in groups:
            if isinstance(group, Node):
                group.parent = self
            elif group is not None:
                for child in group:
                    if child is not None:
                        child.parent = self
