"""What is known of one session at one point of one path: its transaction, its blocks, and what has happened to it."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from supavisor_lint.facts.node import Node

# entry: as the caller left it, or untold; fresh: no transaction; begun: in one, outside any block (autobegin, by hand)
Transaction: TypeAlias = Literal["entry", "fresh", "begun"]

_NONE: frozenset[Node] = frozenset()


class OpenBlock(NamedTuple):
    """One `begin()` or `begin_nested()` block; `over` is the commit, rollback or close that ended it too early."""

    node: Node
    nested: bool
    over: Node | None = None


class SessionState(NamedTuple):
    """What is certain of one session: everything in it tells paths apart.

    `failed` is a database operation that raised and was not rolled back since; `hard` how: a "statement" has spoiled
    the database's transaction, a "flush" (or commit, or what a "savepoint" flushes first) the session's own as well,
    which refuses everything; `doomed` that other writes go with it; `sure` is False once somebody unknown may have used
    the session; `shared` when that can happen again at any time.
    """

    transaction: Transaction = "fresh"
    blocks: tuple[OpenBlock, ...] = ()
    failed: Node | None = None
    hard: Literal["statement", "flush", "savepoint"] | None = None
    doomed: bool = False
    sure: bool = True
    shared: bool = False

    @property
    def is_over(self) -> Node | None:
        """What ended the block that the session is still in."""
        return self.blocks[-1].over if self.blocks else None

    @property
    def block(self) -> OpenBlock | None:
        """The outermost `begin()` block."""
        return next((b for b in self.blocks if not b.nested), None)

    @property
    def is_begun(self) -> bool:
        """Whether a transaction is certainly open."""
        return self.transaction == "begun" or self.block is not None


class History(NamedTuple):
    """What may have happened to one session on the way here; paths that meet add theirs up.

    `origins` began the open transaction on this path, `inherited` did so before an exception led into a handler;
    `writes` are not yet committed, `carried` were not when an exception led into a handler; `queries` have used the
    connection since the transaction began; `unsent` are changes of objects that no flush has sent yet,
    or the flush or commit that has failed.
    """

    origins: frozenset[Node] = _NONE
    inherited: frozenset[Node] = _NONE
    writes: frozenset[Node] = _NONE
    carried: frozenset[Node] = _NONE
    queries: frozenset[Node] = _NONE
    unsent: frozenset[Node] = _NONE

    def joined(self, other: History) -> History:
        """What may have happened on either path."""
        return self if self == other else History(*(a | b for a, b in zip(self, other, strict=True)))

    @property
    def begun_by(self) -> frozenset[Node]:
        """Everything that may have begun the open transaction."""
        return self.origins | self.inherited

    @property
    def pending(self) -> frozenset[Node]:
        """Every write that may not be committed yet."""
        return self.writes | self.carried


EMPTY_HISTORY = History()
