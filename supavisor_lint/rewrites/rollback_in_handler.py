"""SUP406: `await session.rollback()` as the first thing that a failure handler does to the session.

Outside a block it is always harmless, and it cures every handler that fails because of what the `try` has left open.
It expires all objects: a handler that reads one of them is not cured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from supavisor_lint.facts.file import enclosing_function
from supavisor_lint.facts.handlers import own_nodes
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import Assign, FunctionDef, Handler, Try, With, WithItem
from supavisor_lint.facts.tree import Attribute, Call, Expr, Name, Stmt
from supavisor_lint.findings import Finding, Fix
from supavisor_lint.flow.events import BegunTwice, Event, ExpiredRead, FailedUse, WaitsForLock
from supavisor_lint.flow.operations import handler_around
from supavisor_lint.flow.wording import through, what
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.phase_effects import Effects
from supavisor_lint.rewrites.phase_handlers import HandlerCheck, may_be_half_done
from supavisor_lint.rewrites.phase_shape import always_runs
from supavisor_lint.rewrites.session_names import SessionNames, names_of_session
from supavisor_lint.rewrites.work_before import leaves_open


def propose(context: Context, finding: Finding) -> Fix:
    """The rollback in front of the first statement of the handler that touches the session."""
    node = context.node(finding, Expr)
    function = enclosing_function(node)
    handler = handler_around(node)
    if function is None or handler is None:
        raise NoFix("the code stands in no handler")
    event = _event(context, function, node, finding)
    if isinstance(event, ExpiredRead):
        raise NoFix(
            f"{what(node)} has expired by {through(event.because)}, and a rollback would expire it as well: copy the "
            "value before the `try`, or load the object again"
        )
    name = _session_to_roll_back(context, function, handler, event)
    names = names_of_session(context, function, name)
    if event.opened.own:
        names.require_own_name()
    HandlerCheck(Effects(context, names)).refuse_reads(handler)
    target = _first_touching(names, handler, node)
    if not event.opened.own or names.kept:
        _refuse_changes_before(handler, target)
    context.refuse_suppressed([node], finding.code)
    first, _ = context.lines_of([target])
    line = f"{context.source.indent_of(first)}await {name}.rollback()"
    edits = [context.source.insert_lines(context.with_comments_above(first), [line])]
    title = f"Roll `{name}` back before it is used in the failure handler"
    doubt = _doubt(context, names, handler, event)
    if doubt is None:
        return context.fix("safe", title, edits)
    return context.fix("unsafe", f"{title}: {doubt}", edits)


def _event(context: Context, function: FunctionDef, node: Node, finding: Finding) -> Event:
    """What the finding is about: the one event at the node, or that whose words the message has."""
    trace = context.view.follower.trace(context.file, function)
    found: list[Event] = [
        event
        for kind in (BegunTwice, FailedUse, ExpiredRead, WaitsForLock)
        for event in trace.of(kind)
        if event.node is node and event.sure and not (isinstance(event, BegunTwice) and not event.inherited)
    ]
    said: dict[type[Event], str] = {
        BegunTwice: "`begin()` raises",
        FailedUse: "must be rolled back first",
        ExpiredRead: "has expired",
        WaitsForLock: "waits for a lock",
    }
    for event in found:
        if said[type(event)] in finding.message:
            return event
    raise NoFix("the failure is that of a called function: give its handler a `rollback()` there")


# ----------------------------------------------------------------------------------------------------- which session


def _session_to_roll_back(context: Context, function: FunctionDef, handler: Handler, event: Event) -> str:
    """The name of the session whose transaction is open; raises NoFix where the handler cannot end it."""
    if isinstance(event, WaitsForLock):
        return _first_session(context, function, handler, event)
    name = event.opened.name
    if "." in name or name not in function.scope.bindings:
        raise NoFix(f"`{name}` is not a session of this function's own name")
    _refuse_block(context, handler, name)
    return name


def _first_session(context: Context, function: FunctionDef, handler: Handler, event: WaitsForLock) -> str:
    """The session that holds the lock: the one whose update the second one waits for."""
    receivers = {
        node.func.value.id
        for node in event.because
        if isinstance(node, Call) and isinstance(node.func, Attribute) and isinstance(node.func.value, Name)
    }
    held = [o for o in context.view.flow.operations(context.file, function) if o.key.text in receivers]
    if len(receivers) != 1 or not held:
        raise NoFix(f"end the transaction of {through(event.because)} before this: nothing tells how from here")
    name = receivers.pop()
    for operation in held:
        block = _with_of(operation.node, name)
        if block is not None and not block.contains(handler):
            raise NoFix(f"`{name}`, which holds the lock, is not open any more in this handler")
    if _is_bound_in(handler, name):
        raise NoFix(f"the handler's own session has the same name as the one that holds the lock: `{name}`")
    _refuse_block(context, handler, name)
    return name


def _with_of(node: Node, name: str) -> With | None:
    """The `async with … as name` around a node."""
    parent = node.parent
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, With) and any(isinstance(i.target, Name) and i.target.id == name for i in parent.items):
            return parent
        parent = parent.parent
    return None


def _is_bound_in(handler: Handler, name: str) -> bool:
    return any(
        isinstance(node, With) and any(isinstance(i.target, Name) and i.target.id == name for i in node.items)
        for node in own_nodes(handler.body)
    )


def _refuse_block(context: Context, handler: Handler, name: str) -> None:
    parent: Node | None = handler
    while parent is not None and not isinstance(parent, FunctionDef):
        if isinstance(parent, With) and any(_begins(item, name) for item in parent.items):
            raise NoFix(
                f"the handler stands inside the block of line {parent.span.line}: put the `try` around the block"
            )
        parent = parent.parent


def _begins(item: WithItem, name: str) -> bool:
    """`session.begin()`, or `factory.begin() as session`."""
    func = item.context.func if isinstance(item.context, Call) else None
    if not isinstance(func, Attribute) or func.attr not in ("begin", "begin_nested"):
        return False
    return name in (getattr(func.value, "id", None), getattr(item.target, "id", None))


# ---------------------------------------------------------------------------------------------------------- the place


def _first_touching(names: SessionNames, handler: Handler, node: Node) -> Stmt:
    """The first statement of the handler that has to do with the session, or leads to the node.

    Inside the handler's own `try`, where it has one: a rollback can fail as well.
    """
    block: Sequence[Stmt] = handler.body
    while True:
        found = next((s for s in block if names.touches(s) or s.contains(node)), block[0])
        if not isinstance(found, Try) or not any(names.touches(s) or s.contains(node) for s in found.body):
            return found
        block = found.body


def _refuse_changes_before(handler: Handler, target: Stmt) -> None:
    """Raise NoFix where the handler sets a field of what may be a row before: the rollback would take that back."""
    for node in own_nodes(handler.body):
        for field in node.targets if isinstance(node, Assign) and node.order < target.order else ():
            if isinstance(field, Attribute) and getattr(field.value, "id", "") not in ("self", "cls"):
                raise NoFix(
                    f"line {node.span.line} changes what a rollback would take back if it is a row of the session: put "
                    "`rollback()` at the head of the handler, and load the row again"
                )


_HALF_DONE = "what the `try` has left half done is no longer saved, neither by the handler nor when the session ends"
_BEFORE = "what was done before the `try`, and is not committed yet, is no longer saved after an error that is not the "
_BEFORE += "database's own"


def _doubt(context: Context, names: SessionNames, handler: Handler, event: Event) -> str | None:
    """What else the rollback does on paths that have worked; None if only paths change that could but fail.

    A handler that begins, whatever happens in it, fails whenever anything is open. Another one works on after an error
    of the program's own, and what was half done is saved then, by it or behind it: that goes with the rollback.
    """
    if not event.opened.own:
        return "what its owner has done with it goes as well"
    if isinstance(event, WaitsForLock) and not event.same_row:
        return "whether it holds up the second session is not certain"
    uses = list(_uses(context, names, handler))
    statement, effects = handler.parent, Effects(context, names)
    fails_first = always_runs(event.node, handler) and all(event.node.order <= node.order for node in uses)
    if isinstance(event, BegunTwice) and fails_first:
        return None
    if isinstance(event, WaitsForLock) and fails_first and isinstance(statement, Try):
        body: Sequence[Stmt] = _until(statement.body, event.because)
    else:
        body = statement.body if isinstance(statement, Try) else ()
        gets = (*uses, *_behind_a_failure(handler))
        if any(names.is_method(node, ("get", "get_one")) for node in gets):
            return "what is got by its key there is read again, if the session has it still at hand"
    if not isinstance(statement, Try) or may_be_half_done(effects, body):
        return _HALF_DONE
    return _BEFORE if leaves_open(effects, statement) else None


def _until(body: Sequence[Stmt], nodes: Iterable[Node]) -> Sequence[Stmt]:
    """The statements up to the first of some nodes: behind an update that the handler waits for, no path has worked."""
    first = min(nodes, key=lambda node: node.order)
    return body[: next((i for i, statement in enumerate(body, 1) if statement.contains(first)), len(body))]


def _behind_a_failure(handler: Handler) -> Iterator[Node]:
    """What runs when the handler itself fails: `finally`, and the handlers around it."""
    child: Node = handler
    while child.parent is not None and not isinstance(child.parent, FunctionDef):
        parent = child.parent
        if isinstance(parent, Try):
            caught = parent.handlers if any(child is statement for statement in parent.body) else ()
            yield from own_nodes((*parent.finalbody, *(s for other in caught for s in other.body)))
        child = parent


def _uses(context: Context, names: SessionNames, handler: Handler) -> Iterator[Node]:
    yield from (act.node for act in Effects(context, names).of(handler.body))
