"""A failed status that an outer handler records, on a session of its own: where work is done outside the session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from supavisor_lint.facts.file import walk
from supavisor_lint.facts.handlers import cannot_fail, is_broad, is_log_statement
from supavisor_lint.facts.statements import (
    Assign,
    Handler,
    Import,
    ImportFrom,
    Try,
)
from supavisor_lint.facts.tree import Await, Stmt
from supavisor_lint.findings import Fix
from supavisor_lint.flow.shape import Opening, TaskShape
from supavisor_lint.rewrites.base import Context, NoFix, first_that_works
from supavisor_lint.rewrites.failure_update import Site, failure_update
from supavisor_lint.rewrites.handlers import gives_a_value, put_in_try
from supavisor_lint.rewrites.helpers import require_a_helper
from supavisor_lint.rewrites.log_text import Update, handler, recorded
from supavisor_lint.rewrites.logs import logger_of
from supavisor_lint.rewrites.reach import Reach, reads
from supavisor_lint.rewrites.snippets import one_line
from supavisor_lint.rewrites.task_parts import RECORD, appended, body_to_guard, in_body, is_begun, statements_before


@dataclass(frozen=True, slots=True)
class _OwnSession:
    """How an outer handler gets a session of its own, and what it records there."""

    update: Update
    opening: str


def round_everything(context: Context, shape: TaskShape) -> Fix:
    """One handler round the whole body that records the failure on a session of its own."""
    context.refuse_suppressed([shape.function], "SUP401", "SUP404")
    return first_that_works(lambda body: _round(context, shape, body), _bodies_to_guard(shape))


def _round(context: Context, shape: TaskShape, body: list[Stmt]) -> Fix:
    own = _own_session(context, shape, Reach(shape.function, body))
    logger = logger_of(context, shape.function)
    unit = context.source.unit_of(body[0])
    ending = ["raise"] if gives_a_value(shape.function) else []
    lines = [logger.logs.failed, *recorded(own.update, logger.logs, unit, own.opening), *ending]
    edits = put_in_try(context, body, handler(lines, unit, own.update.error))
    return Context.fix("unsafe", f"{RECORD} when `{shape.function.name}` fails", [*edits, *logger.edits])


def _bodies_to_guard(shape: TaskShape) -> Iterator[list[Stmt]]:
    """The statements that an outer `try` may hold, the most of them first.

    Plain assignments and imports at the head may stay outside, so that the handler can use what they bind.
    """
    body = body_to_guard(shape.function)
    while body:
        yield body
        if not isinstance(body[0], Assign | Import | ImportFrom) and not is_log_statement(body[0]):
            return
        if any(isinstance(node, Await) for node in walk(body[0])) or body[0].contains(shape.main_openings[0].node):
            return
        body = body[1:]


def append_to_outer(context: Context, shape: TaskShape, node: Handler) -> Fix:
    """The same, put into an outer handler that stands already and only logs."""
    statement = node.parent
    if not isinstance(statement, Try) or statement.is_star:
        raise NoFix("the handler is one of `except*`")
    own = _own_session(context, shape, Reach(shape.function, statement.body))
    return appended(context, shape, node, own.update, own.opening)


def _own_session(context: Context, shape: TaskShape, reach: Reach) -> _OwnSession:
    """A session opened like one of the task's own, best like that of its last status; raises NoFix."""
    return first_that_works(lambda o: _like(context, shape, reach, o), reversed(shape.main_openings))


def _like(context: Context, shape: TaskShape, reach: Reach, opening: Opening) -> _OwnSession:
    require_a_helper(opening)
    if opening.item is None:
        raise NoFix("the session is not opened by `async with`: a handler could open none like it")
    call = opening.item.context
    update = failure_update(Site(context, shape, reach, opening.key.text))
    imports = list(update.imports)
    for name in reads(call):
        if not reach.has(name, call):
            line = reach.import_of(name)
            if line is None:
                raise NoFix(f"`{name.id}` may not be bound in a handler that opens a session of its own")
            imports.append(line)
    begun = is_begun(context, opening)
    update = replace(update, imports=tuple(dict.fromkeys(imports)), transaction=update.transaction and not begun)
    return _OwnSession(update, one_line(context, call))


def handler_round_everything(shape: TaskShape) -> Handler | None:
    """The broad handler of the outermost `try` that holds all sessions, if the function's body is little else."""
    for statement in shape.function.body:
        if isinstance(statement, Try) and all(in_body(statement, o.node) for o in shape.main_openings):
            before = statements_before(shape.function, statement)
            if all(cannot_fail(s) or is_log_statement(s) or isinstance(s, Assign) for s in before):
                return next((h for h in statement.handlers if is_broad(h)), None)
    return None
