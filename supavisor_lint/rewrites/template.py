"""SUP401, SUP402, SUP404: a task is brought to the standard template. Unsafe: errors that left the task are caught."""

from __future__ import annotations

from supavisor_lint.engine import Selection
from supavisor_lint.facts.file import enclosing_function
from supavisor_lint.facts.handlers import cannot_fail, is_log_statement
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import (
    For,
    FunctionDef,
    Handler,
    Try,
    While,
    With,
)
from supavisor_lint.findings import Finding, Fix
from supavisor_lint.flow.operations import Operation
from supavisor_lint.flow.shape import Opening, TaskShape
from supavisor_lint.project.tasks import Task
from supavisor_lint.rewrites.base import Context, NoFix, NotYet
from supavisor_lint.rewrites.failure_update import Site, failure_update
from supavisor_lint.rewrites.handlers import gives_a_value, how_it_ends, put_in_try, rolls_back, without_items_behind
from supavisor_lint.rewrites.helpers import require_a_helper
from supavisor_lint.rewrites.log_text import handler, recorded
from supavisor_lint.rewrites.logs import logger_of
from supavisor_lint.rewrites.own_record import append_to_outer, handler_round_everything, round_everything
from supavisor_lint.rewrites.reach import Reach
from supavisor_lint.rewrites.task_parts import (
    RECORD,
    appended,
    body_to_guard,
    in_body,
    is_begun,
    statements_before,
    task_at,
)
from supavisor_lint.rules.failure_status_not_recorded import responsible
from supavisor_lint.rules.missing_failure_handler import first_bare

_CATCH = "Catch and log what fails"
_PASS_ON = "Log, and raise again, what fails"


def failure_handler(context: Context, finding: Finding) -> Fix:
    """SUP401: a handler that records the failure; for a task without a status one round everything that logs."""
    task, shape = task_at(context, context.node(finding, FunctionDef))
    if not shape.status_writes:
        return _outer(context, shape)
    return _recording(context, task, shape)


def outer_handler(context: Context, finding: Finding) -> Fix:
    """SUP404: a handler round the opening of the session that logs."""
    task, shape = task_at(context, context.node(finding, FunctionDef))
    for opening in shape.main_openings if shape.status_writes else ():
        _refuse_name_of_parameter(context, shape, opening)
    if shape.status_writes and first_bare(task, shape) is not None and not _fits_inside(context, shape):
        try:
            context.refuse_suppressed([shape.function], "SUP401")
            return _recording(context, task, shape)
        except NoFix:
            pass
    return _outer(context, shape)


def failed_status(context: Context, finding: Finding) -> Fix:
    """SUP402: the handler that only logs records the failure as well."""
    node = context.node(finding, Handler)
    _, shape = task_at(context, enclosing_function(node))
    opening = next((o for o in reversed(shape.main_openings) if o.block is not None and o.block.contains(node)), None)
    if opening is None or not isinstance(node.parent, Try):
        for known in shape.main_openings:
            require_a_helper(known)
        raise NoFix("the session is not opened by `async with`: the failed status has no session to go by")
    _refuse_kept(shape, node)
    _refuse_unfit(context, shape, node, opening)
    return _append_update(context, shape, node, opening)


def _refuse_kept(shape: TaskShape, node: Handler) -> None:
    """Raise NoFix where another handler, further in, ends the failure of a status write before it gets there."""
    for write in shape.status_writes:
        if responsible(shape, write.node) is node:
            inner = (shape.handlers_of_status(write.node) or ([], []))[0]
            before = next((h for h in inner[: inner.index(node)] if shape.swallows(h)), None)
            if before is not None:
                line = before.span.line
                raise NoFix(f"the handler in line {line} ends the failure before: record it there, or raise again")


# --------------------------------------------------------------------------------------------------- outer handler


def _outer(context: Context, shape: TaskShape) -> Fix:
    """The whole body in a `try` that logs."""
    codes = () if shape.status_writes else ("SUP401", "SUP404")
    context.refuse_suppressed([shape.function], *codes)
    logger = logger_of(context, shape.function)
    covered = all(_has_inner_handler(shape, operation) for operation in shape.main_operations)
    line = logger.logs.no_session if covered and shape.main_operations else logger.logs.failed
    body = body_to_guard(shape.function)
    has_value = gives_a_value(shape.function)
    lines = [line, "raise"] if has_value else [line]
    edits = put_in_try(context, body, handler(lines, context.source.unit_of(body[0])))
    title = f"{_PASS_ON if has_value else _CATCH} in `{shape.function.name}`"
    return Context.fix("unsafe", title, [*edits, *logger.edits])


def _has_inner_handler(shape: TaskShape, operation: Operation) -> bool:
    opening = shape.opening_of(operation)
    return opening is not None and bool(shape.inner_handlers(operation.node, opening))


# ------------------------------------------------------------------------------------------------ failure recorded


def _recording(context: Context, task: Task, shape: TaskShape) -> Fix:
    _refuse_cancellation(context, shape)
    if _fits_inside(context, shape):
        return _inside(context, task, shape, shape.main_openings[0])
    existing = handler_round_everything(shape)
    if existing is not None:
        return append_to_outer(context, shape, existing)
    return round_everything(context, shape)


def _fits_inside(context: Context, shape: TaskShape) -> bool:
    """Whether all that can fail happens in the block of one session: else only an outer handler can record it."""
    if len(shape.main_openings) != 1:
        return False
    opening = shape.main_openings[0]
    if opening.block is None or is_begun(context, opening):
        return False
    child: Node = opening.block
    while child is not shape.function and child.parent is not None:
        parent = child.parent
        if not isinstance(parent, FunctionDef | Try | With):
            return False
        if isinstance(parent, With) or (isinstance(parent, Try) and child not in parent.body):
            return False
        if any(not cannot_fail(s) and not is_log_statement(s) for s in statements_before(parent, child)):
            return False
        child = parent
    return True


def _inside(context: Context, task: Task, shape: TaskShape, opening: Opening) -> Fix:
    """The inner handler of the template: round the phases, inside the session's block."""
    block = opening.block
    if block is None or opening.item is None:
        raise NoFix("the session is not opened by `async with`")
    _refuse_name_of_parameter(context, shape, opening)
    site = Site(context, shape, Reach(shape.function, block.body), opening.key.text)
    update = failure_update(site)
    logger = logger_of(context, shape.function)
    unit = context.source.unit_of(block.body[0])
    ending = how_it_ends(block, awaited=task.guarded)
    lines = handler([logger.logs.failed, *recorded(update, logger.logs, unit), *ending], unit, update.error)
    cut, headers = without_items_behind(context, block, opening.item)
    edits = put_in_try(context, block.body, lines, *headers)
    return Context.fix("unsafe", f"{RECORD} when `{shape.function.name}` fails", [*cut, *edits, *logger.edits])


def _append_update(context: Context, shape: TaskShape, node: Handler, opening: Opening) -> Fix:
    _refuse_cancellation(context, shape)
    statement = node.parent
    if not isinstance(statement, Try) or statement.is_star:
        raise NoFix("the handler is one of `except*`")
    _refuse_name_of_parameter(context, shape, opening)
    site = Site(context, shape, Reach(shape.function, statement.body), opening.key.text)
    update = failure_update(site)
    done = rolls_back(node, opening.key.text) or _is_clean(shape, statement, opening)
    if not done:
        _refuse_loop(node, opening)
    return appended(context, shape, node, update, None, rolled_back=done)


def _is_clean(shape: TaskShape, statement: Try, opening: Opening) -> bool:
    """Whether all that a `try` does with the session is done in `begin()` blocks in it: they roll back themselves."""
    inside = [op for op in shape.operations if in_body(statement, op.node) and op.kind != "begin"]
    return all(op.key == opening.key and op.block is not None and in_body(statement, op.block) for op in inside)


def _refuse_loop(node: Handler, opening: Opening) -> None:
    parent: Node | None = node
    while parent is not None and parent is not opening.block:
        if isinstance(parent, For | While):
            raise NoFix("the handler stands in a loop: the rollback would expire what the next round needs")
        parent = parent.parent


# ------------------------------------------------------------------------------------------------------- questions


def _refuse_unfit(context: Context, shape: TaskShape, node: Handler, opening: Opening) -> None:
    """Raise NoFix where a handler has no session on which a transaction can begin."""
    if is_begun(context, opening) or shape.block_around(node, opening.key) is not None:
        raise NoFix("the handler stands inside a transaction of the session: move it round the transaction's block")


def _refuse_name_of_parameter(context: Context, shape: TaskShape, opening: Opening) -> None:
    """SUP203 gives the session another name: a handler is written once it has that."""
    name, function = opening.key.text, shape.function
    if function.param(name) is not None:
        for finding in context.findings:
            if finding.code == "SUP203" and finding.function == function.qualname:
                raise NotYet(f"`{name}` is a parameter as well", "rename one of them first", "SUP203", finding.span)


def _refuse_cancellation(context: Context, shape: TaskShape) -> None:
    """SUP407 asks of a task that records failures that it records its cancellation as well: no rewrite does that."""
    states = [write for write in shape.status_writes if not write.failed]
    if len(states) > 1 and "SUP407" in Selection(context.view.settings).codes:
        raise NoFix("SUP407 is selected: a handler is to record the cancellation as well, which no rewrite adds")
