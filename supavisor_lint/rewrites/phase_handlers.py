"""The handlers around phases: what they may ask of a session whose block has rolled back already (3, 13).

A block rolls back before the handler is reached, and expires every object. What the phase has done before the error
is gone then; a handler without `rollback()` would have left it to the next commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supavisor_lint.facts.file import walk_own
from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, For, FunctionDef, Handler, Raise, Simple, Try, While
from supavisor_lint.facts.tree import Argument, Attribute, Await, Call, Name, Stmt
from supavisor_lint.rewrites.base import NoFix
from supavisor_lint.rewrites.phase_effects import ENDS, Effects
from supavisor_lint.rewrites.phase_plan import Phase
from supavisor_lint.rewrites.phase_shape import always_raises, always_runs, is_bound, used_as_they_are


class HandlerCheck:
    """Checks the handlers of the `try` statements that hold phases."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._names = effects.names

    def doubts(self, statement: Try, phases: list[Phase]) -> Iterator[str]:
        """Why wrapping the phases in a `try` would be noticed by its handlers; raises NoFix where they would fail."""
        held = [phase for phase in phases if any(part.contains(phase.statements[0]) for part in statement.body)]
        if not held:
            return
        half_done = any(may_be_half_done(self._effects, phase.statements) for phase in held)
        for handler in statement.handlers:
            self.refuse_reads(handler)
            leaves = always_raises(handler.body)
            works = self._effects.works(handler.body)
            if not self._rolls_back_first(handler) and (works or (half_done and not leaves)):
                yield f"the handler in line {handler.span.line} does not first roll back what was left half done"
            if not leaves:
                yield from self._read_later(statement, handler)

    # ------------------------------------------------------------------------------------------------------- reads

    def refuse_reads(self, handler: Handler) -> None:
        """Raise NoFix where a handler reads an object of the session that it has not loaded again itself."""
        node = next((name for name in self._used_as_they_are(handler) if not self._is_only_set(name)), None)
        if node is not None:
            raise NoFix(
                f"line {node.span.line}: the handler reads `{node.id}`, which has expired when a block has "
                "rolled back; copy the value before the `try`, or load the object again"
            )

    def doubts_about_expiry(self, statement: Try) -> Iterator[str]:
        """Why the handlers of a `try` would notice that its objects have expired."""
        for handler in statement.handlers:
            if self._rolls_back_first(handler):
                continue
            for node in self._used_as_they_are(handler):
                yield f"line {node.span.line} uses `{node.id}`, which has expired when the end of the block has failed"
            if not always_raises(handler.body):
                yield from self._read_later(statement, handler)

    def _used_as_they_are(self, handler: Handler) -> Iterator[Name]:
        """The objects of the session in a handler that it has not loaded again itself."""
        return used_as_they_are(self._names, own_nodes(handler.body))

    def _is_only_set(self, name: Name) -> bool:
        """`job.status = …`, which works on an expired object, and `session.add(job)`."""
        parent = name.parent
        if isinstance(parent, Argument) and parent.parent is not None:
            return self._names.is_method(parent.parent, ("add",))
        around = parent.parent if isinstance(parent, Attribute) else None
        return isinstance(around, Assign) and not around.augmented and any(t is parent for t in around.targets)

    def _read_later(self, statement: Try, handler: Handler) -> Iterator[str]:
        """Objects that are read after the failure: a block that fails expires them even if nothing was begun."""
        bound_inside = {n.id for part in statement.body for n in walk_own(part) if isinstance(n, Name) and is_bound(n)}
        loop = _loop_around(statement)
        for part in self._names.function.body:
            for node in walk_own(part):
                if not isinstance(node, Name) or not self._names.is_object(node) or is_bound(node):
                    continue
                if handler.contains(node) or (statement.contains(node) and (loop is None or node.id in bound_inside)):
                    continue
                if node.order > statement.order or (loop is not None and any(s.contains(node) for s in loop.body)):
                    yield (
                        f"line {node.span.line} reads `{node.id}` after a failure that the handler in line "
                        f"{handler.span.line} has caught: a block expires it"
                    )
                    return

    # ---------------------------------------------------------------------------------------------------- rollback

    def _rolls_back_first(self, handler: Handler) -> bool:
        """Whether the first thing that a handler does to the session, on every path, is `rollback()`."""
        acts = self._effects.of(handler.body)
        if not acts:
            return False
        first = acts[0].node
        return isinstance(first, Call) and self._names.is_method(first, ("rollback",)) and always_runs(first, handler)


def may_be_half_done(effects: Effects, statements: Sequence[Stmt]) -> bool:
    """Whether an error other than the database's own can leave work behind that nothing has committed yet.

    What the database refuses (a statement, a flush, the commit) leaves nothing that a later commit could save.
    """
    pending: Node | None = None
    acts = {act.node: act for act in effects.of(statements)}
    looped = any(isinstance(node, For | While) for node in own_nodes(statements))
    for node in sorted(own_nodes(statements), key=lambda node: node.order):
        act = acts.get(node)
        if act is not None and effects.names.is_method(node, ENDS):
            pending = pending if looped else None
        elif pending is not None and not pending.contains(node) and _may_fail(node) and not _is_end(effects, node):
            return True
        elif pending is None and act is not None and act.leaves_something:
            pending = node
    return False


def _is_end(effects: Effects, node: Node) -> bool:
    """`await` of a commit."""
    return isinstance(node, Await) and effects.names.is_method(node.value, ENDS)


_CANNOT_FAIL = frozenset(
    {"str", "repr", "len", "int", "float", "bool", "now", "utcnow", "time", "perf_counter", "monotonic", "uuid4"}
    | {"isoformat", "format_exc", "total_seconds"}
)


def _may_fail(node: Node) -> bool:
    """Whether a node may raise: a call (of a logger, too) other than of a few plain functions, `raise`, `assert`."""
    if isinstance(node, Call):
        return last_name(node.func) not in _CANNOT_FAIL
    return isinstance(node, Await | Raise) or (isinstance(node, Simple) and node.keyword == "assert")


def _loop_around(statement: Try) -> For | While | None:
    parent = statement.parent
    while parent is not None:
        if isinstance(parent, For | While):
            return parent
        if isinstance(parent, FunctionDef):
            return None
        parent = parent.parent
    return None
