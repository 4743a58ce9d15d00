"""Cutting the block of a session into phases: the runs of statements up to each commit (section 10, R1).

A list of statements is cut at its own commits, and at compound statements that hold commits of their own. What stands
before a cut is a run; it becomes one `async with session.begin():` where that changes nothing. What cannot be wrapped
raises NoFix, with the line; what could be noticed becomes a doubt: then the rewrite is unsafe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from supavisor_lint.facts.file import walk_own
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import (
    ExprStmt,
    For,
    If,
    Return,
    Try,
    While,
    With,
)
from supavisor_lint.facts.tree import Attribute, Await, Call, Stmt
from supavisor_lint.rewrites.base import NoFix
from supavisor_lint.rewrites.phase_calls import refuse_calls
from supavisor_lint.rewrites.phase_effects import BEGINS, ENDS, Act, Effects
from supavisor_lint.rewrites.phase_shape import cannot_fail, exits, heads, is_bound, used_as_they_are
from supavisor_lint.rewrites.phase_swallowing import refuse_swallowed

Kind: TypeAlias = Literal["plain", "commit", "ends", "block", "phased"]


@dataclass(frozen=True, slots=True)
class Phase:
    """Statements that become one block, and the commit that the end of the block replaces."""

    statements: tuple[Stmt, ...]
    commit: Stmt | None = None

    def holds(self, node: Node) -> bool:
        """Whether a node stands in the phase, its commit included."""
        return any(s.contains(node) for s in (*self.statements, *((self.commit,) if self.commit is not None else ())))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a list of statements stands: whether the session's block ends behind it, and what would see a failure.

    `last`: nothing behind it works on the session; `at_once`: nothing behind it can fail; `guarded`: a handler inside
    the session's block catches what is raised in it; `loop`: it is, or stands in, the body of a loop.
    """

    last: bool = True
    at_once: bool = True
    guarded: bool = False
    loop: bool = False


@dataclass(slots=True)
class Plan:
    """The phases that a session's block is cut into, and the doubts: what makes the rewrite unsafe."""

    phases: list[Phase] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)


class Planner:
    """Cuts one block. `expires` says whether a commit expires the session's objects (None: unknown)."""

    def __init__(self, effects: Effects, expires: bool | None) -> None:
        self._effects = effects
        self._names = effects.names
        self._expires = expires
        self.plan = Plan()

    def cut(self, block: Sequence[Stmt]) -> Plan:
        """Cut the block of the session's `async with`."""
        self._list(block, _Place())
        return self.plan

    # ------------------------------------------------------------------------------------------------------- lists

    def _list(self, block: Sequence[Stmt], place: _Place) -> None:
        run: list[Stmt] = []
        for index, statement in enumerate(block):
            behind = block[index + 1 :]
            kind = self._kind(statement)
            if kind == "plain":
                run.append(statement)
                continue
            if kind == "commit":
                self._closed(run, statement, place)
            elif kind == "ends":
                self._refuse_discarded(run, statement)
            else:
                self._open(run, statement, replace(place, last=False))
                if kind == "phased":
                    self._compound(statement, self._inside(place, behind))
            run = []
        self._open(run, None, place)

    def _inside(self, place: _Place, behind: Sequence[Stmt]) -> _Place:
        """The place of a list inside a statement that has others behind it."""
        unexpired = self._expires is False or not any(self._names.touches(statement) for statement in behind)
        last = place.last and unexpired and not self._effects.works(behind)
        return replace(place, last=last, at_once=place.at_once and all(cannot_fail(s) for s in behind))

    def _kind(self, statement: Stmt) -> Kind:
        method = self._method_of(statement)
        if method == "commit":
            return "commit"
        if method in ENDS:
            return "ends"
        if isinstance(statement, With) and self._is_block(statement):
            return "block"
        if self._ends_within(statement) is None:
            return "plain"
        if isinstance(statement, If | For | While | Try | With):
            return "phased"
        raise NoFix(f"line {statement.span.line} ends or begins a transaction in a way that no block can replace")

    def _method_of(self, statement: Stmt) -> str | None:
        """`commit` of a statement `await session.commit()`."""
        value = statement.value if isinstance(statement, ExprStmt) else None
        call = value.value if isinstance(value, Await) else None
        if isinstance(call, Call) and isinstance(call.func, Attribute) and not call.args:
            return call.func.attr if self._names.is_session(call.func.value) else None
        return None

    def _is_block(self, statement: With) -> bool:
        return any(self._names.is_method(item.context, BEGINS) for item in statement.items)

    def _ends_within(self, statement: Stmt) -> Node | None:
        """What ends or begins a transaction somewhere in a statement."""
        return next((n for n in walk_own(statement) if self._names.is_method(n, ENDS | BEGINS)), None)

    # -------------------------------------------------------------------------------------------------------- runs

    def _closed(self, run: list[Stmt], commit: Stmt, place: _Place) -> None:
        """A run that its own commit ends."""
        run = self._from_first_work(run)
        if run:
            self._check(run, place)
            self.plan.phases.append(Phase(tuple(run), commit))

    def _open(self, run: list[Stmt], behind: Stmt | None, place: _Place) -> None:
        """A run that no commit of its own ends: before another transaction, or at the end of a list."""
        run = self._from_first_work(run)
        if not run:
            return
        acts = self._effects.of(run)
        left = next((act for act in acts if act.leaves_something), None)
        if left is None:
            run = self._to_last_work(run)
            self._check(run, place)
            self._require_unexpired(run, place)
            self._doubt_rollbacks(run, place)
        else:
            if behind is not None:
                raise NoFix(
                    f"{left} may be committed, or rolled back, inside the statement in line {behind.span.line}: "
                    "put both into one `begin()`, or commit before that line if neither needs the other"
                )
            if not place.last or place.loop:
                raise NoFix(f"{left} has no commit of its own: what follows may commit it, or roll it back")
            run = self._without_tail(run)
            self._check(run, place)
            if place.guarded or not place.at_once:
                self._doubt(f"{left} would be committed before the session's block ends")
        self.plan.phases.append(Phase(tuple(run)))

    def _from_first_work(self, run: list[Stmt]) -> list[Stmt]:
        """A run without the statements at its head that do nothing to the session: they need no transaction."""
        first = next((i for i, statement in enumerate(run) if self._effects.works([statement])), None)
        return [] if first is None else run[first:]

    def _to_last_work(self, run: list[Stmt]) -> list[Stmt]:
        """A run that only reads, without what follows its last query (unless an expired object is read there)."""
        needed = self._effects.works if self._expires is False else lambda part: self._names.touches(part[0])
        last = max(i for i, statement in enumerate(run) if needed([statement]) or self._effects.works([statement]))
        return run[: last + 1]

    def _without_tail(self, run: list[Stmt]) -> list[Stmt]:
        """A run without the log lines and the bare `return` at its end, which cannot fail."""
        end = len(run)
        while end > 1 and cannot_fail(run[end - 1]) and not self._names.touches(run[end - 1]):
            end -= 1
        return run[:end]

    def _refuse_discarded(self, run: list[Stmt], end: Stmt) -> None:
        acts = self._effects.of(run)
        if acts:
            raise NoFix(f"line {end.span.line} gives up what {acts[0]} has begun")

    def _require_unexpired(self, run: Sequence[Stmt], place: _Place) -> None:
        """A block round a run that nothing has committed expires what was loaded: nobody may read it afterwards."""
        if self._expires is False:
            return
        inside = {node for statement in run for node in walk_own(statement)}
        end = -1 if place.loop else max(node.order for node in inside)
        for statement in self._names.function.body:
            for node in walk_own(statement):
                if self._names.is_object(node) and node.order > end and node not in inside and not is_bound(node):
                    raise NoFix(
                        f"`{getattr(node, 'id', '')}` is read in line {node.span.line}, behind the block that line "
                        f"{run[0].span.line} needs: its commit may expire the object (`expire_on_commit`)"
                    )

    def _doubt_rollbacks(self, run: Sequence[Stmt], place: _Place) -> None:
        """A rollback finds nothing open behind a block: what was loaded does not expire by it any more (section 3)."""
        nodes = [node for statement in self._names.function.body for node in walk_own(statement)]
        end = -1 if place.loop else max(node.order for statement in run for node in walk_own(statement))
        for rollback in nodes:
            if rollback.order > end and self._names.is_method(rollback, ("rollback",)):
                behind = nodes if place.loop else [node for node in nodes if node.order > rollback.order]
                used = next(used_as_they_are(self._names, behind), None)
                if used is not None:
                    self._doubt(
                        f"the rollback in line {rollback.span.line} would not expire `{used.id}` any more, "
                        f"which line {used.span.line} uses"
                    )

    def _doubt(self, text: str) -> None:
        if text not in self.plan.doubts:
            self.plan.doubts.append(text)

    # ------------------------------------------------------------------------------------------- inside of one run

    def _check(self, run: Sequence[Stmt], place: _Place) -> None:
        acts = self._effects.of(run)
        for act in acts:
            if act.kind == "ends":
                raise NoFix(f"{act} begins or ends a transaction itself")
            if act.kind == "unknown":
                self._doubt(f"{act} may end the transaction")
            elif act.at_once:
                self._doubt(f"{act} runs at once with others on the session")
        refuse_swallowed(self._effects, run)
        refuse_calls(self._effects, acts)
        self._check_exits(run, acts, place)

    def _check_exits(self, run: Sequence[Stmt], acts: Sequence[Act], place: _Place) -> None:
        """`return` commits the block, as the helper does at once; `break` and `continue` commit it too early."""
        for node in exits(run):
            left = next((act for act in acts if act.leaves_something and act.node.order < node.order), None)
            used = any(act.uses_session and act.node.order < node.order for act in acts)
            if isinstance(node, Return):
                if left is not None and place.guarded:
                    self._doubt(f"the `return` in line {node.span.line} would commit inside the handler's reach")
            elif left is not None:
                self._doubt(f"the `{getattr(node, 'keyword', '')}` in line {node.span.line} would commit {left}")
            elif used and self._expires is not False:
                self._doubt(f"line {node.span.line} would end the transaction, and may expire objects")

    # -------------------------------------------------------------------------------------------------- compounds

    def _compound(self, statement: Stmt, place: _Place) -> None:
        """A statement that holds commits of its own: its lists are cut one by one."""
        for head in heads(statement):
            for act in self._effects.of([head]):
                raise NoFix(f"{act} stands in the head of a statement that commits")
        if isinstance(statement, If):
            self._list(statement.body, place)
            self._list(statement.orelse, place)
        elif isinstance(statement, For | While):
            self._list(statement.body, replace(place, last=False, loop=True))
            self._list(statement.orelse, place)
        elif isinstance(statement, With):
            if any(self._effects.may_swallow(item.context) for item in statement.items):
                raise NoFix(f"line {statement.span.line} may swallow a failure of the phases in it")
            self._list(statement.body, place)
        elif isinstance(statement, Try):
            self._try(statement, place)

    def _try(self, statement: Try, place: _Place) -> None:
        if statement.is_star:
            raise NoFix(f"line {statement.span.line}: `except*` is not followed")
        ended = self._check_finally(statement)
        inside = self._inside(place, statement.finalbody) if statement.finalbody else place
        inside = replace(inside, last=inside.last and not ended)
        count = len(self.plan.phases)
        body = self._inside(inside, statement.orelse)
        self._list(statement.body, replace(body, guarded=place.guarded or bool(statement.handlers)))
        if len(self.plan.phases) > count:
            self.plan.tries.append(statement)
        for handler in statement.handlers:
            self._list(handler.body, inside)
        self._list(statement.orelse, inside)

    def _check_finally(self, statement: Try) -> bool:
        """Whether the `finally` ends the session's transaction; raises NoFix if it does anything else with it."""
        ended = False
        for part in statement.finalbody:
            if self._method_of(part) in ENDS - {"commit"}:
                ended = True
            elif self._names.touches(part):
                raise NoFix(f"line {part.span.line} uses the session in a `finally`")
        return ended
