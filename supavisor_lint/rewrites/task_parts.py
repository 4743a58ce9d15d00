"""What the rewrites of tasks have in common: the task of a finding, its body, handlers that stand already."""

from __future__ import annotations

import re
from dataclasses import replace

from supavisor_lint.facts.handlers import is_log_statement
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import (
    FunctionDef,
    Handler,
    Try,
    is_docstring,
)
from supavisor_lint.facts.tree import Stmt
from supavisor_lint.findings import Edit, Fix
from supavisor_lint.flow.shape import Opening, TaskShape
from supavisor_lint.project.tasks import Task
from supavisor_lint.rewrites.base import Context, NoFix
from supavisor_lint.rewrites.handlers import append_to, named
from supavisor_lint.rewrites.log_text import Update, recorded
from supavisor_lint.rewrites.logs import logger_of

RECORD = "Record the failed status"


def task_at(context: Context, function: FunctionDef | None) -> tuple[Task, TaskShape]:
    """The task that a function is, with its shape."""
    task = context.project.task_of(function)
    if task is None:
        raise NoFix("the function is no background task any more")
    return task, context.view.shape(task)


def body_to_guard(function: FunctionDef) -> list[Stmt]:
    """The statements of a function but its docstring and its start log."""
    body = list(function.body)
    start = 1 if is_docstring(body[0], body) else 0
    while start < len(body) - 1 and is_log_statement(body[start]):
        start += 1
    return body[start:]


def statements_before(parent: Node, child: Node) -> list[Stmt]:
    """The statements of a body before one of them."""
    body: tuple[Stmt, ...] = getattr(parent, "body", ())
    return list(body[: next(i for i, s in enumerate(body) if s is child)])


def in_body(statement: Try, node: Node) -> bool:
    """Whether a node stands in the body of a `try`."""
    return any(s.contains(node) for s in statement.body)


def is_begun(context: Context, opening: Opening) -> bool:
    """Whether the session comes with its transaction begun."""
    if opening.item is None:
        return False
    values = context.ev.values(context.file, opening.item.context)
    return context.view.flow.enters_begun(context.file, values)


def appended(
    context: Context, shape: TaskShape, node: Handler, update: Update, opening: str | None, *, rolled_back: bool = False
) -> Fix:
    """The failure update at the end of a handler that stands already."""
    renamed: list[Edit] = []
    if update.error is not None and node.name is not None:
        update = replace(update, statements=tuple(_with_name(s, update.error, node.name) for s in update.statements))
    elif update.error is not None:
        renamed = named(context, node, update.error)
    logger = logger_of(context, shape.function)
    unit = context.source.unit_of(node.body[0])
    lines = recorded(update, logger.logs, unit, opening, rolled_back=rolled_back)
    edits = [*renamed, append_to(context, node, lines), *logger.edits]
    return Context.fix("unsafe", f"{RECORD} when `{shape.function.name}` fails", edits)


def _with_name(statement: str, old: str, new: str) -> str:
    return re.sub(rf"\b{re.escape(old)}\b", new, statement)
