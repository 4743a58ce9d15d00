"""What a called function does to the sessions that it is given, told at the call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from supavisor_lint.facts.tree import Expr
from supavisor_lint.flow import machine
from supavisor_lint.flow.behind_failure import note_use_behind_failure
from supavisor_lint.flow.events import (
    BegunTwice,
    CaughtForCaller,
    EndedInBlock,
    Event,
    EventT,
    ExpiredRead,
    FailedUse,
    LostWrite,
    ManualCommit,
    NeverRun,
    SlowAwait,
    Swallowed,
    Trace,
    Uncovered,
)
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.renaming import Renaming
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import CALLER, KeeperRef, SessionRef, Site, Tracked
from supavisor_lint.project.values import FunctionValue


@dataclass(frozen=True, slots=True)
class Telling:
    """One call, and what the called function was given. `hidden` are the sessions in parameters that say nothing of
    their type: faults with them can be told at the call only."""

    frame: Frame
    node: Expr
    function: FunctionValue
    state: State
    back: Renaming
    hidden: frozenset[Site]

    def tell(self, trace: Trace) -> None:
        """Tell the caller's trace what the called function's trace says about what it was given."""
        for begun in trace.of(BegunTwice):
            if self._concerns(begun) and begun.sure:
                self._begun_twice(begun)
        for ended in trace.of(EndedInBlock):
            self._ended(ended)
        for kind in (ExpiredRead, FailedUse, SlowAwait):
            for event in trace.of(kind):
                if self._concerns(event):
                    self._copy(event)
        for caught in trace.of(CaughtForCaller):
            self._caught(caught)
        for swallowed in trace.of(Swallowed):
            self._swallowed(swallowed)
        for lost in trace.of(LostWrite):
            self._lost(lost)
        for idle in trace.of(NeverRun):
            if self._site(idle) in self.state.sessions:
                self._mine(NeverRun, idle, idle.sure).method = idle.method
        self._work(trace)

    def _lost(self, event: LostWrite) -> None:
        site = self._site(event)
        if site in self.state.sessions and event.node is CALLER:
            if not self.frame.unwinding:
                machine.lost(self.frame, self.state, site, self.node, by_close=True)
        elif site in self.hidden:
            self._mine(LostWrite, event, event.sure).because.add(self.node)

    def _site(self, event: Event) -> Site:
        return self.back.site(event.opened.site)

    def _concerns(self, event: Event) -> bool:
        site = self._site(event)
        return site in self.state.sessions and (CALLER in event.because or site in self.hidden)

    def _mine(self, kind: type[EventT], event: Event, sure: bool) -> EventT:
        mine = self.frame.trace.record(kind, self.node, self.frame.opened[self._site(event)], sure)
        mine.via = mine.via or event.via or (self.function.file, event.node)
        return mine

    def _begun_twice(self, event: BegunTwice) -> None:
        if CALLER in event.because:
            machine.note_begun_twice(self.frame, self.state, self._site(event), self.node)
            self._mine(BegunTwice, event, False)
        else:
            mine = self._mine(BegunTwice, event, not self.state.ghost)
            mine.because.add(self.node)
            mine.in_block = event.in_block

    def _caught(self, event: CaughtForCaller) -> None:
        """What the caller's block does not survive ends in the called function: later work in the block raises."""
        session = self.state.sessions.get(self._site(event))
        if session is None or session.block is None:
            return
        self.frame.swallowers.setdefault(self.node, set()).add(self.node)
        via = event.via or (self.function.file, event.node)
        self.frame.caught_at.setdefault(self.node, via)
        if session.block.node is CALLER:
            self._mine(CaughtForCaller, event, event.sure)

    def _swallowed(self, event: Swallowed) -> None:
        """The called function swallows an error that its caller's block does not survive.

        Where the called function itself does not notice, it is told when that block ends as if all were well.
        """
        site = self._site(event)
        session = self.state.sessions.get(site)
        if event.node is CALLER:
            if session is not None:
                note_use_behind_failure(self.frame, self.state, site, self.node)
            return
        if session is None or not (site in self.hidden or (event.sure and session.block is not None)):
            return
        sure = event.sure and self.state.is_sure(site)
        if session.block is not None and not event.used:
            key = (site, self.node)
            mine = self.frame.left_failed.setdefault(key, Swallowed(self.node, self.frame.opened[site]))
            mine.via = mine.via or event.via or (self.function.file, event.node)
            mine.sure = mine.sure or sure
            self.frame.swallowers.setdefault(self.node, set()).add(self.node)
        else:
            mine = self._mine(Swallowed, event, sure)
        mine.because.add(self.node)
        mine.writes |= self.state.history(site).pending - {CALLER}
        mine.used |= {self.node} if event.used else set()
        mine.silent = mine.silent or event.silent or bool(mine.writes)

    def _ended(self, event: EndedInBlock) -> None:
        site = self._site(event)
        if site not in self.state.sessions:
            return
        session = self.state.sessions[site]
        if event.node is CALLER:
            if session.is_over is not None and event.used:
                sure = self.state.is_sure(site)
                over = self.frame.trace.record(EndedInBlock, session.is_over, self.frame.opened[site], sure)
                over.used.add(self.node)
        elif CALLER in event.because or site in self.hidden:
            mine = self._mine(EndedInBlock, event, event.sure and not self.state.ghost)
            mine.method = event.method
            mine.because |= {b.node for b in session.blocks if not b.nested} or {self.node}
            mine.used |= {self.node} if event.used else set()
            mine.discarded |= {self.node} if event.discarded else set()

    def _copy(self, event: Event) -> None:
        site = self._site(event)
        mine = self._mine(type(event), event, event.sure)
        session, history = self.state.sessions[site], self.state.history(site)
        if isinstance(event, ExpiredRead) and isinstance(mine, ExpiredRead):
            mine.detached, mine.refused, mine.reached = event.detached, event.refused, event.reached
            known = (o for o in self.state.objects.values() if o.session == site)
            mine.because |= {c.by for o in known for c in o.conditions if c.by is not None} or {self.node}
        elif isinstance(event, FailedUse) and isinstance(mine, FailedUse):
            mine.method = event.method
            mine.because |= {session.failed or self.node}
        elif isinstance(event, SlowAwait) and isinstance(mine, SlowAwait):
            mine.what = event.what
            mine.because |= history.queries or {self.node}

    def _work(self, trace: Trace) -> None:
        """Work and commits outside blocks: the call stands for them."""
        sessions = self.state.sessions
        for event in trace.of(Uncovered):
            site = self._site(event)
            if site in sessions and not sessions[site].block:
                machine.note_uncovered(self.frame, self.state, site, self.node)
                self._mine(Uncovered, event, False).commits |= {self.node} if event.commits else set()
        for commit in trace.of(ManualCommit):
            site = self._site(commit)
            if site in sessions and not sessions[site].block:
                origins = self.state.history(site).origins
                self._mine(ManualCommit, commit, True).because |= origins or {self.node}
                for origin in origins:
                    self.frame.trace.record(Uncovered, origin, self.frame.opened[site], False).commits.add(self.node)


def hidden_sessions(frame: Frame, function: FunctionValue, given: dict[str, Tracked]) -> frozenset[Site]:
    """The sessions that are given in a parameter of which the called function's own text does not tell the type.

    Or on an object whose class does not tell it.
    """
    found = set()
    for name, value in given.items():
        param = function.node.param(name)
        if isinstance(value, SessionRef) and param is not None and not frame.ev.is_session_type(function.file, param):
            found.add(value.site)
        elif isinstance(value, KeeperRef):
            operations = frame.follower.flow.operations(function.file, function.node)
            shown = {operation.key.text for operation in operations}
            found |= {site for path, site in _kept_as(name, value) if path not in shown}
    return frozenset(found)


def _kept_as(name: str, keeper: KeeperRef) -> Iterator[tuple[str, Site]]:
    """The sessions of an object, each with the text that means it."""
    for attr, value in keeper.kept:
        if isinstance(value, KeeperRef):
            yield from _kept_as(f"{name}.{attr}", value)
        else:
            yield f"{name}.{attr}", value.site
