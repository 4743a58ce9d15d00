"""SUP305: the block is cut in two behind the first status write, so that the status can be seen.

Unsafe: what is committed with the first status stays when the work behind it fails.
"""

from __future__ import annotations

from collections.abc import Sequence

from supavisor_lint.facts.file import walk
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.spelling import last_name
from supavisor_lint.facts.statements import Assign, ExprStmt, FunctionDef, With
from supavisor_lint.facts.tree import Argument, Attribute, Await, Call, Expr, Name, Stmt
from supavisor_lint.findings import Edit, Finding, Fix, Span
from supavisor_lint.flow.shape import Opening, TaskShape
from supavisor_lint.flow.status import StatusWrite
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.phase_effects import ENDS, Effects
from supavisor_lint.rewrites.session_names import SessionNames, names_of_session

_TITLE = "Commit the first status before the work: a block for each of them"


def propose(context: Context, finding: Finding) -> Fix:
    """Two blocks instead of one; where several statuses follow, the next round cuts the second one."""
    function = context.node(finding, FunctionDef)
    task = context.project.task_of(function)
    if task is None:
        raise NoFix("the function is no background task any more")
    shape = context.view.shape(task)
    write, block, opening = _first_status(shape)
    at = _index_of(block, write)
    at = _with_its_flush(block.body, at)
    if at + 1 >= len(block.body):
        raise NoFix(f"the work stands before the status that line {write.node.span.line} writes: move the status up")
    names = names_of_session(context, function, opening.key.text)
    names.require_own_name()
    rest = block.body[at + 1 :]
    _refuse_expired(context, opening, names, rest)
    _refuse_ended(Effects(context, names), block)
    header = f"async with {opening.key.text}.begin():"
    context.refuse_suppressed([function], finding.code)
    edits = _cut(context, block, rest, header)
    lock = _lock_in(block.body[: at + 1])
    lost = f" (the lock of line {lock.span.line} ends with it)" if lock is not None else ""
    return context.fix("unsafe", f"{_TITLE}{lost}", edits)


def _first_status(shape: TaskShape) -> tuple[StatusWrite, With, Opening]:
    """The first status write in a `begin()` block, with the block and the session."""
    for write in shape.status_writes:
        for opening in shape.main_openings:
            block = shape.block_around(write.node, opening.key)
            if block is not None:
                return write, block, opening
    raise NoFix("the status is written outside any `begin()` block: give the phases their own blocks first (SUP301)")


def _index_of(block: With, write: StatusWrite) -> int:
    """Where in the block's own list the status is written."""
    for index, statement in enumerate(block.body):
        if statement.contains(write.node):
            if isinstance(statement, Assign | ExprStmt):
                return index
            raise NoFix(
                f"the status is written inside the statement of line {statement.span.line}: nothing tells where its "
                "transaction is to end"
            )
    raise NoFix("the status is not written in the block itself")


def _with_its_flush(body: Sequence[Stmt], at: int) -> int:
    """Fields that are set together with the status, and the `flush()` of them, stay with it."""
    target = _target(body[at])
    while at + 1 < len(body):
        following = body[at + 1]
        same = target is not None and _target(following) == target
        if not same and not _is_flush(following):
            break
        at += 1
    return at


def _target(statement: Stmt) -> str | None:
    """`job` of `job.status = …` and `setattr(job, "status", …)`."""
    owner: Expr | None = None
    if isinstance(statement, Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        owner = target.value if isinstance(target, Attribute) else None
    elif isinstance(statement, ExprStmt) and isinstance(call := statement.value, Call):
        owner = call.argument(0) if last_name(call.func) == "setattr" else None
    if not isinstance(owner, Name) or any(isinstance(node, Await) for node in walk(statement)):
        return None
    return owner.id


def _is_flush(statement: Stmt) -> bool:
    call = statement.value.value if isinstance(statement, ExprStmt) and isinstance(statement.value, Await) else None
    return isinstance(call, Call) and isinstance(call.func, Attribute) and call.func.attr == "flush"


def _lock_in(statements: Sequence[Stmt]) -> Node | None:
    """What locks a row: `with_for_update` of a query, or of `get()`."""
    for statement in statements:
        for node in walk(statement):
            name = node.keyword if isinstance(node, Argument) else getattr(node, "attr", None)
            if name == "with_for_update":
                return node
    return None


def _refuse_expired(context: Context, opening: Opening, names: SessionNames, rest: Sequence[Stmt]) -> None:
    """Objects of the first block that are read in the second one would have expired."""
    if context.view.follower.openings.expires(opening.session) is False:
        return
    for statement in rest:
        for node in walk(statement):
            if names.is_object(node) and not _is_only_set(node):
                raise NoFix(
                    f"`{getattr(node, 'id', '')}` is read in line {node.span.line}, where the commit of the first "
                    "status may have expired it (`expire_on_commit`): load it again there"
                )


def _is_only_set(node: Node) -> bool:
    parent = node.parent
    if isinstance(parent, Assign):
        return any(target is node for target in parent.targets)
    around = parent.parent if isinstance(parent, Attribute) else None
    return isinstance(around, Assign) and not around.augmented and any(t is parent for t in around.targets)


def _refuse_ended(effects: Effects, block: With) -> None:
    for node in walk(block):
        if effects.names.is_method(node, ENDS):
            raise NoFix(f"line {node.span.line} ends the transaction inside the block")


# ------------------------------------------------------------------------------------------------------- the edits


def _cut(context: Context, block: With, rest: Sequence[Stmt], header: str) -> list[Edit]:
    first, last = context.lines_of(rest)
    body_first, _ = context.lines_of(block.body)
    first = context.with_comments_above(first)
    outer = context.source.indent_of(block.span.line)
    if len(block.items) == 1 and block.items[0].target is None:
        return [context.source.insert_lines(first, [outer + header])]
    item = block.items[-1]
    if len(block.items) < 2 or item.target is not None or not _begins(item.context):
        raise NoFix("the block opens the session together with its transaction: open the session first")
    before = context.source.end_of_item(block.items[-2])
    inner, unit = context.source.indent_of(body_first), context.source.unit_of(block.body[0])
    body_first = context.with_comments_above(body_first)
    last = context.with_comments_inside(last, outer)
    return [
        Edit(Span(*before, *context.source.end_of_item(item)), ""),
        context.source.insert_lines(body_first, [inner + header]),
        *context.source.indented(body_first, first - 1, unit),
        context.source.insert_lines(first, [inner + header]),
        *context.source.indented(first, last, unit),
    ]


def _begins(context: Node) -> bool:
    return isinstance(context, Call) and isinstance(context.func, Attribute) and context.func.attr == "begin"
