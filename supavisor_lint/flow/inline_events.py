"""What a called function does to the sessions that it is given, told at the call."""

from __future__ import annotations

from supavisor_lint.facts.node import Node
from supavisor_lint.facts.tree import Call
from supavisor_lint.flow import machine
from supavisor_lint.flow.events import (
    BegunTwice,
    EndedInBlock,
    Event,
    ExpiredRead,
    FailedUse,
    ManualCommit,
    SlowAwait,
    Trace,
    Uncovered,
)
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.renaming import Renaming
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import CALLER
from supavisor_lint.project.values import FunctionValue


def report(frame: Frame, node: Call, function: FunctionValue, state: State, trace: Trace, back: Renaming) -> None:
    """Tell the caller's trace what the called function does to what it was given."""
    for begun in trace.of(BegunTwice):
        if CALLER in begun.because and begun.sure and back.site(begun.opened.site) in state.sessions:
            machine.note_begun_twice(frame, state, back.site(begun.opened.site), node)
            _via(frame, BegunTwice, node, begun, function, back)
    for ended in trace.of(EndedInBlock):
        _report_ended(frame, node, function, state, ended, back)
    for kind in (ExpiredRead, FailedUse, SlowAwait):
        for event in trace.of(kind):
            if CALLER in event.because and back.site(event.opened.site) in state.sessions:
                _copy(frame, node, function, state, event, back)
    _report_work(frame, node, function, state, trace, back)


def _via(frame: Frame, kind: type[Event], node: Node, event: Event, function: FunctionValue, back: Renaming) -> None:
    mine = frame.trace.record(kind, node, frame.opened[back.site(event.opened.site)], False)
    mine.via = event.via or (function.file, event.node)


def _report_ended(
    frame: Frame, node: Call, function: FunctionValue, state: State, event: EndedInBlock, back: Renaming
) -> None:
    site = back.site(event.opened.site)
    if site not in state.sessions:
        return
    over = state.sessions[site].is_over
    if event.node is CALLER and over is not None and event.used:
        frame.trace.record(EndedInBlock, over, frame.opened[site], False).used.add(node)
    if CALLER in event.because and event.node is not CALLER:
        mine = frame.trace.record(EndedInBlock, node, frame.opened[site], event.sure and not state.ghost)
        mine.method = event.method
        mine.because |= {b.node for b in state.sessions[site].blocks if not b.nested}
        mine.used |= {node} if event.used else set()
        mine.via = event.via or (function.file, event.node)


def _copy(frame: Frame, node: Call, function: FunctionValue, state: State, event: Event, back: Renaming) -> None:
    site = back.site(event.opened.site)
    mine = frame.trace.record(type(event), node, frame.opened[site], event.sure)
    mine.via = event.via or (function.file, event.node)
    session, history = state.sessions[site], state.history(site)
    if isinstance(event, ExpiredRead) and isinstance(mine, ExpiredRead):
        mine.detached = event.detached
        conditions = (c for known in state.objects.values() if known.session == site for c in known.conditions)
        mine.because |= {c.by for c in conditions if c.by is not None} or {node}
    elif isinstance(event, FailedUse) and isinstance(mine, FailedUse):
        mine.method = event.method
        mine.because |= {session.failed} if session.failed is not None else set()
    elif isinstance(event, SlowAwait) and isinstance(mine, SlowAwait):
        mine.what = event.what
        mine.because |= history.queries


def _report_work(frame: Frame, node: Call, function: FunctionValue, state: State, trace: Trace, back: Renaming) -> None:
    """Work and commits outside blocks: the call stands for them."""
    for event in trace.of(Uncovered):
        site = back.site(event.opened.site)
        if site in state.sessions and not state.sessions[site].block:
            mine = machine.note_uncovered(frame, state, site, node)
            mine.via = mine.via or event.via or (function.file, event.node)
            mine.commits |= {node} if event.commits else set()
    for commit in trace.of(ManualCommit):
        site = back.site(commit.opened.site)
        if site in state.sessions and not state.sessions[site].block:
            mine_commit = frame.trace.record(ManualCommit, node, frame.opened[site])
            mine_commit.via = commit.via or (function.file, commit.node)
            origins = state.history(site).origins
            mine_commit.because |= origins or {node}
            for origin in origins:
                frame.trace.record(Uncovered, origin, frame.opened[site], False).commits.add(node)
