"""What a failure handler writes, and rolls back again by its own `raise`."""

from __future__ import annotations

from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import FunctionDef, Raise, Try, With
from supavisor_lint.facts.tree import Call
from supavisor_lint.flow import machine
from supavisor_lint.flow.events import RaisedAway
from supavisor_lint.flow.frame import Frame
from supavisor_lint.flow.helper_body import helper_bodies
from supavisor_lint.flow.may_swallow import may_swallow
from supavisor_lint.flow.operations import handler_around
from supavisor_lint.flow.state import State
from supavisor_lint.flow.values import Opened
from supavisor_lint.project.values import ClassValue, FunctionValue


def note_raise(frame: Frame, node: Raise, state: State) -> None:
    """Tell of the writes of a handler that the exception raised in it takes along, out of their session's block."""
    handler = handler_around(node)
    if handler is None or frame.depth > 0 or state.ghost:
        return
    for site in state.sessions:
        opened = frame.opened[site]
        written = [write for write in state.history(site).pending if handler_around(write) is handler]
        if written and opened.own and not opened.others_commit and _leaves(frame, node, opened):
            for write in written:
                event = frame.trace.record(RaisedAway, write, opened, machine.is_sure(state, site))
                event.because.add(node)


def _leaves(frame: Frame, node: Raise, opened: Opened) -> bool:
    """Whether an exception gets out of the `async with` of a session, that rolls back for it, as it is."""
    child: Node = node
    parent = node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, With):
            if isinstance(opened.site, Node) and any(item.contains(opened.site) for item in parent.items):
                return opened.exit != "unknown" and not _saves_failures(frame, opened)
            if any(may_swallow(frame.ev, frame.file, item.context) for item in parent.items):
                return False
        elif isinstance(parent, Try) and _may_save(parent, child):
            return False
        child, parent = parent, parent.parent
    return False


def _may_save(statement: Try, child: Node) -> bool:
    """Whether a `try` may catch what is raised in its body, or commits in its `finally`."""
    is_body = any(part is child for part in statement.body)
    return (is_body and bool(statement.handlers)) or any(
        isinstance(node, Call) and "commit" in (last_name(node.func) or "") for node in own_nodes(statement.finalbody)
    )


def _saves_failures(frame: Frame, opened: Opened) -> bool:
    """Whether a helper may commit where the block of its session has failed."""
    definition = opened.session.definition
    if isinstance(definition, ClassValue):
        return opened.session.source == "helper" and opened.exit == "commit"
    if opened.session.source != "helper" or not isinstance(definition, FunctionValue):
        return False
    return any(
        body.commits_when_closed()
        or body.delegates
        or any(op.kind == "commit" and op.handler is not None for op in body.operations)
        for body in helper_bodies(frame.follower.flow, definition.file, definition.node)
    )
