"""Handlers put round statements, and lines put into handlers: the edits that the template's rewrites are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from supavisor_lint.facts.file import block_of, enclosing_function, walk
from supavisor_lint.facts.handlers import enclosing_tries, is_broad, is_log_statement
from supavisor_lint.facts.node import Node
from supavisor_lint.facts.statements import (
    ExprStmt,
    For,
    FunctionDef,
    Handler,
    Raise,
    Return,
    Simple,
    Try,
    While,
    With,
    WithItem,
)
from supavisor_lint.facts.tree import Await, Call, Constant, Stmt
from supavisor_lint.findings import Edit, Span
from supavisor_lint.rewrites.base import Context, NoFix


def put_in_try(context: Context, statements: Sequence[Stmt], handler: Sequence[str], *headers: str) -> list[Edit]:
    """Neighbouring statements in `try:` (and the blocks that `headers` open in it), with a handler behind them."""
    first, last = context.lines_of(statements)
    source = context.source
    indent, unit = source.indent_of(first), source.unit_of(statements[0])
    first, last = context.with_comments_above(first), _with_comments_below(context, last, indent)
    above = [indent + unit * depth + header for depth, header in enumerate(("try:", *headers))]
    return [
        source.insert_lines(first, above),
        *source.indented(first, last, unit * len(above)),
        source.insert_lines(last + 1, [indent + line for line in handler]),
    ]


def _with_comments_below(context: Context, line: int, indent: str) -> int:
    """The last of the comment lines directly below a line that are indented at least like it."""
    source = context.source
    while source.line(line + 1).startswith(indent) and source.line(line + 1).lstrip().startswith("#"):
        line += 1
    return line


def without_items_behind(context: Context, statement: With, item: WithItem) -> tuple[list[Edit], list[str]]:
    """`async with session, block:` cut behind an item: the edit, and the headers for what was behind it."""
    index = statement.items.index(item)
    behind = statement.items[index + 1 :]
    if not behind:
        return [], []
    source = context.source
    start, end = _end(item), _end(behind[-1])
    cut = source.text[source.offset(*start) : source.offset(*end)]
    if "#" in cut:
        raise NoFix(f"a comment stands between the parts of the `async with` in line {statement.span.line}")
    headers = [f"async with {' '.join(source.at(_whole(other)).split())}:" for other in behind]
    return [Edit(Span(*start, *end), "")], headers


def _whole(item: WithItem) -> Span:
    return Span(*min(node.span.start for node in walk(item.context)), *_end(item))


def _end(item: WithItem) -> tuple[int, int]:
    parts = [item.context, *([item.target] if item.target is not None else [])]
    return max(node.span.end for part in parts for node in walk(part))


# ------------------------------------------------------------------------------------------------ existing handlers


def append_to(context: Context, handler: Handler, lines: Sequence[str]) -> Edit:
    """Lines at the end of a handler, before the `raise`, `return`, `break` or `continue` that leaves it."""
    last = handler.body[-1]
    first_line, last_line = context.lines_of([last])
    indent = context.source.indent_of(first_line)
    if is_jump(last):
        return context.source.insert_lines(context.with_comments_above(first_line), [indent + line for line in lines])
    return context.source.insert_lines(
        _with_comments_below(context, last_line, indent) + 1, [indent + line for line in lines]
    )


def is_jump(statement: Stmt) -> bool:
    """Whether a statement leaves the block for good."""
    if isinstance(statement, Simple):
        return statement.keyword in ("break", "continue")
    return isinstance(statement, Raise | Return)


def named(context: Context, handler: Handler, name: str) -> list[Edit]:
    """The edit that gives a handler a name for its exception."""
    source = context.source
    if handler.type is None:
        at = Span(handler.span.line, handler.span.column, handler.span.line, handler.span.column + len("except"))
        return [Edit(at, f"except BaseException as {name}")]
    end = source.offset(*handler.type.span.end)
    colon = re.compile(r"[\s)]*?(?=\s*:)").match(source.text, end)
    if colon is None:
        raise NoFix("the handler has an unusual form")
    at_end = source.position(colon.end())
    return [Edit(Span(*at_end, *at_end), f" as {name}")]


def rolls_back(handler: Handler, session: str) -> bool:
    """Whether a handler rolls the session back, as a statement of its own."""
    for statement in handler.body:
        value = statement.value if isinstance(statement, ExprStmt) else None
        call = value.value if isinstance(value, Await) else None
        text = getattr(getattr(getattr(call, "func", None), "value", None), "id", "")
        if isinstance(call, Call) and getattr(call.func, "attr", "") == "rollback" and text == session:
            return True
    return False


# ------------------------------------------------------------------------------------------------ what comes behind


def gives_a_value(function: FunctionDef) -> bool:
    """Whether a function returns a value, or says so: its caller would take the None of a failure for one."""
    told = function.returns is not None and not (isinstance(function.returns, Constant) and _is_none(function.returns))
    return told or not all(isinstance(result, Constant) and _is_none(result) for result in function.results)


def _is_none(value: Constant) -> bool:
    return value.value is None or value.value == "None"


def how_it_ends(node: Stmt, *, awaited: bool) -> list[str]:
    """How a new handler inside `node` ends, so that what has not run after a failure does not run now.

    `raise` where somebody waits for the error: another handler that does more than log it, or (`awaited`) whoever has
    started the task, or who uses its value.
    `return` where code follows.
    """
    waiting = [h for statement, part in enclosing_tries(node) if part == "body" for h in statement.handlers]
    function = enclosing_function(node)
    if (
        awaited
        or (function is not None and gives_a_value(function))
        or any(not _only_logs(handler) for handler in waiting)
    ):
        return ["raise"]
    return ["return"] if _is_followed(node) else []


def _only_logs(handler: Handler) -> bool:
    return is_broad(handler) and all(_is_quiet(statement) for statement in handler.body)


def _is_quiet(statement: Stmt) -> bool:
    return is_log_statement(statement) or (isinstance(statement, Simple) and statement.keyword == "pass")


def _is_followed(node: Stmt) -> bool:
    child: Node = node
    while child.parent is not None and not isinstance(child, FunctionDef):
        if isinstance(child, Stmt) and block_of(child)[-1] is not child:
            return True
        parent = child.parent
        if isinstance(parent, For | While) or (isinstance(parent, Try) and parent.orelse and child in parent.body):
            return True
        child = parent
    return False
