"""SUP302: the `begin()` block moves up, round the operations that have begun the transaction already.

Unsafe: that work is committed, and rolled back, with the block's own; its author may have meant two transactions.
"""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.file import block_of, enclosing_function, walk, walk_own
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import FunctionDef, With, WithItem
from supavisor_lint.facts.tree import Attribute, Call, Expr, Name, Stmt
from supavisor_lint.findings import Edit, Finding, Fix, Span
from supavisor_lint.flow.events import BegunTwice
from supavisor_lint.flow.wording import through, what
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.phase_calls import refuse_calls
from supavisor_lint.rewrites.phase_effects import BEGINS, ENDS, Effects
from supavisor_lint.rewrites.phase_swallowing import refuse_swallowed
from supavisor_lint.rewrites.session_names import names_of_session


def propose(context: Context, finding: Finding) -> Fix:
    """The block's header above the first of the operations, if they stand in front of it in the same list."""
    node = context.node(finding, Expr)
    function = enclosing_function(node)
    if function is None:
        raise NoFix("the code stands in no function")
    event = _event(context, function, node)
    block = _block(node)
    held = _in_front(event, block)
    name = event.opened.name
    names = names_of_session(context, function, name)
    if event.opened.own:
        names.require_own_name()
    effects = Effects(context, names)
    _refuse_ends(effects, held)
    refuse_swallowed(effects, held)
    refuse_calls(effects, effects.of(held))
    context.refuse_suppressed((n for s in held for n in walk(s)), finding.code)
    return context.fix(
        "unsafe", "Move the block up, round what has begun the transaction", _moved(context, held, block)
    )


def _event(context: Context, function: FunctionDef, node: Node) -> BegunTwice:
    trace = context.view.follower.trace(context.file, function)
    event = next((e for e in trace.of(BegunTwice) if e.node is node and e.sure), None)
    if event is None:
        raise NoFix("the transaction is begun in a function inside this one")
    if event.in_block:
        raise NoFix(
            f"{through(event.because)} has a transaction already: take this `begin()` away, or make it `begin_nested()`"
        )
    return event


def _block(node: Expr) -> With:
    """The `async with session.begin():` of a node; raises NoFix for another form."""
    item = node.parent
    if isinstance(node, Call) and not (isinstance(node.func, Attribute) and node.func.attr == "begin"):
        raise NoFix(f"{what(node)} begins in its own body: end the transaction before it, or let its caller begin")
    if not isinstance(item, WithItem) or not isinstance(item.parent, With):
        raise NoFix("this `begin()` is no block: give the phase an `async with` first")
    if len(item.parent.items) > 1 or item.target is not None:
        raise NoFix("this block enters more than the transaction: what has begun it has to move by hand")
    return item.parent


def _in_front(event: BegunTwice, block: With) -> Sequence[Stmt]:
    """The statements of the block's own list from the first operation up to the block."""
    siblings = block_of(block)
    at = next(i for i, statement in enumerate(siblings) if statement is block)
    first = at
    for cause in event.because:
        index = next((i for i, statement in enumerate(siblings[:at]) if statement.contains(cause)), None)
        if index is None:
            raise NoFix(
                f"{through([cause])} begins the transaction elsewhere: end it before this line, or move the work "
                "into the block"
            )
        first = min(first, index)
    return siblings[first:at]


def _refuse_ends(effects: Effects, held: Sequence[Stmt]) -> None:
    """Another transaction may not begin or end inside the block."""
    for act in effects.of(held):
        if act.kind == "ends":
            raise NoFix(f"{act} begins or ends a transaction in between")
    for statement in held:
        for node in walk_own(statement):
            if isinstance(node, Name) and effects.names.is_session(node):
                func = node.parent
                if isinstance(func, Attribute) and func.attr in ENDS | BEGINS:
                    raise NoFix(f"line {node.span.line} begins or ends a transaction in between")


def _moved(context: Context, held: Sequence[Stmt], block: With) -> list[Edit]:
    """The header's line moved; what stands in front of it goes into the block."""
    line = block.span.line
    end = context.source.end_of_head(block)
    context.lines_of(held)
    context.lines_of([block])
    if end[0] != line or block.body[0].span.line == line:
        raise NoFix(f"the head of the block in line {line} is not one line of its own")
    edits = context.wrap(held, context.source.line(line).strip(), upto=line - 1)
    return [*edits, Edit(Span(line, 1, line + 1, 1), "")]
